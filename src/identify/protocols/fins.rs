//! Omron's FINS, over TCP and UDP.
//!
//! ```text
//!  TCP  "FINS" length(4) command(4) error(4)  then the frame
//!  frame  ICF(1) 00 gateways(1) destination(3) source(3) sequence(1) command(2) ...
//! ```

use super::super::hearing::{Heard, Role, starts_with};
use super::super::view::Transport;
use super::super::walk::{Message, from_header, hear_datagrams, hear_stream};
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{array, be32, index};

pub(super) static DETECTOR: Detector = Detector {
    id: "fins",
    title: "FINS (Omron)",
    reference: "Omron, FINS Commands Reference Manual W227 section 3; Ethernet Units Operation Manual \
                W421 sections 7-4",
    over: Over::Both,
    rests_on: "The TCP header's magic and command; over UDP the frame's fixed fields and a known \
               command.",
    blind_spots: "Serial gateways' host link frames.",
    bits: 34.0,
//! Omron FINS, over UDP and TCP.
//!
//! ```text
//!  ICF 00 gateways | destination network node unit | source network node unit | SID | command(16)
//!  [end code(16)] ...         in TCP: "FINS" length(32) command(32) error(32) before it
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::{Stop, probe_datagrams, probe_stream};
use super::super::view::{Datagram, Transport};
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{be16, be32, index, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "fins",
    title: "Omron FINS",
    reference: "Omron W342, FINS commands, sections 3 and 5; W421 for TCP",
    over: Over::Both,
    rests_on: "The header's fixed bits and the gateway count, known addresses and a known command; in \
               TCP the name FINS with a length and command.",
    blind_spots: "Commands that later models added.",
    bits: 31.0,
    probe,
};

fn probe(view: &FlowView<'_>) -> Probe {
    match view.transport {
        Transport::Tcp => {
            hear_stream(view, DETECTOR.id, |bytes, _| match starts_with(bytes, b"FINS") {
                Some(true) => from_header(bytes, 16, stream),
                None => Heard::Open,
                Some(false) => Heard::Foreign,
            })
        }
        Transport::Udp => hear_datagrams(view, DETECTOR.id, |datagram| {
            Heard::or_foreign(
                frame(datagram.bytes).map(|said| Message { len: datagram.wire_len, ..said }),
            )
        }),
    }
}

fn stream(bytes: &[u8]) -> Option<Message> {
    let (len, command, error) = (index(be32(bytes, 4)?), be32(bytes, 8)?, be32(bytes, 12)?);
        Transport::Udp => probe_datagrams(DETECTOR.id, view, read),
        Transport::Tcp => probe_stream(DETECTOR.id, view, read_frame),
    }
}

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let (control, gateways) = (u8_at(bytes, 0)?, u8_at(bytes, 2)?);
    // W342 section 5-1-1: bit 7 is set, 6 says response, 0 that none is needed
    let role = match control {
        0x80 | 0x81 => Role::Client,
        0xc0 | 0xc1 => Role::Server,
        _ => return None,
    };
    let command = be16(bytes, 10)?;
    let networks = u8_at(bytes, 3)? <= 127 && u8_at(bytes, 6)? <= 127;
    let known = matches!(
        command,
        0x0101..=0x0105 | 0x0201..=0x0203 | 0x0208 | 0x0220 | 0x0221 | 0x0304..=0x0307 | 0x0401
            | 0x0402 | 0x0501 | 0x0502 | 0x0601 | 0x0620 | 0x0701 | 0x0702 | 0x0801..=0x0803 | 0x0920
            | 0x0c01..=0x0c03 | 0x2101..=0x2103 | 0x2140 | 0x2201..=0x220f | 0x2301 | 0x2302 | 0x230a
    );
    let fits = u8_at(bytes, 1)? == 0 && (1..=7).contains(&gateways) && networks && known;
    // control, reserved, gateways, networks, command
    let bits = 6.0 + 8.0 + 5.2 + 2.0 + 10.2;
    let fact = format!("FINS command {command:04x}");
    fits.then(|| Said::new(role, bits, fact, Spot::datagram(0, 0, 12)))
}

/// W421 section 7-4: the length counts from the command on.
fn read_frame(bytes: &[u8]) -> Result<(Said, usize), Stop> {
    match super::super::hearing::starts_with(bytes, b"FINS") {
        Some(true) => {}
        Some(false) => return Err(Stop::Not),
        None => return Err(Stop::Short),
    }
    let len = index(be32(bytes, 4).ok_or(Stop::Short)?);
    let command = be32(bytes, 8).ok_or(Stop::Short)?;
    let role = match command {
        0 => Role::Client,
        1 => Role::Server,
        2 | 3 | 6 => Role::Either,
        _ => return None,
    };
    let fits = (8..=4096).contains(&len) && error <= 0x25;
    fits.then(|| {
        Message::new(
            len.saturating_add(8),
            role,
            32.0 + 29.0 + 20.0 + 26.0,
            format!("FINS/TCP command {command}"),
        )
    })
}

fn frame(bytes: &[u8]) -> Option<Message> {
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
        0x04 | 0x07 => matches!(sub, 1 | 2),
        0x05 => matches!(sub, 1 | 2),
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
    fits.then(|| Message::new(bytes.len(), role, bits, format!("FINS command {main:02x}{sub:02x}")))
        _ => return Err(Stop::Not),
    };
    if !(8..=4096).contains(&len) {
        return Err(Stop::Not);
    }
    let said = Said::new(role, 32.0 + 20.0 + 30.0, "FINS over TCP", Spot::stream(0, 12));
    Ok((said, len.saturating_add(8)))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Talk, hex};
    use super::super::super::{Side, Strength};
    use super::*;

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
    use super::super::super::Side;
    use super::super::super::testing::{Talk, hex};
    use super::*;

    const READ: &str = "80 00 02 00 01 00 00 02 00 17 0101 82 0064 00 0001";
    const ANSWER: &str = "c0 00 02 00 02 00 00 01 00 17 0101 0000 1234";

    #[test]
    fn messages_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(READ)).b(hex(ANSWER));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.only(Side::B).named_by(&DETECTOR);
        let tcp = Talk::tcp().a(hex("46494e53 0000000c 00000000 00000000 00000000"));
        tcp.named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a(hex("80 00 02 00 09 00 00 05 00 01 0901")).refused_by(&DETECTOR);
        Talk::udp().a(hex("80 00 1234 00000000 00000000 0101 0203")).refused_by(&DETECTOR);
        Talk::tcp().a("FINS of fish and of other animals\r\n").refused_by(&DETECTOR);
        Talk::udp().a([0x80; 20]).refused_by(&DETECTOR);
        for (from, to) in [
            ("80 00", "00 00"),
            ("80 00", "80 01"),
            ("02 00 01", "09 00 01"),
            ("0101 82", "0111 82"),
        ] {
            Talk::udp().a(hex(&READ.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        let rtp = |sequence| super::super::rtp::sample(sequence, 160);
        Talk::udp().a(rtp(1)).a(rtp(2)).a(rtp(3)).refused_by(&DETECTOR);
        Talk::tcp().a(b"FINSTERNIS 12345").refused_by(&DETECTOR);
    }
}
