//! memcached's text and binary protocols, over TCP; over UDP behind a header of eight bytes.
//!
//! ```text
//!  text    get key CRLF   set key flags time length CRLF bytes CRLF   stats CRLF
//!          VALUE key flags length CRLF bytes CRLF END CRLF   STORED CRLF   STAT name value CRLF
//!  binary  80|81 opcode key_length(2) extras_length 0 vbucket|status(2) body_length(4) opaque(4) cas(8)
//!  UDP     request(2) number(2) count(2) 0(2)  text or binary
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "memcached",
    title: "memcached",
    reference: "memcached protocol.txt and protocol-binary.txt (github.com/memcached/memcached)",
    rests_on: "A command line with as many arguments as it takes, an answer's line, or a binary header \
               whose lengths fit each other.",
    blind_spots: "`get` and `stats` alone are taken for memcached's only with an answer to them.",
    bits: 28.0,
    openings: Openings::Known(&[
        one_of(b"CDENOSTVacdfgimpqrstv\x80\x81").tcp(),
        // Opcodes, or letters.
        mixed(&[(0, 0x48)], b"KLNORTadelnoprstu").at(1).tcp(),
        one_of(b"\0\r ADILORTUacdeilprstu").at(2).tcp(),
        within(&[(0, 5)]).at(2).udp(),
        within(&[(0, 5)]).at(4).udp(),
        one_of(&[0]).at(6).udp(),
        one_of(&[0]).at(7).udp(),
        one_of(b"CDENOSTVacdfgimpqrstv\x80\x81").at(8).udp(),
        mixed(&[(0, 0x48)], b"KLNORTadelnoprstu").at(9).udp(),
        one_of(b"\0\r ADILORTUacdeilprstu").at(10).required().udp(),
    ]),
    asks: over_both(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_messages(view, read, |datagram| {
        let bytes = datagram.bytes;
        let framed = be16(bytes, 6) == Some(0)
            && be16(bytes, 2) < be16(bytes, 4)
            && be16(bytes, 4) <= Some(1400);
        framed.then_some(())?;
        // A datagram holds one command, or a part of an answer.
        Some(read(rest(bytes, 8), true).ok()?.filling(datagram))
    })
}

fn read(bytes: &[u8], complete: bool) -> SideMatch<Said> {
    if matches!(bytes.first(), Some(0x80 | 0x81)) {
        return from_header(bytes, 24, binary);
    }
    let found = line(bytes, complete)?;
    let ends = prefix(bytes, found.len).ends_with(b"\r\n");
    ends.then(|| text(bytes, found.text, found.len)).flatten().ok_or(Not)
}

fn text(bytes: &[u8], text: &[u8], len: usize) -> Option<Said> {
    let (word, rest_of) = first_word(text);
    let words: Vec<&[u8]> =
        rest_of.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let counts = |from: usize, to: usize| {
        words.get(from..to).is_some_and(|words| words.iter().all(|word| is_number(word, 12)))
    };
    let client = |own| (Role::Client, own);
    let server = |own| (Role::Server, own);
    let (role, own) = match word {
        b"get" | b"gets" if !words.is_empty() => client(false),
        b"gat" | b"gats" if counts(0, 1) => client(false),
        b"set" | b"add" | b"replace" | b"append" | b"prepend"
            if counts(1, 4) && words.len() <= 5 =>
        {
            client(true)
        }
        b"cas" if counts(1, 5) => client(true),
        b"incr" | b"decr" | b"touch" if counts(1, 2) => client(true),
        b"delete" if (1..=3).contains(&words.len()) => client(false),
        b"stats" | b"version" | b"flush_all" | b"verbosity" | b"quit" | b"mn" => client(false),
        b"VALUE" if counts(1, 3) && words.len() <= 4 => server(true),
        b"STAT" if words.len() >= 2 => server(true),
        b"VERSION" if words.len() == 1 => server(true),
        b"STORED" | b"NOT_STORED" | b"NOT_FOUND" | b"DELETED" | b"TOUCHED" if words.is_empty() => {
            server(true)
        }
        b"END" | b"OK" | b"ERROR" | b"EXISTS" | b"RESET" if words.is_empty() => server(false),
        // Meta commands and their answers (protocol.txt, section Meta Commands); a number that was counted.
        b"mg" | b"md" | b"ma" | b"me" if !words.is_empty() => client(false),
        b"ms" if counts(1, 2) => client(true),
        b"HD" | b"EN" | b"NF" | b"NS" | b"EX" | b"MN" | b"ME" => server(false),
        b"VA" if counts(0, 1) => server(false),
        number if words.is_empty() && is_number(number, 20) => server(false),
        b"CLIENT_ERROR" | b"SERVER_ERROR" if !words.is_empty() => server(true),
        _ => return None,
    };
    // Bytes follow, as many as the line says.
    let size = match word {
        b"set" | b"add" | b"replace" | b"append" | b"prepend" | b"cas" => words.get(3),
        b"VALUE" => words.get(2),
        b"ms" => words.get(1),
        b"VA" => words.first(),
        _ => None,
    };
    let size = size.and_then(|size| number(size)).map(|size| index(size).saturating_add(2));
    let total = len.saturating_add(size.unwrap_or(0));
    if bytes.len() >= total && size.is_some() && !prefix(bytes, total).ends_with(b"\r\n") {
        return None;
    }
    let fact = format!("memcached {}", from_wire(prefix(text, 60)));
    // three letters, the line's end; numbers
    Some(Said::new(total, role, 24.0 + 16.0, fact).owned_if(own))
}

/// protocol-binary.txt: magic, an opcode, and lengths that fit each other.
fn binary(bytes: &[u8]) -> Option<Said> {
    let request = u8_at(bytes, 0)? == 0x80;
    let opcode = u8_at(bytes, 1)?;
    let key = usize::from(be16(bytes, 2)?);
    let extras = usize::from(u8_at(bytes, 4)?);
    let body = index(be32(bytes, 8)?);
    let status = be16(bytes, 6)?;
    let fits = opcode <= 0x48
        && u8_at(bytes, 5)? == 0
        && key <= 250
        && extras <= 20
        && key.saturating_add(extras) <= body
        && body <= 1 << 24
        && (request || status <= 0x86);
    if !fits {
        return None;
    }
    let role = if request { Role::Client } else { Role::Server };
    // magic, opcode, data type, key, extras, upper body length; the answer's status
    let bits = 8.0 + 1.8 + 8.0 + 8.0 + 3.6 + 8.0 + if request { 0.0 } else { 8.9 };
    let fact = format!("memcached opcode 0x{opcode:02x}");
    Some(Said::new(body.saturating_add(24), role, bits, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn text_is_named() {
        let talk = Talk::tcp()
            .a("set k 0 60 5\r\nhello\r\n")
            .b("STORED\r\n")
            .a("get k\r\n")
            .b("VALUE k 0 5\r\nhello\r\nEND\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::tcp().a("stats\r\n").b("STAT pid 1\r\nSTAT uptime 5\r\nEND\r\n").named_by(&DETECTOR);
    }

    #[test]
    fn binary_and_udp_are_named() {
        let get = hex("80 00 0001 00 00 0000 00000001 00000000 0000000000000000 6b");
        let none = hex("81 00 0000 00 00 0001 00000000 00000000 0000000000000000");
        Talk::tcp().a(get).b(none).named_by(&DETECTOR);
        let framed = [hex("1234 0000 0001 0000"), b"VALUE k 0 1\r\nx\r\nEND\r\n".to_vec()].concat();
        Talk::udp().b(framed).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("get k\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("quit\r\n").b("OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("set the table\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("set k 0 60 5\nhello\n").refused_by(&DETECTOR);
        // Thrift's strict header, RTP
        Talk::tcp()
            .a(hex("8001 0001 00000004 70696e67 00000000 00000000 00000000"))
            .refused_by(&DETECTOR);
        Talk::udp()
            .a(hex("8000 1234 00000000 00000000 00000000 0000 0000 0000 0000"))
            .refused_by(&DETECTOR);
        Talk::udp().a(hex("1234 0000 0001 0000 616263")).refused_by(&DETECTOR);
    }
}
