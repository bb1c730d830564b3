//! Teredo (RFC 4380 section 5.1.1): IPv6 in UDP, with up to two headers before it.
//!
//! ```text
//! | (0 1 | client 1: its length | value 1: its length | both | nonce 8 | confirmation 1) |
//! | (0 0 | port 2 | address 4) | IPv6
//! ```

use super::{Entry, Tunnel, not_this};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "teredo", entries: &[Entry::UdpPort(3544)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let mut rest = part;
    if let Some([0, 1, client, value]) = wire::array(rest.bytes, 0) {
        let both = usize::from(client).saturating_add(usize::from(value));
        rest = rest.after(both.saturating_add(13));
    }
    if let Some([0, 0]) = wire::array(rest.bytes, 0) {
        rest = rest.after(8);
    }
    // The packet fills the datagram, which hardly anything else would say of itself.
    let len = wire::be16(rest.bytes, 4).map_or(0, usize::from).saturating_add(40);
    let is_v6 = wire::u8_at(rest.bytes, 0).is_some_and(|byte| byte >> 4 == 6);
    if !is_v6 || len != rest.wire_len {
        return Err(not_this());
    }
    Ok(Opened::new(Next::Ip, rest).in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{leaves_alone, opens, path, udp4, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let bytes = udp4(3544, &v6());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("teredo", None)]));
        let origin = [0, 0, 1, 2, 3, 4, 5, 6];
        opens(228, &udp4(3544, &[&origin, &v6()[..]].concat()));
        let secured = [&[0, 1, 2, 3], &[7; 5][..], &[8; 9], &origin].concat();
        opens(228, &udp4(3544, &[secured, v6()].concat()));
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        leaves_alone(3544, &v4());
        leaves_alone(3544, &[&v6()[..], &[0]].concat());
        leaves_alone(3544, &[0, 1, 255, 255]);
        leaves_alone(3544, &[0]);
    }
}
