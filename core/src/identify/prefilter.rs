//! Which detectors are worth asking, by bytes at fixed places of each side's first message.
//!
//! Most protocols begin with one of a few bytes, or have one of a few bytes at other places of
//! their first message. The rows of [`OPENINGS`] say which: where on neither side all rows of a
//! detector hold, it says no once both have spoken, and does not say yes before. So it need not be
//! asked. The rows of `magic` say it themselves. A detector without a row is always asked, and a row
//! holds where the message does not reach so far: rows save time and change no answer. In debug
//! builds those that are left out are asked all the same, and none of them may say yes
//! ([`super::inquiry`]), so every test of the project is a test of this table.
//!
//! Places are counted in a side's stream, or in its first datagram. A side may begin with a message
//! that proves nothing yet, because other protocols share it: a row has the bytes of those, too.

use std::sync::LazyLock;

use crate::identify::{DETECTORS, FlowView, Over, SideView, protocols};

use crate::net::{Side, Transport};

/// Words of a [`Set`].
const WORDS: usize = DETECTORS.len().div_ceil(64);

/// A set of detectors, by index into [`DETECTORS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    pub(super) fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn meet(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The members and their indices, in order.
    pub(super) fn detectors(self) -> impl Iterator<Item = (usize, &'static super::Detector)> {
        self.0.into_iter().zip((0..).step_by(64)).flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
                word &= word.wrapping_sub(1);
                let index: usize = bit.saturating_add(base);
                Some((index, *DETECTORS.get(index)?))
            })
        })
    }
}

/// What there is to ask, and when.
#[derive(Debug)]
pub(super) struct Index {
    of: [OfTransport; 2],
}

#[derive(Debug)]
struct OfTransport {
    all: Set,
    marks: Vec<Mark>,
}

/// A place where a byte tells.
#[derive(Debug)]
struct Mark {
    at: usize,
    /// Bytes that the same rows hold of are of one kind: an index into `by_kind`. Most places know
    /// few kinds, so that all of this stays in a processor's cache.
    kinds: [u8; 256],
    /// Whose rows hold of the bytes of a kind here. Detectors that do not look here are in all.
    by_kind: Vec<Set>,
    /// Whose rows hold where a whole datagram ends before this place.
    beyond_end: Set,
}

/// The index of [`DETECTORS`].
pub(super) static INDEX: LazyLock<Index> = LazyLock::new(|| Index {
    of: [OfTransport::new(Transport::Tcp), OfTransport::new(Transport::Udp)],
});

/// What [`Index::worth_asking`] found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// Those that may say yes.
    pub(super) asking: Set,
    /// All others will say no, whatever comes: both sides have spoken.
    pub(super) for_good: bool,
    /// Looking again would find the same.
    pub(super) all_seen: bool,
}

impl Index {
    /// All detectors for a transport.
    pub(super) fn all(&self, transport: Transport) -> Set {
        self.of(transport).all
    }

    /// Those that may say yes of this view.
    pub(super) fn worth_asking(&self, view: &FlowView<'_>) -> Worth {
        let index = self.of(view.transport);
        let (mut asking, mut spoken) = (Set::default(), 0);
        let mut all_seen = true;
        for head in view.sides.iter().filter(|head| head.has_spoken()) {
            let first = First::of(head);
            asking.join(&index.holding(&first));
            let longest = index.marks.last().map_or(0, |mark| mark.at);
            all_seen &= !first.may_grow || first.bytes.len() > longest;
            spoken += 1;
        }
        let for_good = spoken == Side::BOTH.len();
        Worth { asking, for_good, all_seen: for_good && all_seen }
    }

    fn of(&self, transport: Transport) -> &OfTransport {
        let [tcp, udp] = &self.of;
        match transport {
            Transport::Tcp => tcp,
            Transport::Udp => udp,
        }
    }
}

/// A side's first message.
struct First<'a> {
    bytes: &'a [u8],
    /// Whether nothing of it is missing.
    is_whole: bool,
    may_grow: bool,
}

impl<'a> First<'a> {
    fn of(head: &SideView<'a>) -> Self {
        match head.datagrams.first() {
            Some(first) => Self { bytes: first.bytes, is_whole: first.is_whole(), may_grow: false },
            None => Self { bytes: head.stream, is_whole: false, may_grow: !head.complete },
        }
    }
}

impl OfTransport {
    fn new(transport: Transport) -> Self {
        let mut new = Self { all: Set::default(), marks: Vec::new() };
        for (index, row) in DETECTORS.iter().enumerate() {
            if row.over.has(transport) {
                new.all.insert(index);
            }
        }
        let mut rows: Vec<(usize, Place)> = Vec::new();
        for (index, row) in DETECTORS.iter().enumerate().filter(|(_, row)| row.over.has(transport))
        {
            let first = OPENINGS.partition_point(|opening| opening.id < row.id);
            let own = OPENINGS.iter().skip(first).take_while(|opening| opening.id == row.id);
            let own = own.filter(|opening| opening.over.has(transport)).map(Opening::place);
            rows.extend(own.chain(protocols::magic_openings(row.id)).map(|place| (index, place)));
        }
        // In the order of their places, for the last one tells how far they reach.
        rows.sort_by_key(|(_, place)| place.at);
        let marks = rows.chunk_by(|(_, one), (_, next)| one.at == next.at);
        new.marks = marks.filter_map(|rows| Mark::new(&new.all, rows)).collect();
        new
    }

    /// Whose rows all hold.
    fn holding(&self, first: &First<'_>) -> Set {
        let mut holding = self.all;
        for mark in &self.marks {
            let byte = first.bytes.get(mark.at);
            match byte.and_then(|byte| mark.of(*byte)) {
                Some(fit) => holding = holding.meet(fit),
                None if first.is_whole => holding = holding.meet(&mark.beyond_end),
                // This place and those behind it are not there to look at.
                None => break,
            }
        }
        holding
    }
}

impl Mark {
    /// The rows of one place, one a detector.
    fn new(all: &Set, rows: &[(usize, Place)]) -> Option<Self> {
        let at = rows.first()?.1.at;
        let (mut elsewhere, mut beyond_end) = (*all, *all);
        for (index, place) in rows {
            elsewhere.remove(*index);
            if place.needed {
                beyond_end.remove(*index);
            }
        }
        let mut fit = [elsewhere; 256];
        for (index, place) in rows {
            for byte in place.bytes.each() {
                if let Some(set) = fit.get_mut(usize::from(byte)) {
                    set.insert(*index);
                }
            }
        }
        let (mut kinds, mut by_kind): (_, Vec<Set>) = ([0; 256], Vec::new());
        for (kind, fit) in kinds.iter_mut().zip(fit) {
            // Mostly it is the kind of the byte before.
            let known = by_kind.iter().rposition(|set| *set == fit).unwrap_or(by_kind.len());
            if known == by_kind.len() {
                by_kind.push(fit);
            }
            // There are no more kinds than bytes.
            *kind = u8::try_from(known).unwrap_or(u8::MAX);
        }
        Some(Self { at, kinds, by_kind, beyond_end })
    }

    /// Whose rows hold of this byte.
    fn of(&self, byte: u8) -> Option<&Set> {
        self.by_kind.get(usize::from(*self.kinds.get(usize::from(byte))?))
    }
}

/// What must stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from the first byte.
    pub(super) at: usize,
    /// One of these.
    pub(super) bytes: ByteSet,
    /// Whether a whole datagram that ends before it will not do.
    pub(super) needed: bool,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSet([u128; 2]);

impl ByteSet {
    /// None.
    pub(super) const NONE: Self = Self([0; 2]);

    /// All.
    pub(super) const ALL: Self = Self([u128::MAX; 2]);

    /// This one.
    pub(super) fn one(byte: u8) -> Self {
        let mut bytes = Self::NONE;
        bytes.insert(byte);
        bytes
    }

    /// Those from the one to the other.
    pub(super) fn range(low: u8, high: u8) -> Self {
        let mut bytes = Self::NONE;
        (low..=high).for_each(|byte| bytes.insert(byte));
        bytes
    }

    /// Its members, in order.
    fn each(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0_u8, 128]).flat_map(|(mut half, base)| {
            std::iter::from_fn(move || {
                let bit = u8::try_from(half.trailing_zeros()).ok().filter(|_| half != 0)?;
                half &= half.wrapping_sub(1);
                Some(base.saturating_add(bit))
            })
        })
    }

    fn insert(&mut self, byte: u8) {
        let [low, high] = &mut self.0;
        *(if byte < 128 { low } else { high }) |= 1 << (byte % 128);
    }

    /// Those that are in one of both.
    pub(super) fn or(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a | c, b | d])
    }

    /// Those that are in both.
    pub(super) fn and(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a & c, b & d])
    }

    /// Those for which `holds`.
    pub(super) fn that(holds: impl Fn(u8) -> bool) -> Self {
        let mut bytes = Self::NONE;
        (0..=255).filter(|byte| holds(*byte)).for_each(|byte| bytes.insert(byte));
        bytes
    }
}

/// What one side at least has in its first message, where a protocol is recognised.
struct Opening {
    id: &'static str,
    over: Over,
    /// Where, counted from the first byte.
    at: usize,
    /// From, to; both are in.
    ranges: &'static [(u8, u8)],
    /// And these.
    bytes: &'static [u8],
    /// See [`Place::needed`].
    needed: bool,
}

impl Opening {
    fn place(&self) -> Place {
        let ranges = self.ranges.iter().map(|(low, high)| ByteSet::range(*low, *high));
        let bytes = self.bytes.iter().map(|byte| ByteSet::one(*byte));
        let bytes = ranges.chain(bytes).fold(ByteSet::NONE, ByteSet::or);
        Place { at: self.at, bytes, needed: self.needed }
    }
}

/// One of these bytes.
const fn of(id: &'static str, over: Over, bytes: &'static [u8]) -> Opening {
    mixed(id, over, &[], bytes)
}

/// A byte of these ranges.
const fn within(id: &'static str, over: Over, ranges: &'static [(u8, u8)]) -> Opening {
    mixed(id, over, ranges, &[])
}

/// A byte of these ranges, or one of these.
const fn mixed(
    id: &'static str,
    over: Over,
    ranges: &'static [(u8, u8)],
    bytes: &'static [u8],
) -> Opening {
    Opening { id, over, at: 0, ranges, bytes, needed: false }
}

/// A word or a number, and one of these bytes.
const fn word(id: &'static str, over: Over, bytes: &'static [u8]) -> Opening {
    const WORDS: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')];
    mixed(id, over, WORDS, bytes)
}

impl Opening {
    /// The same, further on.
    const fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The same, of a protocol whose datagrams all reach so far.
    const fn there(self) -> Self {
        Self { needed: true, ..self }
    }
}

/// Rows of detectors of their own files, sorted by id: what each file checks of these bytes.
static OPENINGS: &[Opening] = {
    use Over::{Both, Tcp, Udp};
    &[
        of("ads", Tcp, &[0]),
        of("afp", Tcp, &[0, 1]),
        of("ajp", Tcp, &[0x12, b'A']),
        of("amqp", Tcp, &[b'A', 0, 1, 2, 3, 8]),
        of("atg", Tcp, &[1]),
        of("bfcp", Tcp, &[0x20, 0x28, 0x30, 0x38]),
        within("bfcp", Tcp, &[(1, 21)]).at(1),
        within("bfcp", Tcp, &[(0, 4)]).at(2),
        of("bfcp", Udp, &[0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58]),
        within("bfcp", Udp, &[(1, 21)]).at(1),
        within("bfcp", Udp, &[(0, 4)]).at(2).there(),
        of("bgp", Tcp, &[0xff]),
        of("bitcoin", Tcp, &[0xf9, 0x0b, 0xfa, 0x0a, 0x1c, 0xe3, 0xfb, 0xc0, 0xbf]),
        of("bittorrent", Tcp, &[19]),
        of("capwap", Udp, &[0, 1]),
        // Behind 1 is DTLS: its header's three zeros, and its version from place 5 on.
        within("capwap", Udp, &[(0, 0), (0x10, 0x47)]).at(1),
        // A binding of 0 to 3, and any two upper bits: the radio's.
        within("capwap", Udp, &[(0, 7), (0x40, 0x47), (0x80, 0x87), (0xc0, 0xc7)]).at(2),
        of("capwap", Udp, &[0, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38]).at(3),
        of("capwap", Udp, &[0, 0xfd, 0xff]).at(6).there(),
        within("cassandra", Tcp, &[(1, 5), (0x81, 0x85), (0xca, 0xca)]),
        of("ceph", Tcp, b"c"),
        of("checkmk", Tcp, b"<"),
        of("checkmk", Tcp, b"<").at(1),
        of("checkmk", Tcp, b"c").at(3),
        // An answer ends in FOUND, whatever stands before. PONG, shorter than these, names nothing.
        within("clamd", Tcp, &[(b' ', b'~')]),
        within("clamd", Tcp, &[(b' ', b'~')]).at(1),
        within("clamd", Tcp, &[(b' ', b'~')]).at(2),
        within("clamd", Tcp, &[(b' ', b'~')]).at(3),
        within("clamd", Tcp, &[(b' ', b'~')]).at(4),
        mixed("clamd", Tcp, &[(b' ', b'~')], b"\n\0").at(5),
        within("coap", Udp, &[(0x40, 0x48), (0x50, 0x58), (0x60, 0x68), (0x70, 0x70)]),
        within("coap", Udp, &[(0, 7), (65, 69), (95, 95), (128, 143), (157, 157), (160, 165)])
            .at(1)
            .there(),
        of("cops", Tcp, &[0x10, 0x11]),
        of("dcerpc", Tcp, &[5]),
        of("dcerpc", Udp, &[4]),
        of("dhcp", Udp, &[1, 2]),
        within("dhcp", Udp, &[(0, 16)]).at(2),
        within("dhcp", Udp, &[(0, 16)]).at(3),
        of("dhcp", Udp, &[0, 0x80]).at(10),
        of("dhcp", Udp, &[0]).at(11).there(),
        within("dhcpv6", Udp, &[(1, 13)]),
        // A header of four bytes, an option's header and one byte of it. A relay has more.
        within("dhcpv6", Udp, &[(0, 0xff)]).at(8).there(),
        of("diameter", Tcp, &[1]),
        within("dicom", Tcp, &[(1, 7)]),
        // The shortest list. What is cut is passed over, so nothing of the list itself is sure.
        within("discv4", Udp, &[(0, 0xff)]).at(99).there(),
        of("dnp3", Both, &[5]),
        // Query; Notify and Update; their answers.
        within("dns", Tcp, &[(0, 1), (0x20, 0x2d), (0x80, 0x87), (0xa0, 0xaf)]).at(4),
        within("dns", Tcp, &[(0, 0x3b), (0x80, 0xbb)]).at(5),
        of("dns", Tcp, &[0]).at(6),
        of("dns", Tcp, &[1]).at(7),
        within("dns", Tcp, &[(0, 2)]).at(8),
        within("dns", Tcp, &[(0, 2)]).at(10),
        within("dns", Tcp, &[(0, 2)]).at(12),
        within("dns", Tcp, &[(0, 63)]).at(14),
        within("dns", Udp, &[(0, 1), (0x20, 0x2d), (0x80, 0x87), (0xa0, 0xaf)]).at(2),
        within("dns", Udp, &[(0, 0x3b), (0x80, 0xbb)]).at(3),
        of("dns", Udp, &[0]).at(4),
        of("dns", Udp, &[1]).at(5),
        within("dns", Udp, &[(0, 2)]).at(6),
        within("dns", Udp, &[(0, 2)]).at(8),
        within("dns", Udp, &[(0, 2)]).at(10),
        within("dns", Udp, &[(0, 63)]).at(12).there(),
        of("drda", Tcp, &[0xd0]).at(2),
        // What shares the port is passed over: STUN, RTP, and DTLS 1.3's ciphertexts.
        within("dtls", Udp, &[(0, 3), (20, 26), (32, 79), (128, 191)]),
        of("edonkey", Tcp, &[0xe3, 0xc5, 0xd4]),
        of("elasticsearch", Tcp, b"E"),
        within("enet", Udp, &[(0, 0x3f), (0x80, 0xbf)]),
        // The shortest header and command.
        within("enet", Udp, &[(0, 0xff)]).at(5).there(),
        of("enip", Both, &[4, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73]),
        within("esp-udp", Udp, &[(1, 0xff)]),
        // May end before: a keep-alive of one byte comes first.
        within("esp-udp", Udp, &[(0, 0x40)]).at(4),
        within("ethercat", Udp, &[(0x10, 0x17)]).at(1).there(),
        within("ethercat", Udp, &[(1, 14)]).at(2).there(),
        of("fastcgi", Tcp, &[1]),
        of("fcip", Tcp, &[1, 2]),
        of("fins", Tcp, b"F"),
        of("fins", Udp, &[0x80, 0x81, 0xc0, 0xc1]),
        of("fix", Tcp, b"8"),
        of("ftp", Tcp, b"12345ACDEFHLMNOPQRSTUXacdefhlmnopqrstux"),
        of("ftp", Tcp, b"01235ABCDEIKLMNOPRSTUWYabcdeiklmnoprstuwy").at(1),
        of("ftp", Tcp, b"0123456789ACDEFILNOPRSTUWZacdefilnoprstuwz").at(2),
        of("ftp", Tcp, b" -\r\nDEHMNOPRSTUVZdehmnoprstuvz").at(3),
        of("gearman", Tcp, &[0]),
        of("giop", Tcp, b"G"),
        of("giop", Both, b"I").at(1),
        of("giop", Tcp, &[1]).at(4),
        of("giop", Udp, b"GM"),
        of("giop", Udp, &[1, 0x10]).at(4),
        within("giop", Udp, &[(0, 3)]).at(5).there(),
        within("git", Tcp, &[(b'0', b'9'), (b'a', b'f')]),
        of("gnutella", Tcp, b"G"),
        of("gnutella", Tcp, b"N").at(1),
        of("gnutella", Tcp, b" /").at(8),
        // Descriptors begin with any bytes, and have 23; Gnutella2's datagrams have a header of 8.
        within("gnutella", Udp, &[(0, 0xff)]).at(7).there(),
        mixed(
            "gtp",
            Udp,
            &[(0x0e, 0x0f), (0x2e, 0x37), (0x4e, 0x4f)],
            &[0x40, 0x44, 0x48, 0x4c, 0x50, 0x54, 0x58, 0x5c],
        ),
        // Types of both versions and of GTP'.
        within("gtp", Udp, &[(1, 7), (16, 72), (95, 121), (127, 179), (200, 212), (231, 255)])
            .at(1)
            .there(),
        of("h323", Tcp, &[3]),
        of("hart-ip", Both, &[1, 2]),
        of("hart-ip", Both, &[0, 1, 2, 15]).at(1),
        within("hart-ip", Both, &[(0, 7)]).at(2),
        within("hart-ip", Both, &[(0, 16)]).at(3),
        within("hart-ip", Tcp, &[(0, 8)]).at(6),
        within("hart-ip", Udp, &[(0, 8)]).at(6).there(),
        of("hislip", Tcp, b"H"),
        of("hl7", Tcp, &[0x0b]),
        mixed("http", Tcp, &[(b'A', b'Z')], b"\r-_"),
        mixed("http", Tcp, &[(b'A', b'Z')], b"\n-_").at(1),
        mixed("http", Tcp, &[(b'A', b'Z')], b"-_").at(2),
        mixed("http", Tcp, &[(b'A', b'Z')], b" -_").at(3),
        // A line of HTTP is longer than this: every second place sees other lines end.
        within("http", Tcp, &[(b' ', b'~'), (0x80, 0xff)]).at(4),
        within("http", Tcp, &[(b' ', b'~'), (0x80, 0xff)]).at(6),
        within("http", Tcp, &[(b' ', b'~'), (0x80, 0xff)]).at(8),
        within("http", Tcp, &[(b' ', b'~'), (0x80, 0xff)]).at(10),
        of("http2", Tcp, b"P\0"),
        within("iax", Udp, &[(0x80, 0xff)]),
        within("iax", Udp, &[(0, 7)]).at(4),
        within("iax", Udp, &[(0, 32)]).at(8),
        within("iax", Udp, &[(0, 32)]).at(9),
        of("iax", Udp, &[6]).at(10),
        within("iax", Udp, &[(1, 40)]).at(11).there(),
        of("ica", Tcp, &[0x7f]),
        of("icap", Tcp, b"IRO"),
        of("iec104", Tcp, &[0x68]),
        of("iec62056", Tcp, &[0, 0x7e]),
        of("ieee-c37118", Both, &[0xaa]),
        of("ieee-c37118", Both, b"\x01\x02\x11\x12\x21\x22\x31\x32\x41\x42\x51\x52").at(1),
        within("ike", Udp, &[(0, 0xff)]).at(27).there(),
        word("imap", Tcp, b"*+.-_"),
        word("imap", Tcp, b".-_ \r\n").at(1),
        // Anything may stand behind the plus of a continuation.
        mixed("imap", Tcp, &[(b' ', b'~'), (0x80, 0xff)], b"\t\r\n").at(2),
        of("ipfix", Udp, &[0]),
        of("ipfix", Udp, &[10]).at(1),
        within("ipfix", Udp, &[(0, 15)]).at(16).there(),
        of("irc", Tcp, b":CEJMNPQUW"),
        // Anything may stand in a prefix.
        mixed("irc", Tcp, &[(b'!', b'~'), (0x80, 0xff)], b"\t").at(1),
        mixed("irc", Tcp, &[(b' ', b'~'), (0x80, 0xff)], b"\t").at(2),
        mixed("irc", Tcp, &[(b' ', b'~'), (0x80, 0xff)], b"\t").at(4),
        mixed(
            "iscsi",
            Tcp,
            &[(0x23, 0x26)],
            &[0, 1, 3, 4, 6, 0x20, 0x21, 0x31, 0x3f, 0x40, 0x41, 0x43, 0x44, 0x46],
        ),
        of("json-rpc", Tcp, b"{["),
        of("kad", Udp, &[0xe3, 0xe4, 0xe5]),
        of("kafka", Tcp, &[0]),
        within("kcp", Udp, &[(0x51, 0x54)]).at(4),
        within("krb5", Tcp, &[(0x6a, 0x6f), (0x7e, 0x7e)]).at(4),
        within("krb5", Tcp, &[(0x0c, 0x7f), (0x81, 0x84)]).at(5),
        // The sequence's contents start 4 to 12 bytes behind the first tag.
        of("krb5", Tcp, &[1, 2, 3, 5, 0xa0, 0xa1, 0xa2]).at(16),
        mixed("krb5", Tcp, &[(10, 15)], &[1, 2, 3, 5, 30, 0xa1, 0xa2]).at(17),
        within("krb5", Udp, &[(0x6a, 0x6f), (0x7e, 0x7e)]),
        within("krb5", Udp, &[(0x0c, 0x7f), (0x81, 0x84)]).at(1),
        of("krb5", Udp, &[1, 2, 3, 5, 0xa0, 0xa1, 0xa2]).at(12),
        mixed("krb5", Udp, &[(10, 15)], &[1, 2, 3, 5, 30, 0xa1, 0xa2]).at(13).there(),
        of("l2tp", Udp, &[0xc8]),
        of("ldap", Both, &[0x30]),
        mixed("lisp", Udp, &[(0x10, 0x1f), (0x30, 0x4f), (0x80, 0x8f)], b" \"$&(*,."),
        within("lisp", Udp, &[(0, 64)]).at(3).there(),
        of("llmnr", Udp, &[0, 0x80]).at(2),
        of("llmnr", Udp, &[0]).at(3),
        of("llmnr", Udp, &[0]).at(4),
        of("llmnr", Udp, &[1]).at(5),
        of("llmnr", Udp, &[0]).at(11),
        within("llmnr", Udp, &[(1, 63)]).at(12).there(),
        of("lustre", Tcp, &[0, 0x63, 0xed, 0xc0, 0xc1]),
        of("mdns", Udp, &[0, 2, 0x80, 0x84, 0x86]).at(2),
        of("mdns", Udp, &[0]).at(3),
        of("mdns", Udp, &[0, 1]).at(4),
        of("mdns", Udp, &[0, 1]).at(6),
        of("mdns", Udp, &[0, 1]).at(8),
        within("mdns", Udp, &[(1, 63)]).at(12).there(),
        of("megaco", Tcp, b"M!\x03"),
        of("megaco", Tcp, b"E/\0").at(1),
        mixed("megaco", Tcp, &[(b'A', b'Z'), (b'a', b'z')], b"![< \t\n\x0c\r").at(4),
        of("megaco", Udp, b"M!"),
        of("megaco", Udp, b"E/").at(1),
        of("megaco", Udp, b"G1234").at(2),
        of("megaco", Udp, b"A \t\n\x0c\r").at(3),
        mixed("megaco", Udp, &[(b'A', b'Z'), (b'a', b'z')], b"[< \t\n\x0c\r").at(4).there(),
        of("memcached", Tcp, b"CDENOSTVacdfgimpqrstv\x80\x81"),
        // Opcodes, or letters.
        mixed("memcached", Tcp, &[(0, 0x48)], b"KLNORTadelnoprtu").at(1),
        of("memcached", Tcp, b"\0\r ADILORTUacdeilprstu").at(2),
        within("memcached", Udp, &[(0, 5)]).at(2),
        within("memcached", Udp, &[(0, 5)]).at(4),
        of("memcached", Udp, &[0]).at(6),
        of("memcached", Udp, &[0]).at(7),
        of("memcached", Udp, b"CDENOSTVacdfgimpqrstv\x80\x81").at(8),
        mixed("memcached", Udp, &[(0, 0x48)], b"KLNORTadelnoprtu").at(9),
        of("memcached", Udp, b"\0\r ADILORTUacdeilprstu").at(10).there(),
        // Blanks may stand before the verb. An answer is all that is read of a stream, and proves
        // nothing; in datagrams a command may follow it.
        of("mgcp", Tcp, b" ACDEMNRacdemnr"),
        of("mgcp", Tcp, b" ACDELMNPQRSTUacdelmnpqrstu").at(1),
        of("mgcp", Tcp, b" ACDEFILMNPQRSTUacdefilmnpqrstu").at(2),
        of("mgcp", Tcp, b" ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(3),
        of("mgcp", Tcp, b" ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(4),
        of("mgcp", Udp, b" 0123456789ACDEMNRacdemnr"),
        of("mgcp", Udp, b" 0123456789ACDELMNPQRSTUacdelmnpqrstu").at(1),
        of("mgcp", Udp, b" 0123456789ACDEFILMNPQRSTUacdefilmnpqrstu").at(2),
        of("mgcp", Udp, b" 0123456789ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(3),
        of("mgcp", Udp, b" 0123456789ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(4).there(),
        within("minecraft", Tcp, &[(2, 0xff)]),
        of("mms", Tcp, &[3]),
        of("modbus", Tcp, &[0]).at(2),
        of("monero", Tcp, &[1]),
        within("mongodb", Tcp, &[(0, 2)]).at(3),
        of("mongodb", Tcp, &[1, 0xd1, 0xd2, 0xd4, 0xd5, 0xd6, 0xd7, 0xdc, 0xdd]).at(12),
        of("mongodb", Tcp, &[0, 7]).at(13),
        of("mongodb", Tcp, &[0]).at(14),
        of("mongodb", Tcp, &[0]).at(15),
        of("mpegts", Udp, &[0x47]),
        within("mpegts", Udp, &[(0, 0x7f)]).at(1),
        within("mpegts", Udp, &[(0x10, 0x3f), (0x90, 0xbf), (0xd0, 0xff)]).at(3).there(),
        mixed(
            "mqtt",
            Tcp,
            &[(0x30, 0x35), (0x38, 0x3d)],
            &[0x10, 0x20, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0],
        ),
        of("msdp", Tcp, &[1, 4]),
        of("munin", Tcp, b"#cflnqv"),
        // The rest of a login may be anything at the places where greetings and errors are told.
        of("mysql", Tcp, &[0]).at(2),
        of("mysql", Tcp, &[0, 1]).at(3),
        of("nat-pmp", Udp, &[0, 2]),
        within("nat-pmp", Udp, &[(0, 3), (0x80, 0x83)]).at(1).there(),
        // The question for the address ends before these.
        of("nat-pmp", Udp, &[0]).at(2),
        within("nat-pmp", Udp, &[(0, 13)]).at(3),
        of("nats", Tcp, b"CIPS+-"),
        of("nbd", Tcp, b"%INfg\0"),
        of("nbd", Tcp, &[0, 3, b'B', b'H', 0x44, 0x60, 0x8e]).at(1),
        of("nbd", Tcp, &[0, b'A', b'D', 0x33, 0x66, 0x95, 0xe8]).at(2),
        mixed("nbd", Tcp, &[(0, 3)], &[b'M', b'V', 0x13, 0x89, 0x98, 0xef]).at(3),
        of("nbd", Tcp, b"\0\x04AEI").at(4),
        within("netbios-dgm", Udp, &[(0x10, 0x16)]),
        of("netbios-ns", Udp, &[0x20]).at(12).there(),
        within("netbios-ns", Udp, &[(b'A', b'P')]).at(13).there(),
        within("netbios-ssn", Tcp, &[(0x81, 0x84)]),
        of("netflow", Udp, &[0]),
        of("netflow", Udp, &[1, 5, 7, 9]).at(1).there(),
        within("netflow", Udp, &[(0, 2)]).at(2).there(),
        of("nfs", Tcp, &[0, 0x80]),
        of("nfs", Tcp, &[0]).at(8),
        of("nfs", Tcp, &[0]).at(9),
        of("nfs", Tcp, &[0]).at(10),
        of("nfs", Tcp, &[0, 1]).at(11),
        of("nfs", Tcp, &[0]).at(12),
        of("nfs", Udp, &[0]).at(4).there(),
        of("nfs", Udp, &[0]).at(5).there(),
        of("nfs", Udp, &[0]).at(6).there(),
        of("nfs", Udp, &[0, 1]).at(7).there(),
        of("nfs", Udp, &[0]).at(8).there(),
        of("nfs", Udp, &[0, 1, 2]).at(11).there(),
        of("nmdc", Tcp, b"$"),
        of("nntp", Tcp, b"12345ABCDGHILMNOPQSTXabcdghilmnopqstx"),
        of("nntp", Tcp, b"012348AEHIORTUVZaehiortuvz").at(1),
        of("nntp", Tcp, b"0123456789ADEIKLOPSTVWXadeiklopstvwx").at(2),
        of("nntp", Tcp, b"\n\r -ADEGHINPRTUVYadeghinprtuvy").at(3),
        of("nomachine", Tcp, b"N"),
        of("nrpe", Tcp, &[0]),
        // Versions 1 to 4, any mode but 0. A private message may have anything behind it.
        within(
            "ntp",
            Udp,
            &[
                (0x09, 0x0f),
                (0x11, 0x17),
                (0x19, 0x1f),
                (0x21, 0x27),
                (0x49, 0x4f),
                (0x51, 0x57),
                (0x59, 0x5f),
                (0x61, 0x67),
                (0x89, 0x8f),
                (0x91, 0x97),
                (0x99, 0x9f),
                (0xa1, 0xa7),
                (0xc9, 0xcf),
                (0xd1, 0xd7),
                (0xd9, 0xdf),
                (0xe1, 0xe7),
            ],
        ),
        of("oftp", Tcp, &[0x10]),
        mixed("olsr", Udp, &[(0, 5)], &[]).there(),
        mixed("olsr", Udp, &[(1, 4), (128, 135)], &[]).at(4).there(),
        within("olsr", Udp, &[(1, 255)]).at(12).there(),
        of("opc-ua", Tcp, b"HAEROMC"),
        within("openflow", Tcp, &[(1, 6)]),
        of("openvpn", Tcp, &[0x08, 0x10, 0x38, 0x40, 0x50]).at(2),
        // Hard resets, and data of version 2 with any key.
        mixed("openvpn", Udp, &[(0x48, 0x4f)], &[0x08, 0x10, 0x38, 0x40, 0x50]),
        within("oracle-tns", Tcp, &[(1, 14)]).at(4),
        of("pgsql", Tcp, b"123ABCDEFGHIKNPQRSTXZcdfnpst\0"),
        // Lengths; or what follows the N that refuses encryption.
        of("pgsql", Tcp, &[0, 1, b'E', b'R']).at(1),
        of("photon", Udp, &[0]).at(2).there(),
        within("photon", Udp, &[(1, 100)]).at(3).there(),
        within("photon", Udp, &[(1, 16)]).at(12).there(),
        of("pop3", Tcp, b"+-ACDLNPQRSTUacdlnpqrstu"),
        of("pop3", Tcp, b"AEIOPSTUaeiopstu").at(1),
        of("pop3", Tcp, b"ADEIKLOPRSTadeilopst").at(2),
        of("pop3", Tcp, b"\n\r AEHLPRSTaehlprst").at(3),
        of("proxy-protocol", Tcp, b"\rP"),
        of("ptp", Udp, &[0x01, 0x02, 0x12]).at(1).there(),
        within("radius", Tcp, &[(1, 5), (11, 12), (40, 45)]),
        within("radius", Tcp, &[(0, 0x10)]).at(2),
        within("radius", Udp, &[(1, 5), (11, 12), (40, 45)]),
        within("radius", Udp, &[(0, 0x10)]).at(2).there(),
        of("raft", Tcp, &[1]),
        of("rdp", Tcp, &[3]),
        of("redis", Tcp, b"$*+-:"),
        mixed("redis", Tcp, &[(b'0', b'9')], b"-DEMNOPQRW").at(1),
        mixed("redis", Tcp, &[(b'0', b'9')], b"\rEIKORU").at(2),
        mixed("redis", Tcp, &[(b'0', b'9')], b"\n\rAENORSV").at(3),
        of("rfb", Tcp, b"R"),
        of("rip", Udp, &[1, 2]).there(),
        of("rip", Udp, &[1, 2]).at(1).there(),
        of("rip", Udp, &[0]).at(2).there(),
        of("rip", Udp, &[0]).at(3).there(),
        of("rlogin", Tcp, &[0]),
        of("rmi", Tcp, b"JNPQ"),
        of("rpki-rtr", Tcp, &[0, 1, 2]),
        within("rsh", Tcp, &[(b'0', b'9')]),
        of("rsync", Tcp, b"@"),
        within("rtcp", Udp, &[(0x80, 0x9f)]),
        of("rtcp", Udp, &[200, 201]).at(1).there(),
        of("rtcp", Udp, &[0]).at(2).there(),
        within("rtcp", Udp, &[(1, 192)]).at(3).there(),
        of("rtmp", Tcp, &[3]),
        mixed("rtsp", Tcp, &[(b'A', b'Z')], b"_"),
        mixed("rtsp", Tcp, &[(b'A', b'Z')], b"_").at(1),
        mixed("rtsp", Tcp, &[(b'A', b'Z')], b"_").at(2),
        mixed("rtsp", Tcp, &[(b'A', b'Z')], b"_").at(3),
        mixed("rtsp", Tcp, &[(b'A', b'Z')], b" /_").at(4),
        of("rx", Udp, &[0]).at(8),
        within("rx", Udp, &[(0, 0x0f)]).at(9),
        of("rx", Udp, &[0]).at(12),
        of("rx", Udp, &[0]).at(13),
        of("rx", Udp, &[0]).at(16),
        within("rx", Udp, &[(1, 8), (13, 13)]).at(20).there(),
        of("s7comm", Tcp, &[3]),
        of("sap-ni", Tcp, &[0]),
        of("sflow", Udp, &[0]),
        of("sflow", Udp, &[0]).at(1),
        of("sflow", Udp, &[0]).at(2),
        of("sflow", Udp, &[4, 5]).at(3),
        of("sflow", Udp, &[0]).at(4),
        of("sflow", Udp, &[1, 2]).at(7).there(),
        // Line ends may stand first, so what follows a short method may stand further on.
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n"),
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n").at(1),
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n").at(2),
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n /").at(3),
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n /2stu").at(4),
        mixed("sip", Tcp, &[(b'A', b'Z')], b"\r\n /2.stuier").at(5),
        // Keep-alives of blanks and zeros are passed over.
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0"),
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0").at(1),
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0").at(2),
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0/").at(3),
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0/2stu").at(4),
        mixed("sip", Udp, &[(b'A', b'Z')], b"\r\n \0/2.stuier").at(5),
        of("skinny", Tcp, &[0]).at(5),
        of("slp", Both, &[1, 2]),
        within("slp", Both, &[(1, 11)]).at(1),
        of("slp", Both, &[0, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0]).at(5),
        // version 1's language, version 2's reserved bits
        word("slp", Tcp, b"-\0").at(6),
        word("slp", Udp, b"-\0").at(6).there(),
        of("smb", Tcp, &[0, 0x85]),
        of("smpp", Tcp, &[0]),
        of("smtp", Tcp, b"2345ABDEHLMNQRSVabdehlmnqrsv"),
        of("smtp", Tcp, b"01235ACDEHORSTUXacdehorstux").at(1),
        of("smtp", Tcp, b"012345678AEFILOPRTaefiloprt").at(2),
        of("smtp", Tcp, b" -\r\nAHLNOPRTYahlnoprty").at(3),
        of("snmp", Both, &[0x30]),
        of("socks", Tcp, &[0, 4, 5]),
        of("someip", Both, &[0]).at(4),
        of("someip", Both, &[0]).at(5),
        of("someip", Both, &[1]).at(12),
        of("someip", Both, &[0, 1, 2, 0x20, 0x21, 0x22, 0x80, 0x81, 0xa0, 0xa1]).at(14),
        within("someip", Tcp, &[(0, 0x5e)]).at(15),
        within("someip", Udp, &[(0, 0x5e)]).at(15).there(),
        of("spice", Tcp, b"R"),
        of("ssh", Tcp, b"S"),
        word("statsd", Udp, b"\n._-/").there(),
        word("statsd", Udp, b"\n._-/").at(1).there(),
        word("statsd", Udp, b"\n._-/:").at(2).there(),
        of("stomp", Tcp, b"ACEMRSU"),
        of("stratum", Tcp, b"{"),
        // a type or, with RFC 4571, a length; then a length or a type
        within("stun", Tcp, &[(0, 8)]),
        within("stun", Tcp, &[(0, 8)]).at(2),
        within("stun", Udp, &[(0, 0x3f)]),
        // any byte: the header has twenty
        within("stun", Udp, &[(0, 255)]).at(19).there(),
        of("sunrpc", Tcp, &[0, 0x80]),
        of("sunrpc", Tcp, &[0]).at(8),
        of("sunrpc", Tcp, &[0]).at(9),
        of("sunrpc", Tcp, &[0, 1]).at(11),
        of("sunrpc", Tcp, &[0]).at(12),
        of("sunrpc", Tcp, &[0, 1, 2]).at(15),
        of("sunrpc", Udp, &[0]).at(4),
        of("sunrpc", Udp, &[0]).at(5),
        of("sunrpc", Udp, &[0, 1]).at(7),
        of("sunrpc", Udp, &[0]).at(8),
        of("sunrpc", Udp, &[0]).at(9),
        of("sunrpc", Udp, &[0, 1, 2]).at(11).there(),
        of("svn", Tcp, b"("),
        mixed("syslog", Tcp, &[(b'0', b'9')], b"<"),
        mixed("syslog", Tcp, &[(b'0', b'9')], b" ").at(1),
        mixed("syslog", Tcp, &[(b'0', b'9')], b" <>").at(2),
        within("syslog", Both, &[(b' ', b'~')]).at(3),
        of("syslog", Udp, b"<"),
        within("syslog", Udp, &[(b'0', b'9')]).at(1),
        mixed("syslog", Udp, &[(b'0', b'9')], b">").at(2),
        within("syslog", Udp, &[(b' ', b'~')]).at(4).there(),
        of("tacacs-plus", Tcp, &[0xc0, 0xc1]),
        of("tarantool", Tcp, b"T"),
        of("tds", Tcp, &[1, 3, 4, 7, 0x0e, 0x10, 0x11, 0x12]),
        of("teamviewer", Tcp, &[0x17]),
        of("telegram", Tcp, &[0xef, 0xee]),
        of("telnet", Tcp, &[0xff]),
        // A packet, or what the relay puts before it.
        mixed("teredo", Udp, &[(0x60, 0x6f)], &[0]).there(),
        of("tftp", Udp, &[0]),
        within("tftp", Udp, &[(1, 6)]).at(1).there(),
        of("thrift", Tcp, &[0, 0x80, 0x82]),
        of("thrift", Udp, &[0x80, 0x82]),
        of("thrift", Udp, &[1, 0x21, 0x41, 0x61, 0x81]).at(1).there(),
        within("udt", Udp, &[(0, 0x80)]),
        // any byte: the header has sixteen
        within("udt", Udp, &[(0, 255)]).at(15).there(),
        of("utp", Udp, &[0x01, 0x11, 0x21, 0x31, 0x41]),
        within("utp", Udp, &[(0, 4)]).at(1),
        within("utp", Udp, &[(0, 3)]).at(12).there(),
        of("websocket", Tcp, &[b'G', b'H', 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0xc2]),
        of("whatsapp", Tcp, b"WE\0\x80"),
        of("whois", Tcp, b"%#Dd \t"),
        within("wireguard", Udp, &[(1, 4)]),
        of("wireguard", Udp, &[0]).at(1),
        of("wireguard", Udp, &[0]).at(2),
        of("wireguard", Udp, &[0]).at(3).there(),
        of("x11", Tcp, b"lB\0\x01\x02"),
        of("xmpp", Tcp, b"\t\n\x0c\r <"),
        within("z3950", Tcp, &[(0xb4, 0xbf)]),
        of("zabbix", Tcp, b"Z"),
        of("zmtp", Tcp, &[0xff]),
        within("zookeeper", Tcp, &[(0, 0), (b'a', b'z'), (b'Z', b'Z')]),
        within("zoom", Udp, &[(1, 8)]),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    impl Over {
        fn overlaps(self, other: Self) -> bool {
            [Transport::Tcp, Transport::Udp].iter().any(|&over| self.has(over) && other.has(over))
        }
    }

    #[test]
    fn rows_are_sorted_and_name_detectors_over_their_transport() {
        let order = |row: &Opening| (row.id, row.over == Over::Udp, row.at);
        assert!(OPENINGS.is_sorted_by(|one, next| order(one) < order(next)));
        for opening in OPENINGS {
            let row = DETECTORS.iter().find(|row| row.id == opening.id);
            let over = row.map(|row| row.over);
            assert!(over == Some(opening.over) || over == Some(Over::Both), "{}", opening.id);
            assert_eq!(protocols::magic_openings(opening.id).count(), 0, "{}", opening.id);
            assert!(!opening.needed || opening.over == Over::Udp, "{}", opening.id);
            let at_one_place = OPENINGS.iter().filter(|other| {
                (other.id, other.at) == (opening.id, opening.at)
                    && other.over.overlaps(opening.over)
            });
            assert_eq!(at_one_place.count(), 1, "{} at {}", opening.id, opening.at);
        }
    }

    #[test]
    fn few_detectors_are_left_to_ask() {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap());
        for transport in [Transport::Tcp, Transport::Udp] {
            let index = INDEX.of(transport);
            // Of each detector the chance that random bytes pass all its rows.
            let passes = |at: usize, set: &Set| set.detectors().any(|(index, _)| index == at);
            let chance = |at: usize| {
                let marks = index.marks.iter().map(|mark| {
                    let fit = |byte: &u8| mark.of(*byte).is_some_and(|set| passes(at, set));
                    number((0..=255).filter(fit).count()) / 256.0
                });
                marks.product::<f64>()
            };
            let chances: Vec<_> =
                index.all.detectors().map(|(at, row)| (chance(at), row.id)).collect();
            let mean: f64 = chances.iter().map(|(chance, _)| chance).sum();
            let always = chances.iter().filter(|(chance, _)| *chance == 1.0).map(|(_, id)| id);
            let (all, always) = (chances.len(), always.collect::<Vec<_>>());
            println!(
                "{transport:?}: of random bytes {mean:.1} of {all} are asked, {always:?} always"
            );
            assert!(mean * 12.0 < number(all), "{mean} of {all}");
        }
    }
}
