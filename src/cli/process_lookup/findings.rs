//! What does not fit together at the end of a capture: traffic that nobody here listens for, and who
//! listens without any.

use std::net::SocketAddr;

use super::{ProcessLookup, address};
use crate::host;
use portstory_core::Transport;
use portstory_core::event::ProcessMissing;

impl ProcessLookup {
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
            let had_traffic = self
                .services
                .keys()
                .any(|(of, socket)| of == transport && is_taken_by(*local, address(*socket)));
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

/// Whether what is sent to this address goes to a socket that is bound there.
fn is_taken_by(local: SocketAddr, to: SocketAddr) -> bool {
    local.port() == to.port() && host::waits_for(local, to)
}

fn name(transport: Transport, address: SocketAddr) -> String {
    format!("{address}/{}", transport.keyword())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_ipv4_takes_nothing_of_ipv6() {
        let taken =
            |local: &str, to: &str| is_taken_by(local.parse().unwrap(), to.parse().unwrap());
        assert!(
            taken("0.0.0.0:3243", "192.0.2.1:3243") && taken("[::]:3243", "[2001:db8::1]:3243")
        );
        // Bound to any IPv6 address it mostly takes IPv4, too.
        assert!(taken("[::]:3243", "192.0.2.1:3243"));
        assert!(!taken("0.0.0.0:3243", "[2001:db8::1]:3243"));
        assert!(!taken("0.0.0.0:3243", "192.0.2.1:3244"));
        assert!(!taken("192.0.2.2:3243", "192.0.2.1:3243"));
    }
}
