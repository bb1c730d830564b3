//! Provider backbone bridging (IEEE 802.1Q section 9.7, formerly 802.1ah): a customer's frame in a
//! provider's.
//!
//! ```text
//! | priority 3 bits, drop eligible 1, UCA 1, reserved 3 | service (I-SID) 3 | Ethernet
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::ETHERNET;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "pbb", entries: &[Entry::EtherType(0x88e7)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let service = part.be24(1, "pbb.header_too_short")?;
    Ok(Opened::new(Next::Link(ETHERNET), part.after(4)).in_tunnel(TUNNEL.name, Some(service)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4};

    #[test]
    fn leads_to_the_datagram() {
        let tagged = [&[0, 5, 0x88, 0xe7, 0, 0, 1, 2], &ethernet(0x0800, &v4())[..]].concat();
        let bytes = ethernet(0x88a8, &tagged);
        opens(1, &bytes);
        assert_eq!(path(1, &bytes), (vec![5], vec![("pbb", Some(0x102))]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x88e7, &[0, 0, 1])), ["pbb.header_too_short"]);
    }
}
