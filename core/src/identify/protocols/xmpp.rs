//! XMPP (RFC 6120), over TCP.
//!
//! ```text
//!  <?xml version='1.0'?> <stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='...' ...>
//!  <iq .../> <message .../> <presence .../>
//!  <starttls .../>  answered by <proceed .../>, then TLS                 section 5
//! ```

use crate::identify::lines::is_text;
use crate::identify::messages::is_tls;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "xmpp",
    title: "XMPP (Jabber)",
    reference: "RFC 6120 sections 4, 5 and 8",
    rests_on: "The opening of a stream in Jabber's namespace, or a stanza with its attributes.",
    blind_spots: "XMPP over WebSocket or HTTP is named so. Stanzas that start in the middle.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"\t\n\x0c\r <")]),
    asks: over_tcp(|view| carrying(match_stream(view, read), |_| inside(view)))
        .telling(Extras::BEFORE_TLS),
};

fn inside(view: &FlowView<'_>) -> Inside {
    // XML has no line ends to go by: TLS starts behind a bracket.
    let ends = Side::BOTH.map(|side| {
        let stream = view.side(side).stream;
        stream.windows(4).position(|part| part.starts_with(b">") && is_tls(rest(part, 1)))
    });
    match ends {
        [None, None] => Inside::MayFollow,
        ends => {
            let len = |side: Side| {
                let whole = view.side(side).stream.len();
                side.of(&ends).map_or(whole, |end| end.saturating_add(1))
            };
            Inside::StartsAt(Side::BOTH.map(len))
        }
    }
}

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    // White space is sent to keep the connection open (section 4.6.1).
    let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let text = rest(bytes, blanks);
    if text.first().is_some_and(|byte| *byte != b'<') || (text.is_empty() && blanks > 4) {
        return Err(Not);
    }
    let end = text.iter().position(|byte| *byte == b'>').ok_or(short_if(text.len() <= 600))?;
    let mut element = prefix(text, end);
    if element.starts_with(b"<?xml ") {
        // The declaration proves nothing; the stream's tag must follow.
        let behind = rest(text, end.saturating_add(1)).trim_ascii_start();
        let next = behind
            .iter()
            .position(|byte| *byte == b'>')
            .ok_or(short_if(!complete && behind.len() <= 600))?;
        element = prefix(behind, next);
    }
    // XML goes on as text, up to where TLS takes over.
    let tls = bytes.windows(4).position(|part| part.starts_with(b">") && is_tls(rest(part, 1)));
    if !is_text(prefix(bytes, tls.unwrap_or(bytes.len()))) {
        return Err(Not);
    }
    // The stream's end (RFC 6120 section 4.4).
    if element.starts_with(b"</stream:stream") || element.starts_with(b"</flash:stream") {
        return Ok(Said::all(Role::Either, 80.0, "XMPP stream's end").shared());
    }
    said(element, Said::ALL).ok_or(Not)
}

fn said(element: &[u8], len: usize) -> Option<Said> {
    let has = |words: &str| mentions(element, words);
    if element.starts_with(b"<stream:stream") || element.starts_with(b"<flash:stream") {
        let known = has("jabber:") || has("etherx.jabber.org") || has("jabber.org/streams");
        // Section 4.7.3: only the answer has an id.
        let role = if has(" id=") { Role::Server } else { Role::Client };
        return known.then(|| Said::new(len, role, 14.0 * 8.0, "XMPP stream"));
    }
    let any = |words: &[&str]| words.iter().any(|word| has(word));
    let stanza = (element.starts_with(b"<iq ")
        && any(&[
            "type='get",
            "type='set",
            "type='result",
            "type='error",
            "type=\"get",
            "type=\"set",
            "type=\"result",
            "type=\"error",
        ])
        && any(&[" id='", " id=\""]))
        || (element.starts_with(b"<message ")
            && any(&["type='chat", "type=\"chat", "type='groupchat", "type=\"groupchat"])
            && has(" to="))
        || (element.starts_with(b"<presence") && has("@") && any(&[" to=", " from="]))
        || (has("urn:ietf:params:xml:ns:xmpp-"));
    stanza.then(|| Said::new(len, Role::Either, 32.0 + 30.0, "XMPP stanza"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;

    const OPEN: &str = "<?xml version='1.0'?><stream:stream to='a.example' xmlns='jabber:client' \
                        xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    const ANSWER: &str = "<?xml version='1.0'?><stream:stream from='a.example' id='x' xmlns='jabber:client' \
                          xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>";

    #[test]
    fn streams_are_named() {
        let talk = Talk::tcp().a(OPEN).b(ANSWER);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().midway().a("<iq type='get' id='4'><ping/></iq>").named_by(&DETECTOR);
    }

    #[test]
    fn behind_starttls_is_tls() {
        let (asked, proceed) = ("<starttls/>", "<proceed/>");
        let talk =
            Talk::tcp().a(OPEN).b(ANSWER).a(asked).b(proceed).a(b"\x16\x03\x01\x00\x05hello");
        let at = [OPEN.len() + asked.len(), ANSWER.len() + proceed.len()];
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt(at));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("<?xml version='1.0'?><soap:Envelope xmlns:soap='x'>").refused_by(&DETECTOR);
        Talk::tcp().a("<html><body></html>").refused_by(&DETECTOR);
        Talk::tcp().a("<stream:stream xmlns='mine'>").refused_by(&DETECTOR);
        Talk::tcp().a("<iq of='120'>").refused_by(&DETECTOR);
        Talk::tcp().a("<14>Oct  1 00:00:00 host x: y\n").refused_by(&DETECTOR);
    }
}
