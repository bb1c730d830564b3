//! A running program that makes system calls of a test's choosing, by ptrace(2): what somebody could do
//! who has taken it over.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::user_regs_struct;
use nix::sys::ptrace::{self, Options};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};

/// Bytes below the stack that the program does not use, and how far apart what is written there is.
const SCRATCH_BELOW: u64 = 1 << 16;
const SCRATCH_STEP: u64 = 512;

/// A process that is stopped at a system call.
pub(crate) struct Puppet {
    pid: Pid,
    memory: File,
    registers: user_regs_struct,
    /// Whether it is about to make a call of its own, whose place another can take.
    is_entering: bool,
}

/// How a stopped process came to that.
enum Stopped {
    Syscall,
    /// By an event of ptrace(2), such as execve(2).
    Event(i32),
    Signal(i32),
    /// It is no more: the signal that ended it.
    Over(Option<i32>),
}

/// What came of a system call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Works(u64),
    Fails(Errno),
    /// The kernel ended the process for it.
    Ends(i32),
    /// It is another program now.
    Executes,
}

fn of_nix(pid: Pid) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get())
}

fn wait(pid: Pid) -> Stopped {
    let Ok(Some((_, status))) = waitpid(Some(pid), WaitOptions::empty()) else {
        return Stopped::Over(None);
    };
    let Some(signal) = status.stopping_signal() else {
        return Stopped::Over(status.terminating_signal());
    };
    let event = status.as_raw() >> 16;
    if event != 0 {
        Stopped::Event(event)
    } else if signal == Signal::TRAP.as_raw() | 0x80 {
        Stopped::Syscall
    } else {
        Stopped::Signal(signal)
    }
}

/// Lets it go on to its next system call, in or out.
fn go_on(pid: Pid) -> Stopped {
    let mut signal = None;
    loop {
        if ptrace::syscall(of_nix(pid), signal).is_err() {
            return wait(pid);
        }
        match wait(pid) {
            Stopped::Signal(number) => signal = nix::sys::signal::Signal::try_from(number).ok(),
            stop @ (Stopped::Syscall | Stopped::Event(_) | Stopped::Over(_)) => return stop,
        }
    }
}

/// Whether it is stopped before a call, not after one: the kernel has put this into the place of the
/// result.
fn is_entering(pid: Pid) -> bool {
    let registers = ptrace::getregs(of_nix(pid)).unwrap();
    registers.rax.cast_signed() == -i64::from(Errno::ENOSYS as i32)
}

fn is_confined(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    status.is_ok_and(|status| status.lines().any(|line| line == "Seccomp:\t2"))
}

/// Whether the call that it has just made is to end it: SIGSYS is pending, and the result is none.
fn is_doomed(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let pending = status.lines().find_map(|line| line.strip_prefix("SigPnd:")).unwrap();
    let pending = u64::from_str_radix(pending.trim(), 16).unwrap();
    pending & (1 << (Signal::SYS.as_raw() - 1)) != 0
}

/// The instruction `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

impl Puppet {
    /// Takes over a process where it waits, or else at its next system call.
    pub(crate) fn take(pid: Pid) -> Self {
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC;
        ptrace::seize(of_nix(pid), options).unwrap();
        ptrace::interrupt(of_nix(pid)).unwrap();
        assert!(matches!(wait(pid), Stopped::Event(_)), "it was not stopped");
        let puppet = Self::stopped(pid, false);
        if puppet.is_in_a_call() {
            return puppet;
        }
        loop {
            match go_on(pid) {
                Stopped::Syscall => return Self::stopped(pid, is_entering(pid)),
                Stopped::Event(_) | Stopped::Signal(_) => {}
                Stopped::Over(_) => panic!("it ended before it made a call"),
            }
        }
    }

    /// Whether the instruction before is one by which a process comes into the kernel.
    fn is_in_a_call(&self) -> bool {
        let mut bytes = [0; 2];
        self.memory.read_exact_at(&mut bytes, self.registers.rip - 2).is_ok() && bytes == SYSCALL
    }

    fn stopped(pid: Pid, is_entering: bool) -> Self {
        let path = format!("/proc/{}/mem", pid.as_raw_nonzero());
        let memory = File::options().read(true).write(true).open(path).unwrap();
        let registers = ptrace::getregs(of_nix(pid)).unwrap();
        Self { pid, memory, registers, is_entering }
    }

    /// Lets it run until it is to open this file, and has dropped its privileges where that is wanted.
    /// `begin` is called when it is ready to be started. None where it ended before.
    pub(crate) fn at_opening(
        pid: Pid,
        file: &Path,
        confined: bool,
        begin: impl FnOnce(),
    ) -> Option<Self> {
        let mut puppet = Self::take(pid);
        begin();
        loop {
            match go_on(pid) {
                Stopped::Over(_) => return None,
                Stopped::Event(_) | Stopped::Signal(_) => {
                    puppet = Self::stopped(pid, false);
                    continue;
                }
                Stopped::Syscall => {}
            }
            let registers = ptrace::getregs(of_nix(pid)).unwrap();
            let path = match registers.orig_rax.cast_signed() {
                nix::libc::SYS_openat => registers.rsi,
                nix::libc::SYS_open => registers.rdi,
                _ => continue,
            };
            if is_entering(pid)
                && puppet.reads(path) == file.to_str()
                && is_confined(pid) == confined
            {
                return Some(Self::stopped(pid, true));
            }
        }
    }

    fn reads(&self, address: u64) -> Option<&'static str> {
        let mut bytes = [0; 512];
        let read = self.memory.read_at(&mut bytes, address).ok()?;
        let end = bytes[..read].iter().position(|&byte| byte == 0)?;
        // A test may leak what little that is.
        Some(Box::leak(String::from_utf8_lossy(&bytes[..end]).into_owned().into_boxed_str()))
    }

    /// Ends it, and with it whatever it does to others.
    pub(crate) fn end(&self) {
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
        while !matches!(wait(self.pid), Stopped::Over(_)) {}
    }

    /// Puts these bytes where the process can point to them, `place` counting from 0.
    pub(crate) fn put(&self, place: u64, bytes: &[u8]) -> u64 {
        let address = self.registers.rsp - SCRATCH_BELOW + place * SCRATCH_STEP;
        let address = address & !15;
        assert!(bytes.len() < SCRATCH_STEP as usize);
        self.memory.write_all_at(&[bytes, &[0]].concat(), address).unwrap();
        address
    }

    /// Has it make a system call.
    pub(crate) fn call(&mut self, number: i64, arguments: [u64; 6]) -> Outcome {
        let mut registers = self.registers;
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        let number = number.cast_unsigned();
        user_regs_struct { rdi, rsi, rdx, r10, r8, r9, ..registers }.clone_into(&mut registers);
        if self.is_entering {
            registers.orig_rax = number;
        } else {
            // The instruction before is the one by which it came into the kernel.
            registers.rip -= 2;
            registers.rax = number;
            registers.orig_rax = u64::MAX;
        }
        ptrace::setregs(of_nix(self.pid), registers).unwrap();
        let mut stops = if self.is_entering { 1 } else { 2 };
        self.is_entering = false;
        loop {
            match go_on(self.pid) {
                Stopped::Over(signal) => return Outcome::Ends(signal.unwrap_or_default()),
                Stopped::Event(nix::libc::PTRACE_EVENT_EXEC) => return Outcome::Executes,
                Stopped::Event(_) | Stopped::Signal(_) => continue,
                Stopped::Syscall => stops -= 1,
            }
            if stops == 0 {
                break;
            }
        }
        if is_doomed(self.pid) {
            let Stopped::Over(signal) = go_on(self.pid) else { panic!("it outlived SIGSYS") };
            return Outcome::Ends(signal.unwrap_or_default());
        }
        let result = ptrace::getregs(of_nix(self.pid)).unwrap().rax;
        match i32::try_from(result.cast_signed()) {
            Ok(error @ -4095..=-1) => Outcome::Fails(Errno::from_raw(-error)),
            Ok(_) | Err(_) => Outcome::Works(result),
        }
    }
}
