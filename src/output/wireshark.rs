//! Display filters for Wireshark, so that what is claimed can be looked at.

use portstory_core::event::FlowEvent;

use portstory_core::net::{Socket, Transport};
use portstory_core::time::Timestamp;

/// Shows the packets of this flow and of no other: both directions of its 5-tuple, in its time.
pub fn flow_filter(flow: &FlowEvent) -> String {
    let transport = match flow.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let way = |from: Socket, to: Socket| {
        let ip = if from.addr.is_ipv4() { "ip" } else { "ipv6" };
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

/// Shows all packets of a service address.
pub fn endpoint_filter(socket: Socket, transport: Transport) -> String {
    let ip = if socket.addr.is_ipv4() { "ip" } else { "ipv6" };
    let transport = match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    format!("{ip}.addr == {} && {transport}.port == {}", socket.addr, socket.port)
}
