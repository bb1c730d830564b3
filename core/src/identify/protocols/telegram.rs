//! Telegram's MTProto transports (core.telegram.org/mtproto/mtproto-transports), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "telegram",
    title: "Telegram (MTProto transports)",
    reference: "core.telegram.org/mtproto/mtproto-transports, description, samples-auth_key",
    rests_on: "A transport's mark and an unencrypted message of the key exchange in it.",
    blind_spots: "Obfuscated transports, which today's clients use, look like random bytes.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[0xef, 0xee])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [0xef, ..] => from_header(bytes, 26, |bytes| telegram(rest(bytes, 1), 1)),
            [0xee, 0xee, 0xee, 0xee, ..] => {
                from_header(bytes, 32, |bytes| telegram(rest(bytes, 4), 4))
            }
            [0xee, ..] if bytes.len() < 4 => Err(Short),
            _ => Err(Not),
        })
    }),
};

/// `length(1, in words | 4) key(8, zero) message(8) length(4) constructor(4) ...`
fn telegram(bytes: &[u8], mark: usize) -> Option<Said> {
    let (at, len) = if mark == 1 {
        (1, usize::from(u8_at(bytes, 0).filter(|words| *words < 0x7f)?).saturating_mul(4))
    } else {
        (4, index(le32(bytes, 0)?))
    };
    let inner = index(le32(bytes, at + 16)?);
    // req_pq, req_pq_multi
    let asks = matches!(le32(bytes, at + 20)?, 0x6046_9778 | 0xbe7e_8ef1);
    let fits = le64(bytes, at)? == 0 && inner.checked_add(20)? == len && asks;
    let (total, bits) = (len.saturating_add(at).saturating_add(mark), 8.0 + 64.0 + 24.0 + 31.0);
    fits.then(|| Said::new(total, Role::Client, bits, "MTProto key exchange"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        let exchange = hex("ef 0a 0000000000000000 0102030405060708 14000000 f18e7ebe \
             000102030405060708090a0b0c0d0e0f");
        Talk::tcp().a(exchange).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(
                    "ef 0a 0000000000000000 0102030405060708 15000000 f18e7ebe 000102030405060708090a0b0c0d0e0f",
                )).refused_by(&DETECTOR);
    }
}
