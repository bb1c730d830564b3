//! GRE (RFC 1701, RFC 2784, RFC 2890), in UDP too (RFC 8086), and what is built on it: NVGRE (RFC 7637),
//! ERSPAN (draft-foschiano-erspan), WCCP's redirected packets, PPTP (RFC 2637), MikroTik's Ethernet over IP,
//! what Aruba's access points tunnel, mirrored frames.
//!
//! ```text
//! | C R K S s, recursion 3 bits, A, flags 4, version 3 | type 2 |
//! | (checksum 2, offset 2: C or R) | (key 4: K) | (sequence 4: S) | (acknowledgment 4: A) |
//! | (source routes: R) | ...
//! ```

use super::{Entry, Tunnel, cisco_metadata, not_this};
use crate::decode::link::{ETHERNET, PPP, wifi};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::net::Layer;
use crate::wire;

pub(super) static TUNNEL: Tunnel = Tunnel { name: "gre", entries: &[Entry::IpProtocol(47)], open };
pub(super) static IN_UDP: Tunnel =
    Tunnel { name: TUNNEL.name, entries: &[Entry::UdpPort(4754)], open: open_in_udp };

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const BRIDGED: u16 = 0x6558;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
const WCCP: u16 = 0x883e;
const CISCO_METADATA: u16 = 0x8909;
const ETHERNET_OVER_IP: u16 = 0x6400;
/// A keep-alive: it carries nothing.
const NOTHING: u16 = 0;

/// Source routes that are passed over.
const ROUTES_MAX: usize = 8;

const SHORT: &str = "gre.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (flags, kind) = (part.be16(0, SHORT)?, part.be16(2, SHORT)?);
    match flags & VERSION {
        0 => version_0(part, flags, kind),
        1 if kind == ETHERNET_OVER_IP => ethernet_over_ip(part),
        1 => pptp(part, flags),
        _ => Err(part.stop("gre.version_unknown")),
    }
}

/// RFC 8086 section 3: a header of RFC 2890, of which no bit is set that that does not know.
fn open_in_udp(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (Some(flags), Some(kind)) = (wire::be16(part.bytes, 0), wire::be16(part.bytes, 2)) else {
        return Err(not_this());
    };
    let carried = matches!(
        kind,
        0x0800 | 0x86dd | 0x8847 | 0x8848 | 0x894f | BRIDGED | ERSPAN | ERSPAN_3 | 0x8200..=0x83ff
    );
    if flags & !(CHECKSUM | KEY | SEQUENCE) != 0 || !carried {
        return Err(not_this());
    }
    version_0(part, flags, kind).map_err(|_| not_this())
}

fn version_0(part: Slice<'_>, flags: u16, kind: u16) -> Result<Opened<'_>, DecodeEnd> {
    let has = |flag: u16| flags & flag != 0;
    let mut rest = part.after(if has(CHECKSUM | ROUTING) { 8 } else { 4 });
    let mut key = None;
    if has(KEY) {
        key = Some(rest.be32(0, SHORT)?);
        rest = rest.after(4);
    }
    if has(SEQUENCE) {
        rest = rest.after(4);
    }
    if has(ROUTING) {
        rest = behind_routes(rest)?;
    }
    Ok(match (kind, key) {
        (BRIDGED, Some(key)) => bridged(rest, key),
        // Type I has no sequence number and no header of its own, type II one of 8 bytes.
        (ERSPAN, _) => {
            let inside = if has(SEQUENCE) { rest.after(8) } else { rest };
            Opened::new(Next::Link(ETHERNET), inside).in_tunnel("erspan", None)
        }
        (ERSPAN_3, _) => erspan_3(rest)?,
        (WCCP, _) => redirected(rest).in_tunnel("wccp", None),
        (CISCO_METADATA, _) => behind_metadata(rest)?,
        // Aruba's numbers for the queues of an access point, each with 802.11 inside.
        (0x8200..=0x83ff, _) => {
            wifi::open_either_way(rest.of_layer(Layer::Link))?.in_tunnel("aruba", None)
        }
        (NOTHING, _) => return Err(DecodeEnd::Done),
        (ethertype, _) => {
            Opened::new(Next::EtherType(ethertype), rest).in_tunnel(TUNNEL.name, None)
        }
    })
}

/// RFC 7637 section 3.2: the upper 24 bits of the key are the virtual subnet, the rest a hash.
///
/// Whoever mirrors frames writes other things there: a session, a port, or (VMware) the direction, by the
/// first byte alone. That separates no networks; it is told by what no virtual subnet may be, those below 0x1000
/// and the last one, and by a first byte with zeros behind it.
fn bridged(part: Slice<'_>, key: u32) -> Opened<'_> {
    let opened = Opened::new(Next::Link(ETHERNET), part);
    match key >> 8 {
        0..0x1000 | 0xff_ffff => opened.in_tunnel(TUNNEL.name, None),
        subnet if subnet & 0xffff == 0 => opened.in_tunnel(TUNNEL.name, None),
        subnet => opened.in_tunnel("nvgre", Some(subnet)),
    }
}

/// In GRE the type of what follows stands before Cisco's metadata.
fn behind_metadata(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let ethertype = part.be16(0, SHORT)?;
    let rest = part.after(2);
    let inside = rest.after(cisco_metadata::len(rest)?);
    Ok(Opened::new(Next::EtherType(ethertype), inside).in_tunnel(TUNNEL.name, None))
}

/// ```text
/// | 0x2001 | 0x6400 | length 2 | tunnel 2, little-endian | Ethernet
/// ```
fn ethernet_over_ip(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let (len, tunnel) = (part.be16(4, SHORT)?, part.le16(6, SHORT)?);
    // Without a frame it is a keep-alive.
    if len == 0 {
        return Err(DecodeEnd::Done);
    }
    let inside = part.after(8).limited(usize::from(len));
    Ok(Opened::new(Next::Link(ETHERNET), inside).in_tunnel("eoip", Some(tunnel.into())))
}

/// RFC 1701: source routes up to one that has no address family and no length.
fn behind_routes(mut rest: Slice<'_>) -> Result<Slice<'_>, DecodeEnd> {
    for _ in 0..ROUTES_MAX {
        let [a, b, _, len] = rest.array(0, SHORT)?;
        rest = rest.after(usize::from(len).saturating_add(4));
        if (a, b, len) == (0, 0, 0) {
            return Ok(rest);
        }
    }
    Err(rest.stop("gre.too_many_routes"))
}

/// ```text
/// | version, VLAN, COS, session 4 | time 4 | group tag 2 | P 1 bit, frame type 5, ... O 1 | (8: O) |
/// ```
fn erspan_3(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let flags = part.be16(10, "erspan.header_too_short")?;
    let inside = part.after(if flags & 1 == 1 { 20 } else { 12 });
    // Frame type 0 is Ethernet, 2 is IP.
    let next = match flags >> 10 & 0x1f {
        0 => Next::Link(ETHERNET),
        2 => Next::Ip,
        _ => Next::Nothing,
    };
    Ok(Opened::new(next, inside).in_tunnel("erspan", None))
}

/// WCCP version 2 has four bytes before the packet, version 1 has none; neither says so, but the
/// first of the four is never one that an IPv4 packet starts with.
fn redirected(part: Slice<'_>) -> Opened<'_> {
    let plain = wire::u8_at(part.bytes, 0).is_some_and(|byte| byte >> 4 == 4);
    Opened::new(Next::Ip, if plain { part } else { part.after(4) })
}

/// RFC 2637 section 4.1: the key is the length of the payload and the receiver's name for the call.
fn pptp(part: Slice<'_>, flags: u16) -> Result<Opened<'_>, DecodeEnd> {
    let len = part.be16(4, SHORT)?;
    if flags & KEY == 0 || flags & (CHECKSUM | ROUTING) != 0 {
        return Err(part.stop("gre.flags_invalid"));
    }
    // An acknowledgment alone carries nothing.
    if flags & SEQUENCE == 0 || len == 0 {
        return Err(DecodeEnd::Done);
    }
    let header_len = if flags & ACKNOWLEDGMENT != 0 { 16 } else { 12 };
    let inside = part.after(header_len).limited(usize::from(len));
    Ok(Opened::new(Next::Link(PPP), inside).in_tunnel("pptp", None))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{
        NOTHING, ethernet, ipv4, leaves_alone, opens, path, stops, udp4, v4, v6, wifi,
    };

    fn gre(header: &[u8], inside: &[u8]) -> Vec<u8> {
        ipv4(47, &[header, inside].concat())
    }

    #[test]
    fn leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        opens(228, &gre(&[0, 0, 8, 0], &v4()));
        opens(228, &gre(&[0xb0, 0, 0x86, 0xdd, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1], &v6()));
        let routed = [0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0];
        opens(228, &gre(&routed, &v4()));
        opens(228, &gre(&[0, 0, 0x65, 0x58], &frame));
        opens(228, &gre(&[0, 0, 0x88, 0xbe], &frame));
        opens(228, &gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5, 0, 0, 0, 0], &frame));
        let third = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        opens(228, &gre(&third, &frame));
        opens(228, &gre(&[0, 0, 0x88, 0x3e], &v4()));
        opens(228, &gre(&[0, 0, 0x88, 0x3e, 0, 0, 1, 2], &v4()));
        opens(228, &gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &v4()));
    }

    #[test]
    fn pptp_leads_through_ppp() {
        let inside = [&[0xff, 3, 0, 0x21], &v4()[..]].concat();
        let len = u8::try_from(inside.len()).unwrap();
        opens(228, &gre(&[0x30, 1, 0x88, 0x0b, 0, len, 0, 9, 0, 0, 0, 1], &inside));
        let acknowledging = [0x30, 0x81, 0x88, 0x0b, 0, len, 0, 9, 0, 0, 0, 1, 0, 0, 0, 4];
        opens(228, &gre(&acknowledging, &inside));
        let acknowledgment_alone = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1];
        assert_eq!(stops(228, &gre(&acknowledgment_alone, &[])), NOTHING);
    }

    #[test]
    fn what_others_built_on_it_leads_to_the_datagram() {
        let frame = ethernet(0x0800, &v4());
        let len = u8::try_from(frame.len()).unwrap();
        let eoip = gre(&[0x20, 1, 0x64, 0, 0, len, 5, 1], &frame);
        opens(228, &eoip);
        assert_eq!(path(228, &eoip), (vec![], vec![("eoip", Some(0x105))]));
        let aruba = gre(&[0, 0, 0x82, 0x10], &wifi());
        opens(228, &aruba);
        assert_eq!(path(228, &aruba), (vec![], vec![("aruba", None)]));
        opens(228, &gre(&[0, 0, 0x89, 0x09, 8, 0, 1, 1, 0, 1, 0, 10], &v4()));
    }

    #[test]
    fn in_udp_it_is_the_same_and_others_are_left_alone() {
        let bytes = udp4(4754, &[&[0, 0, 8, 0], &v4()[..]].concat());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("gre", None)]));
        opens(228, &udp4(4754, &[&[0x20, 0, 0x86, 0xdd, 1, 2, 3, 4], &v6()[..]].concat()));
        for payload in [&[][..], &[0, 0, 8], &[0, 1, 8, 0, 1], &[0x20, 0, 8, 0, 1], &[0; 60]] {
            leaves_alone(4754, payload);
        }
    }

    #[test]
    fn only_a_virtual_subnet_separates_networks() {
        let bridged = |key: [u8; 4]| {
            let header = [&[0x20, 0, 0x65, 0x58][..], &key].concat();
            let bytes = gre(&header, &ethernet(0x0800, &v4()));
            opens(228, &bytes);
            path(228, &bytes).1
        };
        assert_eq!(bridged([0, 0x13, 0x89, 0xff]), [("nvgre", Some(0x1389))]);
        assert_eq!(bridged([2, 0, 1, 0]), [("nvgre", Some(0x20001))]);
        // A mirror's, of two directions, and of two sessions.
        for key in [[0; 4], [2, 0, 0, 0], [2, 0, 0, 7], [0, 1, 2, 0], [0, 0, 0, 9], [0xff; 4]] {
            assert_eq!(bridged(key), [("gre", None)]);
        }
        let bytes = gre(&[0x20, 0, 8, 0, 0, 1, 2, 0xff], &v4());
        opens(228, &bytes);
        assert_eq!(path(228, &bytes), (vec![], vec![("gre", None)]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(228, &gre(&[0, 0, 8], &[])), ["gre.header_too_short"]);
        assert_eq!(stops(228, &gre(&[0x20, 0, 8, 0, 1, 2], &[])), ["gre.header_too_short"]);
        assert_eq!(stops(228, &gre(&[0, 3, 8, 0], &[])), ["gre.version_unknown"]);
        assert_eq!(stops(228, &gre(&[0, 1, 0x88, 0x0b, 0, 9], &[])), ["gre.flags_invalid"]);
        assert_eq!(stops(228, &gre(&[0, 0, 0x22, 0xeb, 0], &[])), ["erspan.header_too_short"]);
        let routes = [&[0x40, 0, 8, 0, 0, 0, 0, 0], &[8, 0, 0, 0].repeat(9)[..]].concat();
        assert_eq!(stops(228, &gre(&routes, &[])), ["gre.too_many_routes"]);
        assert_eq!(stops(228, &gre(&[0x20, 1, 0x64, 0, 0], &[])), ["gre.header_too_short"]);
        // Keep-alives.
        assert_eq!(stops(228, &gre(&[0x20, 1, 0x64, 0, 0, 0, 1, 0], &[])), NOTHING);
        assert_eq!(stops(228, &gre(&[0, 0, 0, 0], &[])), NOTHING);
    }
}
