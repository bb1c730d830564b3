//! Frames of a few more services, one header each: Lustre's network, IBM's DRDA, Elasticsearch between
//! nodes, WhatsApp's and Telegram's transports, ICAP and rlogin.

use crate::identify::lines::{first_word, is_number, line};
use crate::identify::messages::{Message, from_header, match_stream};
use crate::identify::side_match::{Role, SideMatch};
use crate::identify::{Detector, Over};
use crate::wire::{array, be16, be24, be32, from_wire, index, le32, le64, prefix, rest, u8_at};

pub(super) static LUSTRE: Detector = Detector {
    id: "lustre",
    title: "Lustre (LNet over sockets)",
    reference: "Lustre source, lnet/include/uapi/linux/lnet/lnet-types.h and socklnd.h",
    over: Over::Tcp,
    rests_on: "The acceptor's or the hello's magic with a version, or a message's type with two network \
               ids of the socket driver.",
    blind_spots: "Bulk data in the middle.",
    bits: 50.0,
    probe: |view| match_stream(view, LUSTRE.id, |bytes, _| from_header(bytes, 16, lustre)),
};

fn lustre(bytes: &[u8]) -> Option<Message> {
    let version = le32(bytes, 4)?;
    match le32(bytes, 0)? {
        // LNET_PROTO_ACCEPTOR_MAGIC: magic, version, nid
        0xacce_7100 => (version <= 2)
            .then(|| Message::new(16, Role::Client, 32.0 + 30.0, "LNet connection request")),
        // LNET_PROTO_MAGIC and LNET_PROTO_TCP_MAGIC: a hello, whose end its own count tells
        0x4572_6963 | 0xeebc_0ded => (version & 0xffff <= 8)
            .then(|| Message::new(bytes.len(), Role::Either, 31.0 + 20.0, "LNet hello")),
        // KSOCK_MSG_NOOP: type, checksum, two cookies
        0xc0 => Some(Message::new(24, Role::Either, 32.0, "LNet keep-alive").shared()),
        0xc1 => {
            // destination and source: address, then a network of type 2
            let networks =
                [28, 36].iter().all(|at| le32(bytes, *at).is_some_and(|net| net >> 16 == 2));
            let (kind, len) = (le32(bytes, 48)?, index(le32(bytes, 52)?));
            (networks && kind <= 4 && len <= 1 << 21).then(|| {
                Message::new(
                    len.saturating_add(24 + 72),
                    Role::Either,
                    32.0 + 32.0 + 29.0,
                    "LNet message",
                )
            })
        }
        _ => None,
    }
}

pub(super) static DRDA: Detector = Detector {
    id: "drda",
    title: "DRDA (Db2, Derby, Informix)",
    reference: "Open Group DRDA version 5, volume 3 (DDM), section DSS",
    over: Over::Tcp,
    rests_on: "Data stream structures: a length, d0, a format and a DDM object whose length fits.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 34.0,
    probe: |view| {
        match_stream(view, DRDA.id, |bytes, _| match bytes.get(2) {
            Some(0xd0) => from_header(bytes, 10, drda),
            Some(_) => SideMatch::Mismatch,
            None => SideMatch::Incomplete,
        })
    },
};

fn drda(bytes: &[u8]) -> Option<Message> {
    let [_, _, 0xd0, format] = array::<4>(bytes, 0)? else { return None };
    let (len, inner, point) =
        (usize::from(be16(bytes, 0)?), usize::from(be16(bytes, 6)?), be16(bytes, 8)?);
    let role = match format & 0x0f {
        1 | 5 => Role::Client,
        2 => Role::Server,
        3 => Role::Either,
        _ => return None,
    };
    // Objects of a single structure fill it.
    let fits = format & 0x80 == 0
        && len >= 10
        && inner.checked_add(6)? == len
        && (0x0010..=0x2500).contains(&point);
    fits.then(|| {
        Message::new(len, role, 8.0 + 3.0 + 16.0 + 3.0 + 6.0, format!("DRDA object 0x{point:04x}"))
    })
}

pub(super) static ELASTICSEARCH: Detector = Detector {
    id: "elasticsearch",
    title: "Elasticsearch (between nodes)",
    reference: "Elasticsearch source, org.elasticsearch.transport.TcpHeader",
    over: Over::Tcp,
    rests_on: "The header ES with a length, a status and a version.",
    blind_spots: "What clients speak is HTTP.",
    bits: 40.0,
    probe: |view| {
        match_stream(view, ELASTICSEARCH.id, |bytes, _| match bytes {
            [b'E', b'S', ..] => from_header(bytes, 19, elasticsearch),
            [] | [b'E'] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn elasticsearch(bytes: &[u8]) -> Option<Message> {
    let (len, status, version) = (be32(bytes, 2)?, u8_at(bytes, 14)?, be32(bytes, 15)?);
    // A ping has the length -1 and nothing else; versions are 1000099 and more.
    let fits = (13..1 << 30).contains(&len)
        && status <= 0x0f
        && (1_000_000..20_000_000).contains(&version);
    let role = if status & 1 == 0 { Role::Client } else { Role::Server };
    let fact = format!("Elasticsearch transport, version {version}");
    fits.then(|| {
        Message::new(index(len).saturating_add(6), role, 16.0 + 2.0 + 4.0 + 7.8 + 12.0, fact)
    })
}

pub(super) static WHATSAPP: Detector = Detector {
    id: "whatsapp",
    title: "WhatsApp (Noise)",
    reference: "WhatsApp Encryption Overview, Transport security; the frame as open clients document it",
    over: Over::Tcp,
    rests_on: "The prologue WA with its version, and a frame of three bytes of length; both sides' \
               frames are followed.",
    blind_spots: "A connection captured after its start.",
    bits: 30.0,
    probe: |view| {
        match_stream(view, WHATSAPP.id, |bytes, _| match bytes {
            [b'E', b'D', 0, 1, ..] => from_header(bytes, 7, |bytes| {
                // The edge routing comes first where the client knows it.
                let len = index(be24(bytes, 4)?);
                (1..=64).contains(&len).then(|| {
                    Message::new(
                        len.saturating_add(7),
                        Role::Client,
                        32.0 + 18.0,
                        "WhatsApp routing",
                    )
                })
            }),
            [b'W', b'A', ..] => from_header(bytes, 7, whatsapp),
            // The upper bits were flags, with the old frames.
            [0 | 0x80, ..] => from_header(bytes, 3, |bytes| {
                let len = index(be24(bytes, 0)? & 0x000f_ffff);
                let fits = (3..=1 << 14).contains(&len);
                fits.then(|| {
                    Message::new(len.saturating_add(3), Role::Either, 8.0, "WhatsApp frame")
                        .shared()
                })
            }),
            [] | [b'W' | b'E'] | [b'E', b'D'] | [b'E', b'D', 0] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn whatsapp(bytes: &[u8]) -> Option<Message> {
    let [_, _, major, minor] = array::<4>(bytes, 0)?;
    let len = index(be24(bytes, 4)?);
    let inner = rest(bytes, 7);
    let fits = match (major, inner) {
        // Until 2021: the stream's start, a list in tokens of XMPP.
        (1, [0xf8, ..]) => (2..=6).contains(&minor) && (8..=1024).contains(&len),
        // A client's hello has an ephemeral key of 32 bytes in protobuf.
        (4..=7, [0x12, size, ..]) => {
            minor <= 5 && (36..=2048).contains(&len) && usize::from(*size) <= len
        }
        (1 | 4..=7, []) => minor <= 6 && (8..=2048).contains(&len),
        (_, _) => false,
    };
    let fact = format!("WhatsApp prologue {major}.{minor}");
    fits.then(|| Message::new(len.saturating_add(7), Role::Client, 16.0 + 5.6 + 5.4 + 13.0, fact))
}

pub(super) static TELEGRAM: Detector = Detector {
    id: "telegram",
    title: "Telegram (MTProto transports)",
    reference: "core.telegram.org/mtproto/mtproto-transports, description, samples-auth_key",
    over: Over::Tcp,
    rests_on: "A transport's mark and an unencrypted message of the key exchange in it.",
    blind_spots: "Obfuscated transports, which today's clients use, look like random bytes.",
    bits: 60.0,
    probe: |view| {
        match_stream(view, TELEGRAM.id, |bytes, _| match bytes {
            [0xef, ..] => from_header(bytes, 26, |bytes| telegram(rest(bytes, 1), 1)),
            [0xee, 0xee, 0xee, 0xee, ..] => {
                from_header(bytes, 32, |bytes| telegram(rest(bytes, 4), 4))
            }
            [0xee, ..] if bytes.len() < 4 => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

/// `length(1, in words | 4) key(8, zero) message(8) length(4) constructor(4) ...`
fn telegram(bytes: &[u8], mark: usize) -> Option<Message> {
    let (at, len) = if mark == 1 {
        (1, usize::from(u8_at(bytes, 0).filter(|words| *words < 0x7f)?).saturating_mul(4))
    } else {
        (4, index(le32(bytes, 0)?))
    };
    let inner = index(le32(bytes, at + 16)?);
    // req_pq, req_pq_multi
    let asks = matches!(le32(bytes, at + 20)?, 0x6046_9778 | 0xbe7e_8ef1);
    let fits = le64(bytes, at)? == 0 && inner.checked_add(20)? == len && asks;
    fits.then(|| {
        Message::new(
            len.saturating_add(at).saturating_add(mark),
            Role::Client,
            8.0 + 64.0 + 24.0 + 31.0,
            "MTProto key exchange",
        )
    })
}

pub(super) static ICAP: Detector = Detector {
    id: "icap",
    title: "ICAP",
    reference: "RFC 3507 section 4.3",
    over: Over::Tcp,
    rests_on: "A request line or a status line that says ICAP/1.0.",
    blind_spots: "The HTTP messages inside are not looked at.",
    bits: 64.0,
    probe: |view| {
        match_stream(view, ICAP.id, |bytes, complete| {
            line(bytes, complete).and_then(|found| {
                icap(found.text).map(|(role, name)| Message::new(bytes.len(), role, 80.0, name))
            })
        })
    },
};

fn icap(text: &[u8]) -> Option<(Role, String)> {
    let fact = format!("ICAP: {}", from_wire(prefix(text, 80)));
    if let Some(status) = text.strip_prefix(b"ICAP/1.0 ") {
        return is_number(first_word(status).0, 3).then_some((Role::Server, fact));
    }
    let (method, behind) = first_word(text);
    let known = matches!(method, b"REQMOD" | b"RESPMOD" | b"OPTIONS");
    (known && behind.starts_with(b"icap://") && text.ends_with(b" ICAP/1.0"))
        .then_some((Role::Client, fact))
}

pub(super) static RLOGIN: Detector = Detector {
    id: "rlogin",
    title: "rlogin",
    reference: "RFC 1282",
    over: Over::Tcp,
    rests_on: "The client's start: a zero, two user names and a terminal with its speed, each ended by \
               a zero.",
    blind_spots: "The server's side alone; rsh and rexec are other protocols.",
    bits: 44.0,
    probe: |view| {
        match_stream(view, RLOGIN.id, |bytes, _| match bytes {
            [0, b'!'..=b'~', ..] => rlogin(bytes),
            // The server's consent
            [0] => SideMatch::Match(Message::new(1, Role::Server, 6.0, "rlogin accepted").shared()),
            [] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn rlogin(bytes: &[u8]) -> SideMatch<Message> {
    let front = prefix(rest(bytes, 1), 120);
    let words: Vec<&[u8]> = front.splitn(4, |byte| *byte == 0).collect();
    let [local, remote, terminal, _] = words.as_slice() else {
        let plain = front.iter().all(|byte| byte.is_ascii_graphic() || *byte == 0);
        return if plain && front.len() < 120 {
            SideMatch::Incomplete
        } else {
            SideMatch::Mismatch
        };
    };
    let name =
        |word: &[u8]| (1..=32).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    let slash = terminal.iter().position(|byte| *byte == b'/');
    let speed = slash.is_some_and(|at| is_number(rest(terminal, at.saturating_add(1)), 6));
    let fits = name(local) && name(remote) && name(terminal) && speed;
    let fact = format!("rlogin of {} as {}", from_wire(local), from_wire(remote));
    SideMatch::or_mismatch(
        fits.then(|| Message::new(bytes.len(), Role::Client, 32.0 + 8.0 + 8.0, fact)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        let lnet = [hex("c1000000 00000000 0000000000000000 0000000000000000 0500000a 00000200 0900000a 00000200 39300000 39300000 01000000 00000000"), vec![0; 40]].concat();
        for (detector, client, server) in [
            (&LUSTRE, hex("0071ceac 01000000 0500000a 00000200"), lnet),
            (
                &DRDA,
                hex("0014 d0 41 0001 000e 1041 000a 115e 84828a"),
                hex("0014 d0 42 0001 000e 1443 000a 115e 84828a"),
            ),
            (
                &ELASTICSEARCH,
                [b"ES".to_vec(), hex("00000020 0000000000000001 00 006acfc3 00000000")].concat(),
                [b"ES".to_vec(), hex("00000020 0000000000000001 01 006acfc3 00000000")].concat(),
            ),
            (
                &ICAP,
                b"OPTIONS icap://a.example/x ICAP/1.0\r\n".to_vec(),
                b"ICAP/1.0 200 OK\r\n".to_vec(),
            ),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            assert_eq!(talk.named_by(detector).spoken_by, [true; 2]);
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        let hello = [b"WA".to_vec(), hex("06 03 000024 12 22 0a 20"), vec![7; 32]].concat();
        Talk::tcp().a(hello).b([hex("000020"), vec![9; 32]].concat()).named_by(&WHATSAPP);
        Talk::tcp()
            .a(hex("574101 05 000017 f80501 a59189fc0f416e64726f69642d322e31322e3834"))
            .named_by(&WHATSAPP);
        let exchange = hex(
            "ef 0a 0000000000000000 0102030405060708 14000000 f18e7ebe 000102030405060708090a0b0c0d0e0f",
        );
        Talk::tcp().a(exchange).named_by(&TELEGRAM);
        Talk::tcp().a(b"\0joe\0joe\0xterm/38400\0").b([0]).named_by(&RLOGIN);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (detector, stranger) in [
            (
                &LUSTRE,
                hex(
                    "c1000000 00000000 0000000000000000 0000000000000000 0500000a 00000300 0900000a 00000200 39300000 39300000 01000000 00000000",
                ),
            ),
            (&LUSTRE, hex("c0000000 00000000 0000000000000000 0000000000000000")),
            (&DRDA, hex("0014 d0 41 0001 000f 1041 000a 115e 84828a")),
            (&ELASTICSEARCH, b"ESMTP is spoken here, not what you seek".to_vec()),
            (&WHATSAPP, b"WATER is wet and other short sentences.........".to_vec()),
            (&WHATSAPP, hex("000020 0102030405")),
            (&WHATSAPP, hex("574101 09 000017 f80501 a59189fc0f416e64726f6964")),
            (
                &TELEGRAM,
                hex(
                    "ef 0a 0000000000000000 0102030405060708 15000000 f18e7ebe 000102030405060708090a0b0c0d0e0f",
                ),
            ),
            (&ICAP, b"OPTIONS * HTTP/1.0\r\n".to_vec()),
            (&RLOGIN, b"\0joe\0joe\0xterm\0".to_vec()),
        ] {
            Talk::tcp().a(stranger).refused_by(detector);
        }
    }
}
