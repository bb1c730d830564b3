//! With which bytes a protocol begins: a detector's own words for `prefilter.rs`.
//!
//! Most protocols begin with one of a few bytes, or have one of a few bytes at other places of their
//! first message. Places are counted in a side's stream, or in its first datagram; where on neither
//! side all openings of a detector hold, it is not asked. An opening holds where the message does not
//! reach so far, so openings save time and change no answer. A side may begin with a message that
//! proves nothing yet, because other protocols share it: an opening has the bytes of those, too.
//!
//! Openings must hold of the first message of the side that proves the protocol: debug builds ask
//! those that are left out all the same, and stop where one says yes.

use crate::identify::Over;
use crate::net::Transport;

/// What a detector knows of the bytes that its protocol begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Openings {
    /// Nothing that is sure: it is always asked.
    Unknown,
    /// These, one a place.
    Known(&'static [Opening]),
    /// Those that its signature's conditions come to.
    Computed(fn() -> Vec<Opening>),
}

impl Openings {
    /// Those that hold over a transport.
    pub(super) fn over(self, transport: Transport) -> Vec<Opening> {
        let mut all = match self {
            Self::Unknown => Vec::new(),
            Self::Known(all) => all.to_vec(),
            Self::Computed(all) => all(),
        };
        all.retain(|opening| opening.over.has(transport));
        all
    }

    /// Whether a message of a stream, as far as it is there, has one of the bytes at every place that is
    /// known.
    pub(super) fn hold(self, bytes: &[u8]) -> bool {
        let Self::Known(all) = self else { return true };
        let mut streams = all.iter().filter(|opening| opening.over.has(Transport::Tcp));
        streams.all(|one| bytes.get(one.at).is_none_or(|byte| one.bytes.has(*byte)))
    }
}

/// What one side at least has at a place of its first message, where a protocol is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// Counted from the first byte.
    pub(super) at: usize,
    /// One of these.
    pub(super) bytes: ByteSet,
    /// Whether a whole datagram that ends before it will not do.
    pub(super) required: bool,
    /// Of a detector for both transports, where it holds of one alone.
    pub(super) over: Over,
}

impl Opening {
    /// One of these bytes, at the start.
    pub(super) const fn new(bytes: ByteSet) -> Self {
        Self { at: 0, bytes, required: false, over: Over::Both }
    }

    /// The same, further on.
    pub(super) const fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The same, of a protocol whose datagrams all reach so far.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, over TCP alone.
    pub(super) const fn tcp(self) -> Self {
        Self { over: Over::Tcp, ..self }
    }

    /// The same, over UDP alone.
    pub(super) const fn udp(self) -> Self {
        Self { over: Over::Udp, ..self }
    }
}

/// One of these bytes.
pub(super) const fn one_of(bytes: &[u8]) -> Opening {
    mixed(&[], bytes)
}

/// A byte of these ranges.
pub(super) const fn within(ranges: &[(u8, u8)]) -> Opening {
    mixed(ranges, &[])
}

/// A byte of these ranges, from the one to the other, or one of these.
pub(super) const fn mixed(ranges: &[(u8, u8)], bytes: &[u8]) -> Opening {
    let (mut ranges, mut bytes) = (ranges, bytes);
    let mut all = ByteSet::NONE;
    while let [(low, high), more @ ..] = ranges {
        all = all.or(ByteSet::range(*low, *high));
        ranges = more;
    }
    while let [byte, more @ ..] = bytes {
        all = all.or(ByteSet::one(*byte));
        bytes = more;
    }
    Opening::new(all)
}

/// A letter, a digit, or one of these bytes.
pub(super) const fn word(bytes: &[u8]) -> Opening {
    mixed(&[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')], bytes)
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSet([u128; 2]);

impl ByteSet {
    /// None.
    pub(super) const NONE: Self = Self([0; 2]);

    /// This one.
    pub(super) const fn one(byte: u8) -> Self {
        Self::NONE.with(byte)
    }

    /// Those from the one to the other.
    pub(super) const fn range(low: u8, high: u8) -> Self {
        let (mut bytes, mut next) = (Self::NONE, low);
        while next < high {
            bytes = bytes.with(next);
            next = next.saturating_add(1);
        }
        bytes.with(high)
    }

    /// Its members, in order.
    pub(super) fn each(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0_u8, 128]).flat_map(|(mut half, base)| {
            std::iter::from_fn(move || {
                let bit = u8::try_from(half.trailing_zeros()).ok().filter(|_| half != 0)?;
                half &= half.wrapping_sub(1);
                Some(base.saturating_add(bit))
            })
        })
    }

    /// These, and this one.
    const fn with(self, byte: u8) -> Self {
        let Self([low, high]) = self;
        let bit = 1 << (byte % 128);
        if byte < 128 { Self([low | bit, high]) } else { Self([low, high | bit]) }
    }

    /// Whether this is one of them.
    const fn has(self, byte: u8) -> bool {
        let Self([low, high]) = self;
        let bit = 1 << (byte % 128);
        if byte < 128 { low & bit != 0 } else { high & bit != 0 }
    }

    /// Those that are in one of both.
    pub(super) const fn or(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a | c, b | d])
    }

    /// Those that are in both.
    pub(super) const fn and(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a & c, b & d])
    }

    /// Those for which `holds`.
    pub(super) fn that(holds: impl Fn(u8) -> bool) -> Self {
        (0..=255).filter(|byte| holds(*byte)).fold(Self::NONE, Self::with)
    }
}
