//! HART-IP, over UDP and TCP.
//!
//! ```text
//!  version type id status sequence(16) length(16) | session: master(8) timer(32) | pass-through PDU
//! ```

use super::super::hearing::{Role, Said, Spot};
use super::super::messages::{Stop, probe_both};
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{be16, u8_at};
//! HART-IP, over TCP and UDP.
//!
//! ```text
//!  version(1: 1, 2) type(1) id(1) status(1) sequence(2) length(2, with these 8)  ...
//! ```

use super::super::hearing::{Heard, Role};
use super::super::view::Transport;
use super::super::walk::{Message, from_header, hear_datagrams, hear_stream};
use super::super::{Detector, FlowView, Over, Probe};
use crate::wire::{array, be16, be32, rest, u8_at};

pub(super) static DETECTOR: Detector = Detector {
    id: "hart-ip",
    title: "HART-IP",
    reference: "FieldComm Group, TS20085 (HART-IP), as Wireshark documents it",
    over: Over::Both,
    rests_on: "A version, message type and id that are known, a length that is the datagram's and \
               suits the id, and a pass-through PDU's delimiter.",
    blind_spots: "Messages with direct PDUs.",
    bits: 31.0,
    reference: "FieldComm Group, HART-IP (TS20085) sections 6 and 10",
    over: Over::Both,
    rests_on: "The header's version, type, number, status and length; a session's fields or a token \
               passing frame behind it.",
    blind_spots: "Version 2 starts with TLS or DTLS where security is on.",
    bits: 34.0,
    probe,
};

fn probe(view: &FlowView<'_>) -> Probe {
    probe_both(DETECTOR.id, view, read)
}

fn read(bytes: &[u8]) -> Result<(Said, usize), Stop> {
    let octet = |at| u8_at(bytes, at).ok_or(Stop::Short);
    let (version, kind, id, status) = (octet(0)?, octet(1)?, octet(2)?, octet(3)?);
    let len = usize::from(be16(bytes, 6).ok_or(Stop::Short)?);
    let (role, what) = match kind {
        0 => (Role::Client, "request"),
        1 => (Role::Server, "response"),
        2 => (Role::Server, "publication"),
        15 => (Role::Server, "NAK"),
        _ => return Err(Stop::Not),
    };
    let payload = len.checked_sub(8).ok_or(Stop::Not)?;
    // initiate, close, keep-alive, token-passing PDU; the delimiter is of a short or long frame
    let (fits, bits) = match id {
        0 => (payload == 5 && octet(8)? <= 1, 14.0 + 7.0),
        1 | 2 => (payload == 0, 16.0),
        3 => {
            let delimiter = matches!(octet(8)? & 0x7f, 0x01 | 0x02 | 0x06);
            (delimiter && (5..=512).contains(&payload), 5.4 + 7.0)
        }
        _ => (false, 0.0),
    };
    let known = matches!(version, 1 | 2) && (kind != 0 || status == 0);
    if !(fits && known) {
        return Err(Stop::Not);
    }
    // version, type, id; of a request the status
    let bits = 7.0 + 6.0 + 6.0 + if kind == 0 { 8.0 } else { 0.0 } + bits;
    Ok((Said::new(role, bits, format!("HART-IP {what}"), Spot::datagram(0, 0, 8)), len))
    match view.transport {
        Transport::Tcp => hear_stream(view, DETECTOR.id, |bytes, _| match bytes.first() {
            Some(1 | 2) => from_header(bytes, 8, message),
            Some(_) => Heard::Foreign,
            None => Heard::Open,
        }),
        Transport::Udp => {
            hear_datagrams(view, DETECTOR.id, |datagram| Heard::or_foreign(message(datagram.bytes)))
        }
    }
}

fn message(bytes: &[u8]) -> Option<Message> {
    let [version @ (1 | 2), kind, id, status] = array::<4>(bytes, 0)? else { return None };
    let len = usize::from(be16(bytes, 6)?);
    let role = match kind {
        0 => Role::Client,
        1 | 2 | 15 => Role::Server,
        _ => return None,
    };
    let known = status == 0 || (kind != 0 && matches!(status, 1..=16));
    let body = rest(bytes, 8);
    let (fits, more, name) = match id {
        // master type and a timer in milliseconds, of a day at most
        0 => (
            len == 13
                && u8_at(body, 0).is_none_or(|kind| kind <= 1)
                && be32(body, 1).is_none_or(|time| time <= 86_400_000),
            16.0 + 7.0 + 5.6,
            "session initiate",
        ),
        1 => (len == 8, 16.0, "session close"),
        2 => (len == 8, 16.0, "keep alive"),
        // token passing: a delimiter of a request (02, 82), an answer (06, 86) or a burst (01, 81)
        3 => (
            len >= 12 && u8_at(body, 0).is_none_or(|octet| matches!(octet & 0x1f, 1 | 2 | 6)),
            5.0 + 6.0,
            "token passing",
        ),
        4..=7 => (len >= 8 && version == 2, 0.0, "message"),
        _ => return None,
    };
    // version, type, id, status, upper octet of the length
    let bits = 7.0 + 6.0 + 5.0 + 4.0 + 5.0 + more;
    (fits && known && len <= 2048).then(|| Message::new(len, role, bits, format!("HART-IP {name}")))
}

#[cfg(test)]
mod tests {
    use super::super::super::Side;
    use super::super::super::testing::{Talk, hex};
    use super::*;

    const OPEN: &str = "01 00 00 00 0002 000d 01 00007530";
    const OPENED: &str = "01 01 00 00 0002 000d 01 0000ea60";
    const PDU: &str = "01 00 03 00 0030 0011 82 264e0000d2 00 00 38";

    #[test]
    fn messages_are_named_from_each_side() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(OPEN)).b(hex(OPENED));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.only(Side::B).named_by(&DETECTOR);
        }
        Talk::udp().a(hex(PDU)).named_by(&DETECTOR);
    use super::super::super::testing::{Talk, hex};
    use super::super::super::{Side, Strength};
    use super::*;

    const ASK: &str = "01 00 00 00 0001 000d 01 00007530";
    const ANSWER: &str = "01 01 00 00 0001 000d 01 00007530";

    #[test]
    fn sessions_are_named() {
        for talk in [Talk::tcp(), Talk::udp()] {
            let talk = talk.a(hex(ASK)).b(hex(ANSWER));
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in
            [("01 00", "03 00"), ("000d", "000e"), ("00 00 00", "05 00 00"), ("000d 01", "000d 07")]
        {
            Talk::udp().a(hex(&OPEN.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a(hex(&PDU.replace("82", "83"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&ASK.replace("000d", "000e"))).refused_by(&DETECTOR);
        Talk::udp().a(hex("01 05 00 00 0001 000d 01 00007530")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 01 0001 0008 00 00 0001 01 0000000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("01 02 0000 00000008")).refused_by(&DETECTOR);
    }
}
