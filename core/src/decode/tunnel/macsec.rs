//! MACsec (IEEE 802.1AE section 9) that is only signed: what it protects can be read.
//!
//! ```text
//! | version 1 bit, ES, SC, SCB, E, C, association 2 | short length 1 | packet 4 | (channel 8: SC) |
//! | EtherType 2 | ... | check value 8 to 16
//! ```

use super::{Entry, Tunnel, unopened};
use crate::decode::link::ethernet;
use crate::decode::{DecodeEnd, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "macsec", entries: &[Entry::EtherType(0x88e5)], open };

const VERSION: u8 = 0x80;
const HAS_CHANNEL: u8 = 0x20;
/// Encrypted, or changed in another way.
const UNREADABLE: u8 = 0x0c;

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "macsec.header_too_short";
    let [control, short_len] = part.array(0, SHORT)?;
    if control & VERSION != 0 {
        return Err(part.stop("macsec.version_unknown"));
    }
    // Like ESP: nothing is wrong with it, and nothing can be seen.
    if control & UNREADABLE != 0 {
        return Err(unopened::ethertype(0x88e5, part));
    }
    let len = if control & HAS_CHANNEL != 0 { 14 } else { 6 };
    let number = part.be16(len, SHORT)?;
    let inside = part.after(len.saturating_add(2));
    // Section 9.7: below 48 bytes the length is told, the EtherType counted in.
    let inside = match usize::from(short_len & 0x3f).checked_sub(2) {
        Some(short) => inside.limited(short),
        None => inside,
    };
    Ok(ethernet::behind(number, inside).in_tunnel(TUNNEL.name, None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let check = [7; 16];
        let plain = [&[0, 35, 0, 0, 0, 1, 8, 0], &v4()[..], &check].concat();
        opens(1, &ethernet(0x88e5, &plain));
        assert_eq!(path(1, &ethernet(0x88e5, &plain)), (vec![], vec![("macsec", None)]));
        let channel = [0x20, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 0, 1, 0x86, 0xdd];
        opens(1, &ethernet(0x88e5, &[&channel, &v6()[..], &check].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(1, &ethernet(0x88e5, &[0])), ["macsec.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x88e5, &[0x20; 15])), ["macsec.header_too_short"]);
        assert_eq!(stops(1, &ethernet(0x88e5, &[0x80; 40])), ["macsec.version_unknown"]);
        assert_eq!(stops(1, &ethernet(0x88e5, &[0x2c; 40])), ["not_opened.ethertype"]);
    }
}
