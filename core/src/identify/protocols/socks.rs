//! SOCKS 4, 4a and 5, over TCP.
//!
//! ```text
//!  5  client  05 count methods           server  05 method              RFC 1928 section 3
//!             05 command 00 address port         05 reply 00 address port       sections 4 and 6
//!  4  client  04 command port(2) address(4) user NUL [name NUL]   server  00 5a..5d port(2) address(4)
//! ```
//!
//! What is asked for goes on inside, behind the server's consent.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "socks",
    title: "SOCKS",
    reference: "RFC 1928, RFC 1929; SOCKS 4 and 4A protocol descriptions",
    rests_on: "The client's greeting and the server's choice from it, then a request and a reply with \
               whole addresses.",
    blind_spots: "A greeting that is answered and followed by nothing: three bytes prove too little. A \
                  connection captured without its start.",
    bits: 30.0,
    openings: Openings::Known(&[one_of(&[0, 4, 5])]),
    asks: over_tcp(probe),
};

/// How far a side was read.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    bits: f32,
    len: usize,
    /// Everything that belongs to SOCKS was there.
    done: bool,
    version: u8,
}

impl Read {
    fn add(mut self, bits: f32, cursor: &Cursor<'_>) -> Self {
        self.bits += bits;
        self.len = cursor.position();
        self
    }
}

type Reader = fn(&[u8]) -> SideMatch<Read>;

/// The client's and the server's words of each version.
const VERSIONS: [(Reader, Reader); 2] = [(client5, server5), (client4, server4)];

fn probe(view: &FlowView<'_>) -> Probe {
    let complete = view.each().all(|(_, head)| head.complete);
    let mut wait = false;
    for client in Side::BOTH {
        for (asks, answers) in VERSIONS {
            let (asked, answered) = (view.side(client), view.side(client.other()));
            let matched = [asks(asked.stream), answers(answered.stream)];
            let said = match matched {
                [Err(Not), _] | [_, Err(Not)] => continue,
                [asked, answered] => [asked.ok(), answered.ok()],
            };
            if said.iter().flatten().map(|read| read.bits).sum::<f32>() >= DETECTOR.bits {
                return found(client, said);
            }
            wait = true;
        }
    }
    if wait && !complete { Probe::Wait } else { Probe::No }
}

fn found(client: Side, said: [Option<Read>; 2]) -> Probe {
    let [asked, answered] = said;
    let words = |read: Read, role, what: &str| {
        let fact = format!("SOCKS {} {what}", read.version);
        Said::at(role, read.bits, fact, Spot::stream(0, read.len))
    };
    let question = asked.map(|read| words(read, Role::Client, "request"));
    let answer = answered.map(|read| words(read, Role::Server, "answer"));
    let both = if client == Side::A { [question, answer] } else { [answer, question] };
    let lens = [asked, answered].map(|read| read.filter(|read| read.done).map(|read| read.len));
    carrying(yes(join(both)), |_| match (lens, client) {
        ([Some(asked), Some(answered)], Side::A) => Inside::StartsAt([asked, answered]),
        ([Some(asked), Some(answered)], Side::B) => Inside::StartsAt([answered, asked]),
        (_, _) => Inside::MayFollow,
    })
}

/// Methods: none, GSSAPI, user and password, and a few more that IANA lists.
fn client5(stream: &[u8]) -> SideMatch<Read> {
    let mut cursor = Cursor::new(stream);
    let (Some(version), Some(methods)) = (cursor.u8(), cursor.block8()) else {
        return short(stream, 5);
    };
    let known = methods.iter().all(|method| matches!(method, 0..=9 | 0x80..=0xfe));
    let distinct = methods.windows(2).all(|pair| matches!(pair, [a, b] if a != b));
    if version != 5 || methods.is_empty() || methods.len() > 10 || !known || !distinct {
        return Err(Not);
    }
    let mut read = Read { version: 5, ..Read::default() }.add(8.0 + 4.7 + 1.0, &cursor);
    read.bits += if methods.iter().all(|method| *method < 4) { 6.0 } else { 0.0 };
    // RFC 1929: 01 user password
    if cursor.rest().first() == Some(&1) {
        cursor.u8();
        let (Some(_), Some(_)) = (cursor.block8(), cursor.block8()) else {
            return Ok(read);
        };
        read = read.add(8.0, &cursor);
    }
    match address(&mut cursor, 1, 3) {
        Some(true) => Ok(Read { done: true, ..read.add(8.0 + 6.4 + 8.0 + 6.4, &cursor) }),
        Some(false) => Err(Not),
        None => Ok(read),
    }
}

fn server5(stream: &[u8]) -> SideMatch<Read> {
    let mut cursor = Cursor::new(stream);
    let (Some(version), Some(method)) = (cursor.u8(), cursor.u8()) else { return short(stream, 5) };
    if version != 5 || !matches!(method, 0..=9 | 0x80..=0xff) {
        return Err(Not);
    }
    let bits = 8.0 + if matches!(method, 0 | 2) { 7.0 } else { 0.8 };
    let mut read = Read { version: 5, ..Read::default() }.add(bits, &cursor);
    if let (2, &[1, status, ..]) = (method, cursor.rest()) {
        let _ = cursor.skip(2);
        read = read.add(if status == 0 { 14.0 } else { 8.0 }, &cursor);
    }
    match address(&mut cursor, 0, 8) {
        Some(true) => Ok(Read { done: true, ..read.add(8.0 + 4.8 + 8.0 + 6.4, &cursor) }),
        Some(false) => Err(Not),
        None => Ok(read),
    }
}

/// `05 code 00 type address port`: whether it is one, once it is there.
fn address(cursor: &mut Cursor<'_>, low: u8, high: u8) -> Option<bool> {
    let &[version, code, reserved, kind, ..] = cursor.rest() else { return None };
    let fits = version == 5 && (low..=high).contains(&code) && reserved == 0;
    if !fits || !matches!(kind, 1 | 3 | 4) {
        return Some(false);
    }
    cursor.skip(4)?;
    match kind {
        1 => cursor.skip(4)?,
        4 => cursor.skip(16)?,
        _ => {
            let name = cursor.block8()?;
            if !name.iter().all(u8::is_ascii_graphic) {
                return Some(false);
            }
        }
    }
    cursor.skip(2)?;
    Some(true)
}

fn client4(stream: &[u8]) -> SideMatch<Read> {
    let mut cursor = Cursor::new(stream);
    let (Some(version), Some(command)) = (cursor.u8(), cursor.u8()) else {
        return short(stream, 4);
    };
    if version != 4 || !matches!(command, 1 | 2) {
        return Err(Not);
    }
    let (Some(port), Some(host)) = (cursor.be16(), cursor.be32()) else { return short(stream, 4) };
    // SOCKS 4A: an address 0.0.0.x says that a name follows.
    let named = (1..=255).contains(&host);
    if port == 0 || (host >> 24 == 0 && !named) || host >> 24 >= 224 {
        return Err(Not);
    }
    let bits = 8.0 + 7.0 + 0.2;
    let mut read = Read { version: 4, ..Read::default() }.add(bits, &cursor);
    for text in 0..(if named { 2 } else { 1 }) {
        let Some(len) = cursor.rest().iter().take(255).position(|byte| *byte == 0) else {
            return Err(short_if(cursor.remaining() <= 255));
        };
        let word = cursor.take(len).unwrap_or_default();
        let _ = cursor.skip(1);
        let plain = word.iter().all(u8::is_ascii_graphic);
        if !plain || (text == 1 && word.is_empty()) {
            return Err(Not);
        }
        // The closing zero, and 1.4 bits for each letter.
        let letters = f32::from(u8::try_from(len.min(20)).unwrap_or(20));
        read = read.add(8.0 + 1.4 * letters, &cursor);
    }
    read.bits += if named { 16.0 } else { 0.0 };
    Ok(Read { done: true, ..read })
}

fn server4(stream: &[u8]) -> SideMatch<Read> {
    let mut cursor = Cursor::new(stream);
    let (Some(version), Some(code)) = (cursor.u8(), cursor.u8()) else { return short(stream, 0) };
    if version != 0 || !(0x5a..=0x5d).contains(&code) {
        return Err(Not);
    }
    if cursor.skip(6).is_none() {
        return Err(Short);
    }
    // Where it is refused nothing follows; else another protocol does.
    let read = Read { version: 4, done: code == 0x5a, ..Read::default() };
    Ok(read.add(8.0 + 6.0, &cursor))
}

fn short(stream: &[u8], version: u8) -> SideMatch<Read> {
    Err(short_if(stream.first().is_none_or(|first| *first == version)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn version_5_is_named_and_what_follows_starts_behind_it() {
        let talk = Talk::tcp()
            .a(hex("05 01 00"))
            .b(hex("05 00"))
            .a(hex("05 01 00 03 09 612e6578616d706c65 0050"))
            .b(hex("05 00 00 01 c0000201 1234"))
            .a("GET / HTTP/1.1\r\n\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.inside, Inside::StartsAt([19, 12]));
        let halves = Talk::tcp().a(hex("05 01 00 05 01 00 01 c0000201 0050"));
        halves.named_by(&DETECTOR);
        Talk::tcp().b(hex("05 02 01 00 05 00 00 01 00000000 0000")).named_by(&DETECTOR);
        Talk::tcp().a(hex("05 02 00 02")).b(hex("05 02")).named_by(&DETECTOR);
    }

    #[test]
    fn version_4_is_named() {
        let talk = Talk::tcp().a(hex("04 01 0050 c0000201 6a6f6500")).b(hex("00 5a 0050 c0000201"));
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([12, 8]));
        Talk::tcp().a(hex("04 01 0050 00000001 00 612e6578616d706c6500")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex("05 01 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("05 00 0b 03 10 000000 48000000 01000000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("05 01 00 05 07 00 01 c0000201 0050")).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("04 00 0000 05 00000000"))
            .b(hex("84 00 0000 02 00000000"))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex("04 01 0050 c0000201 00")).b("hello there").refused_by(&DETECTOR);
    }
}
