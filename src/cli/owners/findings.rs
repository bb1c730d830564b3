//! What does not fit together at the end of a capture: traffic that nobody here listens for, and who
//! listens without any.

use std::net::SocketAddr;

use super::{Owners, address};
use crate::event::ProcessMissing;
use crate::identify::Transport;

impl Owners {
    /// The findings, a sentence each.
    pub(in crate::cli) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for ((transport, socket), found) in &self.services {
            let place = name(*transport, address(*socket));
            match found {
                Err(ProcessMissing::Nobody) => findings.push(format!(
                    "traffic to {place} on this machine, where no process was seen to listen"
                )),
                Err(ProcessMissing::NotVisible { user }) => {
                    let user =
                        user.as_ref().map_or(String::new(), |user| format!(" of user {user}"));
                    findings.push(format!(
                        "traffic to {place} on this machine: a socket{user} listens there, whose process \
                         is not visible with the rights of this capture"
                    ));
                }
                Ok(_)
                | Err(
                    ProcessMissing::Gone | ProcessMissing::Unanswered | ProcessMissing::NotAsked,
                ) => {}
            }
        }
        for (transport, local, process) in &self.listeners {
            let had_traffic = self.services.keys().any(|(of, socket)| {
                of == transport
                    && socket.port == local.port()
                    && (local.ip().is_unspecified() || local.ip() == socket.addr)
            });
            if !had_traffic {
                let holder = process
                    .as_ref()
                    .map_or("a process that is not visible".to_owned(), |process| {
                        format!("{} (PID {})", process.name, process.pid)
                    });
                findings.push(format!(
                    "{holder} listens on {} and had no traffic in this capture",
                    name(*transport, *local)
                ));
            }
        }
        findings
    }
}

fn name(transport: Transport, address: SocketAddr) -> String {
    format!("{address}/{}", transport.name().to_lowercase())
}
