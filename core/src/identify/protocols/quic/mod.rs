//! QUIC versions 1 and 2 and the drafts before them (RFC 8999, 9000, 9369), Meta's and Google's,
//! over UDP.
//!
//! ```text
//!  long header       1 1 type(2) ....   version(32)  len(8) DCID  len(8) SCID | by type
//!    Initial         token length(varint) token  length(varint)  packet
//!    0-RTT, Handshake                            length(varint)  packet
//!    Retry           token, 16 bytes of tag
//!  negotiation       1 .......          00000000     len(8) DCID  len(8) SCID | versions(32 each)
//!  Google, to Q043   00 .. 1 . 0 1      CID(64)  "Q0nn"  packet number | ...
//! ```
//!
//! Short headers have nothing to recognise. What is inside an Initial is read by [`metadata::tell`] alone, once
//! it is known to be one.

#[cfg(feature = "details")]
mod initial;
#[cfg_attr(not(feature = "details"), path = "no_metadata.rs")]
mod metadata;

use std::borrow::Cow;

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "quic",
    title: "QUIC",
    reference: "RFC 8999, RFC 9000 section 17.2, RFC 9369 section 3.2, IANA QUIC Versions",
    rests_on: "A long header of a version that is deployed, with connection ids and a length that \
               fit; a version negotiation that offers such a version.",
    blind_spots: "A connection captured after its handshake: short headers look like random bytes. \
                  Versions that nobody has registered.",
    bits: 33.0,
    openings: Openings::Unknown,
    asks: over_udp(|view| probe_found(view, match_side, find)).telling(Extras {
        metadata: Some(metadata::tell),
        headline: Some(Headline {
            word: "QUIC ",
            version: DetailKey::QuicVersion,
            name: DetailKey::QuicSni,
        }),
        ..Extras::NONE
    }),
};

/// RFC 9000 section 17.2.
const CONNECTION_ID_MAX: usize = 20;

/// RFC 9000 section 14.1: what a datagram with a client's Initial holds at least.
const INITIAL_DATAGRAM_MIN: usize = 1200;

/// How many datagrams of a side may come before one with a long header.
const DATAGRAMS_MAX: usize = 3;

/// How the rest of a long header is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// RFC 9000, and drafts from 22 on.
    One,
    /// RFC 9369: the types have other numbers.
    Two,
    /// Google's last ones: connection ids as in RFC 9000, types of their own.
    Google,
    /// Q044 to Q049: two lengths in one byte.
    GoogleNibbles,
    /// RFC 9000 section 15: made up, to provoke a negotiation.
    Reserved,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PacketType {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    Negotiation,
    Google,
}

/// The first packet of a datagram.
struct QuicPacket<'a> {
    kind: PacketType,
    version: u32,
    destination: &'a [u8],
    source: &'a [u8],
    role: Role,
    bits: f32,
    at: usize,
}

fn find([a, b]: [Option<QuicPacket<'_>>; 2]) -> Option<Finding> {
    let (mut fits, mut client) = (false, None);
    if let (Some(a), Some(b)) = (&a, &b) {
        // Answers go to the id that the other end chose; the client's first goes to a random one.
        let (from_a, from_b) = (a.destination == b.source, b.destination == a.source);
        fits = from_a || from_b;
        client = match (from_a, from_b) {
            (true, false) => Some(Side::B),
            (false, true) => Some(Side::A),
            (true, true) | (false, false) => None,
        };
    }
    let words = |packet: Option<QuicPacket<'_>>, side| {
        packet.map(|packet| words(&packet, client.map(|client| client == side)))
    };
    join_if(fits, [words(a, Side::A), words(b, Side::B)])
}

fn match_side<'a>(head: &SideView<'a>) -> SideMatch<QuicPacket<'a>> {
    let first = head.datagrams.iter().take(DATAGRAMS_MAX);
    let found = first.enumerate().find_map(|(at, datagram)| {
        read(datagram, at).or_else(|| read_old_google(head.datagrams, datagram, at))
    });
    match found {
        Some(packet) => Ok(packet),
        None if head.datagrams.len() < DATAGRAMS_MAX => Err(Short),
        None => Err(Not),
    }
}

/// The layout of a version's packets, and -log2 of the chance to hit a version of its kind.
fn layout(version: u32) -> Option<(Layout, f32)> {
    let digits = |byte: u32| (0x30..=0x39).contains(&(byte & 0xff));
    let number = (version >> 8 & 0x0f).saturating_mul(10).saturating_add(version & 0x0f);
    match version {
        0x0000_0001 | 0xff00_0016..=0xff00_0022 => Some((Layout::One, 28.0)),
        0x6b33_43cf | 0x709a_50c4 => Some((Layout::Two, 31.0)),
        // mvfst; picoquic's own
        0xface_b000..=0xface_b01f | 0x5043_5130..=0x5043_5132 => Some((Layout::One, 27.0)),
        // "Q0nn" and "T0nn"
        _ if matches!(version >> 16, 0x5130 | 0x5430)
            && digits(version >> 8)
            && digits(version) =>
        {
            match number {
                44..=49 => Some((Layout::GoogleNibbles, 29.4)),
                50..=59 | 99 => Some((Layout::Google, 28.5)),
                _ => None,
            }
        }
        _ if version & 0x0f0f_0f0f == 0x0a0a_0a0a => Some((Layout::Reserved, 16.0)),
        _ => None,
    }
}

fn read<'a>(datagram: &Datagram<'a>, at: usize) -> Option<QuicPacket<'a>> {
    let mut cursor = Cursor::new(datagram.bytes);
    let first = cursor.u8().filter(|first| first & 0x80 != 0)?;
    let version = cursor.be32()?;
    if version == 0 {
        return read_negotiation(datagram, cursor, at);
    }
    let (layout, bits) = layout(version)?;
    if first & 0x40 == 0 {
        return None;
    }
    let (destination, source) = match layout {
        Layout::GoogleNibbles => read_nibbles(&mut cursor)?,
        Layout::One | Layout::Two | Layout::Google | Layout::Reserved => read_ids(&mut cursor)?,
    };
    // form and fixed bit, two lengths of at most 20
    let bits = bits + 2.0 + 3.6 + 3.6;
    let mut packet = QuicPacket {
        kind: PacketType::Google,
        version,
        destination,
        source,
        role: Role::Either,
        bits,
        at,
    };
    let number = first >> 4 & 3;
    let number = match layout {
        Layout::Google | Layout::GoogleNibbles => return Some(packet),
        Layout::One | Layout::Reserved => number,
        // RFC 9369 section 3.2: each is one more, and the last is the first.
        Layout::Two => number.wrapping_sub(1) & 3,
    };
    packet.kind = match number {
        0 => PacketType::Initial,
        1 => PacketType::ZeroRtt,
        2 => PacketType::Handshake,
        _ => PacketType::Retry,
    };
    packet.check_payload(datagram, cursor, layout == Layout::Reserved)?;
    Some(packet)
}

fn read_ids<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let destination = cursor.block8().filter(|id| id.len() <= CONNECTION_ID_MAX)?;
    let source = cursor.block8().filter(|id| id.len() <= CONNECTION_ID_MAX)?;
    Some((destination, source))
}

/// Each nibble is 0, or the length less 3; Google's ids always had 8 bytes.
fn read_nibbles<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let lens = cursor.u8()?;
    let id = |cursor: &mut Cursor<'a>, nibble| match nibble {
        0 => Some(&[][..]),
        5 => cursor.take(8),
        _ => None,
    };
    let destination = id(cursor, lens >> 4)?;
    let source = id(cursor, lens & 0x0f)?;
    (lens != 0).then_some((destination, source))
}

impl QuicPacket<'_> {
    /// The lengths behind the connection ids; `None` where they don't fit the datagram.
    fn check_payload(
        &mut self,
        datagram: &Datagram<'_>,
        mut cursor: Cursor<'_>,
        exact: bool,
    ) -> Option<()> {
        let cut = !datagram.is_whole();
        match self.kind {
            PacketType::Retry => {
                // It only answers, and grows with its token.
                let left = datagram.wire_len.checked_sub(cursor.position())?;
                self.role = Role::Server;
                return (left > 16 && !exact).then_some(());
            }
            PacketType::Initial => {
                let Some(token) = varint(&mut cursor) else { return (cut && !exact).then_some(()) };
                let token = usize::try_from(token).ok()?;
                if token > 0 {
                    self.role = Role::Client;
                }
                if cursor.skip(token).is_none() {
                    let fits = cursor.position().saturating_add(token) < datagram.wire_len;
                    return (cut && fits && !exact).then_some(());
                }
            }
            PacketType::ZeroRtt => self.role = Role::Client,
            PacketType::Handshake | PacketType::Negotiation | PacketType::Google => {}
        }
        let Some(len) = varint(&mut cursor) else { return (cut && !exact).then_some(()) };
        let end = usize::try_from(len).ok()?.checked_add(cursor.position())?;
        // RFC 9001 section 5.4.2: four bytes from the packet number on, and a 16-byte sample.
        let fits = len >= 20 && end <= datagram.wire_len;
        self.bits += if end == datagram.wire_len { 14.0 } else { 4.0 };
        let large = end == datagram.wire_len && datagram.wire_len >= INITIAL_DATAGRAM_MIN;
        (fits && (!exact || (large && self.kind == PacketType::Initial))).then_some(())
    }
}

/// RFC 9000 section 16.
fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.rest().first()?;
    match first >> 6 {
        0 => cursor.u8().map(u64::from),
        1 => cursor.be16().map(|number| u64::from(number & 0x3fff)),
        2 => cursor.be32().map(|number| u64::from(number & 0x3fff_ffff)),
        _ => cursor.be64().map(|number| number & 0x3fff_ffff_ffff_ffff),
    }
}

/// RFC 8999 section 6: nothing but versions behind the ids, and one of them is deployed.
fn read_negotiation<'a>(
    datagram: &Datagram<'a>,
    mut cursor: Cursor<'a>,
    at: usize,
) -> Option<QuicPacket<'a>> {
    let (destination, source) = read_ids(&mut cursor)?;
    let len = datagram.wire_len.checked_sub(cursor.position())?;
    let known = cursor
        .rest()
        .chunks_exact(4)
        .filter_map(|chunk| be32(chunk, 0))
        .any(|version| layout(version).is_some_and(|(layout, _)| layout != Layout::Reserved));
    let fits = known && len.is_multiple_of(4) && (4..=256).contains(&len);
    // version 0, form, two lengths, a known version among a few
    let bits = 32.0 + 1.0 + 7.2 + 2.0 + 22.0;
    fits.then_some(QuicPacket {
        kind: PacketType::Negotiation,
        version: 0,
        destination,
        source,
        role: Role::Server,
        bits,
        at,
    })
}

/// Google's own, up to Q043. The version stands only in what the client sends first: its hello
/// ("CHLO") must be in it, or another datagram of the same connection beside it.
fn read_old_google<'a>(
    all: &[Datagram<'a>],
    datagram: &Datagram<'a>,
    at: usize,
) -> Option<QuicPacket<'a>> {
    let bytes = datagram.bytes;
    let flags = u8_at(bytes, 0)?;
    let version = array::<4>(bytes, 9)?;
    let [b'Q', b'0', tens @ b'0'..=b'4', ones] = version else { return None };
    if flags & 0xc3 != 0x01 || flags & 0x08 == 0 || !ones.is_ascii_digit() {
        return None;
    }
    let hello = position_of(prefix(rest(bytes, 13), 99), b"CHLO").is_some();
    let same = |other: &&Datagram<'_>| other.bytes.get(1..13) == bytes.get(1..13);
    let again = all.iter().filter(same).count() > 1;
    // version and flags; the hello anywhere in 96 bytes, or 12 bytes again
    let bits = 24.0 + 4.7 + 5.0 + if hello { 25.0 } else { 90.0 };
    (hello || again).then_some(QuicPacket {
        kind: PacketType::Google,
        version: u32::from_be_bytes([b'Q', b'0', tens, ones]),
        destination: bytes.get(1..9)?,
        source: &[],
        role: Role::Client,
        bits,
        at,
    })
}

fn version_name(version: u32) -> Cow<'static, str> {
    match version {
        1 => "1".into(),
        0x6b33_43cf => "2".into(),
        0x709a_50c4 => "2 (draft)".into(),
        0xff00_0000..=0xff00_00ff => format!("draft-{}", version & 0xff).into(),
        0xface_b000..=0xface_b01f => format!("mvfst ({version:08x})").into(),
        _ if matches!(version >> 24, 0x50 | 0x51 | 0x54) => {
            String::from_utf8_lossy(&version.to_be_bytes()).into_owned().into()
        }
        _ => format!("{version:08x}").into(),
    }
}

fn words(packet: &QuicPacket<'_>, is_client: Option<bool>) -> Said {
    let kind = match packet.kind {
        PacketType::Initial => "Initial",
        PacketType::ZeroRtt => "0-RTT",
        PacketType::Handshake => "Handshake",
        PacketType::Retry => "Retry",
        PacketType::Google => "long header",
        PacketType::Negotiation => "version negotiation",
    };
    let role = match is_client {
        Some(true) => Role::Client,
        Some(false) => Role::Server,
        None => packet.role,
    };
    let spot = Spot::datagram(packet.at, 0, 16);
    if packet.kind == PacketType::Negotiation {
        return Said::at(role, packet.bits, format!("QUIC {kind}"), spot);
    }
    let version = version_name(packet.version);
    Said::at(role, packet.bits, ["QUIC ", kind, ", version ", &version].concat(), spot)
        .with(DetailKey::QuicVersion, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    /// An Initial that fills `size` bytes.
    fn initial(first: u8, version: &str, ids: &str, size: usize) -> Vec<u8> {
        let mut packet = vec![first];
        packet.extend(hex(version));
        packet.extend(hex(ids));
        packet.push(0);
        let len = u16::try_from(size - packet.len() - 2).unwrap() | 0x4000;
        packet.extend(len.to_be_bytes());
        packet.resize(size, 0xa7);
        packet
    }

    const CLIENT: &str = "08 d0d1d2d3d4d5d6d7 04 c0c1c2c3";
    const SERVER: &str = "04 c0c1c2c3 08 e0e1e2e3e4e5e6e7";

    #[test]
    fn initials_are_named_from_each_side() {
        let versions = [
            (0xc3, "00000001", "1"),
            (0xd0, "6b3343cf", "2"),
            (0xc0, "ff00001d", "draft-29"),
            (0xcf, "faceb002", "mvfst (faceb002)"),
            (0xc3, "51303530", "Q050"),
        ];
        for (first, version, name) in versions {
            let talk = Talk::udp()
                .a(initial(first, version, CLIENT, 1252))
                .b(initial(first, version, SERVER, 1252));
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            assert_eq!(found.details, [Detail::new(DetailKey::QuicVersion, name)]);
            for side in Side::BOTH {
                let found = talk.clone().only(side).named_by(&DETECTOR);
                assert_eq!(found.strength, Strength::OneSided);
            }
        }
    }

    #[test]
    fn negotiation_and_retry_tell_the_server() {
        let talk = Talk::udp()
            .a(initial(0xc3, "1a2a3a4a", CLIENT, 1200))
            .b(hex("9f 00000000 04 c0c1c2c3 08 d0d1d2d3d4d5d6d7 0a1a2a3a 00000001"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(talk.only(Side::B).named_by(&DETECTOR).client, Some(Side::A));
        let mut retry = hex("f0 00000001");
        retry.extend(hex(SERVER));
        retry.extend([3; 60]);
        assert_eq!(Talk::udp().b(retry).named_by(&DETECTOR).client, Some(Side::A));
    }

    #[test]
    fn googles_older_versions_are_named() {
        let mut old = hex("0d c0c1c2c3c4c5c6c7 51303339 01 000102030405060708090a0b a0 01 0004");
        old.extend(b"CHLO");
        old.resize(1350, 0);
        let found = Talk::udp().a(old).named_by(&DETECTOR);
        assert_eq!(found.client, Some(Side::A));
        let mut nibbles = hex("c3 51303436 50 c0c1c2c3c4c5c6c7 00000001");
        nibbles.resize(1350, 9);
        Talk::udp().a(nibbles).named_by(&DETECTOR);
    }

    #[test]
    fn captures_cut_short_are_named() {
        for bytes in [19, 24, 60] {
            Talk::udp()
                .a(initial(0xc3, "00000001", CLIENT, 1252))
                .snapped(bytes)
                .named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        // an unknown version, ids that are too long, a length that leads too far
        for ids in [CLIENT, SERVER] {
            Talk::udp().a(initial(0xc3, "00000007", ids, 1252)).refused_by(&DETECTOR);
        }
        let long = "15 000102030405060708090a0b0c0d0e0f1011121314 00";
        Talk::udp().a(initial(0xc3, "00000001", long, 1252)).refused_by(&DETECTOR);
        let mut cut = initial(0xc3, "00000001", CLIENT, 1252);
        cut.truncate(1000);
        Talk::udp().a(cut).refused_by(&DETECTOR);
        // a made-up version in a small datagram
        Talk::udp().a(initial(0xc3, "1a2a3a4a", CLIENT, 200)).refused_by(&DETECTOR);
        // a negotiation of nothing that is known
        let nothing = "9f 00000000 04 c0c1c2c3 08 d0d1d2d3d4d5d6d7 0a1a2a3a 12345678";
        Talk::udp().b(hex(nothing)).refused_by(&DETECTOR);
        // UDT's handshake has a zero version, too
        let udt = hex("80000000 00000000 00000000 00000000 00000004 00000001 1a2b3c4d 000005dc");
        Talk::udp().a(udt).refused_by(&DETECTOR);
        // RTP, short headers, and text that looks like Google's
        let rtp = crate::identify::protocols::rtp::sample(1, 2);
        Talk::udp().a(&rtp).a(&rtp).a(&rtp).refused_by(&DETECTOR);
        Talk::udp().a([0x45; 60]).b([0x51; 60]).refused_by(&DETECTOR);
        Talk::udp().a("\tcontents Q039 is a version\n").refused_by(&DETECTOR);
    }
}
