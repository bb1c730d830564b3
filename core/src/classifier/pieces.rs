//! Pieces of a capture, read on another core or another machine, and put together again.

use std::collections::BTreeMap;

use super::ending::Sums;
use super::shared::SharedFacts;
use crate::config::Config;
use crate::decode::fragment::Fragment;
use crate::decode::{DecodeAnomaly, Found, FrameOutcome, PacketDecoder};
use crate::event::Event;
use crate::flow::partial::{PartialFlow, Piece, Place};
use crate::flow::table;
use crate::flow::{Ended, FlowKey, FlowRecord};
use crate::frame::Frame;
use crate::net::Layer;
use crate::shortfall::Shortfalls;
use crate::time::Timestamp;

/// Collects a piece of a capture.
#[derive(Debug)]
pub struct Collector {
    config: Config,
    decoder: PacketDecoder,
    shared: SharedFacts,
    piece: Piece,
}

impl Collector {
    /// An empty collector. All pieces need the same settings.
    pub fn new(config: Config) -> Self {
        let decoder = PacketDecoder::new(&config.watch);
        let config = Config { limits: config.limits.of_a_piece(), ..config };
        Self { config, decoder, shared: SharedFacts::default(), piece: Piece::default() }
    }

    /// Takes in a frame.
    pub fn ingest(&mut self, frame: &Frame<'_>) -> FrameOutcome {
        let Self { config, decoder, shared, piece } = self;
        shared.ledgers.tick(frame.at.time);
        if !decoder.is_candidate(frame) {
            return FrameOutcome::default();
        }
        let watched = PacketDecoder::decode_alone(frame, config, &mut |found| match found {
            Found::Fragment(fragment) => keep(fragment, piece, shared, config),
            found @ (Found::Watched(..) | Found::Companion(..) | Found::Anomaly(..)) => {
                if let Some((key, seen)) = shared.note(found, config) {
                    piece.observe(&key, &seen, config);
                }
            }
        });
        FrameOutcome { watched, ..FrameOutcome::default() }
    }

    /// Takes in nothing but the fragments of a frame that goes to another part of the same piece. Where
    /// a piece is dealt out by flow this is needed for every frame that holds one: nobody can say yet
    /// whose packet it will be.
    pub fn pass_by(&mut self, frame: &Frame<'_>) {
        let Self { config, shared, piece, .. } = self;
        PacketDecoder::decode_alone(frame, config, &mut |found| {
            if let Found::Fragment(fragment) = found {
                keep(fragment, piece, shared, config);
            }
        });
    }
}

fn keep(fragment: &Fragment<'_>, piece: &mut Piece, shared: &mut SharedFacts, config: &Config) {
    let at = fragment.at();
    if !piece.keep(fragment, &config.limits) {
        let layer = Layer::Network;
        let stop = DecodeAnomaly { event: "fragments_not_kept", number: None, layer, offset: 0 };
        shared.anomaly(at, &stop, config);
    }
}

/// A run of packets, and where it stands among those of its 5-tuple: the piece's number, then its place
/// in the piece.
type PlacedRun = ((u64, Place, usize), PartialFlow);

/// Makes of pieces what [`Classifier`](super::Classifier) would have made of the whole. Pieces may be given
/// in any order, and cut by time or by flow ([`Collector::pass_by`]); their numbers say which comes first.
/// Returns what limits left out.
pub fn put_together(
    pieces: Vec<(u64, Collector)>,
    config: &Config,
    out: &mut Vec<Event>,
) -> Shortfalls {
    let mut shared = SharedFacts::default();
    let mut runs: BTreeMap<FlowKey, Vec<PlacedRun>> = BTreeMap::new();
    let mut fragments = BTreeMap::new();
    for (number, mut collector) in pieces {
        shared.merge(collector.shared, config);
        // All parts of a piece have the same.
        fragments.entry(number).or_insert_with(|| collector.piece.take_fragments());
        for (key, flows) in collector.piece.into_flows() {
            let placed = flows
                .into_iter()
                .enumerate()
                .map(|(index, run)| ((number, run.place(), index), run));
            runs.entry(key).or_default().extend(placed);
        }
    }
    let mut sums = Sums::default();
    sums.shortfalls.fragments = reassemble(fragments, &mut shared, config, &mut |key, placed| {
        runs.entry(key).or_default().push(placed);
    });
    shared.cut(&config.limits);
    let end = shared.ledgers.span.map_or(Timestamp::MIN, |(_, last)| last);
    let mut ended = Vec::new();
    for (key, runs) in runs {
        ended.append(&mut flows_of(key, runs, end, config));
    }
    table::in_order(ended, &mut |over| {
        sums.hand_out(over, &shared.ledgers, config, out);
    });
    sums.finish(shared, out)
}

/// Tells the flows of a 5-tuple apart, and makes of each one's runs its record. The capture ended at `end`.
fn flows_of(key: FlowKey, mut runs: Vec<PlacedRun>, end: Timestamp, config: &Config) -> Vec<Ended> {
    runs.sort_by_key(|&(place, _)| place);
    let mut ended = Vec::new();
    let mut current: Option<Box<FlowRecord>> = None;
    for (_, run) in runs {
        run.starts_with(|seen| {
            let goes_on =
                current.as_ref().is_some_and(|record| record.continues_with(seen, config));
            if !goes_on {
                let fresh = Box::new(FlowRecord::new(seen, config));
                let over = current.replace(fresh);
                ended.extend(over.map(|record| table::before(key, record, seen, config)));
            }
        });
        if let Some(record) = &mut current {
            run.add_to(record, config);
        }
    }
    ended.extend(current.map(|record| table::at_end(key, record, end, config)));
    ended
}

/// Puts together what pieces could not: packets whose fragments may be in several of them. Each is a
/// run of its own, placed behind the fragment that completed it. Returns how many were given up for lack
/// of room.
fn reassemble(
    fragments: BTreeMap<u64, Vec<Fragment<'static>>>,
    shared: &mut SharedFacts,
    config: &Config,
    found: &mut dyn FnMut(FlowKey, PlacedRun),
) -> u64 {
    // Like the ledgers of the pieces these are cut when all is there.
    let whole = Config { limits: config.limits.of_a_piece(), ..config.clone() };
    let mut decoder = PacketDecoder::new(&config.watch);
    let mut count = 0_usize;
    let mut take = |(number, place): (u64, Place), packet: Found<'_>| {
        let Some((key, seen)) = shared.note(packet, &whole) else { return };
        count = count.saturating_add(1);
        found(key, ((number, place, count), PartialFlow::of_one(&seen, config)));
    };
    for (number, list) in fragments {
        for (index, fragment) in list.into_iter().enumerate() {
            let place = (number, Place::behind_fragment(index));
            decoder.add(fragment, config, &mut |found| take(place, found));
        }
    }
    decoder.finish(config, &mut |found| take((u64::MAX, Place::END), found));
    decoder.crowded_out()
}
