//! SIP (RFC 3261), over TCP and UDP.
//!
//! ```text
//!  INVITE sip:bob@a.example SIP/2.0 CRLF     SIP/2.0 180 Ringing CRLF     section 7
//!  CRLF CRLF keeps a connection open (RFC 5626 section 3.5.1)
//! ```

use crate::identify::lines::fields_message;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "sip",
    title: "SIP",
    reference: "RFC 3261 sections 7.1, 7.2 and 25.1, RFC 5626 section 3.5.1",
    rests_on: "A request line that ends in SIP/2.0, or a status line that starts with it.",
    blind_spots: "Keep-alives alone; compressed messages (SigComp).",
    bits: 80.0,
    openings: Openings::Known(&[
        // Line ends may stand first, so what follows a short method may stand further on.
        mixed(&[(b'A', b'Z')], b"\r\n").tcp(),
        mixed(&[(b'A', b'Z')], b"\r\n").at(1).tcp(),
        mixed(&[(b'A', b'Z')], b"\r\n").at(2).tcp(),
        mixed(&[(b'A', b'Z')], b"\r\n /").at(3).tcp(),
        mixed(&[(b'A', b'Z')], b"\r\n /2stu").at(4).tcp(),
        mixed(&[(b'A', b'Z')], b"\r\n /2.stuier").at(5).tcp(),
        // Keep-alives of blanks and zeros are passed over.
        mixed(&[(b'A', b'Z')], b"\r\n \0").udp(),
        mixed(&[(b'A', b'Z')], b"\r\n \0").at(1).udp(),
        mixed(&[(b'A', b'Z')], b"\r\n \0").at(2).udp(),
        mixed(&[(b'A', b'Z')], b"\r\n \0/").at(3).udp(),
        mixed(&[(b'A', b'Z')], b"\r\n \0/2stu").at(4).udp(),
        mixed(&[(b'A', b'Z')], b"\r\n \0/2.stuier").at(5).udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match view.transport {
        Transport::Tcp => match_stream(view, |bytes, complete| {
            let blanks = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let said = read(bytes, complete)?;
            let len = fields_message(rest(bytes, blanks), true).ok_or(Not)?.saturating_add(blanks);
            Ok(Said { len, ..said })
        }),
        Transport::Udp => match_datagrams(view, datagram),
    }
}

fn datagram(datagram: &Datagram<'_>) -> SideMatch<Said> {
    let bytes = datagram.bytes;
    // Keep-alives have blanks, line ends or zeros only.
    if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0)) {
        return Err(Short);
    }
    // A line that was cut to what is kept of an older datagram is incomplete.
    read(bytes, true).ok().map(|message| message.filling(datagram)).ok_or(Not)
}

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if blanks > 8 {
        return Err(Not);
    }
    // Both ends ask and answer: the first request tells the client.
    start_line(line(rest(bytes, blanks), complete)?.text, bytes.len()).ok_or(Not)
}

fn start_line(text: &[u8], len: usize) -> Option<Said> {
    let said =
        |role, bits| Said::new(len, role, bits, format!("SIP: {}", from_wire(prefix(text, 80))));
    if let Some(status) = text.strip_prefix(b"SIP/2.0 ") {
        return is_number(first_word(status).0, 3).then(|| said(Role::Server, 80.0));
    }
    let (method, behind) = first_word(text);
    let (target, version) = first_word(behind);
    let word = (3..=20).contains(&method.len()) && method.iter().all(u8::is_ascii_uppercase);
    let scheme = [&b"sip:"[..], b"sips:", b"tel:", b"urn:"].iter().any(|scheme| {
        target.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme))
    });
    // Where the line was cut, its start must do.
    let ends = version == b"SIP/2.0" || (version.is_empty() && len <= 64 && target.len() > 8);
    let said =
        || said(Role::Client, 24.0 + 32.0 + 30.0).with(DetailKey::SipMethod, from_wire(method));
    (word && scheme && ends).then(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    const ASKED: &str = "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5\r\n\r\n";
    const ANSWER: &str = "SIP/2.0 401 Unauthorized\r\n\r\n";

    #[test]
    fn requests_and_answers_are_named_over_both() {
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(ASKED).b(ANSWER);
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
        Talk::udp().a("\r\n\r\n").a(ASKED).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::udp().a("\r\n\r\n").refused_by(&DETECTOR);
        Talk::tcp()
            .a("OPTIONS rtsp://a/b RTSP/1.0\r\n")
            .b("RTSP/1.0 200 OK\r\n")
            .refused_by(&DETECTOR);
        Talk::udp().a("M-SEARCH * HTTP/1.1\r\n").refused_by(&DETECTOR);
        Talk::udp().b("SIP/2.0 is a protocol\r\n").refused_by(&DETECTOR);
    }
}
