//! MPLS (RFC 3032 section 2.1), in UDP too (RFC 7510): a stack of labels, then something that only the
//! routers know.
//!
//! ```text
//! | label 20 bits, class 3, bottom of stack 1, time to live 8 | ... | (control word 4) | ...
//! ```
//!
//! What follows is guessed as routers do (RFC 4928 section 3): by its first four bits.

use super::{Entry, Tunnel, not_this};
use crate::decode::link::{ETHERNET, ethernet};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel {
    name: "mpls",
    entries: &[Entry::EtherType(0x8847), Entry::EtherType(0x8848), Entry::IpProtocol(137)],
    open,
};
pub(super) static IN_UDP: Tunnel =
    Tunnel { name: TUNNEL.name, entries: &[Entry::UdpPort(6635)], open: open_in_udp };

/// Labels in one stack; networks use up to about five.
const LABELS_MAX: usize = 16;

const BOTTOM: u32 = 0x0100;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let mut rest = part;
    for _ in 0..LABELS_MAX {
        let label = rest.be32(0, "mpls.header_too_short")?;
        rest = rest.after(4);
        if label & BOTTOM != 0 {
            return Ok(behind(rest).in_tunnel(TUNNEL.name, None));
        }
    }
    Err(part.stop("mpls.too_many_labels"))
}

/// Nothing says that it is a stack of labels, but what is behind it.
fn open_in_udp(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let opened = open(part).map_err(|_| not_this())?;
    let is_likely = match opened.next {
        Next::Ip => true,
        Next::Link(_) => ethernet::is_likely(opened.rest.bytes),
        Next::EtherType(_) | Next::IpProtocol(_) | Next::Nothing => false,
    };
    if is_likely { Ok(opened) } else { Err(not_this()) }
}

fn behind(part: Slice<'_>) -> Opened<'_> {
    let likely_frame = ethernet::is_likely(part.bytes);
    match wire::u8_at(part.bytes, 0).map(|byte| byte >> 4) {
        // Addresses start with these bits too: then the frame's own type tells.
        Some(4 | 6) if !likely_frame => Opened::new(Next::Ip, part),
        // RFC 4385 section 3: a control word. An address that starts with 0 looks the same.
        Some(0) if !likely_frame => Opened::new(Next::Link(ETHERNET), part.after(4)),
        // RFC 4385 section 5: the channel for operation and maintenance.
        Some(1) if !likely_frame => Opened::new(Next::Nothing, part),
        Some(_) | None => Opened::new(Next::Link(ETHERNET), part),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{
        NOTHING, ethernet, leaves_alone, opens, path, stops, udp4, v4, v6,
    };

    fn mpls(inside: &[u8]) -> Vec<u8> {
        ethernet(0x8847, &[&[0, 1, 0x10, 64, 0, 2, 1, 64], inside].concat())
    }

    #[test]
    fn leads_to_the_datagram() {
        opens(1, &mpls(&v4()));
        opens(1, &mpls(&v6()));
        let frame = ethernet(0x0800, &v4());
        opens(1, &mpls(&frame));
        opens(1, &mpls(&[&[0, 0, 0, 7], &frame[..]].concat()));
        let mut addressed = frame;
        for first in [0x00, 0x10, 0x44, 0x6c] {
            addressed[0] = first;
            opens(1, &mpls(&addressed));
        }
        assert_eq!(path(1, &mpls(&v4())), (vec![], vec![("mpls", None)]));
    }

    #[test]
    fn in_udp_it_is_the_same_and_others_are_left_alone() {
        let bytes = udp4(6635, &[&[0, 6, 0x41, 64], &v4()[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("mpls", None)]));
        opens(228, &udp4(6635, &[&[0, 6, 0x41, 64], &ethernet(0x86dd, &v6())[..]].concat()));
        for payload in
            [&[][..], &[0, 6, 0x41], &[0; 80], &[0, 6, 0x41, 64, 0x10, 0, 0, 7], &[1; 80]]
        {
            leaves_alone(6635, payload);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x8847, &[0, 1, 0])), ["mpls.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x8848, &[0, 1, 0, 64])), ["mpls.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x8847, &[0; 80])), ["mpls.too_many_labels"]);
        assert_eq!(stops(1, &mpls(&[0x10, 0, 0, 7, 1, 2, 3])), NOTHING);
    }
}
