//! PPP (RFC 1661, RFC 1662), as a link type and inside PPPoE, L2TP and PPTP.
//!
//! ```text
//! | (0xff 0x03) | protocol 2, or 1 where it is compressed (RFC 1661 section 6.5) | ...
//! ```
//!
//! `LINKTYPE_PPP` and `LINKTYPE_PPP_HDLC` may hold Cisco's HDLC instead; `LINKTYPE_PPP_PPPD` has the
//! direction in place of 0xff, `LINKTYPE_PPP_WITH_DIR` before everything; `LINKTYPE_PPP_ETHER` starts
//! with PPPoE's header.

use super::{Link, chdlc};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "PPP", types: &[9, 50], open };
pub(super) static PPPD: Link = Link { name: "PPP of pppd", types: &[166], open: pppd };
pub(super) static WITH_DIRECTION: Link =
    Link { name: "PPP with direction", types: &[204], open: |part| open(part.after(1)) };
pub(super) static OVER_ETHERNET: Link = Link {
    name: "PPPoE",
    types: &[51],
    open: |part| Ok(Opened::new(Next::EtherType(0x8864), part)),
};

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    if chdlc::is_chdlc(part.bytes) {
        return chdlc::open(part);
    }
    let framed = wire::be16(part.bytes, 0) == Some(0xff03);
    protocol(if framed { part.after(2) } else { part })
}

fn pppd(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let framed = wire::u8_at(part.bytes, 1) == Some(3);
    protocol(part.after(if framed { 2 } else { 1 }))
}

/// The protocol field and what it leads to (IANA's PPP numbers).
fn protocol(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "ppp.header_too_short";
    // RFC 1661 section 2: the last byte of a protocol number is odd, and only the last.
    let first = part.u8(0, SHORT)?;
    let (number, len) =
        if first & 1 == 1 { (u16::from(first), 1) } else { (part.be16(0, SHORT)?, 2) };
    let rest = part.after(len);
    match number {
        0x0021 | 0x0057 => Ok(Opened::new(Next::Ip, rest)),
        0x0281 => Ok(Opened::new(Next::EtherType(0x8847), rest)),
        // Van Jacobson's and ROHC's headers, and what CCP or ECP agreed on.
        0x002d | 0x002f | 0x0003 | 0x0005 | 0x0051 | 0x0053 | 0x00fb | 0x00fd => {
            Err(part.stop("ppp.compressed_or_encrypted"))
        }
        _ => Ok(Opened::new(Next::Nothing, rest)),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(9, &[&[0xff, 3, 0, 0x21], &v4()[..]].concat());
        opens(9, &[&[0, 0x57], &v6()[..]].concat());
        opens(9, &[&[0x21], &v4()[..]].concat());
        opens(50, &[&[0xff, 3, 0x57], &v6()[..]].concat());
        opens(50, &[&[0x0f, 0, 8, 0], &v4()[..]].concat());
        opens(166, &[&[1, 3, 0, 0x21], &v4()[..]].concat());
        opens(204, &[&[1, 0xff, 3, 0, 0x21], &v4()[..]].concat());
        let len = u16::try_from(v4().len() + 2).unwrap().to_be_bytes();
        opens(51, &[&[0x11, 0, 0, 9, len[0], len[1], 0, 0x21], &v4()[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(9, &[0xff, 3]), ["ppp.header_too_short"]);
        assert_eq!(stops(9, &[0xff, 3, 0]), ["ppp.header_too_short"]);
        assert_eq!(stops(9, &[0, 0xfd, 1, 2]), ["ppp.compressed_or_encrypted"]);
        // LCP.
        assert_eq!(stops(9, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]), NOTHING);
    }
}
