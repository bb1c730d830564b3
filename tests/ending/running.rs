//! A program that runs: what it is fed, how it is seen to wait, and how it is ended.

use std::fs::{self, File, OpenOptions};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::process::{Pid, Signal};

use crate::support::program::program;
use portstory_testkit::process::{children_started_as, state};

/// The promise.
const END_MAX: Duration = Duration::from_secs(1);

/// How long a condition may take that has nothing to do with the promise, on a busy machine.
const CONDITION_MAX: Duration = Duration::from_secs(120);

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks in a row at which all threads must be asleep.
const ASLEEP_LOOKS: u32 = 12;

pub(crate) fn make_fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR | Mode::ROTH, 0)
        .unwrap();
}

/// A pipe that takes no byte more.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, OFlags::WRONLY | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b' '; 4096]).is_ok() {}
    while writer.write(b" ").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, OFlags::WRONLY).unwrap();
    (reader, writer)
}

/// Takes some bytes out of a pipe.
pub(crate) fn take(reader: &mut PipeReader, bytes: usize) {
    reader.read_exact(&mut vec![0; bytes]).unwrap();
}

/// Whether packets can be captured here. With `PORTSTORY_NEEDS_NETNS` set they must be.
pub(crate) fn may_capture() -> bool {
    portstory_testkit::skip::is_root("a live capture was not ended")
}

/// How many lines of the files whose names begin so hold this.
pub(crate) fn lines_with(word: &str, folder: &Path, begin: &str) -> usize {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(begin);
    let texts = paths.filter(is_one).map(|path| fs::read_to_string(path).unwrap());
    texts.map(|text| text.lines().filter(|line| line.contains(word)).count()).sum()
}

pub(crate) struct Running {
    child: Child,
    folder: tempfile::TempDir,
    args: Vec<String>,
    stdin: Option<ChildStdin>,
    /// Held open.
    fifo: Option<File>,
    stopped: Vec<Pid>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(args, None)
    }

    pub(crate) fn start_writing_to(args: &[&str], stdout: PipeWriter) -> Self {
        Self::spawn(args, Some(stdout))
    }

    fn spawn(args: &[&str], stdout: Option<PipeWriter>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| Stdio::from(File::create(folder.path().join(name)).unwrap());
        // Whoever runs the tests in the background of a script has signals ignored, which is inherited.
        let mut child = Command::new("env")
            .args(["--default-signal", &program()])
            .args(args)
            .stdin(if args.contains(&"-") { Stdio::piped() } else { Stdio::null() })
            .stdout(stdout.map_or_else(|| file("stdout"), Stdio::from))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { child, folder, args, stdin, fifo: None, stopped: Vec::new() }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Writes this to its standard input, which stays open.
    pub(crate) fn fed_by_stdin(mut self, bytes: &[u8]) -> Self {
        self.feed(bytes);
        self
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Writes this to the FIFO that it reads, which stays open.
    pub(crate) fn fed_by_fifo(mut self, fifo: &Path, bytes: &[u8]) -> Self {
        let mut file = OpenOptions::new().write(true).open(fifo).unwrap();
        file.write_all(bytes).unwrap();
        self.fifo = Some(file);
        self
    }

    /// Waits until all threads of it sleep, and go on sleeping.
    pub(crate) fn asleep(self) -> Self {
        self.quiet("wait", ASLEEP_LOOKS, |_| 0)
    }

    /// Waits until it hardly does anything: it may wake up to look at something.
    pub(crate) fn resting(self) -> Self {
        self.quiet("rest", 4 * ASLEEP_LOOKS, |looks| looks.saturating_sub(3))
    }

    /// Waits until so many looks found it asleep; `awake` says how many still count after one did not.
    fn quiet(mut self, what: &str, wanted: u32, awake: fn(u32) -> u32) -> Self {
        let mut looks = 0;
        let began = now();
        while looks < wanted {
            assert!(
                self.is_running(),
                "{:?} ended by itself: {}",
                self.args,
                self.output("stderr")
            );
            looks = if self.sleeps() { looks + 1 } else { awake(looks) };
            assert!(now() - began < CONDITION_MAX, "{:?} does not {what}", self.args);
            thread::sleep(LOOK_EVERY);
        }
        self
    }

    fn sleeps(&self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let mut states = tasks.map(|task| state(&task.unwrap().path()));
        states.all(|state| state == Some('S'))
    }

    /// Waits until it has said something on standard error.
    pub(crate) fn said(self, what: &str) -> Self {
        let began = now();
        while !self.output("stderr").contains(what) {
            assert!(
                now() - began < CONDITION_MAX,
                "it never said {what}: {}",
                self.output("stderr")
            );
            thread::sleep(LOOK_EVERY);
        }
        self
    }

    /// Stops the processes that it has started with this command, so that they answer nothing.
    pub(crate) fn with_stopped_helper(mut self, command: &str) -> Self {
        for child in children_started_as(self.child.id(), command) {
            let child = Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
            rustix::process::kill_process(child, Signal::STOP).unwrap();
            self.stopped.push(child);
        }
        assert!(!self.stopped.is_empty(), "it has no helpers");
        self
    }

    /// Packets to a port that it watches, on this machine.
    pub(crate) fn send_packets(&self) {
        let from = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            from.send_to(b"is anybody there?", "127.0.0.1:3243").unwrap();
        }
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn signalled(mut self, signal: Signal) -> Self {
        self.signal(signal);
        self
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends the signal; it must have ended within a second.
    pub(crate) fn end(mut self, signal: Signal) -> Ended {
        let sent = now();
        self.signal(signal);
        let (status, time) = self.wait(sent);
        println!("{time:?} {:?} {signal:?}", self.args);
        assert!(time <= END_MAX, "{:?} took {time:?} to end by {signal:?}", self.args);
        self.ended_as(status)
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let (status, _) = self.wait(now());
        self.ended_as(status)
    }

    fn wait(&mut self, since: Instant) -> (ExitStatus, Duration) {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, now() - since);
            }
            if now() - since > CONDITION_MAX / 10 {
                self.child.kill().unwrap();
                panic!("{:?} had to be killed: {}", self.args, self.output("stderr"));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn ended_as(&self, status: ExitStatus) -> Ended {
        Ended { status, stdout: self.output("stdout"), stderr: self.output("stderr") }
    }

    fn output(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for helper in &self.stopped {
            let _ = rustix::process::kill_process(*helper, Signal::CONT);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the promise is one of time")]
fn now() -> Instant {
    Instant::now()
}
