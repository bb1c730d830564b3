//! Messages one behind the other: the walk that detectors of framed protocols share.
//!
//! A detector reads one [`Message`] at the front of some octets; here the messages of both sides are
//! followed to the end of what was seen, their bits are added up, and what both sides said becomes
//! one answer. Knows no protocol.

use super::hearing::{Heard, Role, Said, Spot, join, yes};
use super::view::{Datagram, FlowView, Side, SideView};
use super::{Detail, Probe};

/// Less proof than this names nothing.
pub(super) const BITS_MIN: f32 = 24.0;

/// What one side must prove alone where the other one speaks something else.
const BITS_AGAINST: f32 = 32.0;

/// From here on a later message that doesn't parse takes nothing back: it may be an extension, or
/// the octets may be another protocol's that was agreed on.
const BITS_SURE: f32 = 40.0;

/// More messages prove nothing more.
const MESSAGES_MAX: usize = 12;

/// One message of a protocol.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Octets on the wire, header included.
    pub(super) len: usize,
    /// Who sends it.
    pub(super) role: Role,
    /// -log2 of the chance that random octets pass as it.
    pub(super) bits: f32,
    /// No other protocol says this; a shared message only adds to one that isn't.
    pub(super) own: bool,
    /// The evidence's sentence.
    pub(super) fact: String,
    /// What else it told.
    pub(super) details: Vec<Detail>,
}

impl Message {
    /// A message of so many octets that only this protocol has.
    pub(super) fn new(len: usize, role: Role, bits: f32, fact: impl Into<String>) -> Self {
        Self { len, role, bits, own: true, fact: fact.into(), details: Vec::new() }
    }

    /// The same, but other protocols say it as well.
    pub(super) fn shared(mut self) -> Self {
        self.own = false;
        self
    }

    /// The same, own or not.
    pub(super) fn owned_if(mut self, own: bool) -> Self {
        self.own = own;
        self
    }

    /// The same with one more detail.
    pub(super) fn with(mut self, detail: Detail) -> Self {
        self.details.push(detail);
        self
    }
}

/// Reads with `parse` once `min` octets are there.
pub(super) fn from_header(
    bytes: &[u8],
    min: usize,
    parse: impl FnOnce(&[u8]) -> Option<Message>,
) -> Heard<Message> {
    if bytes.len() < min { Heard::Open } else { Heard::or_foreign(parse(bytes)) }
}

/// All messages of one side.
struct Told {
    said: Said,
    own: bool,
}

/// Gathers one side's messages.
#[derive(Default)]
struct Walk {
    told: Option<Told>,
    bits: f32,
}

impl Walk {
    fn take(&mut self, message: Message, spot: Spot) {
        self.bits += message.bits;
        let Some(told) = &mut self.told else {
            let Message { role, bits, own, fact, details, .. } = message;
            self.told = Some(Told { said: Said { role, bits, fact, spot, details }, own });
            return;
        };
        if told.said.role == Role::Either {
            told.said.role = message.role;
        }
        // The first message that is the protocol's own is what is shown.
        if message.own && !told.own {
            (told.own, told.said.fact, told.said.spot) = (true, message.fact, spot);
        }
        let known = |detail: &Detail| told.said.details.iter().any(|old| old.key == detail.key);
        let news: Vec<Detail> =
            message.details.into_iter().filter(|detail| !known(detail)).collect();
        told.said.details.extend(news);
    }

    fn heard(self) -> Heard<Told> {
        let bits = self.bits;
        self.told.map_or(Heard::Open, |mut told| {
            told.said.bits = bits;
            Heard::Speaks(told)
        })
    }

    /// Whether a message that doesn't parse is one too many.
    fn is_refuted(&self) -> bool {
        self.bits < BITS_SURE
    }
}

/// Asks `read` for message after message of both streams. `read` is told whether nothing more will
/// come, so that it may take what is cut.
pub(super) fn hear_stream(
    view: &FlowView<'_>,
    id: &'static str,
    read: impl Fn(&[u8], bool) -> Heard<Message>,
) -> Probe {
    let heard = view.sides.map(|head| walk_stream(&head, &read));
    weigh(view, id, heard)
}

fn walk_stream(head: &SideView<'_>, read: &impl Fn(&[u8], bool) -> Heard<Message>) -> Heard<Told> {
    let mut walk = Walk::default();
    let mut at = 0_usize;
    for _ in 0..MESSAGES_MAX {
        let bytes = crate::wire::rest(head.stream, at);
        if bytes.is_empty() || (at > 0 && is_tls(bytes)) {
            break;
        }
        match read(bytes, head.complete) {
            Heard::Speaks(message) => {
                let len = message.len.max(1);
                walk.take(message, Spot::stream(at, len.min(bytes.len())));
                at = at.saturating_add(len);
            }
            Heard::Foreign if walk.is_refuted() => return Heard::Foreign,
            Heard::Foreign | Heard::Open => break,
        }
    }
    walk.heard()
}

/// Asks `read` for each datagram: each is one message, to its last octet.
pub(super) fn hear_datagrams(
    view: &FlowView<'_>,
    id: &'static str,
    read: impl Fn(&Datagram<'_>) -> Heard<Message>,
) -> Probe {
    let heard = view.sides.map(|head| {
        let mut walk = Walk::default();
        for (nth, datagram) in head.datagrams.iter().enumerate() {
            match read(datagram) {
                Heard::Speaks(message) if message.len == datagram.wire_len => {
                    walk.take(message, Spot::datagram(nth, 0, datagram.bytes.len()));
                }
                Heard::Speaks(_) | Heard::Foreign if walk.is_refuted() => return Heard::Foreign,
                Heard::Speaks(_) | Heard::Foreign => break,
                Heard::Open => {}
            }
        }
        walk.heard()
    });
    weigh(view, id, heard)
}

/// What both sides said, as one answer.
fn weigh(view: &FlowView<'_>, id: &'static str, heard: [Heard<Told>; 2]) -> Probe {
    let mut told = [None, None];
    let (mut open, mut foreign) = (false, false);
    for (side, heard) in Side::BOTH.into_iter().zip(heard) {
        match heard {
            Heard::Speaks(words) => *side.of_mut(&mut told) = Some(words),
            Heard::Open => open |= !view.side(side).complete,
            Heard::Foreign => foreign = true,
        }
    }
    let complete = view.each().all(|(_, head)| head.complete);
    let own = told.iter().flatten().any(|told| told.own);
    let spoken = told.iter().any(Option::is_some);
    if !spoken {
        return if open { Probe::Wait } else { Probe::No };
    }
    let least = if foreign { BITS_AGAINST } else { BITS_MIN };
    match join(id, told.map(|told| told.map(|told| told.said))) {
        Some(found) if own && found.bits >= least => yes(Some(found)),
        Some(_) | None if complete => Probe::No,
        Some(_) | None => Probe::Wait,
    }
}

/// Whether a TLS record of a handshake, or an alert, starts here.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16 | 0x15, 0x03, 0..=4, ..])
}

#[cfg(test)]
mod tests {
    use super::super::testing::Talk;
    use super::super::{Detector, Over, Strength};
    use super::*;

    /// `M`, a length, and so many octets; `m` from the server. Eight bits are claimed for each.
    fn read(bytes: &[u8], _: bool) -> Heard<Message> {
        from_header(bytes, 2, |bytes| match bytes {
            [b'M', len, ..] => Some(Message::new(usize::from(*len), Role::Client, 12.0, "M")),
            [b'm', len, ..] => {
                Some(Message::new(usize::from(*len), Role::Server, 12.0, "m").shared())
            }
            _ => None,
        })
    }

    static DETECTOR: Detector = Detector {
        id: "x",
        title: "X",
        reference: "none",
        over: Over::Tcp,
        rests_on: "Nothing.",
        blind_spots: "All.",
        bits: 24.0,
        probe: |view| hear_stream(view, "x", read),
    };

    #[test]
    fn bits_add_up_over_messages_and_sides() {
        let found = Talk::tcp().a(b"M\x04xxM\x02").named_by(&DETECTOR);
        assert_eq!((found.strength, found.bits), (Strength::OneSided, 24.0));
        let found = Talk::tcp().a(b"M\x04xx").b(b"m\x02").named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
    }

    #[test]
    fn what_does_not_parse_or_is_not_its_own_names_nothing() {
        Talk::tcp().a(b"M\x02").refused_by(&DETECTOR);
        Talk::tcp().b(b"m\x02m\x02m\x02").refused_by(&DETECTOR);
        Talk::tcp().a(b"M\x02M\x02M\x02?????").refused_by(&DETECTOR);
        Talk::tcp().a(b"M\x02").b(b"????").refused_by(&DETECTOR);
    }
}
