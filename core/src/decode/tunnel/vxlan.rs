//! VXLAN (RFC 7348 section 5), with Cisco's group policy (draft-smith-vxlan-group-policy), and its
//! generic extension (draft-ietf-nvo3-vxlan-gpe).
//!
//! ```text
//! | G 0 0 0 I 0 0 0 | policy 3 bytes, 0 without G      | VNI 3 | 0 | Ethernet
//! | 0 0 version 2 I P B O | reserved 2 | next protocol 1 | VNI 3 | 0 | ...      GPE
//! ```

use super::{Entry, Tunnel, not_this, nsh};
use crate::decode::link::ETHERNET;
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

/// 8472 is what Linux used before IANA assigned a port, and still its default.
pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "vxlan", entries: &[Entry::UdpPort(4789), Entry::UdpPort(8472)], open };
pub(super) static GPE: Tunnel =
    Tunnel { name: "vxlan-gpe", entries: &[Entry::UdpPort(4790)], open: open_gpe };

const POLICY: u8 = 0x80;
const HAS_VNI: u8 = 0x08;
const HAS_NEXT: u8 = 0x04;
const VERSION: u8 = 0x30;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (flags, reserved, vni) = header(&part)?;
    match flags {
        HAS_VNI if reserved == 0 => {}
        flags if flags == POLICY | HAS_VNI => {}
        // Linux speaks the generic extension on any port.
        flags if flags & !1 == HAS_VNI | HAS_NEXT => return open_gpe(part),
        _ => return Err(not_this()),
    }
    let opened = Opened::new(Next::Link(ETHERNET), part.after(8));
    Ok(opened.in_tunnel(TUNNEL.name, Some(vni)))
}

fn open_gpe(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (flags, reserved, vni) = header(&part)?;
    let [_, _, unused, next] = reserved.to_be_bytes();
    if flags & (VERSION | 0xc0 | HAS_VNI) != HAS_VNI || unused != 0 || reserved > 0xff {
        return Err(not_this());
    }
    // Without a next protocol it is what VXLAN carries.
    let next = match flags & HAS_NEXT {
        0 => Next::Link(ETHERNET),
        _ => nsh::next_protocol(next),
    };
    Ok(Opened::new(next, part.after(8)).in_tunnel(GPE.name, Some(vni)))
}

/// Flags, the three bytes behind them, and the network's number.
fn header(part: &Slice<'_>) -> Result<(u8, u32, u32), DecodeEnd> {
    let [flags, a, b, c, vni @ .., 0] = wire::array::<8>(part.bytes, 0).ok_or(not_this())? else {
        return Err(not_this());
    };
    let [d, e, f] = vni;
    Ok((flags, u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes([0, d, e, f])))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, leaves_alone, opens, path, udp4, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        let bytes = udp4(4789, &[&[8, 0, 0, 0, 0, 0, 42, 0], &frame[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("vxlan", Some(42))]));
        opens(228, &udp4(8472, &[&[8, 0, 0, 0, 0, 0, 42, 0], &frame[..]].concat()));
        opens(228, &udp4(4789, &[&[0x88, 0x08, 0, 5, 0, 0, 42, 0], &frame[..]].concat()));
    }

    #[test]
    fn the_generic_extension_says_what_it_carries() {
        let gpe = |next: u8| [0x0c, 0, 0, next, 0, 0, 42, 0];
        let bytes = udp4(4790, &[&gpe(1), &v4()[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("vxlan-gpe", Some(42))]));
        opens(228, &udp4(4790, &[&gpe(2), &v6()[..]].concat()));
        opens(228, &udp4(4790, &[&gpe(3), &ethernet(0x0800, &v4())[..]].concat()));
        let service = [0x0f, 0xc2, 2, 1, 0, 0, 9, 255];
        opens(228, &udp4(4790, &[&gpe(4), &service[..], &v4()].concat()));
        opens(228, &udp4(4790, &[&gpe(5)[..], &[0, 1, 1, 64], &v4()].concat()));
        opens(228, &udp4(4789, &[&gpe(1), &v4()[..]].concat()));
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        let frame = ethernet(0x0800, &v4());
        for header in
            [[0, 0, 0, 0, 0, 0, 42, 0], [8, 0, 0, 0, 0, 0, 42, 1], [8, 1, 0, 0, 0, 0, 42, 0]]
        {
            leaves_alone(4789, &[&header, &frame[..]].concat());
        }
        leaves_alone(4790, &[&[0x1c, 0, 0, 3, 0, 0, 42, 0], &frame[..]].concat());
        leaves_alone(4790, &[&[0x0c, 0, 1, 3, 0, 0, 42, 0], &frame[..]].concat());
        leaves_alone(4789, &[8, 0, 0, 0, 0, 0, 42]);
    }
}
