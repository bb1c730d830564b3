//! Sockets by the kernel's own index of them (sock_diag(7)): one by its two ends, or all that wait.
//!
//! One question takes the kernel some microseconds, however many sockets and processes there are.
//! It needs no rights.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::netlink::SOCK_DIAG;

use super::netlink::{ALL, Netlink, ONE};
use crate::host::canonical;
use crate::netlink::native32;
use portstory_core::Transport;
use portstory_core::internal::wire::Cursor;

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;

/// `TCPDIAG_GETSOCK`: the older request, which takes both families in one walk through the index.
const BOTH_FAMILIES: u16 = 18;

/// `AF_INET` and `AF_INET6` of Linux.
const FAMILIES: [u8; 2] = [2, 10];

/// States of sockets by their bits (`include/net/tcp_states.h`); UDP uses the first and the seventh.
const ESTABLISHED: u8 = 1;
const CLOSED: u8 = 7;
const LISTEN: u8 = 10;
const EVERY_STATE: u32 = 0xfff;

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    /// The other end of a connected one.
    pub(super) remote: Option<SocketAddr>,
    /// Whether it takes what comes from anybody.
    pub(super) waits: bool,
    /// Whose it is.
    pub(super) uid: Option<u32>,
    /// 0 where no process holds it any more, as in TIME-WAIT.
    pub(super) inode: u64,
}

/// The kernel's index of one network namespace.
#[derive(Debug)]
pub(super) struct Diag(Netlink);

impl Diag {
    /// Opens that of the thread's network namespace.
    ///
    /// # Errors
    ///
    /// The system's, also where the kernel was built without it.
    pub(super) fn open() -> io::Result<Self> {
        let mut diag = Self(Netlink::open(Some(SOCK_DIAG))?);
        diag.waiting()?;
        Ok(diag)
    }

    /// The socket with these ends, or else the one that waits there.
    pub(super) fn find(
        &mut self,
        transport: Transport,
        own: SocketAddr,
        other: SocketAddr,
    ) -> io::Result<Option<Entry>> {
        let is_own = |entry: &Entry| entry.local.port() == own.port();
        // Of UDP most kernels want the ends as an arriving packet has them, and some the other way
        // round.
        if transport == Transport::Udp
            && let Some(found) = self.one(transport, other, own)?.filter(is_own)
        {
            return Ok(Some(found));
        }
        Ok(self.one(transport, own, other)?.filter(is_own))
    }

    fn one(
        &mut self,
        transport: Transport,
        from: SocketAddr,
        to: SocketAddr,
    ) -> io::Result<Option<Entry>> {
        let family = family(from);
        let request = request(family, transport, EVERY_STATE, from, to);
        let mut found = None;
        let asked = self.0.ask(BY_FAMILY, ONE, &request, &mut |_, body| {
            found = entry(transport, body);
        });
        match asked {
            Ok(()) => Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All sockets that wait for connections, and all of UDP.
    pub(super) fn waiting(&mut self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for family in FAMILIES {
            self.list(family, Transport::Tcp, 1 << LISTEN, 0, &mut found)?;
            self.list(family, Transport::Udp, 1 << ESTABLISHED | 1 << CLOSED, 0, &mut found)?;
        }
        Ok(found)
    }

    /// The TCP connections that were opened from here to this port.
    pub(super) fn clients(&mut self, port: u16) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        let end = |port| SocketAddr::new(any(FAMILIES[0]), port);
        let request = request_of_both(1 << ESTABLISHED, end(0), end(port));
        let listed = self.0.ask(BOTH_FAMILIES, ALL, &request, &mut |_, body| {
            found.extend(entry(Transport::Tcp, body));
        });
        if listed.is_err() {
            found.clear();
            for family in FAMILIES {
                self.list(family, Transport::Tcp, 1 << ESTABLISHED, port, &mut found)?;
            }
        }
        Ok(found)
    }

    fn list(
        &mut self,
        family: u8,
        transport: Transport,
        states: u32,
        remote_port: u16,
        found: &mut Vec<Entry>,
    ) -> io::Result<()> {
        let any = SocketAddr::new(any(family), 0);
        let remote = SocketAddr::new(any.ip(), remote_port);
        let request = request(family, transport, states, any, remote);
        let listed = self.0.ask(BY_FAMILY, ALL, &request, &mut |_, body| {
            found.extend(entry(transport, body));
        });
        match listed {
            // A kernel without IPv6 has no such index.
            Err(error) if error.kind() == io::ErrorKind::NotFound && family != FAMILIES[0] => {
                Ok(())
            }
            listed => listed,
        }
    }
}

const fn family(end: SocketAddr) -> u8 {
    if end.is_ipv4() { FAMILIES[0] } else { FAMILIES[1] }
}

const fn any(family: u8) -> IpAddr {
    if family == FAMILIES[0] {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    }
}

/// ```text
/// inet_diag_req_v2  | family u8 | protocol u8 | extensions u8 | 0 u8 | states u32 | inet_diag_sockid |
/// ```
fn request(
    family: u8,
    transport: Transport,
    states: u32,
    from: SocketAddr,
    to: SocketAddr,
) -> Vec<u8> {
    let mut bytes = vec![family, transport.number(), 0, 0];
    bytes.extend(states.to_ne_bytes());
    bytes.extend(socket_id(from, to));
    bytes
}

/// ```text
/// inet_diag_req     | family u8 | prefixes 2 x u8 | extensions u8 | inet_diag_sockid | states u32 | 0 u32 |
/// ```
fn request_of_both(states: u32, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(socket_id(from, to));
    bytes.extend(states.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes
}

/// ```text
/// inet_diag_sockid  | ports 2 x be16 | addresses 2 x 16 bytes | interface u32 | cookie 2 x u32 |
/// ```
fn socket_id(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    for end in [from, to] {
        bytes.extend(end.port().to_be_bytes());
    }
    for end in [from, to] {
        let mut octets = [0_u8; 16];
        match end.ip() {
            IpAddr::V4(ip) => {
                octets.iter_mut().zip(ip.octets()).for_each(|(byte, one)| *byte = one);
            }
            IpAddr::V6(ip) => octets = ip.octets(),
        }
        bytes.extend(octets);
    }
    // Any interface, and no cookie (INET_DIAG_NOCOOKIE).
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([0xff; 8]);
    bytes
}

/// ```text
/// inet_diag_msg  | family u8 | state u8 | timer u8 | retransmits u8 | inet_diag_sockid (48 bytes) |
///                | expires u32 | queues 2 x u32 | uid u32 | inode u32 |
/// ```
fn entry(transport: Transport, body: &[u8]) -> Option<Entry> {
    let mut rest = Cursor::new(body);
    let family = rest.u8()?;
    let state = rest.u8()?;
    rest.skip(2)?;
    let ports = [rest.be16()?, rest.be16()?];
    let mut ends = [None, None];
    for (end, port) in ends.iter_mut().zip(ports) {
        let bytes: [u8; 16] = rest.take(16)?.try_into().ok()?;
        let ip = match (family, bytes) {
            (2, [a, b, c, d, ..]) => IpAddr::from([a, b, c, d]),
            (10, bytes) => IpAddr::from(bytes),
            _ => return None,
        };
        *end = Some(canonical(SocketAddr::new(ip, port)));
    }
    let [Some(local), Some(remote)] = ends else { return None };
    rest.skip(24)?;
    let uid = native32(&mut rest)?;
    let inode = u64::from(native32(&mut rest)?);
    let remote = (remote.port() != 0).then_some(remote);
    let waits = match transport {
        Transport::Tcp => state == LISTEN,
        Transport::Udp => remote.is_none(),
    };
    Some(Entry { transport, local, remote, waits, uid: Some(uid), inode })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsFd;

    use super::*;

    fn inode(socket: impl AsFd) -> u64 {
        rustix::fs::fstat(socket).unwrap().st_ino
    }

    #[test]
    fn a_connection_is_found_by_its_ends_and_its_listener_by_any() {
        let mut diag = Diag::open().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let client = TcpStream::connect(at).unwrap();
        let from = client.local_addr().unwrap();
        let (server, _) = listener.accept().unwrap();
        let found = diag.find(Transport::Tcp, from, at).unwrap().unwrap();
        assert_eq!((found.inode, found.waits), (inode(&client), false));
        assert_eq!((found.local, found.remote), (from, Some(at)));
        assert_eq!(found.uid, Some(rustix::process::getuid().as_raw()));
        let found = diag.find(Transport::Tcp, at, from).unwrap().unwrap();
        assert_eq!(found.inode, inode(&server));
        let stranger = "127.0.0.1:1".parse().unwrap();
        let found = diag.find(Transport::Tcp, at, stranger).unwrap().unwrap();
        assert_eq!((found.inode, found.waits), (inode(&listener), true));
        assert!(diag.waiting().unwrap().contains(&found));
        assert!(diag.clients(at.port()).unwrap().iter().any(|one| one.inode == inode(&client)));
        if let Ok(listener) = TcpListener::bind("[::1]:0") {
            let at = listener.local_addr().unwrap();
            let client = TcpStream::connect(at).unwrap();
            let clients = diag.clients(at.port()).unwrap();
            assert!(clients.iter().any(|one| one.inode == inode(&client)), "{clients:?}");
        }
        drop((client, server, listener));
        let gone = diag.find(Transport::Tcp, at, stranger).unwrap();
        assert_eq!(gone, None);
    }

    #[test]
    fn sockets_of_udp_are_found_whether_connected_or_not() {
        let mut diag = Diag::open().unwrap();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(server) = UdpSocket::bind(address) else { continue };
            let at = server.local_addr().unwrap();
            let client = UdpSocket::bind(address).unwrap();
            client.connect(at).unwrap();
            let from = client.local_addr().unwrap();
            let found = diag.find(Transport::Udp, from, at).unwrap().unwrap();
            assert_eq!((found.inode, found.waits), (inode(&client), false), "{address}");
            let found = diag.find(Transport::Udp, at, from).unwrap().unwrap();
            assert_eq!((found.inode, found.waits), (inode(&server), true), "{address}");
        }
    }

    #[test]
    fn a_listener_of_both_families_is_found_by_ipv4() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let at = SocketAddr::new([127, 0, 0, 1].into(), listener.local_addr().unwrap().port());
        let stranger = "127.0.0.1:1".parse().unwrap();
        let found = Diag::open().unwrap().find(Transport::Tcp, at, stranger).unwrap().unwrap();
        assert_eq!(found.inode, inode(&listener));
    }

    #[test]
    fn what_is_cut_is_no_socket() {
        let mut body = vec![0; 72];
        body[0] = 2;
        assert!(entry(Transport::Tcp, &body).is_some());
        for len in 0..body.len() {
            assert_eq!(entry(Transport::Tcp, &body[..len]), None, "cut at {len}");
        }
        body[0] = 3;
        assert_eq!(entry(Transport::Tcp, &body), None);
    }
}
