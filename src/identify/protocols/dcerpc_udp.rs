//! DCE/RPC without connections, over UDP: PROFINET and old Windows services speak it.
//!
//! ```text
//!  04 type flags(16) | data representation(24) serial | object, interface, activity (128 each)
//!  boot(32) version(32) sequence(32) operation(16) hints(32) length(16) fragment(16) auth serial
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::probe_datagrams;
use super::super::view::Datagram;
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{array, be16, le16, prefix, rest, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "dcerpc-udp",
    title: "DCE/RPC over UDP (PROFINET)",
    reference: "The Open Group, C706, section 12.5; IEC 61158-6-10 for PROFINET's objects",
    over: Over::Udp,
    rests_on: "Version 4 with a known packet type and data representation, and a length that is the \
               datagram's.",
    blind_spots: "Nothing known.",
    bits: 45.0,
    probe,
};

/// Octets of a header.
const HEADER: usize = 80;

fn probe(view: &FlowView<'_>) -> Probe {
    probe_datagrams(DETECTOR.id, view, read)
}

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let kind = u8_at(bytes, 1)?;
    // C706 section 12.5.2.5 and 14.1: integers and characters, floats, and a zero
    let [integers, floats, zero] = array::<3>(bytes, 4)?;
    let fits = u8_at(bytes, 0)? == 4
        && kind <= 10
        && matches!(integers, 0x00 | 0x01 | 0x10 | 0x11)
        && floats <= 3
        && zero == 0
        && u8_at(bytes, 2)? & 0xc1 == 0;
    fits.then_some(())?;
    let len = if integers & 0x10 == 0 { be16(bytes, 74)? } else { le16(bytes, 74)? };
    let whole = usize::from(len).checked_add(HEADER)? == datagram.wire_len;
    let role = match kind {
        0 | 1 | 8 => Role::Client,
        2..=6 => Role::Server,
        _ => Role::Either,
    };
    // PROFINET's objects and interfaces all start and end alike.
    let tail = prefix(rest(bytes, 12), 12);
    let profinet = tail.ends_with(b"\x00\xa0\x24\x42\xdf\x7d") || {
        let interface = prefix(rest(bytes, 28), 12);
        interface.ends_with(b"\x00\xa0\x24\x42\xdf\x7d")
    };
    let name = if profinet { "PROFINET, DCE/RPC" } else { "DCE/RPC without connection" };
    // version, type, flags, representation, length
    let bits = 8.0 + 4.5 + 3.0 + 6.0 + 6.0 + 8.0 + 16.0;
    let fact = format!("{name}, packet type {kind}");
    whole.then(|| Said::new(role, bits, fact, Spot::datagram(0, 0, 16)))
}

#[cfg(test)]
mod tests {
    use super::super::super::Side;
    use super::super::super::testing::{Talk, hex};
    use super::*;

    fn packet(kind: u8, representation: &str, len: &str) -> Vec<u8> {
        let mut packet = vec![4, kind, 0x20, 0];
        packet.extend(hex(representation));
        packet.push(0);
        packet.extend(hex("dea00000 6c97 11d1 8271 00a02442df7d"));
        packet.extend([0xa5; 32]);
        packet.resize(74, 0x11);
        packet.extend(hex(len));
        packet.extend(hex("0000 0000 a1a2a3a4"));
        packet
    }

    #[test]
    fn packets_are_named_from_each_side() {
        let talk = Talk::udp().a(packet(0, "100000", "0400")).b(packet(2, "000000", "0004"));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(packet(0, "100000", "0500")).refused_by(&DETECTOR);
        Talk::udp().a(packet(11, "100000", "0400")).refused_by(&DETECTOR);
        Talk::udp().a(packet(0, "200000", "0400")).refused_by(&DETECTOR);
        let mut five = packet(0, "100000", "0400");
        five[0] = 5;
        Talk::udp().a(five).refused_by(&DETECTOR);
    }
}
