//! Frame Relay (ITU-T Q.922 with RFC 2427, or Cisco's own encapsulation; `LINKTYPE_FRELAY`), with a
//! byte for the direction before it in `LINKTYPE_FRELAY_WITH_DIR`, and as one link of a bundle
//! (FRF.16.1; `LINKTYPE_MFR`).
//!
//! ```text
//! | address 2 to 4: the low bit ends it | control 1: 3 | (padding 1) | NLPID 1 | ...   RFC 2427
//! | address 2 to 4                      | EtherType 2 | ...                           Cisco
//! ```

use super::{Link, PPP, llc};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "Frame Relay", types: &[107], open };
pub(super) static WITH_DIRECTION: Link =
    Link { name: "Frame Relay with direction", types: &[206], open: |part| open(part.after(1)) };
pub(super) static BUNDLE: Link =
    Link { name: "multi-link Frame Relay", types: &[182], open: of_bundle };

const SHORT: &str = "frame_relay.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    // Q.922 section 3.2: two bytes, three or four; the last one has its low bit set.
    let len = (0..4).find(|&at| wire::u8_at(part.bytes, at).is_none_or(|byte| byte & 1 == 1));
    let (Some(len), true) = (len, part.bytes.len() >= 2) else {
        return Err(match part.bytes.len() {
            ..4 => part.too_short(SHORT),
            _ => part.stop("frame_relay.address_malformed"),
        });
    };
    if len == 0 {
        return Err(part.stop("frame_relay.address_malformed"));
    }
    let behind = part.after(len.saturating_add(1));
    match behind.u8(0, SHORT)? {
        UNNUMBERED => multiprotocol(behind.after(1)),
        _ => Ok(Opened::new(Next::EtherType(behind.be16(0, SHORT)?), behind.after(2))),
    }
}

/// The control field of an unnumbered information frame.
const UNNUMBERED: u8 = 3;

/// RFC 2427 section 3: the network layer protocol is told by one byte (ISO/IEC TR 9577).
fn multiprotocol(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let padded = wire::u8_at(part.bytes, 0) == Some(0);
    let part = if padded { part.after(1) } else { part };
    match part.u8(0, SHORT)? {
        0xcc | 0x8e => Ok(Opened::new(Next::Ip, part.after(1))),
        0xcf => Ok(Opened::new(Next::Link(PPP), part.after(1))),
        0x80 => llc::snap(part.after(1)),
        _ => Ok(Opened::new(Next::Nothing, part)),
    }
}

/// FRF.16.1 section 2.1: beginning, end, control, a zero, sequence number 12.
fn of_bundle(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let flags = part.u8(0, SHORT)?;
    match flags & 0xe0 {
        0xc0 => open(part.after(2)),
        0x80 | 0x40 | 0 => Err(part.stop("frame_relay.fragment")),
        _ => Ok(Opened::new(Next::Nothing, part)),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, snap, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(107, &[&[0x18, 0x41, 3, 0xcc], &v4()[..]].concat());
        opens(107, &[&[0x18, 0x40, 0x41, 3, 0, 0x8e], &v6()[..]].concat());
        opens(107, &[&[0x18, 0x41, 3, 0, 0x80], &snap(0x0800, &v4())[3..]].concat());
        opens(107, &[&[0x18, 0x41, 3, 0xcf, 0, 0x21], &v4()[..]].concat());
        opens(107, &[&[0x18, 0x41, 8, 0], &v4()[..]].concat());
        opens(206, &[&[1, 0x18, 0x41, 3, 0xcc], &v4()[..]].concat());
        opens(182, &[&[0xc0, 7, 0x18, 0x41, 3, 0xcc], &v4()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(107, &[0x18]), ["frame_relay.header_too_short"]);
        assert_eq!(stops(107, &[0x18, 0x41, 3]), ["frame_relay.header_too_short"]);
        assert_eq!(stops(107, &[0x18; 20]), ["frame_relay.address_malformed"]);
        assert_eq!(stops(107, &[0x19; 20]), ["frame_relay.address_malformed"]);
        assert_eq!(stops(182, &[0x80, 7, 0x18, 0x41]), ["frame_relay.fragment"]);
    }
}
