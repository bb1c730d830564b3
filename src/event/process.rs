//! The process behind an end of a flow: plain data that an edge fills in.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A process as it was when it was looked at. What could not be seen is empty.
///
/// Its name, command line and user are whatever its owner chose: strangers' text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The system's number for it.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// Path of the program.
    pub executable: Option<String>,
    /// The command line, its words apart.
    pub command_line: Vec<String>,
    /// The account that it acts as; the account's number where that has no name here.
    pub user: Option<String>,
    /// The systemd unit that it belongs to.
    pub unit: Option<String>,
    /// The container that it runs in: engine and the beginning of its id, or its name.
    pub container: Option<String>,
    /// Services that share this process (Windows: `svchost`).
    pub services: Vec<String>,
    /// When it started.
    pub started: Option<Timestamp>,
}
