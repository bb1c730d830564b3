//! Which label, and why.
//!
//! A flow is judged once it is over, from its record and the ledgers as they stood then; payload is
//! never read here. [`status`] says how far the flow was understood, [`rules`] weigh the evidence for
//! the three labels against each other, [`confidence`] says how much that is worth given what could
//! be seen. Weights are log-odds by judgement, not calibrated on anything: no public capture of
//! Framehawk exists to calibrate them on.

mod case;
pub(crate) mod confidence;
pub(crate) mod endpoint;
pub(crate) mod explanation;
mod notable;
pub(crate) mod ranking;
pub(crate) mod roles;
pub(crate) mod rules;
mod shell;
pub(crate) mod status;
mod summary;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::Config;
use crate::decode::packet::PATH_STEPS_MAX;
use crate::event::{Evidence, FlowEvent, FlowState, Label, Status, Unidentified, Verdict, Volume};
use crate::flow::hash::stable_hash;
use crate::flow::{Correlation, EndReason, Ended, FlowKey, FlowRecord, SideFacts};
use crate::identify::DETECTORS;
use crate::net::Side;
use crate::registry;
use crate::time::Timestamp;

pub(crate) use case::FlowContext;
pub use rules::framehawk::{is_text, looks_random};

/// Bytes shown of each direction of an unidentified flow.
const FIRST_BYTES_MAX: usize = 64;

/// Judges a flow that has ended, and takes what its payload told beside the protocol's name.
pub(crate) fn judge(ended: &mut Ended, ledgers: &Correlation, config: &Config) -> FlowEvent {
    let case = FlowContext::new(ended, ledgers, config);
    let client = case.roles.client;
    let mut event = flow_event(&case, ended.reason);
    event.verdict.details = ended.record.take_details(client);
    event
}

/// The same, and takes nothing.
fn judged(ended: &Ended, ledgers: &Correlation, config: &Config) -> FlowEvent {
    with_details(&FlowContext::new(ended, ledgers, config), ended.reason)
}

/// Judges a flow that is still running, by what is known until `as_of`: as if the capture ended then.
pub(crate) fn judge_running(
    key: FlowKey,
    record: &FlowRecord,
    as_of: Timestamp,
    ledgers: &Correlation,
    config: &Config,
) -> FlowEvent {
    with_details(&FlowContext::running(key, record, as_of, ledgers, config), EndReason::Shutdown)
}

fn with_details(case: &FlowContext<'_>, reason: EndReason) -> FlowEvent {
    let mut event = flow_event(case, reason);
    let client = case.roles.client;
    let details = case.record.recognised().flat_map(|found| found.finding.details(client));
    event.verdict.details = details.cloned().collect();
    event
}

fn flow_event(case: &FlowContext<'_>, reason: EndReason) -> FlowEvent {
    let (client, server) = (case.roles.client, case.roles.client.other());
    let record = case.record;
    FlowEvent {
        flow_id: flow_id(&case.key, case.record.first.time),
        transport: case.key.transport,
        client: case.key.socket(client),
        server: case.key.socket(server),
        roles: case.roles.basis,
        vlans: record.path().vlans().collect(),
        tunnels: record.path().tunnels().collect(),
        to_server: volume(record.side(client)),
        to_client: volume(record.side(server)),
        start: record.first.time,
        end: record.last,
        state: state(case),
        reason,
        first_frame: record.first,
        shape: rules::framehawk::shape_seen(case),
        verdict: verdict(case),
        process: None,
        process_missing: None,
    }
}

/// All but the details.
fn verdict(case: &FlowContext<'_>) -> Verdict {
    let status = status::status(case);
    let opinion = rules::weigh(case, status);
    let confidence = confidence::confidence(case, status, &opinion);
    let mut protocols: Vec<_> =
        case.protocols().map(|found| Cow::Borrowed(found.detector.id)).collect();
    protocols.extend(case.edt_companion().map(|_| Cow::Borrowed("citrix-edt")));
    if status == Status::Identified {
        protocols.extend(case.known().map(|known| Cow::Owned(known.name.clone())));
    }
    Verdict {
        label: opinion.label,
        status,
        confidence,
        strength: case.protocol().map(|found| found.finding.strength),
        summary: summary::flow(case, status, &opinion),
        registered_name: registry::name(case.service_port()),
        notables: notable::notables(case, status),
        runner_up: opinion.runner_up,
        visibility: case.visibility(),
        evidence: opinion.evidence,
        details: Vec::new(),
        unidentified: unidentified(case, status),
        protocols,
        tried: case.tried().map(|found| found.detector.id),
        expected: case.expected(),
    }
}

/// A detector's evidence, in the words of the verdict.
pub(crate) fn recognition(case: &FlowContext<'_>) -> impl Iterator<Item = Evidence> {
    let own = case
        .protocols()
        .map(|found| (found, found.finding.fact.clone(), rules::weight_of(found.finding.strength)));
    // What a client tries says nothing of a service that speaks for itself.
    let tried = case
        .tried()
        .map(|found| (found, format!("{}; answered in another protocol", found.finding.fact), 0.0));
    own.chain(tried).map(|(found, fact, weight)| Evidence {
        rule: found.detector.id,
        fact,
        speaks_for: Label::Other,
        weight,
        direction: case.direction(found.finding.seen.side),
        frame: found.quote.at,
        offset: found.quote.offset,
        bytes: found.quote.bytes.clone(),
    })
}

/// How many detectors had their say: what "nothing recognised" rests on.
fn detectors_asked(case: &FlowContext<'_>) -> usize {
    DETECTORS.iter().filter(|detector| detector.over().has(case.key.transport)).count()
}

fn unidentified(case: &FlowContext<'_>, status: Status) -> Option<Unidentified> {
    if !matches!(status, Status::Unidentified | Status::Insufficient) {
        return None;
    }
    let client = case.roles.client;
    let first = |side: Side| case.record.first_bytes(side, FIRST_BYTES_MAX).to_vec();
    let sizes = case.record.message_sizes.iter();
    Some(Unidentified {
        first_to_server: first(client),
        first_to_client: first(client.other()),
        message_sizes: sizes
            .map(|&size| if client == Side::A { size } else { size.saturating_neg() })
            .collect(),
        period_ms: case
            .record
            .pace
            .period()
            .and_then(|period| u64::try_from(period.as_millis()).ok()),
    })
}

fn volume(side: &SideFacts) -> Volume {
    Volume { packets: side.packets, bytes: side.bytes, payload_bytes: side.payload_bytes }
}

fn state(case: &FlowContext<'_>) -> FlowState {
    if case.record.is_closed() {
        FlowState::Closed
    } else if case.record.sides.iter().all(|side| side.packets > 0) {
        FlowState::Established
    } else {
        FlowState::New
    }
}

/// What is kept of a flow's key: of all with its 5-tuple those that give its id.
pub fn kept_of<'a, V>(
    kept: &'a BTreeMap<FlowKey, V>,
    flow: &FlowEvent,
) -> impl Iterator<Item = (&'a FlowKey, &'a V)> {
    let (transport, [a, b]) = (flow.transport, flow.ends());
    let (id, start) = (flow.flow_id, flow.start);
    kept.range(FlowKey { transport, a, b, network: Default::default() }..)
        .take_while(move |(key, _)| (key.transport, key.a, key.b) == (transport, a, b))
        .filter(move |(key, _)| flow_id(key, start) == id)
}

/// A number for the flow that is the same in every run and on every machine, and exact in a JSON
/// number (53 bits).
pub(crate) fn flow_id(key: &FlowKey, first: Timestamp) -> u64 {
    let ends = Side::BOTH.into_iter().flat_map(|side| {
        let socket = key.socket(side);
        let bits = match socket.addr {
            std::net::IpAddr::V4(addr) => u128::from(addr.to_bits()),
            std::net::IpAddr::V6(addr) => addr.to_bits(),
        };
        let [high, low] = halves(bits);
        [high, low, u64::from(socket.port)]
    });
    let transport = std::iter::once(u64::from(key.transport.number()));
    let numbers = transport.chain(ends).chain(key.network.numbers());
    let mut all = [0; 8 + 2 * PATH_STEPS_MAX];
    let last = std::iter::once(first.nanos().cast_unsigned());
    all.iter_mut().zip(numbers.chain(last)).for_each(|(to, number)| *to = number);
    stable_hash(&all) >> 11
}

fn halves(bits: u128) -> [u64; 2] {
    [bits >> 64, bits & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or_default())
}
