//! Verdicts as a bundle tells them, read one by one, and told apart without being kept.
//!
//! What is read may be anybody's: each verdict and each line is bounded before it is looked at, and only
//! sixteen bytes of it stay. Nothing here judges.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use sha2::{Digest as _, Sha256};

use super::Row;
use portstory_core::config::BundleLimits;

/// Verdicts that can be compared with others, in whatever order they were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Vec<u128>);

/// Bits of a verdict's mark that tell of which flow it is; the others tell what it is.
const FLOW_BITS: u32 = 32;

impl Tally {
    /// Adds a verdict.
    pub(crate) fn add(&mut self, row: &Row) {
        self.0.push(mark(row));
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// What is here and not there, and the other way round.
    pub(crate) fn differences(mut self, mut other: Self) -> (Self, Self) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        self.0.sort_unstable();
        other.0.sort_unstable();
        let (mut one, mut two) = (self.0.into_iter().peekable(), other.0.into_iter().peekable());
        loop {
            match (one.peek(), two.peek()) {
                (Some(left), Some(right)) if left == right => {
                    one.next();
                    two.next();
                }
                (Some(left), right) if right.is_none_or(|right| left < right) => {
                    ours.extend(one.next());
                }
                (_, Some(_)) => theirs.extend(two.next()),
                (_, None) => break,
            }
        }
        (Self(ours), Self(theirs))
    }

    /// The same, in order: so that it can be asked what it holds.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// Whether a verdict is in it. It has to be in order, as what [`Self::differences`] returns is.
    pub(crate) fn holds(&self, row: &Row) -> bool {
        self.0.binary_search(&mark(row)).is_ok()
    }

    /// Which flow a verdict is of, as a number that says nothing else.
    pub(crate) fn flow(row: &Row) -> u128 {
        mark(row).checked_shr(u128::BITS.saturating_sub(FLOW_BITS)).unwrap_or_default()
    }
}

/// A number that no other verdict has, and none can be made to have.
fn mark(row: &Row) -> u128 {
    let Row { start, transport, ports, addresses, .. } = row;
    let flow = hash(&(start, transport, ports, addresses));
    let (what, low) = (hash(row), u128::MAX.checked_shr(FLOW_BITS).unwrap_or_default());
    (flow & !low) | (what & low)
}

fn hash(value: &impl serde::Serialize) -> u128 {
    // Numbers and texts are always JSON.
    let text = serde_json::to_vec(value).unwrap_or_default();
    let hash: [u8; 32] = Sha256::digest(text).into();
    hash.first_chunk().map_or(0, |first| u128::from_be_bytes(*first))
}

/// Shows each verdict of a list.
///
/// # Errors
///
/// Where it is no list of verdicts, or there are more or longer ones than there may be.
pub(super) fn each_row(
    list: impl Read,
    limits: &BundleLimits,
    show: &mut dyn FnMut(Row),
) -> Result<(), serde_json::Error> {
    let left = Cell::new(limits.verdict_bytes_max);
    let metered = Metered { inner: BufReader::with_capacity(1 << 16, list), left: &left };
    let mut json = serde_json::Deserializer::from_reader(metered);
    Rows { limits, left: &left, show }.deserialize(&mut json)?;
    left.set(limits.verdict_bytes_max);
    json.end()
}

/// Ends where more bytes are asked for than may be.
struct Metered<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: BufRead> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
        self.left.set(left.ok_or_else(|| io::Error::other("a verdict is too long"))?);
        Ok(read)
    }
}

struct Rows<'a> {
    limits: &'a BundleLimits,
    left: &'a Cell<u64>,
    show: &'a mut dyn FnMut(Row),
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of verdicts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut count = 0u64;
        while let Some(row) = list.next_element()? {
            count = count.saturating_add(1);
            if count > self.limits.verdicts_max {
                let max = self.limits.verdicts_max;
                return Err(A::Error::custom(format!("there are more than {max} verdicts")));
            }
            self.left.set(self.limits.verdict_bytes_max);
            (self.show)(row);
        }
        Ok(())
    }
}

/// Kinds of events that are in a bundle.
const KINDS: [&str; 5] = ["flow", "verdict", "endpoint", "anomaly", "stats"];

#[derive(Deserialize)]
struct Line<'a> {
    event_type: &'a str,
}

/// What an event tells of a flow's verdict.
#[derive(Deserialize)]
struct FlowLine {
    src_ip: IpAddr,
    src_port: u16,
    dest_ip: IpAddr,
    dest_port: u16,
    proto: String,
    flow: FlowObject,
    portstory: Story,
}

#[derive(Deserialize)]
struct FlowObject {
    start: String,
    end: String,
    pkts_toserver: u64,
    pkts_toclient: u64,
}

#[derive(Deserialize)]
struct Story {
    label: String,
    status: String,
    confidence: String,
    protocols: Vec<String>,
    notable: Vec<String>,
    evidence: Vec<Evidence>,
}

#[derive(Deserialize)]
struct Evidence {
    rule: String,
}

/// Shows the verdict of each flow that events tell of, with its times in microseconds.
///
/// # Errors
///
/// Where a line is no event of ours, or longer than it may be; or there are more than `lines_max`.
pub(super) fn each_told(
    events: impl Read,
    limits: &BundleLimits,
    lines_max: u64,
    show: &mut dyn FnMut(Row),
) -> Result<(), String> {
    let mut events = BufReader::with_capacity(1 << 16, events);
    let (mut line, mut number) = (Vec::new(), 0u64);
    loop {
        line.clear();
        let mut one = (&mut events).take(limits.eve_line_bytes_max.saturating_add(1));
        one.read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
        number = number.saturating_add(1);
        let Some((end, text)) = line.split_last() else { return Ok(()) };
        if *end != b'\n' {
            return Err(format!("line {number} is too long, or has no end"));
        }
        if number > lines_max {
            return Err(format!("has more than {lines_max} lines, more than its packets give"));
        }
        told(text, show).map_err(|why| format!("line {number}: {why}"))?;
    }
}

fn told(line: &[u8], show: &mut dyn FnMut(Row)) -> Result<(), String> {
    let wrong = |error: serde_json::Error| format!("not an event of this program: {error}");
    let Line { event_type } = serde_json::from_slice(line).map_err(wrong)?;
    if !KINDS.contains(&event_type) {
        return Err("not an event of this program: wrong type".to_owned());
    }
    if event_type == "flow" {
        let line: FlowLine = serde_json::from_slice(line).map_err(wrong)?;
        let row = line.row().ok_or("not an event of this program: invalid time")?;
        show(row);
    }
    Ok(())
}

impl FlowLine {
    fn row(self) -> Option<Row> {
        let Self { src_ip, src_port, dest_ip, dest_port, proto, flow, portstory } = self;
        let Story { label, status, confidence, protocols, notable, evidence } = portstory;
        Some(Row {
            start: micros(&flow.start)?,
            end: micros(&flow.end)?,
            transport: proto,
            ports: (src_port, dest_port),
            addresses: (src_ip.to_string(), dest_ip.to_string()),
            packets: (flow.pkts_toserver, flow.pkts_toclient),
            label,
            status,
            confidence,
            protocols,
            notable,
            rules: evidence.into_iter().map(|piece| piece.rule).collect(),
        })
    }
}

/// Microseconds since the epoch.
fn micros(text: &str) -> Option<i64> {
    jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text)
        .ok()
        .map(jiff::Timestamp::as_microsecond)
}

/// The same verdict as EVE tells it, which knows no shorter times.
pub(super) fn as_told(row: &Row) -> Row {
    const NANOS: i64 = 1000;
    Row { start: row.start.div_euclid(NANOS), end: row.end.div_euclid(NANOS), ..row.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start: i64, label: &str) -> Row {
        let text = |text: &str| text.to_owned();
        Row {
            start,
            end: start,
            transport: text("TCP"),
            ports: (1, 2),
            addresses: (text("10.0.0.1"), text("10.0.0.2")),
            packets: (1, 1),
            label: text(label),
            status: text("identified"),
            confidence: text("high"),
            protocols: Vec::new(),
            notable: Vec::new(),
            rules: Vec::new(),
        }
    }

    fn tally(rows: &[Row]) -> Tally {
        let mut tally = Tally::default();
        rows.iter().for_each(|row| tally.add(row));
        tally
    }

    #[test]
    fn differences_are_told_whatever_the_order_and_how_often() {
        let (one, two) = (row(1, "other"), row(2, "other"));
        let (ours, theirs) =
            tally(&[one.clone(), two.clone()]).differences(tally(&[two.clone(), one.clone()]));
        assert_eq!((ours.count(), theirs.count()), (0, 0));
        let (ours, theirs) =
            tally(&[one.clone(), one.clone()]).differences(tally(std::slice::from_ref(&one)));
        assert_eq!((ours.count(), theirs.count()), (1, 0));
        let changed = row(1, "timelot-unknown");
        assert_eq!(Tally::flow(&one), Tally::flow(&changed));
        let (ours, theirs) =
            tally(&[two.clone(), one.clone()]).differences(tally(&[changed.clone(), two]));
        assert!(ours.holds(&one) && theirs.holds(&changed) && ours.count() == theirs.count());
    }

    #[test]
    fn verdicts_are_bounded_one_by_one_and_together() {
        let limits =
            BundleLimits { verdict_bytes_max: 400, verdicts_max: 3, ..BundleLimits::default() };
        let read = |rows: &[Row]| {
            let (text, mut count) = (serde_json::to_vec(rows).unwrap(), 0);
            each_row(&*text, &limits, &mut |_| count += 1).map(|()| count)
        };
        assert_eq!(read(&vec![row(1, "other"); 3]).unwrap(), 3);
        assert!(read(&vec![row(1, "other"); 4]).unwrap_err().to_string().contains("more than 3"));
        let long = Row { rules: vec![String::new(); 100], ..row(1, "other") };
        assert!(read(&[long]).unwrap_err().to_string().contains("too long"));
        let blanks = [b"[".to_vec(), vec![b' '; 1000], b"]".to_vec()].concat();
        assert!(each_row(&*blanks, &limits, &mut |_| ()).is_err());
    }

    #[test]
    fn times_are_told_to_the_microsecond() {
        assert_eq!(micros("2017-06-14T09:00:03.000001+0000"), Some(1_497_430_803_000_001));
        assert_eq!(micros("yesterday"), None);
    }
}
