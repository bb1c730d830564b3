//! What takes the place of one flow's payload.
//!
//! First all of it is noise. Names that its messages told are put in where they stood, replaced word by
//! word; then come the bytes that the verdict needs, which are the only ones of the original.

use std::collections::BTreeMap;

use super::keywords::is_known;
use super::secret::{Secret, written};
use portstory_core::Side;
use portstory_core::internal::wire;

/// How the payload of a flow is replaced.
#[derive(Clone, Debug, Default)]
pub(super) struct Disguise {
    /// By [`Side::index`].
    pub(super) noise: [Noise; 2],
    /// Another one gives other noise.
    pub(super) attempt: u8,
    /// What its messages told of names, in lower case.
    pub(super) names: Vec<Box<str>>,
    /// What stays: by the packet's place in its flow, places and bytes.
    pub(super) kept: BTreeMap<u32, Vec<Stay>>,
    /// Packets that detectors may read; the payload of later ones is mere filler.
    pub(super) head_packets: u32,
}

/// A byte that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stay {
    pub(super) at: u32,
    pub(super) byte: u8,
}

/// What noise looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Noise {
    /// Random bytes.
    #[default]
    Random,
    /// Printable characters.
    Text,
    /// Six of ten bytes are text.
    Mixed,
    /// Printable where the original is, and only there.
    Alike,
    /// The same with letters for letters and digits for digits.
    Kinds,
}

impl Noise {
    fn shape(self, noise: u8, place: usize, original: u8) -> u8 {
        /// From `!` to `~`.
        const PRINTABLE: u8 = 94;
        let printable = b'!'.saturating_add(noise % PRINTABLE);
        match self {
            Self::Random => noise,
            Self::Text => printable,
            Self::Mixed if place % 10 < 6 => printable,
            Self::Mixed => noise,
            Self::Kinds if original.is_ascii_lowercase() => b'a'.saturating_add(noise % 26),
            // Those that NetBIOS writes names with (RFC 1001 section 14.1) are as good as any.
            Self::Kinds if original.is_ascii_uppercase() => b'A'.saturating_add(noise % 16),
            Self::Kinds if original.is_ascii_digit() => b'0'.saturating_add(noise % 10),
            Self::Alike | Self::Kinds if is_text(original) => printable,
            // 0x80 to 0xff; none of them is text.
            Self::Alike | Self::Kinds => noise | 0x80,
        }
    }
}

impl Disguise {
    /// The payload that takes a packet's place.
    pub(super) fn payload(
        &self,
        secret: &Secret,
        number: u32,
        (side, seq): (Side, u32),
        payload: &[u8],
    ) -> Vec<u8> {
        if number >= self.head_packets {
            return secret.filler(payload, payload.len());
        }
        let mut made = self.base(secret, (side, seq), payload);
        for stay in self.kept.get(&number).into_iter().flatten() {
            if let Some(place) = made.get_mut(wire::index(stay.at)) {
                *place = stay.byte;
            }
        }
        made
    }

    /// The same without what stays.
    pub(super) fn base(
        &self,
        secret: &Secret,
        (side, seq): (Side, u32),
        payload: &[u8],
    ) -> Vec<u8> {
        let which = [self.attempt, u8::from(side == Side::B)];
        let noise = secret.noise(b'p', &[&which, &seq.to_be_bytes(), payload], payload.len());
        let shape = *side.of(&self.noise);
        let bytes = noise.into_iter().zip(payload).enumerate();
        let mut made: Vec<u8> =
            bytes.map(|(place, (noise, &old))| shape.shape(noise, place, old)).collect();
        for name in &self.names {
            put_name(secret, name.as_bytes(), payload, &mut made);
        }
        made
    }
}

/// Printable ASCII, tab, CR or LF.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

/// The longest label of a DNS name (RFC 1035 section 2.3.4): a byte that is no more stands where
/// a name has its dots.
const LABEL_BYTES_MAX: u8 = 63;

/// Puts the replacement of a name wherever the payload has the name, dots or lengths between labels.
pub(super) fn put_name(secret: &Secret, name: &[u8], payload: &[u8], made: &mut [u8]) {
    let fits = |(&old, &name): (&u8, &u8)| {
        old.eq_ignore_ascii_case(&name) || (name == b'.' && old <= LABEL_BYTES_MAX)
    };
    let mut at: usize = 0;
    while let Some(old) = payload.get(at..at.saturating_add(name.len())) {
        if !old.iter().zip(name).all(fits) {
            at = at.saturating_add(1);
            continue;
        }
        for (from, len) in words(name) {
            let word = wire::prefix(wire::rest(old, from), len);
            let place = at.saturating_add(from);
            if let Some(place) = made.get_mut(place..place.saturating_add(len)) {
                place.copy_from_slice(&secret.word(word, name));
            }
        }
        for (from, (&old, &name)) in old.iter().zip(name).enumerate() {
            // What stands between the words says nothing; a length is for the detector to ask for.
            let place = made.get_mut(at.saturating_add(from));
            if let Some(place) = place.filter(|_| !old.is_ascii_alphanumeric() && old == name) {
                *place = old;
            }
        }
        at = at.saturating_add(name.len());
    }
}

/// Where the words of a name are: runs of letters and digits.
fn words(name: &[u8]) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut at: usize = 0;
    for word in name.split(|byte| !byte.is_ascii_alphanumeric()) {
        if !word.is_empty() {
            words.push((at, word.len()));
        }
        at = at.saturating_add(word.len()).saturating_add(1);
    }
    words
}

/// Bytes in a row that may stay, such as a list of cipher suites: more are content.
const RUN_BYTES_MAX: usize = 256;

/// Bytes that may stay of one flow.
const STAY_BYTES_MAX: usize = 1024;

/// Whether what stays of a packet is a protocol's own: no words but its own, no address, no long run.
pub(super) fn is_structure(payload: &[u8], stays: &[bool], ends: [&[u8]; 2]) -> Result<(), String> {
    let kept: Vec<Option<u8>> =
        payload.iter().zip(stays).map(|(&byte, &stays)| stays.then_some(byte)).collect();
    let text = |byte: &Option<u8>| byte.filter(|byte| byte.is_ascii_graphic());
    for run in kept.split(Option::is_none) {
        if run.len() > RUN_BYTES_MAX {
            return Err(format!("{} bytes in a row", run.len()));
        }
        let bytes: Vec<u8> = run.iter().copied().flatten().collect();
        if ends.iter().any(|end| bytes.windows(end.len()).any(|four| four == *end)) {
            return Err("an address".to_owned());
        }
    }
    for run in kept.split(|byte| text(byte).is_none()) {
        let text: String = run.iter().flatten().map(|&byte| char::from(byte)).collect();
        let parts = text.split(|c: char| !c.is_ascii_hexdigit() && !matches!(c, '.' | ':'));
        if parts.into_iter().any(|part| written(part).is_some()) {
            return Err("an address".to_owned());
        }
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        if let Some(word) = words.find(|word| !is_known(word)) {
            return Err(format!("the word {word:?}"));
        }
    }
    Ok(())
}

/// Whether so much may stay of one flow.
pub(super) const fn is_little(stays: usize) -> bool {
    stays <= STAY_BYTES_MAX
}
