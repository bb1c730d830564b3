//! WHOIS (RFC 3912), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "whois",
    title: "WHOIS",
    reference: "RFC 3912; the answers' forms of IANA, RIPE, ARIN and the registries' agreements with ICANN",
    rests_on: "An answer whose first line is a registry's: a comment that says WHOIS, or Domain Name.",
    blind_spots: "The question is one line of anything; registries with forms of their own.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"%#Dd \t")]),
    asks: over_tcp(|view| match_text(view, whois)),
};

fn whois(line: Line<'_>, bytes: &[u8]) -> Option<Said> {
    let text = line.text.trim_ascii();
    let comment = matches!(text, [b'%' | b'#', ..]) && mentions(prefix(bytes, 400), "whois");
    let domain = text.starts_with(b"Domain Name: ") || text.starts_with(b"domain:  ");
    if comment || domain {
        return Some(Said::new(bytes.len(), Role::Server, 64.0, "WHOIS answer"));
    }
    let question = line.len == bytes.len() && !text.is_empty() && text.len() < 80;
    question.then(|| Said::new(bytes.len(), Role::Client, 8.0, "WHOIS question").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a("a.example\r\n")
            .b("% IANA WHOIS server\r\n% for more\r\n")
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in ["Domain of the king\r\n", "% a comment\r\n"] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
