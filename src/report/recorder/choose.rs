//! What of all that was kept gets a place in the report, and in which order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{ANYWHERE, Alike, CardGroup, Sum, is_conversation, telling};
use crate::report::{Attention, Card, CardPlace};
use portstory_core::config::ReportLimits;
use portstory_core::event::{Concern, Concerns};
use portstory_core::internal::judge::ranking;
use portstory_core::internal::wire;
use portstory_core::{EndpointEvent, FlowEvent, Label, Socket, Transport};

/// Where none needs attention, so many services are named all the same.
const FIRST_MAX: usize = 3;

/// Where services stand among all, by the ranking, and why.
type Services = BTreeMap<(Transport, Socket), (usize, Concerns)>;

/// The cards, the worst first. Of flows that are alike each service has its own, unless there are many:
/// then they share one.
pub(super) fn cards(
    kinds: BTreeMap<CardGroup, Sum>,
    endpoints: &[EndpointEvent],
    limits: ReportLimits,
) -> Vec<Card> {
    let services = endpoints.iter().zip(0..).map(|(endpoint, place)| {
        ((endpoint.transport, endpoint.socket), (place, endpoint.concerns))
    });
    let services: Services = services.collect();
    let mut groups: BTreeMap<Alike, Vec<(CardGroup, Sum)>> = BTreeMap::new();
    for (kind, sum) in kinds {
        // What is no reason to look at its service is none to look at the flow.
        let mut alike = kind.alike.clone();
        alike.0 = concerns(&sum.flow, &services).worst();
        groups.entry(alike).or_default().push((kind, sum));
    }
    let mut cards: Vec<Card> = Vec::new();
    for ((worst, _, status, ..), group) in groups {
        // Of tries that came to nothing one is as good as all.
        let apart = is_conversation(status) || worst.is_some_and(Concern::needs_attention);
        if apart && group.len() <= limits.cards_apart_max {
            let apart = group.into_iter().filter_map(|one| card(vec![one], &services, limits));
            cards.extend(apart);
        } else {
            cards.extend(card(group, &services, limits));
        }
    }
    cards.sort_by_cached_key(|card| {
        let (flow, worst) = (&card.flow, card.concern());
        let worst: Concerns = worst.into_iter().collect();
        let service = services.get(&(flow.transport, flow.server));
        let place = service.map_or(usize::MAX, |&(place, _)| place);
        let said = is_conversation(flow.verdict.status);
        (Reverse(worst), Reverse(said), place, Reverse(card.flows), flow.flow_id)
    });
    cards
}

/// The reasons to look at a flow, as far as its service has them.
fn concerns(flow: &FlowEvent, services: &Services) -> Concerns {
    let service = services.get(&(flow.transport, flow.server));
    service.map_or_else(
        || ranking::concerns(flow),
        |&(_, service)| ranking::concerns_at(flow, service),
    )
}

/// One card of flows that are alike.
fn card(group: Vec<(CardGroup, Sum)>, services: &Services, limits: ReportLimits) -> Option<Card> {
    let places_all = u64::from(wire::len32(group.len()));
    let mut places: Vec<CardPlace> = Vec::new();
    let (mut flows, mut bytes) = (0u64, 0u64);
    let mut best: Option<Sum> = None;
    for (kind, sum) in group {
        (flows, bytes) = (flows.saturating_add(sum.flows), bytes.saturating_add(sum.bytes));
        if kind.place != ANYWHERE {
            places.push(CardPlace {
                server: kind.place,
                transport: sum.flow.transport,
                flows: sum.flows,
                bytes: sum.bytes,
            });
        }
        if best.as_ref().is_none_or(|best| telling(&sum.flow) > telling(&best.flow)) {
            best = Some(sum);
        }
    }
    places.sort_by_key(|place| (Reverse(place.flows), place.server));
    places.truncate(limits.services_of_card_max);
    let Sum { flow, trace, .. } = best?;
    let concerns = concerns(&flow, services);
    Some(Card { flow, concerns, flows, bytes, places, places_all, trace })
}

/// The services that need attention, or where none does the first few; with their number. Many that
/// are looked at for the same reason share a row.
pub(super) fn attention(
    endpoints: &[EndpointEvent],
    cards: &[Card],
    limits: ReportLimits,
) -> (Vec<Attention>, u64) {
    let pressing = endpoints.iter().filter(|endpoint| endpoint.concerns.need_attention());
    let mut alike: BTreeMap<_, u64> = BTreeMap::new();
    for endpoint in pressing.clone() {
        let count = alike.entry((reasons(endpoint), endpoint.label)).or_default();
        *count = count.saturating_add(1);
    }
    let apart_max = u64::try_from(limits.cards_apart_max).unwrap_or(u64::MAX);
    let mut shared: BTreeMap<(Concerns, Label), usize> = BTreeMap::new();
    let (mut rows, mut named): (Vec<Attention>, u64) = (Vec::new(), 0);
    for endpoint in pressing {
        let key = (reasons(endpoint), endpoint.label);
        let together = alike.get(&key).is_some_and(|&count| count > apart_max);
        if let Some(row) = shared.get(&key).and_then(|&at| rows.get_mut(at)) {
            row.others.push((endpoint.transport, endpoint.socket));
            row.flows = row.flows.saturating_add(endpoint.flows);
            row.bytes = row.bytes.saturating_add(endpoint.bytes);
        } else if rows.len() < limits.attention_max {
            if together {
                shared.insert(key, rows.len());
            }
            rows.push(row(endpoint, cards));
        } else {
            continue;
        }
        named = named.saturating_add(1);
    }
    if rows.is_empty() {
        let first = endpoints.iter().take(FIRST_MAX);
        rows.extend(first.map(|endpoint| row(endpoint, cards)));
    }
    (rows, named)
}

fn reasons(endpoint: &EndpointEvent) -> Concerns {
    endpoint.concerns.foremost().collect()
}

fn row(endpoint: &EndpointEvent, cards: &[Card]) -> Attention {
    let speaks = |(at, card): (usize, &Card)| {
        let here = card.places.iter().any(|place| {
            let port = place.server.port == endpoint.socket.port || place.server.port == 0;
            place.transport == endpoint.transport
                && place.server.addr == endpoint.socket.addr
                && port
        });
        here.then_some(at)
    };
    let speaking: Vec<usize> = (1..).zip(cards).filter_map(speaks).collect();
    let own = cards
        .iter()
        .map(|card| &card.flow)
        .find(|flow| (flow.transport, flow.server) == (endpoint.transport, endpoint.socket));
    Attention {
        client: own.filter(|_| endpoint.peer_addresses == 1).map(|flow| flow.client.addr),
        endpoint: endpoint.clone(),
        others: Vec::new(),
        flows: endpoint.flows,
        bytes: endpoint.bytes,
        cards: speaking,
    }
}

/// The endpoints that are shown: of a host with many ports under one label the first few, and no label
/// takes the room of another.
pub(super) fn endpoints(
    endpoints: Vec<EndpointEvent>,
    limits: ReportLimits,
) -> (Vec<EndpointEvent>, u64) {
    let mut of_host: BTreeMap<_, usize> = BTreeMap::new();
    let mut of_label: BTreeMap<Label, usize> = BTreeMap::new();
    let (mut shown, mut hidden) = (Vec::new(), 0u64);
    for endpoint in endpoints {
        let host = of_host.entry((endpoint.label, endpoint.socket.addr)).or_default();
        let label = of_label.entry(endpoint.label).or_default();
        if *host < limits.endpoints_of_host_max && *label < limits.endpoints_of_label_max {
            *host = host.saturating_add(1);
            *label = label.saturating_add(1);
            shown.push(endpoint);
        } else {
            hidden = hidden.saturating_add(1);
        }
    }
    (shown, hidden)
}
