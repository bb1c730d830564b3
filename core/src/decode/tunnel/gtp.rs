//! GTP user data: version 1 (3GPP TS 29.281 section 5.1) and version 0 (GSM 09.60 section 6).
//!
//! ```text
//! | version 3 bits, PT, 0, E, S, PN | type 1: 255 | length 2 | TEID 4 |
//! | (sequence 2, N-PDU 1, next extension 1: E, S or PN) | (extensions: E) | IP
//! ```
//!
//! The tunnel's number differs by direction and is no network's.

use super::{Entry, Tunnel, not_this};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel { name: "gtp", entries: &[Entry::UdpPort(2152)], open };
pub(super) static VERSION_0: Tunnel =
    Tunnel { name: "gtp", entries: &[Entry::UdpPort(3386)], open: version_0 };

/// The type of a message that carries a packet.
const PACKET: u8 = 255;

/// Extension headers that are passed over; networks use one or two.
const EXTENSIONS_MAX: usize = 8;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some([flags, kind]), Some(len)) = (wire::array(part.bytes, 0), wire::be16(part.bytes, 2))
    else {
        return Err(not_this());
    };
    // Version 1, not the charging protocol, and a reserved bit.
    if flags & 0xf8 != 0x30 || kind != PACKET {
        return Err(not_this());
    }
    // What is counted starts behind the first eight bytes.
    let mut rest = part.after(8).limited(usize::from(len));
    if flags & 0x07 != 0 {
        let mut extension = wire::u8_at(rest.bytes, 3).ok_or(not_this())?;
        rest = rest.after(4);
        if flags & 0x04 == 0 {
            extension = 0;
        }
        for _ in 0..EXTENSIONS_MAX {
            if extension == 0 {
                break;
            }
            // TS 29.281 section 5.2.1: the length counts four bytes each, the last byte is the next
            // one's type.
            let len = wire::u8_at(rest.bytes, 0).map_or(0, usize::from).saturating_mul(4);
            let last = len.checked_sub(1).ok_or(not_this())?;
            extension = wire::u8_at(rest.bytes, last).ok_or(not_this())?;
            rest = rest.after(len);
        }
    }
    packet(rest)
}

/// ```text
/// | version 3 bits, PT, spare 3, SNN | type 1: 255 | length 2 | sequence 2 | flow 2 | 4 | TID 8 | IP
/// ```
fn version_0(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let Some([flags, kind]) = wire::array(part.bytes, 0) else { return Err(not_this()) };
    if flags & 0xf0 != 0x10 || kind != PACKET {
        return Err(not_this());
    }
    packet(part.after(20))
}

/// An IP packet, or what else a session may carry: Ethernet and PPP do not say what they are.
fn packet(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    match wire::u8_at(part.bytes, 0).map(|byte| byte >> 4) {
        Some(4 | 6) => Ok(Opened::new(Next::Ip, part).in_tunnel(TUNNEL.name, None)),
        Some(_) | None => Err(not_this()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{leaves_alone, opens, path, udp4, v4, v6};

    fn gtp(flags: u8, more: &[u8], inside: &[u8]) -> Vec<u8> {
        let len = u16::try_from(more.len() + inside.len()).unwrap().to_be_bytes();
        [&[flags, 255, len[0], len[1], 0, 0, 0, 9], more, inside].concat()
    }

    #[test]
    fn leads_to_the_datagram() {
        let bytes = udp4(2152, &gtp(0x30, &[], &v4()));
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("gtp", None)]));
        opens(228, &udp4(2152, &gtp(0x32, &[0, 1, 0, 0], &v6())));
        // The next extension's type means nothing without its flag.
        opens(228, &udp4(2152, &gtp(0x32, &[0, 1, 0, 0x85], &v6())));
        let container = [0, 0, 0, 0x85, 1, 0, 9, 0x40, 2, 0, 0, 0, 0, 0, 0, 0];
        opens(228, &udp4(2152, &gtp(0x34, &container, &v4())));
        let old = [&[0x1e, 255, 0, 9], &[0; 16][..], &v4()].concat();
        opens(228, &udp4(3386, &old));
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        // An echo request, the charging protocol, version 2, no packet, an extension without length.
        leaves_alone(2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]);
        leaves_alone(2152, &[0x20, 255, 0, 4, 0, 0, 0, 9, 0x45]);
        leaves_alone(2152, &[0x48, 255, 0, 4, 0, 0, 0, 9, 0x45]);
        leaves_alone(2152, &gtp(0x30, &[], &[0x90; 20]));
        leaves_alone(2152, &gtp(0x34, &[0, 0, 0, 0x85, 0], &v4()));
        leaves_alone(3386, &[0x1e, 1, 0, 0]);
        leaves_alone(2152, &[0x30]);
    }
}
