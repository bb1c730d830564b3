//! PPPoE sessions (RFC 2516 section 4).
//!
//! ```text
//! | version 4 bits: 1, type 4: 1 | code 1: 0 | session 2 | length 2 | PPP
//! ```

use super::{Entry, Tunnel};
use crate::decode::link::PPP;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static TUNNEL: Tunnel =
    Tunnel { name: "pppoe", entries: &[Entry::EtherType(0x8864)], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "pppoe.header_too_short";
    let [version, code] = part.array(0, SHORT)?;
    let (session, len) = (part.be16(2, SHORT)?, part.be16(4, SHORT)?);
    if version != 0x11 || code != 0 {
        return Err(part.stop("pppoe.header_malformed"));
    }
    // Behind the payload there may be padding.
    let inside = part.after(6).limited(usize::from(len));
    Ok(Opened::new(Next::Link(PPP), inside).in_tunnel(TUNNEL.name, Some(session.into())))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{ethernet, opens, path, stops, v4, v6};

    fn session(protocol: &[u8], packet: &[u8]) -> Vec<u8> {
        let len = u16::try_from(protocol.len() + packet.len()).unwrap().to_be_bytes();
        let header = [0x11, 0, 0, 9, len[0], len[1]];
        ethernet(0x8864, &[&header, protocol, packet, &[0; 3]].concat())
    }

    #[test]
    fn leads_to_the_datagram() {
        opens(1, &session(&[0, 0x21], &v4()));
        opens(1, &session(&[0x57], &v6()));
        assert_eq!(path(1, &session(&[0x21], &v4())), (vec![], vec![("pppoe", Some(9))]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let stop = |inside: &[u8]| stops(1, &ethernet(0x8864, inside));
        assert_eq!(stop(&[0x11, 0, 0, 9, 0]), ["pppoe.header_too_short"]);
        assert_eq!(stop(&[0x21, 0, 0, 9, 0, 2, 0, 0x21]), ["pppoe.header_malformed"]);
        assert_eq!(stop(&[0x11, 9, 0, 9, 0, 2, 0, 0x21]), ["pppoe.header_malformed"]);
        assert_eq!(stop(&[0x11, 0, 0, 9, 0, 1, 0, 0x21]), ["ppp.header_too_short"]);
    }
}
