//! IRC (RFC 1459, RFC 2812), over TCP.
//!
//! ```text
//!  client  NICK name CRLF   USER name mode * :real name CRLF   CAP LS 302 CRLF
//!  server  :prefix 001 name :text CRLF   :prefix NOTICE * :text CRLF   PING :x CRLF
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "irc",
    title: "IRC",
    reference: "RFC 2812 sections 2.3 and 3, RFC 1459, IRCv3 capability negotiation",
    rests_on: "NICK with USER or CAP, or a server's line with its prefix and a numeric or NOTICE.",
    blind_spots: "A client's PING, PRIVMSG or JOIN alone is not taken for proof.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b":CEJMNPQUW"),
        // Anything may stand in a prefix.
        mixed(&[(b'!', b'~'), (0x80, 0xff)], b"\t").at(1),
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\t").at(2),
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\t").at(4),
    ]),
    asks: over_tcp(|view| match_text(view, said)),
};

fn said(Line { text, len }: Line<'_>, _: &[u8]) -> Option<Said> {
    let (word, arguments) = first_word(text);
    let fact = format!("IRC {}", from_wire(prefix(text, 60)));
    if word.starts_with(b":") && word.len() > 1 {
        let (command, behind) = first_word(arguments);
        let numeric = command.len() == 3 && is_number(command, 3) && !behind.is_empty();
        let known = is_one_of(
            command,
            &[
                "NOTICE", "PRIVMSG", "JOIN", "MODE", "PART", "QUIT", "NICK", "PING", "PONG", "CAP",
                "TOPIC", "KICK",
            ],
        );
        // the colon, two blanks, three digits or a word
        return (numeric || known).then(|| {
            let own = numeric && (behind.contains(&b':') || word.contains(&b'.'));
            let own = own || (known && behind.contains(&b':'));
            Said::new(len, Role::Server, 8.0 + 12.0 + 20.0, fact).owned_if(own)
        });
    }
    let users = arguments.splitn(4, |byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    let own = match word {
        b"USER" => users == 4,
        b"CAP" => is_one_of(first_word(arguments).0, &["LS", "REQ", "END", "LIST"]),
        b"NOTICE" => arguments.starts_with(b"AUTH :") || arguments.starts_with(b"* :"),
        b"PRIVMSG" => arguments.contains(&b':'),
        b"JOIN" => arguments.starts_with(b"#") || arguments.starts_with(b"&"),
        b"NICK" | b"PASS" | b"PING" | b"PONG" | b"MODE" | b"QUIT" | b"WHO" | b"USERHOST"
        | b"PART"
            if !arguments.is_empty() =>
        {
            false
        }
        b"ERROR" if arguments.starts_with(b":") => arguments.starts_with(b":Closing Link"),
        _ => return None,
    };
    let role = if matches!(word, b"NOTICE" | b"ERROR") {
        Role::Server
    } else if matches!(word, b"PING" | b"PONG") {
        Role::Either
    } else {
        Role::Client
    };
    Some(Said::new(len, role, 40.0, fact).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn logins_and_welcomes_are_named() {
        let talk = Talk::tcp()
            .b(":irc.example NOTICE * :*** Looking up your hostname\r\n")
            .a("NICK joe\r\nUSER joe 0 * :Joe\r\n")
            .b(":irc.example 001 joe :Welcome\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a("CAP LS 302\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // FTP and POP3, Redis, NATS, a sentence
        Talk::tcp().a("USER joe\r\nPASS x\r\n").b("+OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("PING\r\n").b("PONG\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(":1000\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("JOIN us\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("NOTICE: this system is monitored\r\n").refused_by(&DETECTOR);
    }
}
