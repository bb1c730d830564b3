//! ICAP (RFC 3507 section 4.3), over TCP.

use crate::identify::lines::fields_message;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "icap",
    title: "ICAP",
    reference: "RFC 3507 section 4.3",
    rests_on: "A request line or a status line that says ICAP/1.0.",
    blind_spots: "The HTTP messages inside are not looked at.",
    bits: 64.0,
    openings: Openings::Known(&[one_of(b"IRO")]),
    asks: over_tcp(|view| match_text(view, icap)),
};

fn icap(Line { text, .. }: Line<'_>, bytes: &[u8]) -> Option<Said> {
    let said = |role| {
        let fact = format!("ICAP: {}", from_wire(prefix(text, 80)));
        // HTTP's messages follow behind its fields, as parts whose lengths are told by them.
        Some(Said::new(fields_message(bytes, false)?, role, 80.0, fact))
    };
    if let Some(status) = text.strip_prefix(b"ICAP/1.0 ") {
        return is_number(first_word(status).0, 3).then(|| said(Role::Server))?;
    }
    let (method, behind) = first_word(text);
    let known = matches!(method, b"REQMOD" | b"RESPMOD" | b"OPTIONS");
    (known && behind.starts_with(b"icap://") && text.ends_with(b" ICAP/1.0"))
        .then(|| said(Role::Client))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(b"OPTIONS icap://a.example/x ICAP/1.0\r\n")
            .b(b"ICAP/1.0 200 OK\r\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"OPTIONS * HTTP/1.0\r\n").refused_by(&DETECTOR);
    }
}
