//! Small conversations for the detectors' tests.

pub(crate) use portstory_testkit::Random;

use std::fmt;

use crate::config::{HEAD_DATAGRAMS_MAX, Limits};
use crate::identify::messages::is_tls;
use crate::identify::metadata::{Metadata, MetadataFn};
use crate::identify::prefilter::INDEX;
use crate::identify::table_tests::anything_follows;
use crate::identify::{
    DETECTORS, Datagram, Detector, Finding, FlowView, Inside, Probe, SideView, Strength,
};
use crate::net::{Side, Transport};
use crate::time::Timestamp;

/// A conversation, message by message, in the order of capture.
#[derive(Clone)]
pub(crate) struct Talk {
    transport: Transport,
    messages: Vec<(Side, Vec<u8>)>,
    from_start: bool,
    snap: usize,
    /// Datagrams that are kept whole.
    whole: Vec<usize>,
}

impl fmt::Debug for Talk {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |bytes: &[u8]| bytes[..bytes.len().min(40)].to_vec();
        let messages = self.messages.iter().map(|(side, bytes)| (side, bytes.len(), short(bytes)));
        write!(to, "{:?} cut to {}: ", self.transport, self.snap)?;
        to.debug_list().entries(messages).finish()
    }
}

impl Talk {
    /// A TCP connection that was captured from its start.
    pub(crate) fn tcp() -> Self {
        Self::over(Transport::Tcp)
    }

    /// A UDP conversation.
    pub(crate) fn udp() -> Self {
        Self::over(Transport::Udp)
    }

    fn over(transport: Transport) -> Self {
        Self {
            transport,
            messages: Vec::new(),
            from_start: true,
            snap: usize::MAX,
            whole: Vec::new(),
        }
    }

    /// Side A says something.
    pub(crate) fn a(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.messages.push((Side::A, bytes.as_ref().to_vec()));
        self
    }

    /// Side B says something.
    pub(crate) fn b(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.messages.push((Side::B, bytes.as_ref().to_vec()));
        self
    }

    /// The capture starts in the middle of the connection.
    pub(crate) fn midway(mut self) -> Self {
        self.from_start = false;
        self
    }

    /// A and B change places.
    pub(crate) fn swapped(mut self) -> Self {
        for (side, _) in &mut self.messages {
            *side = side.other();
        }
        self
    }

    /// Only one side was captured.
    pub(crate) fn only(mut self, side: Side) -> Self {
        self.messages.retain(|(from, _)| *from == side);
        self
    }

    /// Only so many bytes of each message were captured. On TCP that is a hole: the rest of that
    /// side is lost.
    pub(crate) fn snapped(mut self, bytes: usize) -> Self {
        self.snap = bytes;
        self
    }

    /// What the detector says after the first `count` messages.
    pub(crate) fn probe_at(&self, detector: &Detector, count: usize, ended: bool) -> Probe {
        self.show(count, ended, |view| {
            let answer = (detector.asks.probe)(view);
            // What says yes must be worth asking.
            if let (Probe::Yes(_), Ok(at)) =
                (&answer, DETECTORS.binary_search_by(|row| row.id.cmp(detector.id)))
            {
                let worth = INDEX.worth_asking(view);
                let asked = worth.asking.detectors().any(|(index, _)| index == at);
                assert!(asked, "{} is not asked of {self:02x?}", detector.id);
            }
            answer
        })
    }

    /// What the metadata says of what the detector finds at the end. Older datagrams stay whole where
    /// the metadata wants that.
    pub(crate) fn metadata_by(
        &self,
        detector: &Detector,
        metadata: MetadataFn,
        ended: bool,
    ) -> Metadata {
        let Some(finding) = self.matched_by(detector) else {
            panic!("{} does not name {self:02x?}", detector.id)
        };
        let mut talk = self.clone();
        for count in 1..=self.messages.len() {
            let told = talk.show(count, false, |view| metadata(view, &finding));
            if told.keep == Some(self.messages[count - 1].0) {
                talk.whole.push(count - 1);
            }
        }
        talk.show(self.messages.len(), ended, |view| metadata(view, &finding))
    }

    fn show<R>(&self, count: usize, ended: bool, look: impl FnOnce(&FlowView<'_>) -> R) -> R {
        let limits = Limits::default();
        let messages = &self.messages[..count];
        let mut streams = [Vec::new(), Vec::new()];
        let mut datagrams = [Vec::new(), Vec::new()];
        let mut full = [false; 2];
        for (nth, (side, bytes)) in messages.iter().enumerate() {
            let kept = bytes.len().min(self.snap);
            let (stream, list) = (&mut streams[side.index()], &mut datagrams[side.index()]);
            match self.transport {
                Transport::Tcp if full[side.index()] => {}
                Transport::Tcp => {
                    stream.extend_from_slice(&bytes[..kept]);
                    stream.truncate(limits.head_stream_bytes_max);
                    full[side.index()] |=
                        kept < bytes.len() || stream.len() == limits.head_stream_bytes_max;
                }
                Transport::Udp if list.len() == HEAD_DATAGRAMS_MAX => {}
                Transport::Udp => {
                    let newest = nth + 1 == count && !ended;
                    let room = match (newest || self.whole.contains(&nth), list.is_empty()) {
                        (true, _) => usize::MAX,
                        (false, true) => limits.head_first_datagram_bytes_max,
                        (false, false) => limits.head_datagram_bytes_max,
                    };
                    list.push(Datagram {
                        bytes: &bytes[..kept.min(room)],
                        wire_len: bytes.len(),
                        time: Timestamp::from_nanos(i64::try_from(nth).unwrap() * 20_000_000),
                    });
                    full[side.index()] |= list.len() == HEAD_DATAGRAMS_MAX;
                }
            }
        }
        let side = |at: usize| SideView {
            stream: &streams[at],
            from_start: self.from_start && self.transport == Transport::Tcp,
            datagrams: &datagrams[at],
            complete: ended || full[at],
            cut: full[at],
        };
        look(&FlowView { transport: self.transport, sides: [side(0), side(1)] })
    }

    /// What the detector ends up with when it is asked after each message, as for a flow: its last
    /// yes, and never again after a no. Of a stream the last answer holds.
    pub(crate) fn matched_by(&self, detector: &Detector) -> Option<Finding> {
        let mut best = None;
        let holds = self.transport == Transport::Udp;
        let steps = (1..=self.messages.len()).map(|count| (count, false));
        for (count, ended) in steps.chain([(self.messages.len(), true)]) {
            match self.probe_at(detector, count, ended) {
                Probe::Yes(finding) => best = Some(*finding),
                Probe::Wait => {
                    assert!(!ended, "{} waits for a flow that has ended", detector.id);
                    best = best.filter(|_| holds);
                }
                Probe::No => {
                    best = best.filter(|_| holds);
                    break;
                }
            }
        }
        best
    }

    /// The same conversation where random bytes stand behind what each side said last: in the stream, or
    /// in the datagram.
    fn followed_by_random(&self, seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut talk = self.clone();
        for side in Side::BOTH {
            let last = talk.messages.iter().rposition(|(from, _)| *from == side);
            if let Some((_, bytes)) = last.and_then(|last| talk.messages.get_mut(last)) {
                bytes.extend(random.bytes(100));
            }
        }
        talk
    }

    /// Asserts that what was found is not as certain where random bytes follow: it is not named, or only
    /// by messages that others follow. Chance may let one in four pass.
    fn is_uncertain_before_random_bytes(&self, detector: &Detector, found: &Finding) {
        let carries = matches!(found.inside, Inside::StartsAt(_))
            || self.messages.iter().any(|(_, bytes)| is_tls(bytes) && detector.id != "tls");
        if self.snap < usize::MAX || carries || anything_follows(detector, self.transport) {
            return;
        }
        let kept = (1..=16).filter(|seed| {
            let talk = self.followed_by_random(*seed);
            talk.matched_by(detector).is_some_and(|after| {
                after.strength > Strength::Doubtful && after.bits >= found.bits
            })
        });
        let kept = kept.count();
        assert!(kept <= 4, "{} is as certain {kept} times of 16 in {self:02x?}", detector.id);
    }

    /// The finding of a conversation that must be named, the same either way round; cut at any
    /// length it must do no harm.
    pub(crate) fn named_by(&self, detector: &Detector) -> Finding {
        let found = self.matched_by(detector);
        let Some(found) = found else { panic!("{} does not name {self:02x?}", detector.id) };
        assert!(found.bits >= 24.0, "{found:?}");
        assert!(found.bits >= detector.bits, "{} < {} in {found:?}", found.bits, detector.bits);
        assert!(found.spoken_by[found.seen.side.index()], "{found:?}");
        assert!((1..=16).contains(&found.seen.len), "{found:?}");
        let turned = self.clone().swapped().matched_by(detector).expect("also the other way round");
        assert_eq!(turned.client, found.client.map(Side::other), "{found:?}");
        assert_eq!(turned.spoken_by, [found.spoken_by[1], found.spoken_by[0]], "{found:?}");
        assert_eq!(turned.strength, found.strength, "{found:?}");
        self.is_uncertain_before_random_bytes(detector, &found);
        for cut in 0..200 {
            let _ = self.clone().snapped(cut).matched_by(detector);
        }
        found
    }

    /// Asserts that the detector names this by both sides, and each of them alone.
    pub(crate) fn named_by_each(&self, detector: &Detector) {
        assert_eq!(self.named_by(detector).spoken_by, [true; 2], "{self:02x?}");
        for side in Side::BOTH {
            self.clone().only(side).named_by(detector);
        }
    }

    /// Asserts that the detector names neither this, nor this the other way round, nor one side of it.
    pub(crate) fn refused_by(&self, detector: &Detector) {
        let turned = self.clone().swapped();
        for talk in [&self.clone().only(Side::A), &self.clone().only(Side::B), &turned, self] {
            let found = talk.matched_by(detector);
            assert_eq!(found, None, "{} names {talk:02x?}", detector.id);
        }
    }
}

/// Bytes written as hexadecimal digits; white space is for the reader.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte");
    let text = String::from_utf8(digits).unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// White space between words; a word is hexadecimal digits, ``'text'`` (`~` is a space), or either
/// of them repeated, as in `00*64`.
pub(crate) fn written(message: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in message.split_whitespace() {
        let (word, times) = match word.rsplit_once('*') {
            Some((word, times)) if times.parse::<usize>().is_ok() => (word, times.parse()),
            Some(_) | None => (word, Ok(1)),
        };
        let text = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\''));
        let once = text.map_or_else(|| hex(word), |text| text.replace('~', " ").into_bytes());
        bytes.extend(once.repeat(times.unwrap()));
    }
    bytes
}

/// First lines that are nobody's, or those of protocols of text other than the ones that share them.
const LINES_OF_OTHERS: &[&str] = &[
    "@RSYNC: 31\n",
    "INFO the server is up\r\n",
    "CONNECT a.example:443 HTTP/1.1\r\n",
    "+OK ready\r\n",
    "PING\r\n",
    "( a list of words that is long enough to be looked at, and is no svn )\r\n",
    "PONG\n",
    "<<<other>>>\n",
    "# a comment\n",
    "Tarantool is a spider\n",
    "GNUTELLA is a spread\r\n",
    "220 ready\r\n",
    "list\n",
];

/// A detector of lines takes none of the others'.
pub(crate) fn lines_of_others_are_refused_by(detector: &Detector) {
    for line in LINES_OF_OTHERS {
        Talk::tcp().a(line).refused_by(detector);
    }
}

/// A question's header as multicast DNS has it.
pub(crate) const QUERY: &str = "0000 0000 0001 0000 0000 0000";

/// An answer's.
pub(crate) const ANSWER: &str = "0000 8400 0000 0001 0000 0000";

/// A message of DNS's form: a header, a name, and what stands behind it.
pub(crate) fn named_message(header: &str, name: &str, tail: &str) -> Vec<u8> {
    let mut bytes = hex(header);
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(hex(tail));
    bytes
}

/// A question of NetBIOS's name service, and a message of its datagram service.
pub(crate) fn netbios_messages() -> [Vec<u8>; 2] {
    let letters = "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    [
        named_message("1a2b 0110 0001 0000 0000 0000", letters, "0021 0001"),
        named_message("110a 1234 c0000201 008a 0064 0000", letters, "20"),
    ]
}

/// Messages that look like those of a link's name services and are none.
pub(crate) fn look_alike_names() -> [Vec<u8>; 6] {
    [
        // plain DNS
        named_message("1a2b 0100 0001 0000 0000 0000", "example.com", "0001 0001"),
        named_message(QUERY, "example.com", "0001 0001"),
        named_message("1a2b 0000 0001 0000 0000 0000", "hall.local", "0001 0001"),
        named_message("1a2b 0110 0001 0000 0000 0000", &"Z".repeat(32), "0021 0001"),
        named_message("1a2b 0000 0001 0000 0000 0000", "wpad", "0001 0001 00"),
        named_message("1a2b 0100 0001 0000 0000 0000", "wpad", "0001 0001"),
    ]
}
