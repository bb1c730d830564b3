//! MongoDB's wire protocol, over TCP.
//!
//! ```text
//!  length(4) request(4) response_to(4) opcode(4)       all little-endian
//!  OP_MSG 2013     flags(4)  { kind(1) document | kind 1 size(4) name documents }
//!  OP_QUERY 2004   flags(4) collection NUL skip(4) return(4) document
//!  OP_REPLY 1      flags(4) cursor(8) start(4) count(4) documents
//!  document        length(4) { type(1) name NUL value } 00
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mongodb",
    title: "MongoDB",
    reference: "MongoDB documentation, MongoDB Wire Protocol; BSON specification 1.1",
    rests_on: "The header with an operation code, and a BSON document whose length fits the message's.",
    blind_spots: "Other databases speak it too (DocumentDB, FerretDB).",
    bits: 48.0,
    openings: Openings::Known(&[
        within(&[(0, 2)]).at(3),
        one_of(&[1, 0xd1, 0xd2, 0xd4, 0xd5, 0xd6, 0xd7, 0xdc, 0xdd]).at(12),
        one_of(&[0, 7]).at(13),
        one_of(&[0]).at(14),
        one_of(&[0]).at(15),
    ]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, HEADER + 14, message))),
};

const HEADER: usize = 16;

/// The server's maxMessageSizeBytes.
const MESSAGE_BYTES_MAX: usize = 48_000_000;

fn message(bytes: &[u8]) -> Option<Said> {
    let len = index(le32(bytes, 0)?);
    if !(HEADER..=MESSAGE_BYTES_MAX).contains(&len) {
        return None;
    }
    let body = prefix(rest(bytes, HEADER), len - HEADER);
    let left = len - HEADER;
    let answers = le32(bytes, 8)? != 0;
    let role = if answers { Role::Server } else { Role::Client };
    let said = |role, what: &str, name: &[u8]| {
        let fact = format!("MongoDB {what} {}", from_wire(name));
        // length, operation code, the document's length and first element
        Some(Said::new(len, role, 6.0 + 29.0 + 8.0 + 5.0, fact))
    };
    match le32(bytes, 12)? {
        2013 => {
            // Bits 0, 1 and 16 are known, the others of the lower half must be zero.
            let flags = le32(body, 0)?;
            let kind = u8_at(body, 4)?;
            if flags & 0xfffc != 0 || kind > 1 {
                return None;
            }
            let name =
                if kind == 0 { document(rest(body, 5), left.saturating_sub(5))? } else { b"" };
            said(role, "OP_MSG", name)
        }
        2004 => {
            let text = rest(body, 4);
            let end = prefix(text, 120).iter().position(|byte| *byte == 0)?;
            let name = prefix(text, end);
            let plain = name.contains(&b'.') && name.iter().all(|byte| *byte > b' ');
            let at = end.saturating_add(4 + 1 + 8);
            document(rest(body, at), left.saturating_sub(at))?;
            if plain { said(Role::Client, "OP_QUERY", name) } else { None }
        }
        1 if left >= 20 => {
            let some = le32(body, 16)? > 0;
            if some {
                document(rest(body, 20), left - 20)?;
            }
            said(Role::Server, "OP_REPLY", b"").map(|said| said.owned_if(some && answers))
        }
        2012 => {
            // the original operation code, and a known compressor
            let known = matches!(le32(body, 0)?, 1 | 2001..=2007 | 2013) && u8_at(body, 8)? <= 3;
            if known { said(role, "OP_COMPRESSED", b"") } else { None }
        }
        2001 | 2002 | 2005 | 2006 | 2007 if le32(body, 0)? == 0 => {
            said(Role::Client, "operation", b"")
        }
        _ => None,
    }
}

/// The name of a document's first element.
fn document(bytes: &[u8], left: usize) -> Option<&[u8]> {
    let len = index(le32(bytes, 0)?);
    let kind = u8_at(bytes, 4)?;
    if len < 5 || len > left || !matches!(kind, 0..=0x13 | 0x7f | 0xff) || (kind == 0) != (len == 5)
    {
        return None;
    }
    let name = rest(bytes, 5);
    let end = prefix(name, 64).iter().position(|byte| *byte == 0);
    Some(prefix(name, end.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn op_msg(to: u8, name: &str) -> Vec<u8> {
        let document = [&[0x10_u8], name.as_bytes(), &[0, 1, 0, 0, 0, 0]].concat();
        let size = u8::try_from(document.len() + 4).unwrap();
        let header = [size + 21, 0, 0, 0, 7, 0, 0, 0, to, 0, 0, 0, 0xdd, 7, 0, 0, 0, 0, 0, 0, 0];
        [&header[..], &[size, 0, 0, 0], &document].concat()
    }

    #[test]
    fn messages_are_named() {
        let talk = Talk::tcp().a(op_msg(0, "hello")).b(op_msg(7, "ok"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn the_old_query_is_named() {
        let document = hex("13000000 10 69736d617374657200 01000000 00");
        let body = [hex("00000000"), b"admin.$cmd\0".to_vec(), hex("00000000 ffffffff"), document]
            .concat();
        let header = hex("3a000000 01000000 00000000 d4070000");
        Talk::tcp().a([header, body].concat()).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut opcode = op_msg(0, "hello");
        opcode[12] = 0;
        Talk::tcp().a(opcode).refused_by(&DETECTOR);
        let mut size = op_msg(0, "hello");
        size[21] = 200;
        Talk::tcp().a(size).refused_by(&DETECTOR);
        let mut flags = op_msg(0, "hello");
        flags[17] = 1;
        Talk::tcp().a(flags).refused_by(&DETECTOR);
        Talk::tcp().a([0; 64]).refused_by(&DETECTOR);
    }
}
