//! Display filters for Wireshark, so that what is claimed can be looked at. All are made here.

use std::net::IpAddr;

use portstory_core::{FlowEvent, Socket, Timestamp, Transport};

/// Shows the packets of this flow and of no other: both directions of its 5-tuple, in its time.
pub(crate) fn flow_filter(flow: &FlowEvent) -> String {
    let (ip, transport) = (network(flow.client.addr), flow.transport.keyword());
    let way = |from: Socket, to: Socket| {
        format!(
            "({ip}.src == {} && {transport}.srcport == {} && {ip}.dst == {} && {transport}.dstport == {})",
            from.addr, from.port, to.addr, to.port
        )
    };
    let time = |time: Timestamp| {
        let nanos = time.nanos();
        format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))
    };
    format!(
        "({} || {}) && frame.time_epoch >= {} && frame.time_epoch <= {}",
        way(flow.client, flow.server),
        way(flow.server, flow.client),
        time(flow.start),
        time(flow.end)
    )
}

/// Shows the packets between the ends of this flow: short enough for a line of a terminal.
pub(crate) fn ends_filter(flow: &FlowEvent) -> String {
    let (ip, transport) = (network(flow.client.addr), flow.transport.keyword());
    format!(
        "{ip}.addr=={} && {ip}.addr=={} && {transport}.port=={} && {transport}.port=={}",
        flow.client.addr, flow.server.addr, flow.client.port, flow.server.port
    )
}

/// Shows all packets of a service address.
pub(crate) fn endpoint_filter(socket: Socket, transport: Transport) -> String {
    let (ip, transport) = (network(socket.addr), transport.keyword());
    format!("{ip}.addr == {} && {transport}.port == {}", socket.addr, socket.port)
}

const fn network(addr: IpAddr) -> &'static str {
    match addr {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ipv6",
    }
}
