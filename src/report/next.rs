//! What to do next, on which machine, with the addresses and ports of the case filled in.
//!
//! All of it is made of addresses and numbers, so that it can be pasted into a shell. Nothing here is
//! run.

use super::Report;
use crate::output::wireshark;
use portstory_core::{Label, Socket, Transport};

/// Steps for one kind of machine.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub(super) title: &'static str,
    /// What each is for, and the command where there is one.
    pub(super) steps: Vec<Step>,
}

/// What to do, and the command that does it, where one does.
type Step = (String, Option<String>);

impl Report {
    /// What to do next; empty where nothing was seen.
    pub(super) fn next_steps(&self) -> Vec<Steps> {
        let Some((server, client, transport)) = self.subject() else { return Vec::new() };
        let (addr, port) = (server.addr, server.port);
        let is_tcp = transport == Transport::Tcp;
        let v6 = addr.is_ipv6();
        let (flag, lsof, protocol) = if is_tcp { ("t", "TCP", "tcp") } else { ("u", "UDP", "udp") };
        let bracketed = if v6 { format!("[{addr}]") } else { addr.to_string() };

        let linux = vec![
            step(
                &format!("On {addr}: the process behind the port"),
                format!("sudo ss -{flag}anpe 'sport = :{port}'"),
            ),
            step(
                "The same with its user, unit and container",
                format!("sudo portstory who --port {port}"),
            ),
            step("The same by open files", format!("sudo lsof -nP -i{lsof}:{port}")),
            step(
                &format!("On the client {}: who talks to it", client.addr),
                format!("sudo ss -{flag}anp 'dst {bracketed}:{port}'"),
            ),
        ];
        let mac = vec![
            step("The process behind the port", format!("sudo lsof -nP -i{lsof}:{port}")),
            step("Its sockets", format!("netstat -anv -p {protocol} | grep '[.]{port} '")),
        ];
        let table = format!("{lsof}{}", if v6 { "v6" } else { "" });
        let powershell = if is_tcp {
            format!(
                "Get-NetTCPConnection -LocalPort {port} | Select-Object LocalAddress, RemoteAddress, State, OwningProcess, CreationTime"
            )
        } else {
            format!(
                "Get-NetUDPEndpoint -LocalPort {port} | Select-Object LocalAddress, OwningProcess, CreationTime"
            )
        };
        let windows = vec![
            step(
                "The process id is in the last column",
                format!("netstat -ano -p {table} | findstr \":{port} \""),
            ),
            step(
                "Its program and services, with that number for PID",
                "tasklist /svc /fi \"PID eq PID\"".to_owned(),
            ),
            step("Both at once, in PowerShell", powershell),
        ];
        let scan = match (is_tcp, v6) {
            (true, false) => format!("nmap -Pn -sV --version-all -p {port} {addr}"),
            (true, true) => format!("nmap -6 -Pn -sV --version-all -p {port} {addr}"),
            (false, false) => format!("sudo nmap -Pn -sU -sV --version-all -p {port} {addr}"),
            (false, true) => format!("sudo nmap -6 -Pn -sU -sV --version-all -p {port} {addr}"),
        };
        let ask = vec![step(
            "Sends packets, which portstory never does: only with the consent of whoever owns the machine. \
             It asks the service what it is",
            scan,
        )];
        let mut all = vec![
            Steps { title: "Wireshark", steps: self.look(server, transport) },
            Steps { title: "Linux", steps: linux },
            Steps { title: "macOS", steps: mac },
            Steps { title: "Windows", steps: windows },
            Steps { title: "Ask the service itself", steps: ask },
        ];
        if self.concerns_citrix() {
            all.insert(1, Steps { title: "Citrix", steps: citrix(&addr.to_string(), port) });
        }
        if let Some(unkept) = &self.summary.unkept {
            let why = format!("Record again with whole frames: {}", unkept.reason());
            let again = vec![step(&why, unkept.command())];
            all.insert(0, Steps { title: "Capture", steps: again });
        }
        all
    }

    fn look(&self, server: Socket, transport: Transport) -> Vec<Step> {
        let filter = wireshark::endpoint_filter(server, transport);
        let mut steps = vec![step("Display filter: all of this service", filter)];
        if let Some(card) = self.cards.first() {
            steps.push(step(
                "Display filter: the flow of the first card and no other",
                wireshark::flow_filter(&card.flow),
            ));
            steps.push(step(
                "Every rule that was weighed, and what another label would have needed (FILES: as below)",
                format!("portstory why FILES --flow {}", card.flow.flow_id),
            ));
        }
        steps
    }

    /// Whether Framehawk is a question at all: a flow is labelled so, or one that nothing identifies is
    /// in its range.
    fn concerns_citrix(&self) -> bool {
        let range = &self.summary.watch.framehawk;
        self.cards.iter().any(|card| {
            let flow = &card.flow;
            match flow.verdict.label {
                Label::CitrixFramehawk => true,
                Label::TimelotUnknown => {
                    flow.transport == Transport::Udp && range.contains(&flow.server.port)
                }
                Label::Other => false,
            }
        })
    }
}

fn citrix(addr: &str, port: u16) -> Vec<Step> {
    vec![
        step(
            "On a Delivery Controller: the VDA's version. From 1903 on there is no Framehawk",
            format!(
                "Get-BrokerMachine -IPAddress {addr} | Select-Object MachineName, AgentVersion, SessionCount"
            ),
        ),
        (
            format!(
                "In Citrix Studio: the policies \"Framehawk display channel\" (off by default) and \
                 \"Framehawk display channel port range\" (default 3224,3324): is it on, and is {port} in it?"
            ),
            None,
        ),
        (
            "In Citrix Director, in the details of the user's session: the graphics metric says \
             \"Graphics - Framehawk\" where Framehawk is in use"
                .to_owned(),
            None,
        ),
        step(
            "Tell portstory what was found, and read the capture again (site.toml: see docs/guide.md)",
            "portstory report --site site.toml FILES -o report.html".to_owned(),
        ),
    ]
}

fn step(what: &str, command: String) -> Step {
    (what.to_owned(), Some(command))
}
