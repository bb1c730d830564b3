//! Cisco HDLC (RFC 1547 section 4.3.1; `LINKTYPE_C_HDLC`), with a byte for the direction before it
//! in `LINKTYPE_C_HDLC_WITH_DIR`.
//!
//! ```text
//! | address 1: 0x0f unicast, 0x8f multicast | control 1: 0 | EtherType 2 | ...
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "Cisco HDLC", types: &[104], open };
pub(super) static WITH_DIRECTION: Link =
    Link { name: "Cisco HDLC with direction", types: &[205], open: |part| open(part.after(1)) };

pub(super) fn is_chdlc(bytes: &[u8]) -> bool {
    matches!(wire::be16(bytes, 0), Some(0x0f00 | 0x8f00))
}

pub(super) fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let ethertype = part.be16(2, "chdlc.header_too_short")?;
    // SLARP (0x8035) and the discovery protocol (0x2000) are no EtherTypes that lead anywhere.
    Ok(Opened::new(Next::EtherType(ethertype), part.after(4)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(104, &[&[0x0f, 0, 8, 0], &v4()[..]].concat());
        opens(205, &[&[1, 0x8f, 0, 0x86, 0xdd], &v6()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(104, &[0x0f, 0, 8]), ["chdlc.header_too_short"]);
        assert_eq!(stops(104, &[0x8f, 0, 0x80, 0x35, 0, 0, 0, 2]), NOTHING);
    }
}
