//! MGCP (RFC 3435), over UDP and TCP.
//!
//! ```text
//!  RQNT 1201 aaln/1@gw.example MGCP 1.0 CRLF     200 1201 OK CRLF     section 3
//! ```

use crate::identify::lines::is_text;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mgcp",
    title: "MGCP",
    reference: "RFC 3435 sections 3.2 and 3.3",
    rests_on: "A command line of a verb, a number, an endpoint and MGCP with a version.",
    blind_spots: "Answers alone: a code and a number could be anybody's.",
    bits: 80.0,
    openings: Openings::Known(&[
        // Blanks may stand before the verb. An answer is all that is read of a stream, and proves
        // nothing; in datagrams a command may follow it.
        one_of(b" ACDEMNRacdemnr").tcp(),
        one_of(b" ACDELMNPQRSTUacdelmnpqrstu").at(1).tcp(),
        one_of(b" ACDEFILMNPQRSTUacdefilmnpqrstu").at(2).tcp(),
        one_of(b" ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(3).tcp(),
        one_of(b" ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(4).tcp(),
        one_of(b" 0123456789ACDEMNRacdemnr").udp(),
        one_of(b" 0123456789ACDELMNPQRSTUacdelmnpqrstu").at(1).udp(),
        one_of(b" 0123456789ACDEFILMNPQRSTUacdefilmnpqrstu").at(2).udp(),
        one_of(b" 0123456789ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(3).udp(),
        one_of(b" 0123456789ACDEFGILMNPQRSTUXYacdefgilmnpqrstuxy").at(4).required().udp(),
    ]),
    asks: over_both(|view| {
        match_messages(view, read, |one| Some(read(one.bytes, true).ok()?.filling(one)))
    }),
};

/// The longest command line that is looked at.
const LINE_BYTES_MAX: usize = 300;

/// RFC 3435 wants CR LF and takes LF; gateways are seen that send CR alone.
fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    let front = prefix(bytes, LINE_BYTES_MAX);
    let end = front.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let text = prefix(front, end.unwrap_or(front.len()));
    if !text.iter().all(|byte| is_plain(*byte)) || (end.is_none() && front.len() == LINE_BYTES_MAX)
    {
        return Err(Not);
    }
    if end.is_none() && !complete {
        return Err(Short);
    }
    // Parameters follow in lines, and a description of the session.
    if !is_text(bytes) {
        return Err(Not);
    }
    start_line(text, Said::ALL).ok_or(Not)
}

fn start_line(text: &[u8], len: usize) -> Option<Said> {
    let words: Vec<&[u8]> =
        text.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let fact = format!("MGCP: {}", from_wire(prefix(text, 80)));
    match words.as_slice() {
        [verb, number, _, b"MGCP", version, ..] => {
            let known = is_one_of(
                verb,
                &["EPCF", "CRCX", "MDCX", "DLCX", "RQNT", "NTFY", "AUEP", "AUCX", "RSIP", "MESG"],
            );
            let fits = known && is_number(number, 9) && version.contains(&b'.');
            // Both ends send commands: the call agent most, gateways NTFY and RSIP.
            fits.then(|| Said::new(len, Role::Either, 28.0 + 8.0 + 56.0, fact))
        }
        [code, number, ..] if is_number(code, 3) && code.len() == 3 && is_number(number, 9) => {
            Some(Said::new(len, Role::Either, 30.0, fact).shared())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn commands_and_answers_are_named() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk =
                talk.a("RQNT 1201 aaln/1@gw.example MGCP 1.0\r\nX: 1\r\n").b("200 1201 OK\r\n");
            assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).refused_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a("RQNT now aaln/1@gw.example MGCP 1.0\r\n").refused_by(&DETECTOR);
        Talk::udp().a("INVITE sip:a@b SIP/2.0\r\n").b("SIP/2.0 200 OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("220 1201 ready\r\n").refused_by(&DETECTOR);
        Talk::udp().a("talk of MGCP 1.0 here\r\n").refused_by(&DETECTOR);
    }
}
