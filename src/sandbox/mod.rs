//! Gives up every right that is not needed any more, before the first byte of a stranger's is parsed.
//!
//! [`enter`] is called once, when all handles and outputs are open and no thread was started: rights
//! that are given up belong to a thread, and only those that it starts afterwards inherit the loss.
//! What is given up, one file each:
//!
//! | file | does |
//! |---|---|
//! | `user` | who to become: the user behind sudo, a named account |
//! | `capabilities` | user and groups, capabilities, no-new-privileges |
//! | `landlock` | Landlock: no file but those that are to be read or written, no network, no signals |
//! | `seccomp` | seccomp: an allow-list of system calls; frames cannot be sent, programs not started |
//!
//! Each measure stands alone: where the kernel lacks one, the others work, and the [`Report`] says so.
//! Linux only; elsewhere the report says that nothing was done. `tests/sandbox/` tries to get out.

use std::fmt;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod seccomp;
mod user;

pub use user::User;

/// What will still be needed, and what is to be given up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom a process of root's becomes; `None`: it stays root, without capabilities.
    pub account: Option<User>,
    /// Files and folders that are still to be opened, for reading. Nothing else can be opened.
    pub readable: Vec<PathBuf>,
    /// Descriptors that are never written to: the capture's handles.
    pub receive_only: Vec<RawFd>,
    /// What is done inside.
    pub task: Task,
    /// Which measures are taken; all but for tests.
    pub measures: Measures,
}

/// What a process does once it has dropped its privileges.
#[derive(Clone, Debug, Default)]
pub enum Task {
    /// Parses what strangers wrote, and opens nothing but what is to be read.
    #[default]
    Parse,
    /// Opens, renames and deletes files in these folders, for a process that no longer can. Reads none.
    Write(Vec<Arc<OwnedFd>>),
    /// Looks into /proc, at all processes, for a process that no longer can. Writes nothing. Landlock
    /// would hide the processes from it.
    Look,
}

/// The measures, which tests take one by one to see what each is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measures {
    /// User, groups, capabilities, no-new-privileges.
    pub rights: bool,
    /// Landlock.
    pub paths: bool,
    /// seccomp.
    pub calls: bool,
}

impl Measures {
    /// All of them.
    pub const ALL: Self = Self { rights: true, paths: true, calls: true };
}

impl Plan {
    /// Gives up everything.
    pub fn new(account: Option<User>) -> Self {
        Self {
            account,
            readable: Vec::new(),
            receive_only: Vec::new(),
            task: Task::Parse,
            measures: Measures::ALL,
        }
    }
}

/// What was given up, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Restrictions that hold from now on, each a phrase.
    pub active: Vec<String>,
    /// What is kept because it is needed, or because nobody but root can give it up and it is of no use;
    /// each a phrase.
    pub kept: Vec<String>,
    /// Restrictions that could not be had, each a phrase with the reason.
    pub missing: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |phrases: &[String]| {
            if phrases.is_empty() { "nothing".to_owned() } else { phrases.join("; ") }
        };
        write!(f, "dropped: {}", or_none(&self.active))?;
        if !self.kept.is_empty() {
            write!(f, "; kept: {}", self.kept.join("; "))?;
        }
        if self.missing.is_empty() {
            Ok(())
        } else {
            write!(f, "; unavailable: {}", or_none(&self.missing))
        }
    }
}

/// Gives up what the plan does not keep. There is no way back.
#[cfg(target_os = "linux")]
pub fn enter(plan: &Plan) -> Report {
    let mut report = Report::default();
    if let Some(threads) = threads().filter(|&threads| threads != 1) {
        report.missing.push(format!("all of it for {} other threads", threads.saturating_sub(1)));
    }
    let Measures { rights, paths, calls } = plan.measures;
    // Landlock's descriptors are made with the rights of before: a folder may be root's.
    let rules = paths.then(|| landlock::Rules::new(plan)).flatten();
    if rights {
        capabilities::drop(plan, &mut report);
    }
    if let Task::Look = plan.task {
        report.kept.push("reading files (Landlock would hide the processes)".to_owned());
    }
    match rules.map(|rules| rules.and_then(landlock::Rules::enforce)) {
        None => {}
        Some(Ok(phrase)) => report.active.push(phrase),
        Some(Err(reason)) => report.missing.push(format!("Landlock ({reason})")),
    }
    // Last: what the others need is not on the list.
    if calls {
        match seccomp::enforce(plan) {
            Ok(phrase) => report.active.push(phrase),
            Err(reason) => report.missing.push(format!("seccomp ({reason})")),
        }
    }
    report
}

/// There is nothing to give up with.
#[cfg(not(target_os = "linux"))]
pub fn enter(_: &Plan) -> Report {
    Report {
        missing: vec!["everything (only Linux has the means that are used)".to_owned()],
        ..Report::default()
    }
}

#[cfg(target_os = "linux")]
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}
