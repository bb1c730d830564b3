//! Hears a side message by message, for the protocols whose every message can be checked alone.
//!
//! A side is believed by what its messages prove together, and both sides by what they prove
//! together where they fit each other: one short message may prove too little, two of them enough.
//! Messages are read from the first on, and no more than are needed. What was said before, octet by
//! octet, proves nothing again. This knows no protocol.

use super::hearing::{Heard, Role, Said, join_if, yes};
use super::view::{Datagram, FlowView, SideView, Transport};
use super::{Finding, Probe};
use crate::wire::{prefix, rest};

/// What must be proven before anything is named: -log2 of the chance that random octets pass.
pub(super) const ENOUGH_BITS: f32 = 24.0;

/// What one side must prove alone where the other one speaks something else.
const AGAINST_BITS: f32 = 32.0;

/// Why a message was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// More octets may tell.
    Short,
    /// It is not one.
    Not,
}

/// The detector's answer where each datagram is one message.
pub(super) fn probe_datagrams<'a>(
    protocol: &'static str,
    view: &FlowView<'a>,
    read: impl Fn(&Datagram<'a>) -> Option<Said>,
) -> Probe {
    probe_sides(protocol, view, |head| hear_datagrams(head, &read))
}

/// The detector's answer where messages stand one behind the other in a stream. `read` says how many
/// octets a message takes.
pub(super) fn probe_stream<'a>(
    protocol: &'static str,
    view: &FlowView<'a>,
    read: impl Fn(&'a [u8]) -> Result<(Said, usize), Stop>,
) -> Probe {
    probe_sides(protocol, view, |head| hear_stream(head, &read))
}

/// The same for both transports, where a datagram holds one message, whole.
pub(super) fn probe_both<'a>(
    protocol: &'static str,
    view: &FlowView<'a>,
    read: impl Fn(&'a [u8]) -> Result<(Said, usize), Stop>,
) -> Probe {
    match view.transport {
        Transport::Tcp => probe_stream(protocol, view, read),
        Transport::Udp => probe_datagrams(protocol, view, |datagram| {
            let (said, len) = read(datagram.bytes).ok()?;
            (len == datagram.wire_len).then_some(said)
        }),
    }
}

/// The detector's answer to what `hear` makes of each side, however little it proves.
pub(super) fn probe_sides<'a>(
    protocol: &'static str,
    view: &FlowView<'a>,
    hear: impl Fn(&SideView<'a>) -> Heard<Said>,
) -> Probe {
    let mut said = [None, None];
    let (mut open, mut foreign) = (false, false);
    for (side, head) in view.each() {
        match if head.has_spoken() { hear(head) } else { Heard::Open } {
            Heard::Speaks(words) => {
                open |= !head.complete;
                *side.of_mut(&mut said) = Some(words);
            }
            Heard::Open => open |= !head.complete,
            Heard::Foreign => foreign = true,
        }
    }
    let fits = match &said {
        [Some(a), Some(b)] => a.role != b.role || a.role == Role::Either,
        [_, None] | [None, _] => false,
    };
    let least = if foreign { AGAINST_BITS } else { ENOUGH_BITS };
    let enough = |found: &Finding| found.bits >= least;
    match join_if(fits, protocol, said) {
        Some(found) if enough(&found) => yes(Some(found)),
        Some(_) | None if open => Probe::Wait,
        Some(_) | None => Probe::No,
    }
}

/// What a side's first datagrams say, until that is enough.
pub(super) fn hear_datagrams<'a>(
    head: &SideView<'a>,
    read: impl Fn(&Datagram<'a>) -> Option<Said>,
) -> Heard<Said> {
    let mut sum = Sum::default();
    for (at, datagram) in head.datagrams.iter().enumerate() {
        let Some(mut said) = read(datagram) else { return Heard::Foreign };
        if head.datagrams.iter().take(at).any(|earlier| is_same(earlier, datagram)) {
            continue;
        }
        said.spot.datagram = at;
        if sum.add(said) {
            break;
        }
    }
    sum.heard()
}

/// What a stream's first messages say, until that is enough.
pub(super) fn hear_stream<'a>(
    head: &SideView<'a>,
    read: impl Fn(&'a [u8]) -> Result<(Said, usize), Stop>,
) -> Heard<Said> {
    let mut sum = Sum::default();
    let mut at = 0_usize;
    while at < head.stream.len() {
        match read(rest(head.stream, at)) {
            Ok((mut said, len)) => {
                said.spot.offset = said.spot.offset.saturating_add(at);
                at = at.saturating_add(len.max(1));
                if sum.add(said) {
                    break;
                }
            }
            Err(Stop::Short) => break,
            Err(Stop::Not) => return Heard::Foreign,
        }
    }
    sum.heard()
}

/// Whether one datagram repeats another, as far as both were kept.
fn is_same(a: &Datagram<'_>, b: &Datagram<'_>) -> bool {
    let len = a.bytes.len().min(b.bytes.len());
    a.wire_len == b.wire_len && prefix(a.bytes, len) == prefix(b.bytes, len)
}

/// What several messages of a side come to.
#[derive(Default)]
struct Sum {
    said: Option<Said>,
    count: usize,
}

impl Sum {
    /// Adds a message; says whether that is enough now.
    fn add(&mut self, said: Said) -> bool {
        self.count = self.count.saturating_add(1);
        let Some(sum) = &mut self.said else {
            let enough = said.bits >= ENOUGH_BITS;
            self.said = Some(said);
            return enough;
        };
        sum.bits += said.bits;
        if sum.role == Role::Either {
            sum.role = said.role;
        }
        sum.details.extend(said.details);
        sum.bits >= ENOUGH_BITS
    }

    fn heard(self) -> Heard<Said> {
        match self.said {
            Some(mut said) => {
                if self.count > 1 {
                    said.fact = format!("{}, {} messages", said.fact, self.count);
                }
                Heard::Speaks(said)
            }
            None => Heard::Open,
        }
    }
}
