//! LDAP (RFC 4511) over TCP, and CLDAP over UDP.
//!
//! ```text
//!  30 length  02 length messageID  operation [APPLICATION n]  [a0 controls]
//! ```
//!
//! Behind an answered StartTLS (RFC 4511 section 4.14) TLS follows.

use crate::identify::ber::{Element, element, elements, tagged};
use crate::identify::messages::is_tls;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ldap",
    title: "LDAP and CLDAP",
    reference: "RFC 4511 section 4.1.1 and appendix B, MS-ADTS section 6.3.3 (CLDAP)",
    rests_on: "A message of one sequence with a number and an operation whose first fields have their \
               types and ranges.",
    blind_spots: "What SASL wraps after a bind (signed or sealed) is not opened.",
    bits: 30.0,
    openings: Openings::Known(&[one_of(&[0x30])]),
    asks: over_both(probe).telling(Extras::BEFORE_TLS),
};

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| read(bytes);
    let probe = match_messages(view, stream, |datagram| {
        // A search's answers may share a datagram.
        let message =
            read(datagram.bytes).ok().filter(|message| message.len <= datagram.wire_len)?;
        Some(message.filling(datagram))
    });
    carrying(probe, |_| inside(view))
}

/// The first message asks for TLS: the bytes behind it, and behind the first answer, are TLS.
fn inside(view: &FlowView<'_>) -> Inside {
    for side in Side::BOTH {
        let (asked, answered) = (view.side(side).stream, view.side(side.other()).stream);
        let asks = asked.windows(START_TLS.len()).take(24).any(|part| part == START_TLS);
        let (Some(at), true) = (tagged(asked, 0x30).map(|message| message.total()), asks) else {
            continue;
        };
        let behind = tagged(answered, 0x30).map_or(0, |message| message.total());
        if !is_tls(rest(asked, at)) {
            return Inside::MayFollow;
        }
        return Inside::StartsAt(if side == Side::A { [at, behind] } else { [behind, at] });
    }
    Inside::Nothing
}

fn read(bytes: &[u8]) -> SideMatch<Said> {
    let message = element(bytes);
    if message == Err(Short) && bytes.first().is_none_or(|byte| *byte == 0x30) {
        return Err(Short);
    }
    let fits = |message: &Element<'_>| message.tag == 0x30 && (5..1 << 24).contains(&message.len);
    let Some(message) = message.ok().filter(fits) else { return Err(Not) };
    if message.contents.len() < message.len.min(16) {
        return Err(Short);
    }
    operation(&message).ok_or(Not)
}

fn operation(message: &Element<'_>) -> Option<Said> {
    let number = tagged(message.contents, 2)
        .filter(|number| (1..=4).contains(&number.len) && number.is_whole())?;
    let rest_of = rest(message.contents, number.total());
    let operation = element(rest_of).ok()?;
    let end = number.total().saturating_add(operation.total());
    // What stands behind the operation are controls.
    let ends = end == message.len
        || (end < message.len && message.contents.get(end).is_none_or(|tag| *tag == 0xa0));
    if !ends {
        return None;
    }
    let (role, name, more) = body(&operation)?;
    let total = message.total();
    // sequence, its length's form, integer, its length, the operation, its length
    let bits = 8.0 + 1.0 + 8.0 + 6.0 + 3.7 + 4.0;
    // Short operations prove too little alone.
    Some(Said::new(total, role, bits + more, format!("LDAP {name}")).owned_if(more >= 4.0))
}

/// RFC 4511 appendix B: who says it, its name, and the bits of its first fields.
fn body(operation: &Element<'_>) -> Option<(Role, &'static str, f32)> {
    let fields = || elements(operation.contents, operation.is_whole());
    let starts = |tags: &[u8]| {
        fields().filter(|found| {
            found.len() >= tags.len().min(2)
                && found.iter().zip(tags).all(|(one, tag)| one.tag == *tag)
        })
    };
    // resultCode, matchedDN, diagnosticMessage
    let result =
        || starts(&[0x0a, 4, 4]).filter(|found| found.first().is_some_and(|code| code.len == 1));
    Some(match operation.tag {
        0x60 => {
            let fields = starts(&[2, 4])?;
            let version = fields.first()?.contents;
            let way = fields.get(2).is_none_or(|way| matches!(way.tag, 0x80 | 0xa3 | 0x89..=0x8b));
            (matches!(version, [2 | 3]) && way).then_some((Role::Client, "bind request", 30.0))?
        }
        0x61 => (Role::Server, "bind response", result().map(|_| 24.0)?),
        0x42 if operation.len == 0 => (Role::Client, "unbind request", 0.0),
        // base, scope, aliases, limits
        0x63 => {
            let fields = starts(&[4, 0x0a, 0x0a, 2, 2, 1])?;
            (fields.get(1)?.len == 1).then_some((Role::Client, "search request", 40.0))?
        }
        0x64 => (Role::Server, "search entry", starts(&[4, 0x30]).map(|_| 12.0)?),
        0x65 => (Role::Server, "search done", result().map(|_| 24.0)?),
        0x66 => (Role::Client, "modify request", starts(&[4, 0x30]).map(|_| 12.0)?),
        0x68 => (Role::Client, "add request", starts(&[4, 0x30]).map(|_| 12.0)?),
        0x67 | 0x69 | 0x6b | 0x6d | 0x6f => (Role::Server, "response", result().map(|_| 24.0)?),
        0x6c => (Role::Client, "modify DN request", starts(&[4, 4, 1]).map(|_| 20.0)?),
        0x6e => (Role::Client, "compare request", starts(&[4, 0x30]).map(|_| 12.0)?),
        0x4a => (Role::Client, "delete request", 0.0),
        0x50 => (Role::Client, "abandon request", 0.0),
        0x73 => (Role::Server, "search reference", starts(&[4]).map(|_| 8.0)?),
        0x77 => (Role::Client, "extended request", starts(&[0x80]).map(|_| 8.0)?),
        0x78 => (Role::Server, "extended response", result().map(|_| 24.0)?),
        0x79 => (Role::Server, "intermediate response", 0.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    const BIND: &str = "30 0c 02 01 01 60 07 02 01 03 04 00 80 00";
    const BOUND: &str = "30 0c 02 01 01 61 07 0a 01 00 04 00 04 00";

    #[test]
    fn bind_and_answer_are_named() {
        let talk = Talk::tcp().a(hex(BIND)).b(hex(BOUND));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        // Active Directory writes lengths in four bytes
        Talk::tcp()
            .b(hex("30 84 00000010 02 01 01 61 84 00000007 0a 01 00 04 00 04 00"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn searches_are_named_over_udp_too() {
        let search =
            hex("30 25 02 01 01 63 20 04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00 \
                          87 0b 6f626a656374436c617373 30 00");
        Talk::udp().a(&search).named_by(&DETECTOR);
        Talk::tcp()
            .midway()
            .a(&search)
            .b(hex("30 0c 02 01 01 65 07 0a 01 00 04 00 04 00"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn behind_starttls_is_tls() {
        let asked = [hex("30 1d 02 01 01 77 18 80 16"), START_TLS.to_vec()].concat();
        let talk = Talk::tcp()
            .a(asked)
            .b(hex("30 0c 02 01 01 78 07 0a 01 00 04 00 04 00"))
            .a(b"\x16\x03\x01\x00\x05hello");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([31, 14]));
    }

    #[test]
    fn look_alikes_are_refused() {
        // SNMP, Kerberos's inside, a certificate, a bind of version 9
        Talk::udp()
            .a(hex("30 18 02 01 01 04 06 7075626c6963 a0 0b 02 01 01 02 01 00 02 01 00 30 00"))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex("30 0c a0 03 02 01 05 a1 03 02 01 0b 05 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("30 0c 02 01 01 60 07 02 01 09 04 00 80 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("30 05 02 01 01 42 00")).refused_by(&DETECTOR);
        // a length that leaves bytes over
        Talk::tcp().a(hex("30 0e 02 01 01 60 07 02 01 03 04 00 80 00 05 00")).refused_by(&DETECTOR);
    }
}
