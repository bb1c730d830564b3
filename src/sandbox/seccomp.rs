//! seccomp (seccomp(2)): which system calls can be made from here on.
//!
//! Three filters, of which the strictest answer counts:
//!
//! 1. What only an intruder would ask for (starting a program, looking into another process, changing
//!    the user, loading code into the kernel) ends the process at once; the kernel logs it.
//! 2. `clone3` does not exist: its arguments cannot be looked at, and the C library then takes `clone`,
//!    which is allowed for threads and for nothing else.
//! 3. An allow-list of what the program, the C library and the allocator need; anything else fails with
//!    EPERM, so that a newer library that tries something harmless goes on without it.
//!
//! Not even what is allowed is allowed with all arguments: files are opened for reading only, no memory
//! becomes executable, and nothing is written to a capture's handle. No call on the list makes a second
//! descriptor of a first, so that this cannot be got round.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use super::{Plan, Task};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Ends the process.
const DEADLY: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
];

/// Allowed whatever the arguments.
const ALLOWED: &[c_long] = &[
    // Files that are open, and what tells of files.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv2,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    // What realpath asks of a folder that is named with a slash at its end.
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fadvise64,
    // Waiting, and sockets that are open.
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_shutdown,
    // Memory.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Threads.
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_membarrier,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals to itself.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Who am I.
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_uname,
];

/// Older names that only this processor has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_poll,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// Calls that write to a descriptor, their first argument.
const WRITING: &[c_long] =
    &[libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64, libc::SYS_sendto];

/// Puts the filters into force, and says what they are.
pub(super) fn enforce(plan: &Plan) -> Result<String, String> {
    let filters = build(plan).map_err(|error| error.to_string())?;
    for filter in &filters {
        apply_filter(filter).map_err(|error| error.to_string())?;
    }
    Ok("system calls but those needed (seccomp)".to_owned())
}

fn build(plan: &Plan) -> Result<[BpfProgram; 3], BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = |rules, otherwise, then| -> Result<BpfProgram, BackendError> {
        SeccompFilter::new(rules, otherwise, then, arch)?.try_into()
    };
    let any = |calls: &[c_long]| -> Rules { calls.iter().map(|&call| (call, vec![])).collect() };
    Ok([
        filter(any(DEADLY), SeccompAction::Allow, SeccompAction::KillProcess)?,
        filter(any(&[libc::SYS_clone3]), SeccompAction::Allow, errno(libc::ENOSYS))?,
        filter(allowed(plan)?, errno(libc::EPERM), SeccompAction::Allow)?,
    ])
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

fn allowed(plan: &Plan) -> Result<Rules, BackendError> {
    let mut rules: Rules =
        ALLOWED.iter().chain(ALLOWED_HERE).map(|&call| (call, Vec::new())).collect();
    if plan.receive_only.is_empty() {
        rules.extend(WRITING.iter().map(|&call| (call, Vec::new())));
    } else {
        for &call in WRITING {
            rules.insert(call, vec![writes_elsewhere(&plan.receive_only)?]);
        }
    }
    match &plan.task {
        Task::Parse if plan.readable.is_empty() => {}
        Task::Parse => {
            // What a zip holds is unpacked by a thread, through a pipe.
            rules.insert(libc::SYS_pipe2, Vec::new());
            open_for_reading(&mut rules)?;
        }
        Task::Write(_) => rules.extend(FOR_WRITING.iter().map(|&call| (call, Vec::new()))),
        Task::Look => {
            rules.insert(libc::SYS_pidfd_open, Vec::new());
            open_for_reading(&mut rules)?;
        }
    }
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![without(2, libc::PROT_EXEC)?]);
    }
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let is_thread = condition(0, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_thread])?]);
    // abort(3) sends itself a signal.
    rules.insert(libc::SYS_tgkill, vec![equals(0, u64::from(std::process::id()))?]);
    rules.insert(libc::SYS_prctl, equal_to_one(0, &[libc::PR_SET_NAME, libc::PR_SET_VMA])?);
    // F_DUPFD is not among them: a copy of a descriptor would have another number.
    let controls = [libc::F_GETFL, libc::F_SETFL, libc::F_GETFD, libc::F_SETFD];
    rules.insert(libc::SYS_fcntl, equal_to_one(1, &controls)?);
    let terminal = [libc::TCGETS, libc::TIOCGWINSZ];
    let asks = terminal.iter().map(|&request| equals(1, request)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, asks);
    // Asking for limits, not setting them.
    rules.insert(libc::SYS_prlimit64, vec![equals(2, 0)?]);
    Ok(rules)
}

/// What a process needs that opens files for another: it hands over their descriptors.
const FOR_WRITING: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_sendmsg,
];

fn open_for_reading(rules: &mut Rules) -> Result<(), BackendError> {
    rules.insert(libc::SYS_openat, vec![without(2, OPENS_FOR_WRITING)?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, vec![without(1, OPENS_FOR_WRITING)?]);
    Ok(())
}

const OPENS_FOR_WRITING: i32 = libc::O_WRONLY
    | libc::O_RDWR
    | libc::O_CREAT
    | libc::O_TRUNC
    | libc::O_APPEND
    | (libc::O_TMPFILE & !libc::O_DIRECTORY);

fn writes_elsewhere(receive_only: &[RawFd]) -> Result<SeccompRule, BackendError> {
    let not_these = receive_only.iter().map(|fd| {
        let fd = u64::from(fd.unsigned_abs());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, fd)
    });
    SeccompRule::new(not_these.collect::<Result<_, _>>()?)
}

/// None of these bits in an argument.
fn without(argument: u8, bits: i32) -> Result<SeccompRule, BackendError> {
    let mask = u64::from(bits.unsigned_abs());
    SeccompRule::new(vec![condition(argument, SeccompCmpOp::MaskedEq(mask), 0)?])
}

fn equals(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition(argument, SeccompCmpOp::Eq, value)?])
}

fn equal_to_one(argument: u8, values: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    values.iter().map(|value| equals(argument, u64::from(value.unsigned_abs()))).collect()
}

fn condition(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, op, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_allowed_and_deadly() {
        let allowed = allowed(&Plan::new(None)).unwrap();
        assert!(DEADLY.iter().all(|call| !allowed.contains_key(call)));
    }

    #[test]
    fn nothing_on_the_list_copies_a_descriptor_or_makes_a_socket() {
        let allowed = allowed(&Plan::new(None)).unwrap();
        let copies = [
            libc::SYS_dup,
            libc::SYS_dup3,
            libc::SYS_sendmsg,
            libc::SYS_sendmmsg,
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_setsockopt,
            libc::SYS_splice,
            libc::SYS_sendfile,
            libc::SYS_kill,
            libc::SYS_openat,
        ];
        assert!(copies.iter().all(|call| !allowed.contains_key(call)));
    }

    #[test]
    fn the_filters_build_with_and_without_handles() {
        let mut plan = Plan::new(None);
        assert!(build(&plan).is_ok());
        plan.receive_only = (3..40).collect();
        plan.readable.push("/tmp".into());
        assert!(build(&plan).is_ok());
    }
}
