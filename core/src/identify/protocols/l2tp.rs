//! L2TP versions 2 and 3, control messages (RFC 2661, RFC 3931), over UDP.
//!
//! ```text
//!  T L 0 0 S 0 0(6) version(4) length(16) tunnel(16) session(16) Ns(16) Nr(16)
//!  AVPs: M H 0(4) length(10) vendor(16) type(16) value; the message's type comes first
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "l2tp",
    title: "L2TP control",
    reference: "RFC 2661 sections 3.1, 4.1 and 4.4, RFC 3931 section 3.2.1",
    rests_on: "A control message's flags, a length that is the datagram's, and attributes that fill it, \
               the message type first.",
    blind_spots: "A tunnel of which only data is seen.",
    bits: 32.0,
    openings: Openings::Known(&[one_of(&[0xc8])]),
    asks: over_udp(|view| probe_datagrams(view, read)),
};

fn read(datagram: &Datagram<'_>) -> Option<Said> {
    let mut cursor = Cursor::new(datagram.bytes);
    let flags = cursor.be16()?;
    let len = usize::from(cursor.be16()?);
    cursor.skip(8)?;
    if !matches!(flags, 0xc802 | 0xc803) || len != datagram.wire_len {
        return None;
    }
    let mut bits = 15.0 + 16.0;
    let mut role = Role::Either;
    let mut kind = None;
    while !cursor.is_empty() {
        let at = cursor.rest();
        let first = kind.is_none();
        // hidden and mandatory, four reserved bits, length
        let Some(head) = cursor.be16() else { break };
        let size = usize::from(head & 0x03ff);
        if head & 0x3c00 != 0 || size < 6 {
            return None;
        }
        if first {
            let number = be16(at, 6)?;
            let is_type = be16(at, 2)? == 0 && be16(at, 4)? == 0 && size == 8;
            (is_type && (1..=31).contains(&number)).then_some(())?;
            kind = Some(number);
            // SCCRQ, SCCCN; SCCRP; who calls may be either
            role = match number {
                1 | 3 => Role::Client,
                2 => Role::Server,
                _ => Role::Either,
            };
            bits += 4.0 + 10.0 + 32.0 + 11.0;
        } else {
            bits += 4.0;
        }
        if cursor.skip(size.saturating_sub(2)).is_none() {
            return (!datagram.is_whole()).then(|| words(role, bits, kind));
        }
    }
    Some(words(role, bits + 1.0, kind))
}

fn words(role: Role, bits: f32, kind: Option<u16>) -> Said {
    let fact = match kind {
        Some(kind) => format!("L2TP control message, type {kind}"),
        None => "L2TP acknowledgement".to_owned(),
    };
    Said::all(role, bits, fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REQUEST: &str = "c802 001c 0000 0000 0000 0000 8008 0000 0000 0001 8008 0000 0002 0100";
    const REPLY: &str = "c802 0014 0007 0000 0000 0001 8008 0000 0000 0002";

    #[test]
    fn messages_are_named_from_each_side() {
        let talk = Talk::udp().a(hex(REQUEST)).b(hex(REPLY));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::udp().a(hex("c802 000c 0007 0000 0001 0001")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for (from, to) in [
            ("c802", "c804"),
            ("001c", "001d"),
            ("8008 0000 0000 0001", "8008 0000 0001 0001"),
            ("8008 0000 0002", "8009 0000 0002"),
        ] {
            Talk::udp().a(hex(&REQUEST.replacen(from, to, 1))).refused_by(&DETECTOR);
        }
    }
}
