//! TZSP, by which MikroTik's and Kismet's sniffers hand on frames (Wireshark's `tzsp`).
//!
//! ```text
//! | version 1 | type 1 | protocol 2 | tags: kind 1, length 1, value ... | 1 | frame
//! ```
//!
//! A tag of kind 0 is padding and has no length; the one of kind 1 is the last.

use super::{Entry, Tunnel, not_this};
use crate::decode::link::{ETHERNET, PRISM, WIFI};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::frame::LinkType;
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel { name: "tzsp", entries: &[Entry::UdpPort(37008)], open };

/// AVS, a radio header.
const AVS: LinkType = LinkType(163);

/// Tags that are passed over; sniffers write about ten.
const TAGS_MAX: usize = 64;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let Some([1, kind, high, low]) = wire::array(part.bytes, 0) else { return Err(not_this()) };
    let next = match (kind, u16::from_be_bytes([high, low])) {
        // Received, and to be sent.
        (0 | 1, 1) => Next::Link(ETHERNET),
        (0 | 1, 18) => Next::Link(WIFI),
        (0 | 1, 119) => Next::Link(PRISM),
        (0 | 1, 127) => Next::Link(AVS),
        // Settings, a sign of life, a port opened: no frame. Others are not known.
        _ => return Err(not_this()),
    };
    let mut rest = part.after(4);
    for _ in 0..TAGS_MAX {
        match wire::u8_at(rest.bytes, 0) {
            Some(0) => rest = rest.after(1),
            Some(1) => return Ok(Opened::new(next, rest.after(1)).in_tunnel(TUNNEL.name, None)),
            Some(_) => match wire::u8_at(rest.bytes, 1) {
                Some(len) => rest = rest.after(usize::from(len).saturating_add(2)),
                None => break,
            },
            None => break,
        }
    }
    Err(not_this())
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, leaves_alone, opens, path, udp4, v4, v6, wifi};

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        let bytes = udp4(37_008, &[&[1, 0, 0, 1, 1], &frame[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("tzsp", None)]));
        let tags = [1, 0, 0, 1, 0, 10, 1, 0xc4, 0, 11, 2, 9, 9, 1];
        opens(228, &udp4(37_008, &[&tags, &ethernet(0x86dd, &v6())[..]].concat()));
        opens(228, &udp4(37_008, &[&[1, 1, 0, 18, 1], &wifi()[..]].concat()));
    }

    #[test]
    fn others_on_its_port_are_left_alone() {
        for payload in [
            &[][..],
            &[1, 0, 0],
            &[2, 0, 0, 1, 1, 2, 3],
            &[1, 4, 0, 0, 1],
            &[1, 0, 0, 99, 1, 2, 3],
            // No end of the tags.
            &[1, 0, 0, 1, 10],
            &[1, 0, 0, 1, 10, 200, 1],
            &[&[1, 0, 0, 1][..], &[0; 80]].concat(),
        ] {
            leaves_alone(37_008, payload);
        }
    }
}
