//! Omron's FINS, over TCP and UDP.
//!
//! ```text
//!  TCP  "FINS" length(4) command(4) error(4)  then the frame
//!  frame  ICF(1) 00 gateways(1) destination(3) source(3) sequence(1) command(2) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "fins",
    title: "FINS (Omron)",
    reference: "Omron, FINS Commands Reference Manual W227 section 3; Ethernet Units Operation Manual \
                W421 sections 7-4",
    rests_on: "The TCP header's magic and command; over UDP the frame's fixed fields and a known \
               command.",
    blind_spots: "Serial gateways' host link frames.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(b"F").tcp(), one_of(&[0x80, 0x81, 0xc0, 0xc1]).udp()]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_start(bytes, &[b"FINS"], 16, stream);
    match_messages(view, stream, |one| Some(frame(one.bytes)?.filling(one)))
}

fn stream(bytes: &[u8]) -> Option<Said> {
    let (len, command, error) = (index(be32(bytes, 4)?), be32(bytes, 8)?, be32(bytes, 12)?);
    let role = match command {
        0 => Role::Client,
        1 => Role::Server,
        2 | 3 | 6 => Role::Either,
        _ => return None,
    };
    let fits = (8..=4096).contains(&len) && error <= 0x25;
    let fact = || format!("FINS/TCP command {command}");
    fits.then(|| Said::new(len.saturating_add(8), role, 32.0 + 29.0 + 20.0 + 26.0, fact()))
}

fn frame(bytes: &[u8]) -> Option<Said> {
    let [control, 0, gateways, net, _, unit, from_net, _, from_unit, _, main, sub] =
        array::<12>(bytes, 0)?
    else {
        return None;
    };
    let (role, answers) = match control {
        0x80 | 0x81 => (Role::Client, false),
        0xc0 | 0xc1 => (Role::Server, true),
        _ => return None,
    };
    let units = [unit, from_unit].iter().all(|unit| matches!(unit, 0 | 0x10..=0x1f | 0xe1 | 0xfe));
    let known = match main {
        0x01 => (1..=5).contains(&sub),
        0x02 => matches!(sub, 1..=3 | 0x20),
        0x03 => matches!(sub, 4..=8),
        0x04 | 0x05 | 0x07 => matches!(sub, 1 | 2),
        0x06 => matches!(sub, 1 | 0x20 | 0x21),
        0x08 => sub == 1,
        0x09 => sub == 0x20,
        0x0c => (1..=3).contains(&sub),
        0x21 => matches!(sub, 1..=3 | 0x40),
        0x22 => matches!(sub, 1..=0x0c | 0x15),
        0x23 => matches!(sub, 1 | 2 | 0x0a),
        _ => false,
    };
    let fits = gateways <= 7
        && net < 0x80
        && from_net < 0x80
        && units
        && known
        && (!answers || bytes.len() >= 14);
    // control, reserved, gateways, networks, units, command
    let bits = 6.0 + 8.0 + 5.0 + 2.0 + 7.5 + 10.2;
    fits.then(|| Said::new(bytes.len(), role, bits, format!("FINS command {main:02x}{sub:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn frames_are_named() {
        let talk = Talk::udp()
            .a(hex("80 00 02 00 09 00 00 05 00 01 0501"))
            .b(hex("c0 00 02 00 05 00 00 09 00 01 0501 0000 43"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a(hex("46494e53 0000000c 00000000 00000000 00000000")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex("80 00 02 00 09 00 00 05 00 01 0901")).refused_by(&DETECTOR);
        Talk::udp().a(hex("80 00 1234 00000000 00000000 0101 0203")).refused_by(&DETECTOR);
        Talk::tcp().a("FINS of fish and of other animals\r\n").refused_by(&DETECTOR);
        Talk::udp().a([0x80; 20]).refused_by(&DETECTOR);
    }
}
