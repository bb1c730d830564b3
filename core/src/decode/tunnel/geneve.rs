//! Geneve (RFC 8926 section 3.4).
//!
//! ```text
//! | version 2 bits, options 6 | O C, reserved 6 | EtherType 2 | VNI 3 | reserved 1 | options x 4 | ...
//! ```

use super::{Entry, Tunnel, not_this};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "geneve", entries: &[Entry::UdpPort(6081)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some([first, flags]), Some(ethertype)) =
        (wire::array(part.bytes, 0), wire::be16(part.bytes, 2))
    else {
        return Err(not_this());
    };
    let (Some(vni), Some(reserved)) = (wire::be24(part.bytes, 4), wire::u8_at(part.bytes, 7))
    else {
        return Err(not_this());
    };
    // Version 0; reserved bits are 0 on transmission.
    if first & 0xc0 != 0 || flags & 0x3f != 0 || reserved != 0 {
        return Err(not_this());
    }
    let len = usize::from(first & 0x3f).saturating_mul(4).saturating_add(8);
    let opened = Opened::new(Next::EtherType(ethertype), part.after(len));
    Ok(opened.in_tunnel(TUNNEL.name, Some(vni)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, leaves_alone, opens, path, udp4, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let bridged = [0, 0, 0x65, 0x58, 0, 0, 9, 0];
        let bytes = udp4(6081, &[&bridged, &ethernet(0x0800, &v4())[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("geneve", Some(9))]));
        let options = [2, 0x40, 0x86, 0xdd, 1, 0, 0, 0, 1, 2, 3, 1, 0, 0, 0, 0];
        opens(228, &udp4(6081, &[&options, &v6()[..]].concat()));
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        leaves_alone(6081, &[0x40, 0, 8, 0, 0, 0, 9, 0, 0x45]);
        leaves_alone(6081, &[0, 1, 8, 0, 0, 0, 9, 0, 0x45]);
        leaves_alone(6081, &[0, 0, 8, 0, 0, 0, 9, 1, 0x45]);
        leaves_alone(6081, &[0, 0, 8, 0, 0, 0, 9]);
    }
}
