//! One flow that has ended.

use super::details;
use super::{put_ends, put_label, put_notables, put_packet, put_volumes};
use crate::output::Context;
use crate::output::json::{Hex, Object, Word};
use crate::output::process::put_process;
use portstory_core::event::{Concern, Unidentified, Visibility};
use portstory_core::internal::judge::ranking;
use portstory_core::{Evidence, FlowEvent, Label};

pub(super) fn put(line: &mut Object<'_>, flow: &FlowEvent, context: &Context<'_>) {
    let verdict = &flow.verdict;
    line.put("timestamp", flow.end);
    line.put("flow_id", flow.flow_id);
    line.put("event_type", Word("flow"));
    if !flow.vlans.is_empty() {
        line.list("vlan", flow.vlans.iter().copied());
    }
    put_ends(line, flow.transport, flow.client, flow.server, verdict);
    if !flow.tunnels.is_empty() {
        // Suricata's tells of the outer packet, and a flow has many; only the depth is the flow's.
        line.object("tunnel", |tunnel| tunnel.put("depth", flow.tunnels.len()));
    }
    line.object("flow", |object| {
        put_volumes(object, flow.to_server, flow.to_client);
        object.put("start", flow.start);
        object.put("end", flow.end);
        object.put("age", flow.end.since(flow.start).as_secs());
        object.put("state", Word(flow.state.name()));
        object.put("reason", Word(flow.reason.name()));
    });
    details::put_shared(line, &verdict.details);
    line.object("portstory", |story| put_story(story, flow, context));
}

fn put_story(story: &mut Object<'_>, flow: &FlowEvent, context: &Context<'_>) {
    let verdict = &flow.verdict;
    put_label(story, verdict);
    story.put_some("registered_name", verdict.registered_name.map(Word));
    put_notables(story, &verdict.notables);
    // Those of a flow that needs no attention are plain from its other members.
    let concerns = ranking::concerns(flow);
    if concerns.need_attention() {
        story.list("concerns", concerns.iter().map(Concern::name).map(Word));
    }
    put_process(story, flow.process.as_deref(), flow.process_missing.as_ref());
    story.put_some("runner_up", verdict.runner_up.map(Label::name).map(Word));
    story.object("roles", |roles| {
        roles.put("basis", Word(flow.roles.name()));
        roles.put("sure", flow.roles.is_sure());
    });
    story.object("visibility", |object| put_visibility(object, verdict.visibility));
    if !flow.tunnels.is_empty() {
        story.objects("tunnels", &flow.tunnels, |object, tunnel| {
            object.put("kind", Word(tunnel.kind));
            object.put_some("id", tunnel.id);
        });
    }
    story.object("first_packet", |packet| put_packet(packet, flow.first_frame, context));
    details::put_ours(story, &verdict.details);
    story.objects("evidence", &verdict.evidence, |object, one| put_evidence(object, one, context));
    if let Some(unidentified) = &verdict.unidentified {
        story.object("unidentified", |object| put_unidentified(object, unidentified));
    }
}

fn put_visibility(object: &mut Object<'_>, visibility: Visibility) {
    object.put("handshake", visibility.handshake);
    object.put("directions", visibility.directions);
    object.put("head_toserver", visibility.head_to_server);
    object.put("head_toclient", visibility.head_to_client);
    object.put("lost", visibility.lost);
    object.put("truncated", visibility.truncated);
    object.put_some("snap_bytes", visibility.snap_bytes);
    object.put("duplicates", visibility.duplicates);
    object.put_some("context_cut", visibility.context_cut.then_some(true));
}

fn put_evidence(object: &mut Object<'_>, evidence: &Evidence, context: &Context<'_>) {
    object.put("rule", Word(evidence.rule));
    object.put("fact", &*evidence.fact);
    object.put("speaks_for", Word(evidence.speaks_for.name()));
    // JSON has no word for infinity.
    object.put("weight", evidence.weight.clamp(f32::MIN, f32::MAX));
    object.put("direction", Word(evidence.direction.name()));
    put_packet(object, evidence.frame, context);
    object.put("offset", evidence.offset);
    object.put("bytes", Hex(&evidence.bytes));
}

fn put_unidentified(object: &mut Object<'_>, unidentified: &Unidentified) {
    object.put("first_toserver", Hex(&unidentified.first_to_server));
    object.put("first_toclient", Hex(&unidentified.first_to_client));
    object.list("message_sizes", unidentified.message_sizes.iter().copied());
    object.put_some("period_ms", unidentified.period_ms);
}
