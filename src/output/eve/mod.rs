//! Suricata's EVE JSON, one object a line, so that what ingests EVE ingests this as it is.
//!
//! Shared fields have Suricata's names, types and meaning; all else stands under `portstory`, and a
//! JSON Schema of it all is in [`super::schema`]. `src_*` is the client, `dest_*` the server. The
//! time of a flow's event is that of its last packet: nothing here depends on when it was written.
//! Event types: `flow`, `verdict` (live, ours), `endpoint` (ours), `anomaly`, and one `stats` at the end.
//!
//! Keys come in a fixed order. Fields that do not apply are left out, but for
//! `portstory.protocol`, which is null where nothing was recognised.

use super::community_id::community_id;
use super::json::{self, Object, Word};
use super::process::put_process;
use super::{Context, EventWriter, RunSummary};
use portstory_core::event::{Concern, Volume};
use portstory_core::{
    AnomalyEvent, EndpointEvent, Event, FrameRef, Label, Notable, Socket, Status, Transport,
    Verdict, VerdictEvent,
};

mod details;
mod flow;
mod stats;

/// The EVE writer.
#[derive(Debug)]
pub struct Eve;

impl EventWriter for Eve {
    fn event(&mut self, out: &mut Vec<u8>, event: &Event, context: &Context<'_>) {
        json::line(out, |line| match event {
            Event::Flow(flow) => flow::put(line, flow, context),
            Event::Verdict(verdict) => put_verdict(line, verdict),
            Event::Endpoint(endpoint) => put_endpoint(line, endpoint),
            Event::Anomaly(anomaly) => put_anomaly(line, anomaly, context),
        });
    }

    fn finish(&mut self, out: &mut Vec<u8>, summary: &RunSummary, context: &Context<'_>) {
        json::line(out, |line| stats::put(line, summary, context));
    }
}

/// What a running flow is, told before it ends. Live only, and ours: Suricata's `verdict` is what it did
/// to a packet, a member of other events.
fn put_verdict(line: &mut Object<'_>, event: &VerdictEvent) {
    let VerdictEvent { time, previous, flow } = event;
    let verdict = &flow.verdict;
    line.put("timestamp", *time);
    line.put("flow_id", flow.flow_id);
    line.put("event_type", Word("verdict"));
    put_ends(line, flow.transport, flow.client, flow.server, verdict);
    // Suricata's `flow`, as far as a flow that is running has it.
    line.object("flow", |object| {
        put_volumes(object, flow.to_server, flow.to_client);
        object.put("start", flow.start);
        object.put("age", time.since(flow.start).as_secs());
    });
    line.object("portstory", |story| {
        put_label(story, verdict);
        put_notables(story, &verdict.notables);
        put_process(story, flow.process.as_deref(), flow.process_missing.as_ref());
        story.put_some("previous", previous.map(Label::name).map(Word));
        story.put_some("runner_up", verdict.runner_up.map(Label::name).map(Word));
    });
}

/// What is known of one service endpoint: an event type of our own.
fn put_endpoint(line: &mut Object<'_>, endpoint: &EndpointEvent) {
    line.put("timestamp", endpoint.last_seen);
    line.put("event_type", Word("endpoint"));
    line.put("dest_ip", endpoint.socket.addr);
    line.put("dest_port", endpoint.socket.port);
    line.put("proto", Word(endpoint.transport.name()));
    line.object("portstory", |story| {
        story.put("label", Word(endpoint.label.name()));
        story.put("summary", &*endpoint.summary);
        put_notables(story, &endpoint.notables);
        story.list("concerns", endpoint.concerns.iter().map(Concern::name).map(Word));
        story.put("first_seen", endpoint.first_seen);
        story.put("last_seen", endpoint.last_seen);
        story.put("peers", endpoint.peers);
        story.put("peers_at_least", endpoint.peers_at_least);
        story.put("peer_addresses", endpoint.peer_addresses);
        story.put("peer_addresses_at_least", endpoint.peer_addresses_at_least);
        story.put("flows", endpoint.flows);
        put_counts(story, &endpoint.by_label, &endpoint.by_status);
        story.objects("protocols", &endpoint.protocols, |count, (protocol, flows)| {
            count.put("protocol", &**protocol);
            count.put("flows", *flows);
        });
        story.put("bytes", endpoint.bytes);
        put_process(story, endpoint.process.as_deref(), endpoint.process_missing.as_ref());
    });
}

fn put_anomaly(line: &mut Object<'_>, anomaly: &AnomalyEvent, context: &Context<'_>) {
    line.put("timestamp", anomaly.frame.time);
    put_place(line, anomaly.frame, context);
    line.put("event_type", Word("anomaly"));
    line.object("anomaly", |told| {
        told.put("type", Word("decode"));
        told.put("event", &*anomaly.name());
        told.put("layer", Word(anomaly.layer.name()));
    });
    line.object("portstory", |story| {
        story.put("offset", anomaly.offset);
        story.put("count", anomaly.count);
    });
}

/// Who speaks with whom, and what.
fn put_ends(
    line: &mut Object<'_>,
    transport: Transport,
    client: Socket,
    server: Socket,
    verdict: &Verdict,
) {
    line.put("src_ip", client.addr);
    line.put("src_port", client.port);
    line.put("dest_ip", server.addr);
    line.put("dest_port", server.port);
    line.put("proto", Word(transport.name()));
    line.put_some("app_proto", verdict.protocol());
    // Suricata's, of a side that speaks another protocol than the flow's.
    line.put_some("app_proto_ts", verdict.tried.map(Word));
    line.put_some("app_proto_expected", verdict.expected.map(Word));
    line.put("community_id", &*community_id(transport, client, server));
}

fn put_volumes(flow: &mut Object<'_>, to_server: Volume, to_client: Volume) {
    flow.put("pkts_toserver", to_server.packets);
    flow.put("pkts_toclient", to_client.packets);
    flow.put("bytes_toserver", to_server.bytes);
    flow.put("bytes_toclient", to_client.bytes);
}

fn put_label(story: &mut Object<'_>, verdict: &Verdict) {
    story.put("label", Word(verdict.label.name()));
    story.put("status", Word(verdict.status.name()));
    // What the site names itself is among them.
    story.put("protocol", verdict.protocol());
    story.list("protocols", verdict.protocols.iter().map(|name| &**name));
    story.put("confidence", Word(verdict.confidence.name()));
    story.put("summary", &*verdict.summary);
}

fn put_notables(story: &mut Object<'_>, notables: &[Notable]) {
    story.list("notable", notables.iter().map(|notable| Word(notable.name())));
}

/// Flows by label and by status.
fn put_counts(story: &mut Object<'_>, by_label: &[u64; 3], by_status: &[u64; 9]) {
    story.object("by_label", |counts| {
        Label::ALL.iter().zip(by_label).for_each(|(label, &flows)| counts.put(label.name(), flows));
    });
    story.object("by_status", |counts| {
        for (status, &flows) in Status::ALL.iter().zip(by_status) {
            counts.put(status.name(), flows);
        }
    });
}

/// Where a packet is: by its number in a file, live by interface. When, the event's own `timestamp` says.
fn put_place(object: &mut Object<'_>, frame: FrameRef, context: &Context<'_>) {
    let name = context.source_name(frame.source);
    if context.live {
        object.put("in_iface", name);
    } else {
        object.put("pcap_filename", name);
        object.put("pcap_cnt", frame.number);
    }
}

/// The same of a packet that has a time of its own.
fn put_packet(object: &mut Object<'_>, frame: FrameRef, context: &Context<'_>) {
    put_place(object, frame, context);
    object.put_some("timestamp", context.live.then_some(frame.time));
}
