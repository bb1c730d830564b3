//! Protocols that one line can tell: constants in fixed places, and a length that fits.
//!
//! A row of `signatures!` is everything there is to say of such a protocol, and becomes a detector like
//! any other; `samples.txt` has what it is tested with. How much a row proves is counted from its parts,
//! and a row whose messages prove little needs several of them.

use crate::identify::lines::is_text;
use crate::identify::messages::match_stream;
use crate::identify::openings::{ByteSet, Opening};
use crate::identify::prelude::*;

/// One message of a protocol.
struct Say {
    role: Role,
    what: &'static str,
    parts: &'static [Condition],
    /// Whether only this protocol says it: else it only stands behind what does.
    own: bool,
}

/// What must hold at a place of a message.
enum Condition {
    /// These bytes stand at this offset.
    Is(usize, &'static [u8]),
    /// The byte at this offset, under this mask, has this value.
    Mask(usize, u8, u8),
    /// The byte at this offset is at least and at most.
    In(usize, u8, u8),
    /// The byte at this offset is one of these.
    Any(usize, &'static [u8]),
    /// From this offset on, so many bytes are zero.
    Zeros(usize, usize),
    /// The number at this offset, plus so much, is the datagram's length.
    Counts(Width, usize, i64),
    /// The datagram, or a stream's message, has this length. Random lengths would pass, so it proves
    /// nothing alone.
    Len(usize),
    /// All is text, as far as it is looked at.
    Text,
    /// It is a datagram: in a stream the message has another form.
    Datagram,
    /// The datagram's length is at least and at most.
    LenIn(usize, usize),
    /// These bytes stand anywhere in the first 256.
    Holds(&'static [u8]),
    /// A check of its own, and -log2 of the chance to pass it.
    Check(fn(&[u8]) -> bool, f32),
}

#[derive(Clone, Copy)]
enum Width {
    U8,
    Be16,
    Le16,
    Be32,
    Le32,
}

/// How far [`Condition::Holds`] looks, in bytes.
const HOLDS_BYTES_MAX: usize = 256;

impl Condition {
    /// -log2 of the chance that random bytes pass; `len` is the datagram's, a stream has none.
    fn test(&self, bytes: &[u8], len: Option<usize>) -> Result<f32, MessageError> {
        use Condition::{
            Any, Check, Counts, Datagram, Holds, In, Is, Len, LenIn, Mask, Text, Zeros,
        };
        let byte = |at| u8_at(bytes, at).ok_or(Short);
        let (passes, bits) = match *self {
            Is(at, expected) => {
                let there = prefix(rest(bytes, at), expected.len());
                if there.len() < expected.len() && expected.starts_with(there) {
                    return Err(Short);
                }
                (there == expected, bytes_bits(expected.len()))
            }
            Zeros(at, count) => {
                let there = prefix(rest(bytes, at), count);
                if there.iter().any(|byte| *byte != 0) {
                    return Err(Not);
                }
                (there.len() == count, bytes_bits(count))
            }
            Mask(at, mask, value) => {
                (byte(at)? & mask == value, f32::from(u8::try_from(mask.count_ones()).unwrap_or(8)))
            }
            In(at, low, high) => {
                let count = f32::from(high.saturating_sub(low)) + 1.0;
                ((low..=high).contains(&byte(at)?), 8.0 - count.log2())
            }
            Any(at, values) => {
                let count = f32::from(u8::try_from(values.len()).unwrap_or(u8::MAX));
                (values.contains(&byte(at)?), 8.0 - count.log2())
            }
            Counts(width, at, plus) => return counts(bytes, len, (width, at, plus)),
            Len(expected) => (len.is_none_or(|len| len == expected), 0.0),
            Text => (is_text(bytes), 0.0),
            Datagram => (len.is_some(), 0.0),
            LenIn(low, high) => (len.is_none_or(|len| (low..=high).contains(&len)), 0.0),
            Holds(text) => {
                let found = position_of(prefix(bytes, HOLDS_BYTES_MAX), text);
                (found.is_some(), bytes_bits(text.len()) - 8.0)
            }
            Check(check, bits) => (check(bytes), bits),
        };
        if passes { Ok(bits) } else { Err(Not) }
    }
}

impl Condition {
    /// Which bytes this part lets stand at a place, if it looks there.
    fn bytes_at(&self, place: usize) -> Option<ByteSet> {
        match *self {
            Self::Is(at, expected) => {
                expected.get(place.checked_sub(at)?).map(|byte| ByteSet::one(*byte))
            }
            Self::Zeros(at, count) => {
                (at..at.saturating_add(count)).contains(&place).then(|| ByteSet::one(0))
            }
            Self::Mask(at, mask, value) => {
                (at == place).then(|| ByteSet::that(|byte| byte & mask == value))
            }
            Self::In(at, low, high) => (at == place).then(|| ByteSet::range(low, high)),
            Self::Any(at, values) => (at == place).then(|| one_of(values).bytes),
            Self::Counts(..)
            | Self::Len(_)
            | Self::Text
            | Self::Datagram
            | Self::LenIn(..)
            | Self::Holds(_)
            | Self::Check(..) => None,
        }
    }
}

fn bytes_bits(count: usize) -> f32 {
    8.0 * f32::from(u8::try_from(count).unwrap_or(u8::MAX))
}

/// The length that a message says it has, and the bits of the field.
fn counted(
    bytes: &[u8],
    (width, at, plus): (Width, usize, i64),
) -> Result<(usize, f32), MessageError> {
    let (number, bits) = match width {
        Width::U8 => (u8_at(bytes, at).map(u32::from), 8.0),
        Width::Be16 => (be16(bytes, at).map(u32::from), 16.0),
        Width::Le16 => (le16(bytes, at).map(u32::from), 16.0),
        Width::Be32 => (be32(bytes, at), 32.0),
        Width::Le32 => (le32(bytes, at), 32.0),
    };
    let number = i64::from(number.ok_or(Short)?).saturating_add(plus);
    Ok((index(u32::try_from(number).map_err(|_| Not)?), bits))
}

fn counts(
    bytes: &[u8],
    len: Option<usize>,
    field: (Width, usize, i64),
) -> Result<f32, MessageError> {
    let (number, bits) = counted(bytes, field)?;
    match len {
        Some(len) if len == number => Ok(bits),
        Some(_) => Err(Not),
        // In a stream it is only plausible.
        None if number <= usize::from(u16::MAX) => Ok(0.0),
        None => Err(Not),
    }
}

impl Say {
    fn test(&self, bytes: &[u8], len: Option<usize>) -> Result<Said, MessageError> {
        let mut bits = 0.0;
        let mut short = false;
        for part in self.parts {
            match part.test(bytes, len) {
                Ok(more) => bits += more,
                Err(Short) => short = true,
                Err(Not) => return Err(Not),
            }
        }
        if short {
            return Err(Short);
        }
        let said = Said::at(self.role, bits, self.what, self.spot()).owned_if(self.own);
        Ok(Said { len: len.map_or_else(|| self.len(bytes), |_| Said::ALL), ..said })
    }

    /// How long it is in a stream, where a part says that.
    fn len(&self, bytes: &[u8]) -> usize {
        let mut lens = self.parts.iter().filter_map(|part| match *part {
            Condition::Len(len) => Some(len),
            Condition::Counts(width, at, plus) => {
                counted(bytes, (width, at, plus)).ok().map(|(len, _)| len)
            }
            Condition::Is(..)
            | Condition::Mask(..)
            | Condition::In(..)
            | Condition::Any(..)
            | Condition::Zeros(..)
            | Condition::Text
            | Condition::Datagram
            | Condition::LenIn(..)
            | Condition::Holds(_)
            | Condition::Check(..) => None,
        });
        lens.next_back().unwrap_or(Said::ALL)
    }

    /// Which bytes it may have at a place, where those are not all.
    fn bytes_at(&self, place: usize) -> Option<ByteSet> {
        self.parts.iter().filter_map(|part| part.bytes_at(place)).reduce(ByteSet::and)
    }

    /// The first constant is what shows it.
    fn spot(&self) -> Spot {
        let constant = self.parts.iter().find_map(|part| {
            let Condition::Is(at, expected) = part else { return None };
            (*at < 48).then_some((*at, expected.len()))
        });
        let (at, len) = constant.unwrap_or((0, 8));
        Spot::datagram(0, at, len)
    }
}

/// The places where all messages of a row have one of a few bytes, and which.
fn openings(says: &[Say]) -> Vec<Opening> {
    // A message is not read before all places that a row looks at are there.
    let opening = |at| {
        let mut each = says.iter().filter(|say| say.own).map(|say| say.bytes_at(at));
        let bytes = each.try_fold(ByteSet::NONE, |all, bytes| Some(all.or(bytes?)))?;
        Some(Opening::new(bytes).at(at).required())
    };
    let near: Vec<Opening> = (0..NEAR).filter_map(opening).take(OPENINGS_MAX).collect();
    if near.is_empty() {
        return (NEAR..FAR).filter_map(opening).take(OPENINGS_MAX).collect();
    }
    near
}

/// Few places are looked at, for every place costs a little each time: those before this one.
const NEAR: usize = 9;

/// Where there is none, those up to here.
const FAR: usize = 48;

/// More bytes would hardly tell more.
const OPENINGS_MAX: usize = 4;

/// The first message of a row that fits.
fn read(says: &[Say], bytes: &[u8], len: Option<usize>) -> Result<Said, MessageError> {
    let mut stop = Not;
    for say in says {
        match say.test(bytes, len) {
            Ok(said) => return Ok(said),
            Err(Short) => stop = Short,
            Err(Not) => {}
        }
    }
    Err(stop)
}

/// Asks a row that opens the way for another protocol over UDP, which is then looked for behind it.
fn probe_opener(says: &'static [Say], view: &FlowView<'_>) -> Probe {
    carrying(probe_row(says, view), |_| {
        behind_leading(view, |one| read(says, one.bytes, Some(one.wire_len)).is_ok())
    })
}

fn probe_row(says: &'static [Say], view: &FlowView<'_>) -> Probe {
    match view.transport {
        Transport::Udp => probe_datagrams(view, |datagram| {
            read(says, datagram.bytes, Some(datagram.wire_len)).ok()
        }),
        // Where no part says where a message ends the first must do.
        Transport::Tcp => match_stream(view, |bytes, _| read(says, bytes, None)),
    }
}

const fn either(what: &'static str, parts: &'static [Condition]) -> Say {
    Say { role: Role::Either, what, parts, own: true }
}

const fn client(what: &'static str, parts: &'static [Condition]) -> Say {
    Say { role: Role::Client, what, parts, own: true }
}

const fn server(what: &'static str, parts: &'static [Condition]) -> Say {
    Say { role: Role::Server, what, parts, own: true }
}

/// What follows a protocol's own message in a stream, and says too little alone.
const fn behind(what: &'static str, parts: &'static [Condition]) -> Say {
    Say { role: Role::Either, what, parts, own: false }
}

/// Makes a detector of each row. `asks: probe_opener` is for a row that other protocols follow, and
/// `openings` for one whose conditions tell no byte at a place.
macro_rules! signatures {
    (@asks) => { super::probe_row };
    (@asks $asks:ident) => { $asks };
    (@openings $says:ident) => {
        crate::identify::openings::Openings::Computed(|| super::openings($says))
    };
    (@openings $says:ident [$($opening:expr),* $(,)?]) => {
        crate::identify::openings::Openings::Known(&[$($opening),*])
    };
    ($({
        id: $id:literal,
        title: $title:literal,
        over: $over:ident,
        reference: $reference:literal,
        rests_on: $rests_on:literal,
        blind_spots: $blind_spots:literal,
        bits: $bits:literal,
        says: [$($say:expr),* $(,)?],
        $(asks: $asks:ident,)?
        $(openings: $openings:tt,)?
    })*) => {
        pub(super) static ROWS: &[crate::identify::Detector] = &[$({
            static SAYS: &[super::Say] = &[$($say),*];
            crate::identify::Detector {
                id: $id,
                title: $title,
                reference: $reference,
                rests_on: $rests_on,
                blind_spots: $blind_spots,
                bits: $bits,
                openings: signatures!(@openings SAYS $($openings)?),
                asks: crate::identify::over(crate::identify::Over::$over, |view| {
                    signatures!(@asks $($asks)?)(SAYS, view)
                }),
            }
        }),*];
    };
}

mod discovery;
mod games;
mod home;
mod industry;
mod monitoring;
mod names_and_time;
mod peers;
mod remote;
mod routing;
mod stage;
mod tunnels;
mod voice;

/// The rows of all groups.
pub(super) fn rows() -> impl Iterator<Item = &'static Detector> {
    let groups = [
        discovery::ROWS,
        games::ROWS,
        home::ROWS,
        industry::ROWS,
        monitoring::ROWS,
        names_and_time::ROWS,
        peers::ROWS,
        remote::ROWS,
        routing::ROWS,
        stage::ROWS,
        tunnels::ROWS,
        voice::ROWS,
    ];
    groups.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, written as bytes};
    use crate::identify::{DETECTORS, Detector, Over, index_of};

    fn talks(row: &Detector, messages: &str) -> Vec<Talk> {
        let all = [(Talk::udp(), Over::Udp), (Talk::tcp(), Over::Tcp)].into_iter();
        // A message that only a datagram has says so.
        let (only, messages) = match messages.strip_prefix("udp ") {
            Some(messages) => (Over::Udp, messages),
            None => (Over::Both, messages),
        };
        let fit = all.filter(|(_, over)| {
            [row.asks.over, only].iter().all(|asked| *asked == Over::Both || asked == over)
        });
        fit.map(|(talk, _)| messages.split(" / ").fold(talk, |talk, said| talk.a(bytes(said))))
            .collect()
    }

    /// What a row must name, and what it must not.
    struct Sample {
        row: &'static Detector,
        accepts: Vec<&'static str>,
        refuses: Vec<&'static str>,
    }

    fn samples() -> Vec<Sample> {
        let mut samples: Vec<Sample> = Vec::new();
        let lines = include_str!("samples.txt").lines();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match (line.split_at_checked(2), samples.last_mut()) {
                (Some(("+ ", messages)), Some(sample)) => sample.accepts.push(messages),
                (Some(("- ", messages)), Some(sample)) => sample.refuses.push(messages),
                (_, _) => {
                    let row = DETECTORS[index_of(line).expect("a detector's id")];
                    samples.push(Sample { row, accepts: Vec::new(), refuses: Vec::new() });
                }
            }
        }
        samples
    }

    #[test]
    fn every_row_has_samples() {
        let mut rows: Vec<&str> = rows().map(|row| row.id).collect();
        rows.sort_unstable();
        assert_eq!(samples().iter().map(|sample| sample.row.id).collect::<Vec<_>>(), rows);
    }

    #[test]
    fn samples_are_named_from_each_side() {
        let mut unnamed = Vec::new();
        for sample in samples() {
            assert!(!sample.accepts.is_empty(), "{}", sample.row.id);
            for messages in &sample.accepts {
                for talk in talks(sample.row, messages) {
                    if talk.matched_by(sample.row).is_none() {
                        unnamed.push((sample.row.id, *messages));
                    } else {
                        talk.named_by(sample.row);
                    }
                }
            }
        }
        assert!(unnamed.is_empty(), "{unnamed:#?}");
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut named = Vec::new();
        for sample in samples() {
            assert!(sample.refuses.len() >= 3, "{}", sample.row.id);
            for messages in &sample.refuses {
                for talk in talks(sample.row, messages) {
                    if talk.matched_by(sample.row).is_some() {
                        named.push((sample.row.id, *messages));
                    } else {
                        talk.refused_by(sample.row);
                    }
                }
            }
        }
        assert!(named.is_empty(), "{named:#?}");
    }

    /// Each row's samples are look-alikes for all the others.
    #[test]
    fn rows_do_not_name_each_others_samples() {
        let samples = samples();
        for sample in &samples {
            for other in samples.iter().filter(|other| other.row.id != sample.row.id) {
                for messages in &sample.accepts {
                    for talk in talks(sample.row, messages) {
                        let fits = other.row.asks.over == Over::Both
                            || other.row.asks.over == sample.row.asks.over;
                        let found = if fits { talk.matched_by(other.row) } else { None };
                        assert_eq!(found, None, "{} named", sample.row.id);
                    }
                }
            }
        }
    }
}
