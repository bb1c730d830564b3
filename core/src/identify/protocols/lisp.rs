//! LISP's control messages (RFC 9301, RFC 6833), over UDP.
//!
//! ```text
//!  type(4) flags reserved ... records(8) | nonce(64) | register and notify: key(16) length(16) data
//!  record: TTL(32) locators mask action(3) A 0(12) 0(4) version(12) family(16) prefix
//!  encapsulated: 8 S 0(27) | an IP packet
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "lisp",
    title: "LISP control",
    reference: "RFC 9301 sections 5.2 to 5.8",
    rests_on: "A message type with its reserved bits, a small count of records, and the first record's \
               or the authentication's fields; or an IP packet in an encapsulated message.",
    blind_spots: "LISP's data, and requests without records.",
    bits: 40.0,
    openings: Openings::Known(&[
        mixed(&[(0x10, 0x1f), (0x30, 0x4f), (0x80, 0x8f)], b" \"$&(*,."),
        within(&[(0, 64)]).at(3).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let head = be32(bytes, 0)?;
    let records = head & 0xff;
    let nonce = be64(bytes, 4)?;
    let counted = (1..=64).contains(&records);
    let (role, bits, what) = match head >> 28 {
        // RFC 9301 section 5.2. RFC 6830 had more reserved bits; these are so in both.
        1 if head & 0x000f_8000 == 0 && counted && nonce != 0 => {
            (Role::Client, 5.0 + 2.0 + asked(bytes, head >> 8 & 0x1f)?, "Map-Request")
        }
        2 if head & 0x01ff_ff00 == 0 && counted => {
            (Role::Server, 17.0 + 2.0 + record(rest(bytes, 12))?, "Map-Reply")
        }
        3 if counted => (Role::Client, 2.0 + authenticated(bytes)?, "Map-Register"),
        4 if counted && head & 0x000f_ff00 == 0 => {
            (Role::Server, 14.0 + authenticated(bytes)?, "Map-Notify")
        }
        8 if head & 0x00ff_ffff == 0 => {
            let version = u8_at(bytes, 4)? >> 4;
            let len = usize::from(be16(bytes, if version == 4 { 6 } else { 8 })?);
            let size = if version == 4 { len } else { len.checked_add(40)? };
            let fits = matches!(version, 4 | 6) && size.checked_add(4)? == datagram.wire_len;
            fits.then_some((Role::Either, 24.0 + 3.0 + 16.0, "encapsulated control message"))?
        }
        _ => return None,
    };
    Some(Said::all(role, 4.0 + bits, format!("LISP {what}")))
}

/// Section 5.2: who asks, if that is said, its locators, one more than is counted, and the first record's
/// reserved byte, mask and family.
fn asked(bytes: &[u8], counted: u32) -> Option<f32> {
    let mut rest = behind_address(rest(bytes, 12), true)?;
    for _ in 0..=counted {
        rest = behind_address(rest, false)?;
    }
    let family = matches!(be16(rest, 2)?, 1 | 2 | 16_387);
    let fits = u8_at(rest, 0)? == 0 && u8_at(rest, 1)? <= 128 && family;
    // The first locator is all that is sure to be there.
    fits.then_some(14.0 + 15.0 + 8.0 + 1.0 + 14.0)
}

/// What follows an address of IPv4 or IPv6 (IANA's address families 1 and 2), or of none where that may be.
fn behind_address(bytes: &[u8], may_be_none: bool) -> Option<&[u8]> {
    let size = match be16(bytes, 0)? {
        0 if may_be_none => 2,
        1 => 2 + 4,
        2 => 2 + 16,
        _ => return None,
    };
    (bytes.len() >= size).then(|| rest(bytes, size))
}

/// Section 5.4: TTL below a month, locators, mask, reserved bits, version, family.
fn record(record: &[u8]) -> Option<f32> {
    let (ttl, locators, mask) = (be32(record, 0)?, u8_at(record, 4)?, u8_at(record, 5)?);
    let reserved = be16(record, 6)? & 0x0fff == 0 && be16(record, 8)? >> 12 == 0;
    let family = matches!(be16(record, 10)?, 1 | 2 | 16_387);
    let fits =
        (ttl < 1 << 16 || ttl == u32::MAX) && locators <= 32 && mask <= 128 && reserved && family;
    fits.then_some(16.0 + 3.0 + 1.0 + 16.0 + 14.0)
}

/// Section 5.6: a key's number, and HMAC-SHA-1-96, -256-128 or none.
fn authenticated(bytes: &[u8]) -> Option<f32> {
    let (key, len) = (be16(bytes, 12)?, usize::from(be16(bytes, 14)?));
    let known = matches!(len, 0 | 16 | 20 | 32);
    let more = record(rest(bytes, len.checked_add(16)?));
    (known && key & 0xff <= 8).then_some(())?;
    // The record may have been cut off.
    match more {
        Some(bits) => Some(14.0 + 5.0 + bits),
        None if bytes.len() < 16 + len + 12 => Some(14.0 + 5.0),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const RECORD: &str = "000005a0 01 20 1000 0000 0001 0a000002";

    fn register() -> String {
        format!("32000101 67ab931f9e8b974a 0001 0014 {} {RECORD}", "c5".repeat(20))
    }

    #[test]
    fn messages_are_named_from_each_side() {
        let notify = format!("40000001 67ab931f9e8b974a 0001 0014 {} {RECORD}", "d6".repeat(20));
        let talk = Talk::udp().a(hex(&register())).b(hex(&notify));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        let reply = format!("20000001 67ab931f9e8b974a {RECORD}");
        Talk::udp().b(hex(&reply)).named_by(&DETECTOR);
        let request = "10000001 67ab931f9e8b974a 0001 0a000001 0001 0a000009 0020 0001 0a000002";
        Talk::udp().a(hex(request)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("32000101", "72000101"),
            ("0014", "0015"),
            ("1000 0000", "1100 0000"),
            ("0000 0001 0a", "0000 0009 0a"),
        ] {
            Talk::udp().a(hex(&register().replacen(from, to, 1))).refused_by(&DETECTOR);
        }
        Talk::udp().a([0x30; 80]).refused_by(&DETECTOR);
        // Zeros are no locator: the question of an ICA browser.
        let zeros = format!("1e000130 02fda8e3 {}", "00".repeat(22));
        Talk::udp().a(hex(&zeros)).refused_by(&DETECTOR);
    }
}
