//! A running program and what can be waited for: tests wait for conditions, never for a time.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// After so long a condition does not come any more: the test fails. Nothing waits for it otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A child whose standard error is read line by line; killed when it goes.
pub struct Running {
    /// The process.
    pub child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    /// Takes over a child that was started with its standard error piped.
    pub fn of(mut child: Child) -> Self {
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The next line on standard error.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.log.read_line(&mut line).unwrap() > 0, "it ended");
        line
    }

    /// Waits until the program catches this signal, which would end it otherwise.
    pub fn catches(&self, signal: Signal) {
        let bit = 1_u64 << (signal.as_raw() - 1);
        let path = format!("/proc/{}/status", self.child.id());
        until(&format!("{signal:?} is caught"), || {
            let status = std::fs::read_to_string(&path).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            (u64::from_str_radix(caught.trim(), 16).unwrap() & bit != 0).then_some(())
        });
    }

    /// Waits until it has read so many frames, as its statistics (SIGUSR1) say.
    pub fn has_read(&mut self, frames: usize) {
        self.catches(Signal::USR1);
        let wanted = format!("{frames} frames, ");
        until(&format!("{frames} frames are read"), || {
            self.signal(Signal::USR1);
            let line = self.line();
            line.contains(&wanted).then_some(())
        });
    }

    /// Waits for its end: how it ended, and what it still said on standard error.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state of a process or thread, by the letter that proc_pid_stat(5) has behind the name in brackets;
/// none where it has gone. `folder` is its own below /proc.
pub fn state(folder: &Path) -> Option<char> {
    let stat = std::fs::read_to_string(folder.join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
}

/// The children of a process whose command lines hold this word.
pub fn children_started_as(parent: u32, word: &str) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
    let is_one = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains(word))
    };
    pids.filter(is_one).collect()
}

/// Asks again and again until there is an answer.
#[expect(clippy::disallowed_methods, reason = "a test that never ends says nothing")]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
