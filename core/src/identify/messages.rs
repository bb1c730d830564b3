//! Messages one behind the other: the walk that most detectors share.
//!
//! A detector reads one message at the front of some bytes, or in one datagram. Here the messages of
//! both sides are followed, their bits are added up, and what both sides said becomes one answer: one
//! short message may prove too little, two of them enough. What a side said before in a datagram,
//! byte by byte, proves nothing again. Knows no protocol.
//!
//! One rule holds for all of them: a message of a stream counts in full only when it is whole and what
//! follows it parses too, or nothing follows it. Of one that is not there to its end half counts, and as
//! much of one that something else follows, which leaves hardly any protocol named and none for sure
//! ([`Strength::Doubtful`](crate::identify::Strength::Doubtful)). A datagram's end is its message's.
//!
//! There are two ways to follow them. Where a protocol's messages belong together ([`match_stream`],
//! [`match_datagrams`]) they are read as far as they go, for what else they tell, and more proof is
//! asked for before one that doesn't parse is let pass. Where every message can be checked alone
//! ([`probe_stream`], [`probe_datagrams`]) no more are read than are needed.

use crate::identify::side_match::MessageError::{Not, Short};
use crate::identify::side_match::{Role, Said, SideMatch, join, short_if, starts_with, yes};
use crate::identify::view::{Datagram, FlowView, SideView};
use crate::identify::{Detail, Detector, Probe};
use crate::net::Transport;
use crate::wire::{prefix, rest};

/// Less proof than this names nothing: -log2 of the chance that random bytes pass.
const BITS_MIN: f32 = 24.0;

/// What one side must prove alone where the other one speaks something else.
pub(super) const BITS_AGAINST: f32 = 32.0;

/// What of a message's bits counts while it is not there to its end, or where something else follows it.
const NOT_IN_FULL: f32 = 0.5;

/// So few bits have lines of any text, and messages whose content is not looked at.
const BITS_NOTHING: f32 = 8.0;

/// More messages prove nothing more.
const MESSAGES_MAX: usize = 12;

/// How the messages of a side are followed.
#[derive(Clone, Copy)]
struct Following {
    /// So many bits of messages that others followed are not taken back by a later one that doesn't
    /// parse: it may be an extension, or the bytes may be another protocol's that was agreed on.
    sure: f32,
    /// Whether messages are read beyond that, for what else they tell.
    reads_on: bool,
}

const TOGETHER: Following = Following { sure: 40.0, reads_on: true };
const ALONE: Following = Following { sure: BITS_MIN, reads_on: false };

/// Reads with `parse` once `min` bytes are there.
pub(super) fn from_header(
    bytes: &[u8],
    min: usize,
    parse: impl FnOnce(&[u8]) -> Option<Said>,
) -> SideMatch<Said> {
    if bytes.len() < min { Err(Short) } else { parse(bytes).ok_or(Not) }
}

/// The same, of what starts with one of these.
pub(super) fn from_start(
    bytes: &[u8],
    starts: &[&[u8]],
    min: usize,
    parse: fn(&[u8]) -> Option<Said>,
) -> SideMatch<Said> {
    let mut open = false;
    for start in starts {
        match starts_with(bytes, start) {
            Some(true) => return from_header(bytes, min, parse),
            Some(false) => {}
            None => open = true,
        }
    }
    Err(short_if(open))
}

/// What was read, or where it is not that what may stand behind such a message.
pub(super) fn or_behind(
    read: SideMatch<Said>,
    behind: impl FnOnce() -> SideMatch<Said>,
) -> SideMatch<Said> {
    if read == Err(Not) { behind() } else { read }
}

/// The same, of what begins as the detector's openings say.
pub(super) fn from_opening(
    bytes: &[u8],
    detector: &Detector,
    min: usize,
    parse: fn(&[u8]) -> Option<Said>,
) -> SideMatch<Said> {
    if detector.openings.hold(bytes) { from_header(bytes, min, parse) } else { Err(Not) }
}

/// Asks `read` for message after message of both streams. `read` is told whether nothing more will
/// come, so that it may take what is cut.
pub(super) fn match_stream(
    view: &FlowView<'_>,
    read: impl Fn(&[u8], bool) -> SideMatch<Said>,
) -> Probe {
    let matched = view.both(|head| {
        follow_stream(head, TOGETHER, |bytes| {
            read(bytes, head.complete).map(|said| said.shown_in(bytes))
        })
    });
    weigh(view, matched)
}

/// Reads messages that start with one of these, once `min` bytes of them are there.
pub(super) fn match_starts(
    view: &FlowView<'_>,
    starts: &[&[u8]],
    min: usize,
    parse: fn(&[u8]) -> Option<Said>,
) -> Probe {
    match_stream(view, |bytes, _| from_start(bytes, starts, min, parse))
}

/// Reads messages that all begin as the detector's openings say, once `min` bytes of them are there.
pub(super) fn match_opened(
    view: &FlowView<'_>,
    detector: &Detector,
    min: usize,
    parse: fn(&[u8]) -> Option<Said>,
) -> Probe {
    match_stream(view, |bytes, _| from_opening(bytes, detector, min, parse))
}

/// For both transports: `read` is asked for message after message of streams, as by [`match_stream`], and
/// `parse` for each datagram.
pub(super) fn match_messages(
    view: &FlowView<'_>,
    read: impl Fn(&[u8], bool) -> SideMatch<Said>,
    parse: impl Fn(&Datagram<'_>) -> Option<Said>,
) -> Probe {
    match view.transport {
        Transport::Tcp => match_stream(view, read),
        Transport::Udp => match_datagrams(view, |one| parse(one).ok_or(Not)),
    }
}

/// Asks `read` for each datagram: each is one message, to its last byte.
pub(super) fn match_datagrams(
    view: &FlowView<'_>,
    read: impl Fn(&Datagram<'_>) -> SideMatch<Said>,
) -> Probe {
    let matched = view.both(|head| {
        follow_datagrams(head, TOGETHER, |datagram| {
            read(datagram).map(|said| said.shown_in(datagram.bytes))
        })
    });
    weigh(view, matched)
}

/// The detector's answer where each datagram is one message that can be checked alone.
pub(super) fn probe_datagrams<'a>(
    view: &FlowView<'a>,
    read: impl Fn(&Datagram<'a>) -> Option<Said>,
) -> Probe {
    probe_sides(view, |head| said_in_datagrams(head, &read))
}

/// The detector's answer where messages that can be checked alone stand one behind the other in a
/// stream.
pub(super) fn probe_stream<'a>(
    view: &FlowView<'a>,
    read: impl Fn(&'a [u8]) -> SideMatch<Said>,
) -> Probe {
    probe_sides(view, |head| said_in_stream(head, &read))
}

/// The same for both transports, where a datagram holds one message, whole.
pub(super) fn probe_both<'a>(
    view: &FlowView<'a>,
    read: impl Fn(&'a [u8]) -> SideMatch<Said>,
) -> Probe {
    match view.transport {
        Transport::Tcp => probe_stream(view, read),
        Transport::Udp => probe_datagrams(view, |datagram| read(datagram.bytes).ok()),
    }
}

/// The detector's answer to what `match_side` makes of each side, however little it proves.
pub(super) fn probe_sides<'a>(
    view: &FlowView<'a>,
    match_side: impl Fn(&SideView<'a>) -> SideMatch<Said>,
) -> Probe {
    let matched = view.both(|head| if head.has_spoken() { match_side(head) } else { Err(Short) });
    weigh(view, matched)
}

/// What a side's first datagrams say, until that is enough.
pub(super) fn said_in_datagrams<'a>(
    head: &SideView<'a>,
    read: impl Fn(&Datagram<'a>) -> Option<Said>,
) -> SideMatch<Said> {
    follow_datagrams(head, ALONE, |datagram| read(datagram).ok_or(Not))
}

/// What a stream's first messages say, until that is enough.
pub(super) fn said_in_stream<'a>(
    head: &SideView<'a>,
    read: impl Fn(&'a [u8]) -> SideMatch<Said>,
) -> SideMatch<Said> {
    follow_stream(head, ALONE, read)
}

fn follow_stream<'a>(
    head: &SideView<'a>,
    following: Following,
    read: impl Fn(&'a [u8]) -> SideMatch<Said>,
) -> SideMatch<Said> {
    let mut sum = Sum::default();
    // What was read last: what follows it tells how much it counts.
    let mut last: Option<Said> = None;
    let mut at = 0_usize;
    let mut fillers = 0_usize;
    while sum.wants_more(following) && fillers < MESSAGES_MAX {
        let bytes = rest(head.stream, at);
        if bytes.is_empty() || (at > 0 && is_tls(bytes)) {
            break;
        }
        match read(bytes) {
            // What proves nothing itself does not prove what stands before it.
            Ok(said) if !said.own && said.bits == 0.0 && last.is_some() => {
                at = at.saturating_add(said.len.max(1));
                fillers = fillers.saturating_add(1);
            }
            Ok(mut said) => {
                last.take().into_iter().for_each(|followed| sum.take(followed));
                said.spot.offset = said.spot.offset.saturating_add(at);
                at = at.saturating_add(said.len.max(1));
                if said.len != Said::ALL && at > head.stream.len() && !head.cut {
                    said.bits *= NOT_IN_FULL;
                }
                last = Some(said);
            }
            Err(Short) => break,
            Err(Not) => return sum.contradicted(last, following),
        }
    }
    if sum.wants_more(following) {
        last.into_iter().for_each(|last| sum.take(last));
    }
    sum.matched(following)
}

/// The same rule for a detector that reads a side's first message itself, and says how long it is:
/// `next` tells whether what stands behind it may be the protocol's, as far as that is there.
pub(super) fn followed(
    head: &SideView<'_>,
    said: Said,
    next: impl FnOnce(&[u8]) -> bool,
) -> SideMatch<Said> {
    let behind = rest(head.stream, said.len);
    if said.len == Said::ALL || is_tls(behind) {
        return Ok(said);
    }
    let whole = said.len <= head.stream.len() || head.cut;
    let fits = behind.is_empty() || next(behind);
    let said = if fits { said } else { contradicted(said) };
    let bits = if whole || said.doubtful { said.bits } else { said.bits * NOT_IN_FULL };
    if said.doubtful && bits < BITS_MIN { Err(Not) } else { Ok(Said { bits, ..said }) }
}

/// What is left of a message that something else follows.
pub(super) fn contradicted(said: Said) -> Said {
    Said { bits: said.bits * NOT_IN_FULL, doubtful: true, ..said }
}

fn follow_datagrams<'a>(
    head: &SideView<'a>,
    following: Following,
    read: impl Fn(&Datagram<'a>) -> SideMatch<Said>,
) -> SideMatch<Said> {
    let mut sum = Sum::default();
    for (at, datagram) in head.datagrams.iter().enumerate() {
        if !sum.wants_more(following) {
            break;
        }
        match read(datagram) {
            Ok(mut said) if [datagram.wire_len, Said::ALL].contains(&said.len) => {
                if !head.datagrams.iter().take(at).any(|earlier| is_same(earlier, datagram)) {
                    said.spot.datagram = at;
                    sum.take(said);
                }
            }
            Ok(_) | Err(Not) if sum.bits < following.sure => return Err(Not),
            Ok(_) | Err(Not) => break,
            Err(Short) => {}
        }
    }
    sum.matched(following)
}

/// Whether one datagram repeats another, as far as both were kept.
fn is_same(a: &Datagram<'_>, b: &Datagram<'_>) -> bool {
    let len = a.bytes.len().min(b.bytes.len());
    a.wire_len == b.wire_len && prefix(a.bytes, len) == prefix(b.bytes, len)
}

/// What the messages of a side come to.
#[derive(Default)]
struct Sum {
    told: Option<Said>,
    bits: f32,
    count: usize,
}

impl Sum {
    fn wants_more(&self, following: Following) -> bool {
        self.count < MESSAGES_MAX && (following.reads_on || self.bits < following.sure)
    }

    fn take(&mut self, said: Said) {
        self.bits += said.bits;
        self.count = self.count.saturating_add(1);
        let Some(told) = &mut self.told else {
            self.told = Some(said);
            return;
        };
        if told.role == Role::Either {
            told.role = said.role;
        }
        // The first message that is the protocol's own is what is shown. Behind one that says next to
        // nothing it does not open the stream, as the detector's openings promise.
        if said.own && !told.own && told.bits > BITS_NOTHING {
            (told.own, told.fact, told.spot) = (true, said.fact, said.spot);
        }
        let known = |detail: &Detail| told.details.iter().any(|old| old.key == detail.key);
        let news: Vec<Detail> = said.details.into_iter().filter(|detail| !known(detail)).collect();
        told.details.extend(news);
    }

    /// What they come to where something that is no message follows the last one.
    fn contradicted(mut self, last: Option<Said>, following: Following) -> SideMatch<Said> {
        if self.bits < following.sure {
            let Some(mut last) = last else { return Err(Not) };
            last.bits *= NOT_IN_FULL;
            self.take(last);
            if self.bits < following.sure {
                return Err(Not);
            }
            return self.matched(following).map(|told| Said { doubtful: true, ..told });
        }
        self.matched(following)
    }

    fn matched(self, following: Following) -> SideMatch<Said> {
        let Self { told, bits, count } = self;
        told.map_or(Err(Short), |mut told| {
            told.bits = bits;
            if count > 1 && !following.reads_on {
                told.fact = format!("{}, {count} messages", told.fact);
            }
            Ok(told)
        })
    }
}

/// What both sides said, as one answer.
fn weigh(view: &FlowView<'_>, matched: [SideMatch<Said>; 2]) -> Probe {
    let foreign = matched.iter().any(|matched| matches!(matched, Err(Not)));
    let own = matched.iter().any(|matched| matches!(matched, Ok(told) if told.own));
    let may_say_more = |(head, matched): (&SideView<'_>, &SideMatch<Said>)| {
        !head.complete && !matches!(matched, Err(Not))
    };
    let open = view.sides.iter().zip(&matched).any(may_say_more);
    let least = if foreign { BITS_AGAINST } else { BITS_MIN };
    // Mostly nothing was said, which is to cost as little.
    let found = own.then(|| join(matched.map(SideMatch::ok))).flatten();
    match found {
        Some(found) if found.bits >= least => yes(Some(found)),
        Some(_) | None if open => Probe::Wait,
        Some(_) | None => Probe::No,
    }
}

/// Whether a TLS record of a handshake, or an alert, starts here.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16 | 0x15, 0x03, 0..=4, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::openings::Openings;
    use crate::identify::testing::Talk;
    use crate::identify::{Detector, Strength, over_tcp};
    use crate::net::Side;

    /// `M`, a length, and so many bytes; `m` from the server. Eight bits are claimed for each.
    fn read(bytes: &[u8], _: bool) -> SideMatch<Said> {
        from_header(bytes, 2, |bytes| match bytes {
            [b'M', len, ..] => Some(Said::new(usize::from(*len), Role::Client, 12.0, "M")),
            [b'm', len, ..] => Some(Said::new(usize::from(*len), Role::Server, 12.0, "m").shared()),
            _ => None,
        })
    }

    static DETECTOR: Detector = Detector {
        id: "x",
        title: "X",
        reference: "none",
        rests_on: "Nothing.",
        blind_spots: "All.",
        bits: 24.0,
        openings: Openings::Unknown,
        asks: over_tcp(|view| match_stream(view, read)),
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
