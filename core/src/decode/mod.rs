//! From a frame to the packets in it: link header, VLAN tags and tunnels, IP, then TCP, UDP or an
//! ICMP error.
//!
//! Decoding never fails, it stops (invariant 3): what was sound was handed on, and the reason is a
//! [`DecodeAnomaly`] with layer and offset. Bytes that the snap length cut off are no malformation.
//! One frame may hold several packets (a tunnel's outer and inner one); each is handed on.
//!
//! A link type is one file under `link/`, an encapsulation one file under `tunnel/`, each with its
//! row in the table of that folder's `mod.rs`. etherparse's types stay in `ip.rs`.
//!
//! [`decode`] remembers nothing. What needs memory, fragments of IP packets, it hands on as they are:
//! [`reassembly::Reassembly`] puts them together and decodes the whole. [`PacketDecoder`] wires all of it,
//! and hands on what is of interest only.

pub(crate) mod decoder;
pub(crate) mod fragment;
mod icmp;
mod ip;
pub(crate) mod link;
mod network;
pub(crate) mod packet;
mod part;
pub(crate) mod peek;
mod plain;
pub(crate) mod reassembly;
mod transport;
pub(crate) mod tunnel;

use crate::config::Limits;
use crate::frame::{Frame, FrameRef};
use crate::net::{Layer, TunnelId};

pub use decoder::{Found, FrameOutcome, PacketDecoder};
pub(crate) use fragment::Fragment;
pub use packet::{Body, IcmpError, Packet, TcpInfo};
pub(crate) use packet::{Path, Payload, TcpFlags};
pub(crate) use part::{DecodeEnd, Slice};
pub(crate) use tunnel::Unopened;

/// How the names of events begin that are no fault: frames of link types in which there is no IP, such
/// as USB. They are counted, so that nothing stays unread in silence.
pub(crate) const CARRIES_NO_IP: &str = "link_type_carries_no_ip.";

/// How the names of events begin that are no fault either: headers and ports whose payload nothing here
/// opens, in which there may be a packet of a watched port. Their [`DecodeAnomaly::number`] says which.
pub(crate) const NOT_OPENED: &str = "not_opened.";

/// What the decoder hands on.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A TCP or UDP packet, or an ICMP error about one.
    Packet(Packet<'a>),
    /// A piece of an IP packet, to be put together with others.
    Fragment(Fragment<'a>),
    /// Decoding of this frame stopped here.
    Anomaly(FrameRef, DecodeAnomaly),
}

/// Why decoding of a frame stopped before TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeAnomaly {
    /// Short name, such as `ipv4.header_too_short`.
    pub event: &'static str,
    /// Which one, where it is one of several that go by a number: an EtherType, an IP protocol, a port.
    pub number: Option<u16>,
    /// The layer that could not be decoded.
    pub layer: Layer,
    /// Offset in the frame, in bytes.
    pub offset: usize,
}

/// What stands behind a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Told by an EtherType (IEEE 802 numbers).
    EtherType(u16),
    /// IPv4 or IPv6, told by its version field.
    Ip,
    /// Told by an IP protocol number.
    IpProtocol(u8),
    /// A whole frame of a link type of its own.
    Link(crate::frame::LinkType),
    /// Nothing that could hold IP (ARP, a spanning-tree frame).
    Nothing,
}

/// A header that was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// What its payload is.
    pub next: Next,
    /// Its payload.
    pub rest: Slice<'a>,
    /// What it adds to the path, where it separates networks or is worth telling.
    pub adds: Option<Adds>,
}

impl<'a> Opened<'a> {
    /// A header that adds nothing to the path.
    pub const fn new(next: Next, rest: Slice<'a>) -> Self {
        Self { next, rest, adds: None }
    }

    /// The same as a tunnel, with the number that separates networks where it has one.
    pub const fn in_tunnel(self, kind: &'static str, id: Option<u32>) -> Self {
        Self { adds: Some(Adds::Tunnel(TunnelId { kind, id })), ..self }
    }
}

/// A step of a packet's [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adds {
    /// A VLAN id (IEEE 802.1Q section 9.6), 0 to 4095.
    Vlan(u16),
    /// A tunnel.
    Tunnel(TunnelId),
}

/// Hands every packet of `frame`, its fragments, and what stopped the decoder, to `sink`.
pub fn decode(frame: &Frame<'_>, limits: &Limits, sink: &mut dyn FnMut(Decoded<'_>)) {
    match plain::packet(frame).filter(|_| limits.layers_max >= plain::LAYERS) {
        Some(packet) => {
            #[cfg(debug_assertions)]
            {
                let mut times = 0;
                by_layers(frame, limits, &mut |decoded| match decoded {
                    Decoded::Packet(same) if same == packet => times += 1,
                    other @ (Decoded::Packet(_) | Decoded::Fragment(_) | Decoded::Anomaly(..)) => {
                        debug_assert!(false, "{other:?} instead of {packet:?}");
                    }
                });
                debug_assert_eq!(times, 1, "{packet:?}");
            }
            sink(Decoded::Packet(packet));
        }
        None => by_layers(frame, limits, sink),
    }
}

/// The same, layer by layer.
fn by_layers(frame: &Frame<'_>, limits: &Limits, sink: &mut dyn FnMut(Decoded<'_>)) {
    let context = DecodeContext {
        at: frame.at,
        link: link::number(frame),
        path: Path::default(),
        layers_left: limits.layers_max,
    };
    go_on(context, Ok(Opened::new(Next::Link(frame.link), Slice::of_frame(frame))), sink);
}

/// Where the decoder is.
#[derive(Clone, Copy, Debug)]
struct DecodeContext {
    /// The frame.
    at: FrameRef,
    /// The link that it was on.
    link: u64,
    /// What was opened on the way here.
    path: Path,
    /// Layers that may still be opened.
    layers_left: usize,
}

/// Opens layer after layer, from what the last step came to.
fn go_on(
    mut context: DecodeContext,
    mut step: Result<Opened<'_>, DecodeEnd>,
    sink: &mut dyn FnMut(Decoded<'_>),
) {
    loop {
        let Opened { next, rest, adds } = match step {
            Ok(opened) => opened,
            Err(DecodeEnd::Cut | DecodeEnd::Done) => return,
            Err(DecodeEnd::Anomaly(stop)) => return sink(Decoded::Anomaly(context.at, stop)),
        };
        if let Some(adds) = adds {
            context.path.push(adds);
        }
        let left = context.layers_left.checked_sub(1);
        context.layers_left = left.unwrap_or_default();
        step = match next {
            Next::Nothing => return,
            _ if left.is_none() => Err(rest.of_layer(Layer::Tunnel).stop("too_many_layers")),
            Next::Link(link) => link::open(link, rest.of_layer(Layer::Link)),
            Next::EtherType(ethertype) => {
                tunnel::open_ethertype(ethertype, rest.of_layer(Layer::Tunnel))
            }
            Next::Ip => network::open(&context, rest.of_layer(Layer::Network), sink),
            Next::IpProtocol(protocol) => {
                tunnel::open_ip_protocol(protocol, rest.of_layer(Layer::Tunnel))
            }
        };
    }
}

#[cfg(test)]
mod tests;
