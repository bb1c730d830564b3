//! The process behind an end of a flow: plain data that an edge fills in.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A process as it was when it was looked at. What could not be seen is empty.
///
/// Its name, command line and user are whatever its owner chose: strangers' text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// The system's number for it.
    pub pid: u32,
    /// Its short name, which it can change.
    pub name: String,
    /// Path of the program, which it cannot change.
    pub executable: Option<String>,
    /// Whether that file was deleted since the program was started, or never had a name (memfd).
    pub executable_deleted: bool,
    /// Whether the short name or the first word of the command line is not that of the executable,
    /// nor of a link to it or a script that it runs.
    pub name_mismatch: bool,
    /// The command line, its words apart.
    pub command_line: Vec<String>,
    /// The account that it acts as; the account's number where that has no name here.
    pub user: Option<String>,
    /// Who started it, or took it over.
    pub parent: Option<Parent>,
    /// The systemd unit that it belongs to.
    pub unit: Option<String>,
    /// The container that it runs in: engine and the beginning of its id, or its name.
    pub container: Option<String>,
    /// Services that share this process (Windows: `svchost`).
    pub services: Vec<String>,
    /// When it started.
    pub started: Option<Timestamp>,
}

/// The parent of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The system's number for it.
    pub pid: u32,
    /// Its short name, which it can change.
    pub name: String,
}

/// Why no process is named at an end that is this machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProcessMissing {
    /// No socket is there: nobody listens.
    Nobody,
    /// There is a socket, and whoever holds it may not be looked at with the rights at hand, is
    /// outside this PID namespace, or is the kernel itself.
    NotVisible {
        /// The account that the socket belongs to, where the system says so.
        user: Option<String>,
    },
    /// The socket was gone before it was looked for.
    Gone,
    /// The lookup did not come to it in time.
    Unanswered,
    /// It was not looked for: too many flows at a time, or `--processes=listeners`.
    NotAsked,
}

impl ProcessMissing {
    /// The word used in EVE and CSV.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NotVisible { .. } => "not_visible",
            Self::Gone => "gone",
            Self::Unanswered => "unanswered",
            Self::NotAsked => "not_asked",
        }
    }

    /// The account that a socket belongs to whose process is not visible.
    pub fn socket_user(&self) -> Option<&str> {
        match self {
            Self::NotVisible { user } => user.as_deref(),
            Self::Nobody | Self::Gone | Self::Unanswered | Self::NotAsked => None,
        }
    }
}
