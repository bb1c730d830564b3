//! CAPWAP data (RFC 5415 section 4.3): what access points tunnel to their controller.
//!
//! ```text
//! | version 4 bits, type 4 | HLEN 5, radio 5, binding 5, T 1 | F L W M K, flags 3 |
//! | fragment 2, offset 13 bits, reserved 3 | ... up to HLEN x 4 bytes | 802.11 or Ethernet
//! ```

use super::{Entry, Tunnel, not_this};
use crate::decode::link::{ETHERNET, wifi};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::net::Layer;
use crate::wire;

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "capwap", entries: &[Entry::UdpPort(5247)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some(header), Some(place)) = (wire::be32(part.bytes, 0), wire::be16(part.bytes, 6)) else {
        return Err(not_this());
    };
    let len = wire::index(header >> 19 & 0x1f).saturating_mul(4);
    let binding = header >> 9 & 0x1f;
    let [_, _, flags_high, flags] = header.to_be_bytes();
    let (native, keep_alive) = (flags_high & 0x01 != 0, flags & 0x08 != 0);
    let is_fragment = flags & 0x80 != 0;
    // Version 0 and type 0, or it is DTLS (RFC 5415 section 4.2) or no CAPWAP; reserved flags are 0.
    if header >> 24 != 0 || len < 8 || flags & 0x07 != 0 || place & 0x07 != 0 {
        return Err(not_this());
    }
    if keep_alive || part.bytes.len() < len {
        return Err(DecodeEnd::Done);
    }
    if is_fragment && place >> 3 != 0 {
        return Err(part.stop("capwap.fragment"));
    }
    let mut inside = part.after(len);
    if is_fragment {
        // How long the whole is, the first fragment does not say.
        inside.wire_len = inside.wire_len.max(FRAME_LEN_MAX);
    }
    let opened = match (native, binding) {
        (false, _) => Opened::new(Next::Link(ETHERNET), inside),
        // RFC 5416: binding 1 is 802.11.
        (true, 1) => wifi::open_either_way(inside.of_layer(Layer::Link))?,
        (true, _) => Opened::new(Next::Nothing, inside),
    };
    Ok(opened.in_tunnel(TUNNEL.name, None))
}

/// The longest 802.11 frame.
const FRAME_LEN_MAX: usize = 2346;

#[cfg(test)]
mod tests {
    use crate::config::Limits;
    use crate::decode::tests::support::{
        ethernet, frame, leaves_alone, opens, path, udp4, v4, v6, wifi,
    };
    use crate::decode::{Decoded, decode};
    use crate::net::Layer;

    #[test]
    fn leads_to_the_datagram() {
        let native = [0, 0x10, 0x43, 0x00, 0, 0, 0, 0];
        opens(228, &udp4(5247, &[&native, &wifi()[..]].concat()));
        let mut swapped = wifi();
        swapped.swap(0, 1);
        opens(228, &udp4(5247, &[&native, &swapped[..]].concat()));
        let plain = [0, 0x10, 0x02, 0x00, 0, 0, 0, 0];
        opens(228, &udp4(5247, &[&plain, &ethernet(0x86dd, &v6())[..]].concat()));
        let radio = [0, 0x20, 0x42, 0x10, 0, 0, 0, 0, 6, 1, 2, 3, 4, 5, 6, 0];
        let bytes = udp4(5247, &[&radio, &ethernet(0x0800, &v4())[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("capwap", None)]));
    }

    #[test]
    fn what_stops_at_the_frame_inside_stops_at_a_link_layer() {
        let mut later = wifi();
        later[22] |= 1;
        let native = [0, 0x10, 0x43, 0x00, 0, 0, 0, 0];
        let bytes = udp4(5247, &[&native, &later[..]].concat());
        let mut stops = Vec::new();
        decode(&frame(228, &bytes), &Limits::default(), &mut |decoded| {
            if let Decoded::Anomaly(_, stop) = decoded {
                stops.push((stop.event, stop.layer));
            }
        });
        assert_eq!(stops, [("ieee802_11.fragment", Layer::Link)]);
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        leaves_alone(5247, &[1, 0, 0, 0, 23, 254, 253, 0, 1]);
        leaves_alone(5247, &[0, 0x10, 0x02, 0x08, 0, 0, 0, 0, 0, 35, 0, 16]);
        leaves_alone(5247, &[0; 60]);
        leaves_alone(5247, &[0; 3]);
    }
}
