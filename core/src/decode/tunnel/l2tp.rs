//! L2TP version 2 data (RFC 2661 section 3.1), which carries PPP.
//!
//! ```text
//! | T L 0 0 S 0 O P, reserved 4 bits, version 4: 2 | (length 2: L) | tunnel 2 | session 2 |
//! | (Ns 2, Nr 2: S) | (offset 2, padding: O) | PPP
//! ```
//!
//! Tunnel and session are the receiver's numbers and differ by direction.

use super::{Entry, Tunnel, not_this};
use crate::decode::link::PPP;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel { name: "l2tp", entries: &[Entry::UdpPort(1701)], open };

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
/// Bits that are reserved, and the version.
const FIXED: u16 = 0x34ff;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let flags = wire::be16(part.bytes, 0).ok_or(not_this())?;
    if flags & FIXED != 2 || flags & CONTROL != 0 {
        return Err(not_this());
    }
    let mut whole = part;
    let mut len = 2_usize;
    if flags & LENGTH != 0 {
        let total = usize::from(wire::be16(part.bytes, 2).ok_or(not_this())?);
        if total > part.wire_len {
            return Err(not_this());
        }
        whole = part.limited(total);
        len = len.saturating_add(2);
    }
    len = len.saturating_add(if flags & SEQUENCE != 0 { 8 } else { 4 });
    if flags & OFFSET != 0 {
        let padding = usize::from(wire::be16(part.bytes, len).ok_or(not_this())?);
        len = len.saturating_add(2).saturating_add(padding);
    }
    if len >= whole.wire_len {
        return Err(not_this());
    }
    Ok(Opened::new(Next::Link(PPP), whole.after(len)).in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{leaves_alone, opens, path, udp4, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let bytes = udp4(1701, &[&[0, 2, 0, 5, 0, 6, 0xff, 3, 0, 0x21], &v4()[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("l2tp", None)]));
        let inside = [&[0, 5, 0, 6, 0, 1, 0, 2, 0, 2, 0, 0, 0, 0x57], &v6()[..]].concat();
        let len = u16::try_from(inside.len() + 4).unwrap().to_be_bytes();
        opens(228, &udp4(1701, &[&[0x4a, 2], &len[..], &inside].concat()));
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        // Control, version 3, a reserved bit, a length that is too long, no payload.
        leaves_alone(1701, &[0xc8, 2, 0, 12, 0, 5, 0, 0, 0, 0, 0, 0]);
        leaves_alone(1701, &[0, 3, 0, 0, 0, 0, 0, 5, 0, 0x21, 0x45]);
        leaves_alone(1701, &[0x10, 2, 0, 5, 0, 6, 0, 0x21, 0x45]);
        leaves_alone(1701, &[0x40, 2, 9, 9, 0, 5, 0, 6, 0, 0x21, 0x45]);
        leaves_alone(1701, &[0, 2, 0, 5, 0, 6]);
        leaves_alone(1701, &[0]);
    }
}
