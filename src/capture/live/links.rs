//! What the kernel tells of its interfaces: up, down, gone.
//!
//! libpcap says nothing of an interface that goes down, and where rights were dropped it cannot ask
//! whether one still exists. A netlink socket, opened before, is told both. It only listens. On
//! systems without netlink there is none, and libpcap's own errors are all that is known.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::netlink::{self, native32};
use portstory_core::internal::wire::Cursor;

/// What became of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkChange {
    Up,
    Down,
    /// Deleted, or moved to another network namespace.
    Gone,
}

/// Listens to changes of interfaces in this network namespace.
pub(super) struct LinkWatch {
    socket: OwnedFd,
}

impl LinkWatch {
    /// Starts to listen, where the system allows it.
    pub(super) fn open() -> Option<Self> {
        socket().map(|socket| Self { socket })
    }

    /// Readable when something changed.
    pub(super) fn wakes(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The changes since it was last asked, by the interface's number, in order.
    pub(super) fn changes(&mut self) -> Vec<(u32, LinkChange)> {
        let mut changes = Vec::new();
        let mut buffer = vec![0_u8; 32 * 1024];
        // Bounded: a flood of changes is taken up again with the next batch of frames.
        for _ in 0..64 {
            let Some(len) = receive(&self.socket, &mut buffer) else { break };
            changes.extend(parse(buffer.get(..len).unwrap_or_default()));
        }
        changes
    }
}

#[cfg(target_os = "linux")]
fn socket() -> Option<OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, netlink, socket_with};
    /// `RTMGRP_LINK`, rtnetlink(7).
    const GROUP_LINK: u32 = 1;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol is number zero: NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None).ok()?;
    bind(&socket, &netlink::SocketAddrNetlink::new(0, GROUP_LINK)).ok()?;
    Some(socket)
}

#[cfg(not(target_os = "linux"))]
fn socket() -> Option<OwnedFd> {
    None
}

/// The length of one more datagram, or nothing where none waits.
fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Option<usize> {
    use rustix::io::Errno;
    use rustix::net::{RecvFlags, recv};
    match recv(socket, &mut *buffer, RecvFlags::DONTWAIT) {
        Ok((len, _)) => Some(len),
        // Some were lost for want of room: those that are left are still worth having.
        Err(Errno::NOBUFS | Errno::INTR) => Some(0),
        Err(_) => None,
    }
}

/// Reads netlink messages, native byte order throughout (netlink(7), rtnetlink(7)):
///
/// ```text
/// nlmsghdr   | length u32 | type u16 | flags u16 | sequence u32 | port u32 |
/// ifinfomsg  | family u8 | pad u8 | type u16 | index i32 | flags u32 | change u32 | attributes ...
/// ```
fn parse(datagram: &[u8]) -> Vec<(u32, LinkChange)> {
    let mut found = Vec::new();
    let mut rest = Cursor::new(datagram);
    while let Some((message, _, body)) = netlink::message(&mut rest) {
        found.extend(change(message, body));
    }
    found
}

fn change(message: u16, body: &[u8]) -> Option<(u32, LinkChange)> {
    const NEW_LINK: u16 = 16;
    const DELETED_LINK: u16 = 17;
    /// `AF_UNSPEC`: messages of the bridge and of IPv6 use the same numbers for other things.
    const UNSPECIFIED: u8 = 0;
    const FLAG_UP: u32 = 1;
    let mut body = Cursor::new(body);
    let family = body.u8()?;
    body.skip(3)?;
    let index = native32(&mut body)?;
    let flags = native32(&mut body)?;
    let change = match message {
        _ if family != UNSPECIFIED => return None,
        NEW_LINK if flags & FLAG_UP != 0 => LinkChange::Up,
        NEW_LINK => LinkChange::Down,
        DELETED_LINK => LinkChange::Gone,
        _ => return None,
    };
    Some((index, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_message(message: u16, family: u8, index: u32, flags: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(32_u32.to_ne_bytes());
        bytes.extend(message.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend([family, 0, 1, 0]);
        bytes.extend(index.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn reads_several_messages_in_order() {
        let all = [
            link_message(16, 0, 7, 0x1043),
            link_message(16, 0, 7, 0x1002),
            link_message(17, 0, 8, 0x1002),
        ]
        .concat();
        let expected = [(7, LinkChange::Up), (7, LinkChange::Down), (8, LinkChange::Gone)];
        assert_eq!(parse(&all), expected);
    }

    #[test]
    fn skips_other_families_and_other_messages() {
        let bridge = link_message(17, 7, 8, 0);
        let address = link_message(20, 0, 8, 0);
        assert_eq!(parse(&[bridge, address].concat()), []);
    }

    #[test]
    fn stops_at_whatever_is_cut_or_lies() {
        let whole = link_message(16, 0, 7, 1);
        for len in 0..whole.len() {
            assert_eq!(parse(&whole[..len]), [], "cut at {len}");
        }
        for lie in [0_u32, 15, 33, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[..4].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(parse(&bytes), [], "length {lie}");
        }
    }
}
