//! From a frame to the packets in it: link header, VLAN tags and tunnels, IP, then TCP, UDP or an
//! ICMP error.
//!
//! Decoding never fails, it stops (invariant 3): what was sound was handed on, and the reason is a
//! [`Stop`] with layer and offset. Octets that the snap length cut off are no malformation.
//! One frame may hold several packets (a tunnel's outer and inner one); each is handed on.
//!
//! A link type is one file under `link/`, an encapsulation one file under `tunnel/`, each with its
//! row in the table of that folder's `mod.rs`. etherparse's types stay in `ip.rs`.

mod icmp;
mod ip;
pub mod link;
pub mod packet;
mod part;
pub mod peek;
mod transport;
pub mod tunnel;

use crate::config::Limits;
use crate::event::{Layer, TunnelId};
use crate::frame::Frame;

pub use packet::{Body, IcmpError, Packet, Path, Payload, TcpFlags, TcpInfo};
pub use part::{Halt, Part};

/// What the decoder hands on.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// A TCP or UDP packet, or an ICMP error about one.
    Packet(Packet<'a>),
    /// Decoding stopped here.
    Stop(Stop),
}

/// Why decoding of a frame stopped before TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Short name, such as `ipv4.header_too_short`.
    pub event: &'static str,
    /// The layer that could not be decoded.
    pub layer: Layer,
    /// Offset in the frame, in octets.
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
    pub rest: Part<'a>,
    /// What it adds to the path, where it separates networks or is worth telling.
    pub adds: Option<Adds>,
}

/// A step of a packet's [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adds {
    /// A VLAN id (IEEE 802.1Q section 9.6), 0 to 4095.
    Vlan(u16),
    /// A tunnel.
    Tunnel(TunnelId),
}

/// Hands every packet of `frame`, and what stopped the decoder, to `sink`.
pub fn decode<'a>(frame: &Frame<'a>, limits: &Limits, sink: &mut dyn FnMut(Decoded<'a>)) {
    let mut part = Part::of_frame(frame);
    let mut next = Next::Link(frame.link);
    let mut path = Path::default();
    for _ in 0..limits.layers_max {
        let step = match next {
            Next::Link(link) => link::open(link, part),
            Next::EtherType(ethertype) => tunnel::open_ethertype(ethertype, part),
            Next::Ip => ip::open(frame.at, &path, part, sink),
            Next::IpProtocol(protocol) => tunnel::open_ip_protocol(protocol, part),
            Next::Nothing => return,
        };
        match step {
            Ok(opened) => {
                if let Some(adds) = opened.adds {
                    path.push(adds);
                }
                (next, part) = (opened.next, opened.rest);
            }
            Err(Halt::Cut | Halt::Done) => return,
            Err(Halt::Stop(stop)) => return sink(Decoded::Stop(stop)),
        }
    }
    sink(Decoded::Stop(Stop {
        event: "too_many_layers",
        layer: Layer::Tunnel,
        offset: part.offset,
    }));
}

#[cfg(test)]
mod tests;
