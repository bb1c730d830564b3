//! WhatsApp's transport in Noise (WhatsApp Encryption Overview, Transport security), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "whatsapp",
    title: "WhatsApp (Noise)",
    reference: "WhatsApp Encryption Overview, Transport security; the frame as open clients document it",
    rests_on: "The prologue WA with its version, and a frame of three bytes of length; both sides' \
               frames are followed.",
    blind_spots: "A connection captured after its start.",
    bits: 30.0,
    openings: Openings::Known(&[one_of(b"WE\0\x80")]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [b'E', b'D', 0, 1, ..] => from_header(bytes, 7, |bytes| {
                // The edge routing comes first where the client knows it.
                let len = index(be24(bytes, 4)?);
                let total = len.saturating_add(7);
                (1..=64)
                    .contains(&len)
                    .then(|| Said::new(total, Role::Client, 32.0 + 18.0, "WhatsApp routing"))
            }),
            [b'W', b'A', ..] => from_header(bytes, 7, whatsapp),
            // The upper bits were flags, with the old frames.
            [0 | 0x80, ..] => from_header(bytes, 3, |bytes| {
                let len = index(be24(bytes, 0)? & 0x000f_ffff);
                let fits = (3..=1 << 14).contains(&len);
                let len = len.saturating_add(3);
                fits.then(|| Said::new(len, Role::Either, 8.0, "WhatsApp frame").shared())
            }),
            [] | [b'W' | b'E'] | [b'E', b'D'] | [b'E', b'D', 0] => Err(Short),
            _ => Err(Not),
        })
    }),
};

fn whatsapp(bytes: &[u8]) -> Option<Said> {
    let [_, _, major, minor] = array::<4>(bytes, 0)?;
    let len = index(be24(bytes, 4)?);
    let inner = rest(bytes, 7);
    let fits = match (major, inner) {
        // Until 2021: the stream's start, a list in tokens of XMPP.
        (1, [0xf8, ..]) => (2..=6).contains(&minor) && (8..=1024).contains(&len),
        // A client's hello has an ephemeral key of 32 bytes in protobuf.
        (2..=7, [0x12, size, ..]) => {
            minor <= 5 && (36..=2048).contains(&len) && usize::from(*size) <= len
        }
        (1..=7, []) => minor <= 6 && (8..=2048).contains(&len),
        (_, _) => false,
    };
    let fact = || format!("WhatsApp prologue {major}.{minor}");
    fits.then(|| Said::new(len.saturating_add(7), Role::Client, 16.0 + 5.6 + 5.4 + 13.0, fact()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let hello = [b"WA".to_vec(), hex("06 03 000024 12 22 0a 20"), vec![7; 32]].concat();
        Talk::tcp().a(hello).b([hex("000020"), vec![9; 32]].concat()).named_by(&DETECTOR);
        Talk::tcp()
            .a(hex("574101 05 000017 f80501 a59189fc0f416e64726f69642d322e31322e3834"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [
            b"WATER is wet and other short sentences.........".to_vec(),
            hex("000020 0102030405"),
            hex("574101 09 000017 f80501 a59189fc0f416e64726f6964"),
        ] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
