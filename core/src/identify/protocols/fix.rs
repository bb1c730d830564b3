//! FIX, the protocol of securities trading, over TCP.
//!
//! ```text
//!  8=FIX.4.4 SOH 9=length SOH 35=type SOH ... 10=checksum SOH
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "fix",
    title: "FIX",
    reference: "FIX TagValue Encoding, version 1.0, sections 2 and 3",
    rests_on: "BeginString, BodyLength and MsgType, in this order; the checksum's field where the length \
               says.",
    blind_spots: "FAST and SBE, which are binary.",
    bits: 90.0,
    openings: Openings::Known(&[one_of(b"8")]),
    asks: over_tcp(probe),
};

const SOH: u8 = 1;

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match starts_with(bytes, b"8=FIX") {
        Some(true) if bytes.len() < 32 && bytes.iter().filter(|byte| **byte == SOH).count() < 3 => {
            Err(Short)
        }
        Some(true) => message(bytes).ok_or(Not),
        None => Err(Short),
        Some(false) => Err(Not),
    })
}

fn message(bytes: &[u8]) -> Option<Said> {
    let mut fields = prefix(bytes, 64).split(|byte| *byte == SOH);
    let begin = fields.next()?.strip_prefix(b"8=")?;
    let size = fields.next()?.strip_prefix(b"9=")?;
    let kind = fields.next()?.strip_prefix(b"35=")?;
    let version = matches!(begin, [b'F', b'I', b'X', b'.' | b'T', ..]) && begin.len() <= 10;
    // The body starts behind BodyLength; the checksum's field has seven bytes.
    let at = begin.len().saturating_add(size.len()).saturating_add(2 + 1 + 2 + 1);
    let end = at.saturating_add(index(number(size)?));
    let sum = rest(bytes, end);
    let fits =
        version && (1..=3).contains(&kind.len()) && kind.iter().all(u8::is_ascii_alphanumeric);
    if !fits || !b"10=".starts_with(prefix(sum, 3)) {
        return None;
    }
    // Logons (A), heartbeats (0) and orders (D, 8) tell nothing of the client's side for sure.
    let role = if kind == b"D" { Role::Client } else { Role::Either };
    let fact = format!("{} message {}", from_wire(begin), from_wire(kind));
    Some(Said::new(end.saturating_add(7), role, 40.0 + 24.0 + 32.0, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    const LOGON: &str = "8=FIX.4.4\x019=26\x0135=A\x0149=A\x0156=B\x0198=0\x01112=1\x0110=123\x01";

    #[test]
    fn messages_are_named() {
        let talk = Talk::tcp().a(LOGON).b(LOGON);
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.only(Side::A).named_by(&DETECTOR);
        Talk::tcp().a([LOGON, LOGON].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(LOGON.replace("9=26", "9=22")).refused_by(&DETECTOR);
        Talk::tcp().a(LOGON.replace('\x01', "|")).refused_by(&DETECTOR);
        Talk::tcp().a("8=FIXED is not a protocol, but a fine sentence\r\n").refused_by(&DETECTOR);
    }
}
