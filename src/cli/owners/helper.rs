//! The process that looks into other processes when this one no longer can.
//!
//! It is an [`aide`]. A request is 37 octets: what is asked, and two addresses with their ports. There are two
//! questions, of which process a socket is, and who waits on the watched ports, which were settled by
//! the command line. Anything else ends the helper. It answers with a length of four octets and JSON,
//! and ends when this process does.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::aide::{self, Aide};
use crate::cli::{Exit, Ports};
use crate::config::Watch;
use crate::event::Process;
use crate::host;
use crate::identify::Transport;

/// The hidden command's name.
const COMMAND: &str = "__tell-owners";

/// What is asked, and two times 16 octets of address and two of port.
const REQUEST_BYTES: usize = 37;

/// Question: who waits on the watched ports? The addresses mean nothing. The other questions are
/// the numbers of the transports.
const LISTENERS: u8 = 0;

/// Octets of an answer; what is longer is not told.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Sockets told in one answer.
const LISTENERS_MAX: usize = 256;

/// Octets of a command line that are kept: some are longer than all else that is said of a flow.
const COMMAND_LINE_BYTES_MAX: usize = 1024;

/// Frames wait in the ring meanwhile.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A socket that waits, and who holds it.
pub(super) type Listener = (Transport, SocketAddr, Option<Process>);

/// This process's end.
#[derive(Debug)]
pub(super) struct Helper(Aide);

impl Helper {
    /// Starts the helper.
    pub(super) fn start(watch: &Watch) -> io::Result<Self> {
        let aide = Aide::start(COMMAND, ANSWER_MAX, |command| {
            for port in &watch.ports {
                command.arg("--port").arg(port.to_string());
            }
            let (low, high) = (watch.framehawk.start(), watch.framehawk.end());
            command.arg("--framehawk-range").arg(format!("{low}-{high}"));
        });
        aide.map(Self)
    }

    /// The process that holds this end of a flow.
    pub(super) fn owner(
        &self,
        transport: Transport,
        own: SocketAddr,
        other: SocketAddr,
    ) -> io::Result<Option<Process>> {
        self.ask(transport.number(), own, other)
    }

    /// Who waits on the watched ports.
    pub(super) fn listeners(&self) -> io::Result<Vec<Listener>> {
        let nowhere = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
        let rows: Vec<(u8, SocketAddr, Option<Process>)> = self.ask(LISTENERS, nowhere, nowhere)?;
        let known = |(number, local, process)| Some((transport(number)?, local, process));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    fn ask<T: DeserializeOwned>(
        &self,
        question: u8,
        own: SocketAddr,
        other: SocketAddr,
    ) -> io::Result<T> {
        let answered = self.exchange(&request(question, own, other));
        if answered.is_err() {
            self.0.hang_up();
        }
        serde_json::from_slice(&answered?).map_err(io::Error::from)
    }

    fn exchange(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut socket = &self.0.socket;
        socket.write_all(request)?;
        let mut len = [0; 4];
        socket.read_exact(&mut len)?;
        let len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len > ANSWER_BYTES_MAX {
            return Err(io::Error::other("an answer that is too long"));
        }
        let mut answer = vec![0; len];
        socket.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn request(question: u8, own: SocketAddr, other: SocketAddr) -> Vec<u8> {
    let mut octets = vec![question];
    for end in [own, other] {
        let ip = match end.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        octets.extend(ip.octets());
        octets.extend(end.port().to_be_bytes());
    }
    octets
}

/// The addresses of a request.
fn ends(octets: &[u8]) -> Option<[SocketAddr; 2]> {
    let end = |octets: &[u8]| {
        let (ip, port) = octets.split_first_chunk::<16>()?;
        let ip = IpAddr::from(*ip).to_canonical();
        Some(SocketAddr::new(ip, u16::from_be_bytes(*port.first_chunk()?)))
    };
    let (own, other) = octets.split_at_checked(18)?;
    Some([end(own)?, end(other)?])
}

fn transport(number: u8) -> Option<Transport> {
    [Transport::Tcp, Transport::Udp].into_iter().find(|transport| transport.number() == number)
}

/// The helper's side.
#[derive(Debug, Args)]
pub(in crate::cli) struct TellOwners {
    #[command(flatten)]
    ports: Ports,
}

impl TellOwners {
    pub(in crate::cli) fn run(&self) -> Exit {
        aide::serving("the process that looks for processes", |socket| self.serve(&socket))
    }

    fn serve(&self, mut socket: &UnixStream) -> io::Result<()> {
        let watch = self.ports.watch(None);
        while let Some(request) = aide::next_request::<REQUEST_BYTES>(socket)? {
            let answered = match answer(&request, &watch)? {
                // What is not told because it is too long is as if it were not there.
                answer if answer.len() > ANSWER_BYTES_MAX => b"null".to_vec(),
                answer => answer,
            };
            let len = u32::try_from(answered.len()).unwrap_or(u32::MAX);
            match socket.write_all(&[&len.to_le_bytes(), &*answered].concat()) {
                // Who asked has gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
        Ok(())
    }
}

fn answer(request: &[u8; REQUEST_BYTES], watch: &Watch) -> io::Result<Vec<u8>> {
    let [question, octets @ ..] = request;
    let [own, other] = ends(octets).ok_or_else(aide::not_listed)?;
    match (*question, transport(*question)) {
        (LISTENERS, _) => json(&listeners(watch)),
        (_, Some(transport)) => {
            // Sockets that cannot be listed are nobody's.
            let owner = host::owner(transport, own, other).ok().flatten();
            json(&owner.map(shortened))
        }
        (_, None) => Err(aide::not_listed()),
    }
}

fn listeners(watch: &Watch) -> Vec<(u8, SocketAddr, Option<Process>)> {
    let sockets = host::sockets(watch).map(|found| found.sockets).unwrap_or_default();
    let waiting = sockets.into_iter().filter(|socket| {
        socket.state.is_waiting()
            && socket.namespace.is_none()
            && watch.covers(socket.transport, socket.local.port())
    });
    let row = |socket: host::HostSocket| {
        let process = socket.processes.into_iter().next().map(shortened);
        (socket.transport.number(), socket.local, process)
    };
    waiting.take(LISTENERS_MAX).map(row).collect()
}

fn shortened(mut process: Process) -> Process {
    let mut octets = 0_usize;
    process.command_line.retain(|word| {
        octets = octets.saturating_add(word.len());
        octets <= COMMAND_LINE_BYTES_MAX
    });
    process
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_fixed_shape() {
        let own = "10.0.0.9:3243".parse().unwrap();
        let other = "[2001:db8::5]:50123".parse().unwrap();
        let octets = request(6, own, other);
        assert_eq!(octets.len(), REQUEST_BYTES);
        assert_eq!(ends(&octets[1..]), Some([own, other]));
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        for question in (1..=255).filter(|question| ![6, 17].contains(question)) {
            let mut octets = [0; REQUEST_BYTES];
            octets[0] = question;
            assert!(answer(&octets, &Watch::default()).is_err(), "{question}");
        }
    }

    #[test]
    fn the_owner_of_a_socket_is_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(own).unwrap();
        for (end, peer) in
            [(own, client.local_addr().unwrap()), (client.local_addr().unwrap(), own)]
        {
            let octets = request(6, end, peer).try_into().unwrap();
            let said = answer(&octets, &Watch::default()).unwrap();
            let process: Option<Process> = serde_json::from_slice(&said).unwrap();
            assert_eq!(process.unwrap().pid, std::process::id());
        }
        let nobodys = request(17, own, client.local_addr().unwrap()).try_into().unwrap();
        assert_eq!(answer(&nobodys, &Watch::default()).unwrap(), b"null");
    }

    #[test]
    fn long_command_lines_are_cut_between_words() {
        let command_line = vec!["x".repeat(1000), "y".repeat(24), "z".to_owned()];
        let process = shortened(Process { command_line, ..Process::default() });
        assert_eq!(process.command_line.len(), 2);
    }
}
