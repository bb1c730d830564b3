//! STUN (RFC 8489, RFC 5389), with TURN's messages (RFC 8656), over UDP and TCP; over UDP also the
//! first STUN (RFC 3489), which has no magic cookie, and Microsoft's TURN ([MS-TURN]), which has one
//! of its own.
//!
//! ```text
//!  00 type(14) length(16) | 2112a442 | transaction(12) | attributes: type(2) length(2) value, to 4
//! ```
//!
//! [MS-TURN] attributes are not padded; the first is its cookie: 000f 0004 72c64bc6.
//!
//! STUN opens the way for other protocols: what follows the first messages is looked at on its own.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "stun",
    title: "STUN and TURN",
    reference: "RFC 8489 sections 5 and 14, RFC 8656, RFC 3489 section 11, RFC 4571, [MS-TURN] section 2.2.2.1",
    rests_on: "The magic cookie and a length that is the datagram's; without the cookie, known \
               attributes of the right size to the last byte, or the transaction repeated in the \
               answer.",
    blind_spots: "TURN's channel data without the messages that opened the channel. A flow whose \
                  first datagrams are media is not called STUN for the checks that come between.",
    bits: 39.0,
    openings: Openings::Known(&[
        // a type or, with RFC 4571, a length; then a length or a type
        within(&[(0, 8)]).tcp(),
        within(&[(0, 8)]).at(2).tcp(),
        within(&[(0, 0x3f)]).udp(),
        // any byte: the header has twenty
        within(&[(0, 255)]).at(19).required().udp(),
    ]),
    asks: over_both(probe).telling(Extras { details: &[SOFTWARE], ..Extras::NONE }),
};

/// The software attribute, of whoever sent it first.
const SOFTWARE: DetailKey =
    DetailKey::Own(&OwnDetail { path: "portstory.stun.software", summary: None, names: true });

const COOKIE: u32 = 0x2112_a442;

/// The attribute that comes first in [MS-TURN].
const MICROSOFT_COOKIE: &[u8] = &[0x00, 0x0f, 0x00, 0x04, 0x72, 0xc6, 0x4b, 0xc6];

/// ICE's attribute of every check (RFC 8445 sections 7.1.1 and 16.1).
const PRIORITY: u16 = 0x0024;

/// Bytes of a message's header.
const HEADER: usize = 20;

/// A message on TCP is not longer than what fits a datagram.
const LENGTH_MAX: u16 = 2048;

/// A message's header, and what was checked.
struct Message {
    /// Two bits of class, twelve of method (RFC 8489 section 5).
    class: u16,
    method: u16,
    /// From the cookie's place on: with RFC 3489 all of it is the transaction.
    transaction: [u8; 16],
    software: Option<Box<str>>,
    /// It checks a path between peers, which both of them do.
    is_check: bool,
    bits: f32,
    at: usize,
    /// It has the magic cookie, or attributes as good as that; else the answer must prove it.
    proven: bool,
}

fn probe(view: &FlowView<'_>) -> Probe {
    let match_side = match view.transport {
        Transport::Udp => match_datagram,
        Transport::Tcp => match_stream,
    };
    let said = match match_both(view, match_side) {
        Ok(said) => said,
        Err(answer) => return answer,
    };
    let same = match &said {
        [Some(a), Some(b)] => a.transaction == b.transaction,
        [_, None] | [None, _] => false,
    };
    let proven = said.iter().flatten().any(|message| message.proven) || same;
    if !proven {
        return unproven(view);
    }
    let heard = said.iter().flatten();
    let peers = said.iter().all(Option::is_some) && heard.clone().any(|message| message.is_check);
    let said = said.map(|message| message.map(|message| words(message, same, peers)));
    let fits = said.iter().all(Option::is_some);
    carrying(yes(join_if(fits, said)), |_| inside(view))
}

/// Where the flow goes on in another protocol: behind the STUN messages that open each side.
fn inside(view: &FlowView<'_>) -> Inside {
    if view.transport == Transport::Tcp {
        return Inside::Nothing;
    }
    behind_leading(view, |datagram| read(datagram, 0).is_some())
}

fn match_datagram(head: &SideView<'_>) -> SideMatch<Message> {
    match head.datagrams.first() {
        Some(datagram) => read(datagram, 0).ok_or(Not),
        None => Err(Short),
    }
}

/// RFC 8489 section 6.2.2: messages stand one behind the other; ICE puts a 16-bit length before
/// each (RFC 4571).
fn match_stream(head: &SideView<'_>) -> SideMatch<Message> {
    let stream = head.stream;
    let framed = be16(stream, 0).zip(be16(stream, 4)).is_some_and(|(outer, inner)| {
        usize::from(outer) == usize::from(inner).saturating_add(HEADER)
    });
    let at = if framed { 2 } else { 0 };
    if stream.first().is_some_and(|byte| byte & 0xc0 != 0) {
        return Err(Not);
    }
    if stream.len() < HEADER + 2 {
        return Err(Short);
    }
    let message = rest(stream, at);
    let len = be16(message, 2).filter(|len| *len <= LENGTH_MAX).ok_or(Not)?;
    let wire_len = usize::from(len).saturating_add(HEADER);
    let bytes = message.get(..wire_len).unwrap_or(message);
    let one = Datagram { bytes, wire_len, time: crate::time::Timestamp::MIN };
    let found = read(&one, at).filter(|message| message.proven && message.method <= 0x00ff);
    found
        .map(|message| Message {
            // Here the length proves nothing of its own, but it is short.
            bits: message.bits - 16.0 + 5.0,
            ..message
        })
        .filter(|_| {
            // More messages follow, or RFC 8656's channels; framed, what ICE carries (RFC 7983).
            let end = wire_len.saturating_add(at);
            let (first, inner) = (u8_at(stream, end), u8_at(stream, end.saturating_add(2)));
            let kind = matches!(inner, None | Some(0..=3 | 20..=63 | 128..=191));
            let short = be16(stream, end).is_none_or(|len| len <= 4 * LENGTH_MAX);
            if framed { kind && short } else { first.is_none_or(|first| first < 0x50) }
        })
        .ok_or(Not)
}

fn read(datagram: &Datagram<'_>, at: usize) -> Option<Message> {
    let bytes = datagram.bytes;
    let kind = be16(bytes, 0)?;
    let len = be16(bytes, 2)?;
    let transaction = array::<16>(bytes, 4)?;
    let microsoft = rest(bytes, HEADER).starts_with(MICROSOFT_COOKIE);
    let fits = kind & 0xc000 == 0
        && (len.is_multiple_of(4) || microsoft)
        && usize::from(len).saturating_add(HEADER) == datagram.wire_len;
    if !fits {
        return None;
    }
    // RFC 8489 figure 3: M11..M7 C1 M6..M4 C0 M3..M0
    let class = (kind >> 7 & 2) | (kind >> 4 & 1);
    let method = (kind >> 2 & 0x0f80) | (kind >> 1 & 0x70) | (kind & 0x0f);
    let mut message = Message {
        class,
        method,
        transaction,
        software: None,
        is_check: false,
        bits: 2.0 + 16.0,
        at,
        proven: false,
    };
    let attributes = rest(bytes, HEADER);
    if microsoft {
        message.bits += 64.0;
        message.proven = true;
    } else if be32(bytes, 4)? == COOKIE {
        message.bits += 32.0;
        message.proven = true;
        message.walk(attributes, datagram.is_whole())?;
    } else {
        message.walk_classic(attributes, datagram.is_whole())?;
    }
    Some(message)
}

impl Message {
    /// Attributes must end where the message ends.
    fn walk(&mut self, attributes: &[u8], whole: bool) -> Option<()> {
        let mut cursor = Cursor::new(attributes);
        while !cursor.is_empty() {
            let kind = cursor.be16();
            let Some(value) = cursor.block16() else { return (!whole).then_some(()) };
            // SOFTWARE (RFC 8489 section 14.14)
            if kind == Some(0x8022) {
                self.software = Some(from_wire(value.trim_ascii_end()));
            }
            self.is_check |= kind == Some(PRIORITY);
            let pad = value.len().wrapping_neg() & 3;
            if cursor.skip(pad).is_none() {
                return (!whole).then_some(());
            }
        }
        Some(())
    }

    /// RFC 3489 section 11.1 and 11.2: six message types, eleven attributes, all but one of which
    /// have a size of their own. A message of header alone proves too little.
    fn walk_classic(&mut self, attributes: &[u8], whole: bool) -> Option<()> {
        if !matches!((self.class, self.method), (0 | 2 | 3, 1 | 2)) || !whole {
            return None;
        }
        self.bits += 11.4;
        let mut cursor = Cursor::new(attributes);
        while !cursor.is_empty() {
            let kind = cursor.be16()?;
            let value = cursor.block16()?;
            self.bits += 13.0 + classic_bits(kind, value)?;
            self.proven = true;
        }
        Some(())
    }
}

/// -log2 of the chance that a random length and value suit the attribute; `None` where they don't.
fn classic_bits(kind: u16, value: &[u8]) -> Option<f32> {
    let address = value.len() == 8 && u8_at(value, 0) == Some(0) && u8_at(value, 1) == Some(1);
    match kind {
        // MAPPED-, RESPONSE-, SOURCE-, CHANGED-ADDRESS, REFLECTED-FROM; and XOR-MAPPED-ADDRESS of
        // the drafts that came after
        1 | 2 | 4 | 5 | 0x0b | 0x8020 if address => Some(32.0),
        // CHANGE-REQUEST: two flags
        3 if be32(value, 0).is_some_and(|flags| flags & !6 == 0) && value.len() == 4 => Some(46.0),
        // USERNAME, PASSWORD, UNKNOWN-ATTRIBUTES
        6 | 7 | 0x0a if value.len().is_multiple_of(4) && !value.is_empty() => Some(2.0),
        // MESSAGE-INTEGRITY
        8 if value.len() == 20 => Some(16.0),
        // ERROR-CODE: 21 bits of zero, class, number
        9 if be32(value, 0).is_some_and(|code| code >> 11 == 0) => Some(21.0),
        // SERVER, XOR-ONLY: seen in servers of that time
        0x8022 if value.is_ascii() => Some(4.0),
        0x0021 if value.is_empty() => Some(16.0),
        _ => None,
    }
}

/// `peers` says that the two check their path, so that who asks first says nothing.
fn words(message: Message, same: bool, peers: bool) -> Said {
    let (role, class) = match message.class {
        0 => (Role::Client, "request"),
        1 => (Role::Either, "indication"),
        2 => (Role::Server, "success"),
        _ => (Role::Server, "error"),
    };
    let method = match message.method {
        1 => "Binding",
        2 => "Shared Secret",
        3 => "TURN Allocate",
        4 => "TURN Refresh",
        6 => "TURN Send",
        7 => "TURN Data",
        8 => "TURN CreatePermission",
        9 => "TURN ChannelBind",
        10 => "TURN Connect",
        11 => "TURN ConnectionBind",
        12 => "TURN ConnectionAttempt",
        0x80 => "GOOG-PING",
        _ => "other",
    };
    let classic =
        if message.transaction.starts_with(&COOKIE.to_be_bytes()) { "" } else { " (RFC 3489)" };
    let bits = message.bits + if same { 64.0 } else { 0.0 };
    let fact = format!("STUN {method} {class}{classic}");
    let role = if peers { Role::Either } else { role };
    Said::at(role, bits, fact, Spot::datagram(0, message.at, 8))
        .with_some(SOFTWARE, message.software)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "0001 0008 2112a442 000102030405060708090a0b 8028 0004 11223344";
    const SUCCESS: &str = "0101 0018 2112a442 000102030405060708090a0b \
                           0020 0008 0001 2233 44556677 8022 0006 74657374 2f31 2020";
    const CLASSIC_REQUEST: &str = "0001 0008 a1a2a3a4a5a6a7a8a9aaabacadaeaf00 0003 0004 00000000";
    const CLASSIC_ANSWER: &str =
        "0101 000c a1a2a3a4a5a6a7a8a9aaabacadaeaf00 0001 0008 00010cab c0000201";
    const BARE_REQUEST: &str = "0001 0000 a1a2a3a4a5a6a7a8a9aaabacadaeaf00";

    #[test]
    fn request_and_answer_are_named() {
        let talk = Talk::udp().a(hex(REQUEST)).b(hex(SUCCESS));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.inside, Inside::MayFollow);
        let software = Detail::new(SOFTWARE, "test/1");
        assert_eq!(found.details, [software]);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
        }
    }

    #[test]
    fn ice_peers_both_ask() {
        let found = Talk::udp().a(hex(REQUEST)).b(hex(REQUEST)).named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, None));
    }

    #[test]
    fn a_check_and_its_answer_make_no_client() {
        let check = "0001 0008 2112a442 000102030405060708090a0b 0024 0004 6e0001ff";
        let talk = Talk::udp().a(hex(check)).b(hex(SUCCESS));
        assert_eq!(talk.named_by(&DETECTOR).client, None);
        // Until it is answered, who asked is all that is known.
        assert_eq!(talk.only(Side::A).named_by(&DETECTOR).client, Some(Side::A));
    }

    #[test]
    fn what_follows_is_another_protocol() {
        let found = Talk::udp()
            .a(hex(REQUEST))
            .b(hex(SUCCESS))
            .b(hex(REQUEST))
            .b([0x80; 60])
            .named_by(&DETECTOR);
        assert_eq!(found.inside, Inside::StartsAt([1, 2]));
    }

    #[test]
    fn streams_are_named_with_and_without_framing() {
        Talk::tcp().a(hex(REQUEST)).b(hex(SUCCESS)).named_by(&DETECTOR);
        let framed = [hex("001c"), hex(REQUEST)].concat();
        assert_eq!(Talk::tcp().a(framed).named_by(&DETECTOR).seen.offset, 2);
    }

    #[test]
    fn classic_stun_is_named_by_its_attributes() {
        let talk = Talk::udp().a(hex(CLASSIC_REQUEST)).b(hex(CLASSIC_ANSWER));
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        // without attributes only the answer proves it
        Talk::udp().a(hex(BARE_REQUEST)).b(hex(CLASSIC_ANSWER)).named_by(&DETECTOR);
        Talk::udp().a(hex(BARE_REQUEST)).refused_by(&DETECTOR);
    }

    #[test]
    fn microsofts_turn_is_named_by_its_own_cookie() {
        let allocate = "0003 000d a1a2a3a4a5a6a7a8a9aaabacadaeaf00 000f 0004 72c64bc6 8006 0001 61";
        Talk::udp().a(hex(allocate)).named_by(&DETECTOR);
    }

    #[test]
    fn captures_cut_short_are_named_by_the_cookie() {
        for bytes in [20, 25, 30] {
            Talk::udp().b(hex(SUCCESS)).snapped(bytes).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        // a length that isn't the datagram's, or isn't a multiple of 4
        let mut long = hex(REQUEST);
        long.push(0);
        Talk::udp().a(long).refused_by(&DETECTOR);
        // the cookie in a datagram that starts otherwise
        let mut media = hex(REQUEST);
        media[0] = 0x80;
        Talk::udp().a(media).refused_by(&DETECTOR);
        // an attribute that is longer than the message
        let mut attribute = hex(REQUEST);
        attribute[22] = 1;
        Talk::udp().a(attribute).refused_by(&DETECTOR);
        // UDT data whose length field would fit
        let mut udt = hex("00000008 c0000001 000f4240 3a5b6c7d");
        udt.extend([7; 12]);
        Talk::udp().a(&udt).b(&udt).refused_by(&DETECTOR);
        // Apple Remote Desktop: 00 01, and a length, but no STUN
        Talk::udp().b(hex("0001 0004 00310000 0000")).refused_by(&DETECTOR);
        // classic types with unknown attributes, or bad sizes
        let other = "0001 0008 a1a2a3a4a5a6a7a8a9aaabacadaeaf00 4003 0004 00000000";
        Talk::udp().a(hex(other)).refused_by(&DETECTOR);
        let flags = "0001 0008 a1a2a3a4a5a6a7a8a9aaabacadaeaf00 0003 0004 00000008";
        Talk::udp().a(hex(flags)).refused_by(&DETECTOR);
    }
}
