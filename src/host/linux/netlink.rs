//! Asking the kernel by netlink (netlink(7)): a request, and the messages that answer it.
//!
//! The kernel answers while the request is sent, so that nothing here waits. Nothing is changed by
//! what is asked.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

use crate::netlink::{HEADER_BYTES, message, native16, skip_padding};
use portstory_core::internal::wire::Cursor;

/// `NLM_F_REQUEST`: a single object.
pub(super) const ONE: u16 = 1;

/// `NLM_F_REQUEST | NLM_F_DUMP`: all objects.
pub(super) const ALL: u16 = 0x301;

/// Bytes of a datagram at most: the kernel makes them no longer than what the last one asked for.
const DATAGRAM_BYTES_MAX: usize = 1 << 15;

/// A socket to the kernel, in the network namespace in which it was opened.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens one in the thread's network namespace. No protocol is number zero: routes.
    pub(super) fn open(protocol: Option<Protocol>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; DATAGRAM_BYTES_MAX] })
    }

    /// Sends a request, and shows `each` the type and body of every message that answers it.
    ///
    /// # Errors
    ///
    /// What the kernel says; `NotFound` where there is no such object.
    pub(super) fn ask(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        each: &mut dyn FnMut(u16, &[u8]),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let len = HEADER_BYTES.saturating_add(body.len());
        let mut request = Vec::with_capacity(len);
        request.extend(u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes());
        request.extend(kind.to_ne_bytes());
        request.extend(flags.to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend(0_u32.to_ne_bytes());
        request.extend(body);
        send(&self.socket, &request, SendFlags::empty())?;
        let is_dump = flags == ALL;
        loop {
            let read = recv(&self.socket, &mut *self.buffer, RecvFlags::DONTWAIT);
            let len = match read {
                Ok((len, _)) => len,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut rest = Cursor::new(self.buffer.get(..len).unwrap_or_default());
            let mut answered = false;
            while let Some((kind, sequence, body)) = message(&mut rest) {
                if sequence != self.sequence {
                    continue;
                }
                match kind {
                    // NLMSG_ERROR: a negative number, or zero.
                    2 => return error(body),
                    // NLMSG_DONE.
                    3 => return Ok(()),
                    kind => {
                        each(kind, body);
                        answered = true;
                    }
                }
            }
            if answered && !is_dump {
                return Ok(());
            }
        }
    }
}

fn error(body: &[u8]) -> io::Result<()> {
    let code = body.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.saturating_neg())) }
}

/// The addresses of the network namespace in which this was opened, for routes (rtnetlink(7),
/// `RTM_GETADDR`).
///
/// # Errors
///
/// What the kernel says.
pub(super) fn addresses(routes: &mut Netlink) -> io::Result<BTreeSet<IpAddr>> {
    const GET_ADDRESS: u16 = 22;
    const NEW_ADDRESS: u16 = 20;
    let mut found = BTreeSet::new();
    // ifaddrmsg with all fields zero: addresses of any family.
    routes.ask(GET_ADDRESS, ALL, &[0; 8], &mut |kind, body| {
        if kind == NEW_ADDRESS {
            found.extend(address(body));
        }
    })?;
    Ok(found)
}

/// ```text
/// ifaddrmsg | family u8 | prefix length u8 | flags u8 | scope u8 | index u32 | attributes ...
/// rtattr    | length u16 | type u16 | value ... on a boundary of four
/// ```
///
/// `IFA_LOCAL` is the own address of a link with two ends, where `IFA_ADDRESS` is the other's.
fn address(body: &[u8]) -> Option<IpAddr> {
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    let mut rest = Cursor::new(body);
    rest.skip(8)?;
    let mut found = None;
    while let Some(len) = native16(&mut rest).map(usize::from) {
        let kind = native16(&mut rest)?;
        let value = rest.take(len.checked_sub(4)?)?;
        let ip = match *value {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d])),
            _ => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        };
        match kind {
            LOCAL => return ip,
            ADDRESS => found = ip,
            _ => {}
        }
        skip_padding(&mut rest, len)?;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_among_the_addresses() {
        let mut routes = Netlink::open(None).unwrap();
        assert!(addresses(&mut routes).unwrap().contains(&IpAddr::from([127, 0, 0, 1])));
    }

    #[test]
    fn an_address_that_is_cut_or_lies_is_none() {
        let mut whole = vec![2, 8, 0, 0, 1, 0, 0, 0];
        whole.extend(8_u16.to_ne_bytes());
        whole.extend(2_u16.to_ne_bytes());
        whole.extend([10, 0, 0, 9]);
        assert_eq!(address(&whole), Some(IpAddr::from([10, 0, 0, 9])));
        for len in 0..whole.len() {
            assert_eq!(address(&whole[..len]), None, "cut at {len}");
        }
        for lie in [0_u16, 3, 9, u16::MAX] {
            whole[8..10].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(address(&whole), None, "length {lie}");
        }
    }

    #[test]
    fn messages_that_are_cut_or_lie_end_the_list() {
        let mut whole = 20_u32.to_ne_bytes().to_vec();
        whole.extend([0; 16]);
        assert!(message(&mut Cursor::new(&whole)).is_some());
        for len in 0..whole.len() {
            assert!(message(&mut Cursor::new(&whole[..len])).is_none(), "cut at {len}");
        }
        for lie in [0_u32, 15, 21, u32::MAX] {
            whole[..4].copy_from_slice(&lie.to_ne_bytes());
            assert!(message(&mut Cursor::new(&whole)).is_none(), "length {lie}");
        }
    }
}
