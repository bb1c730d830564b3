//! Syslog (RFC 5424, RFC 3164), over UDP, and over TCP in both framings of RFC 6587.
//!
//! ```text
//!  <34>1 2003-10-11T22:14:15.003Z host app pid id - text      RFC 5424 section 6
//!  <34>Oct 11 22:14:15 host tag: text                          RFC 3164 section 4.1
//!  123 <34>1 ...                                               counted, on TCP
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "syslog",
    title: "Syslog",
    reference: "RFC 5424 section 6, RFC 3164 section 4.1, RFC 6587 section 3.4",
    rests_on: "A priority of 0 to 191 in angles at the front of printable text, and a time, a version \
               or a name behind it.",
    blind_spots: "Senders that leave the priority out.",
    bits: 30.0,
    openings: Openings::Known(&[
        mixed(&[(b'0', b'9')], b"<").tcp(),
        mixed(&[(b'0', b'9')], b" ").at(1).tcp(),
        mixed(&[(b'0', b'9')], b" <>").at(2).tcp(),
        within(&[(b' ', b'~')]).at(3),
        one_of(b"<").udp(),
        within(&[(b'0', b'9')]).at(1).udp(),
        mixed(&[(b'0', b'9')], b">").at(2).udp(),
        within(&[(b' ', b'~')]).at(4).required().udp(),
    ]),
    asks: over_both(|view| {
        match_messages(view, stream, |one| Some(message(one.bytes)?.filling(one)))
    }),
};

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

fn stream(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    if bytes.len() < 24 && !complete && matches!(bytes.first(), Some(b'<' | b'1'..=b'9')) {
        return Err(Short);
    }
    let digits = bytes.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && bytes.get(digits) == Some(&b' ') {
        let at = digits.saturating_add(1);
        let len = number(prefix(bytes, digits)).map_or(0, index);
        let said = message(prefix(rest(bytes, at), len));
        return said.map(|said| said.of_len(len.saturating_add(at))).ok_or(Not);
    }
    let end = prefix(bytes, 8192).iter().position(|byte| matches!(byte, b'\n' | 0));
    let text = prefix(bytes, end.unwrap_or(bytes.len()));
    let len = end.map_or(bytes.len(), |end| end.saturating_add(1));
    message(text).map(|said| said.of_len(len)).ok_or(Not)
}

fn message(bytes: &[u8]) -> Option<Said> {
    let text = bytes.strip_prefix(b"<")?;
    let end = text.iter().take(4).position(|byte| *byte == b'>')?;
    let priority = number(prefix(text, end)).filter(|priority| *priority <= 191)?;
    if end > 1 && text.first() == Some(&b'0') {
        return None;
    }
    let behind = rest(text, end.saturating_add(1));
    // A newline may end it, and a zero with old senders; UTF-8 may have a mark in front.
    let front = prefix(behind, 200);
    let plain = front.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0));
    let bits = 8.0 + 8.0 + 6.0 + shape(behind)?;
    let fact = || format!("Syslog priority {priority}: {}", from_wire(prefix(behind, 40)));
    plain.then(|| Said::new(bytes.len(), Role::Client, bits, fact()))
}

/// What stands behind the priority, and its bits beyond.
fn shape(text: &[u8]) -> Option<f32> {
    let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let year = |bytes: &[u8]| digits(prefix(bytes, 4)) && bytes.get(4) == Some(&b'-');
    match text {
        [b'1', b' ', time @ ..] if year(time) || time.starts_with(b"- ") => Some(40.0),
        _ if MONTHS.iter().any(|month| text.starts_with(month)) && text.get(3) == Some(&b' ') => {
            Some(28.0)
        }
        _ if year(text) => Some(36.0),
        // Others put a name or a counter first, and a colon within it.
        _ => {
            let word = text.iter().take(48).position(|byte| *byte == b':')?;
            let front = prefix(text, word);
            let named =
                word >= 2 && front.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            let letters = front.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
            (named && letters >= 2 && text.len() >= 8).then_some(10.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn messages_are_named_over_both() {
        for text in [
            "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed",
            "<34>Oct 11 22:14:15 host su: failed",
            "<189>45: *Mar  1 18:48:50: %SYS-5-CONFIG_I: Configured",
        ] {
            assert_eq!(Talk::udp().a(text).named_by(&DETECTOR).client, Some(Side::A));
            Talk::tcp().a([text, "\n"].concat()).named_by(&DETECTOR);
            Talk::tcp().a(format!("{} {text}", text.len())).named_by(&DETECTOR);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a("<192>Oct 11 22:14:15 host su: failed").refused_by(&DETECTOR);
        Talk::udp().a("<iq type='get' id='1'>").refused_by(&DETECTOR);
        Talk::udp().a("<3> ").refused_by(&DETECTOR);
        Talk::tcp().a("<!DOCTYPE html><title>x: y</title>\n").refused_by(&DETECTOR);
        Talk::tcp().a("<14>\x01\x02\x03: some bytes of another kind\n").refused_by(&DETECTOR);
        Talk::tcp().a("220 <14 ready for you: sir or madam\r\n").refused_by(&DETECTOR);
    }
}
