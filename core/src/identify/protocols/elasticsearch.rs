//! Elasticsearch between its nodes (TcpHeader of its source), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "elasticsearch",
    title: "Elasticsearch (between nodes)",
    reference: "Elasticsearch source, org.elasticsearch.transport.TcpHeader",
    rests_on: "The header ES with a length, a status and a version.",
    blind_spots: "What clients speak is HTTP.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(b"E")]),
    asks: over_tcp(|view| match_starts(view, &[b"ES"], 6, elasticsearch)),
};

fn elasticsearch(bytes: &[u8]) -> Option<Said> {
    // A ping has the length -1 and nothing else.
    if be32(bytes, 2)? == u32::MAX {
        return Some(Said::new(6, Role::Either, 48.0, "Elasticsearch ping"));
    }
    let (len, status, version) = (be32(bytes, 2)?, u8_at(bytes, 14)?, be32(bytes, 15)?);
    // Versions are 1000099 and more.
    let fits = (13..1 << 30).contains(&len)
        && status <= 0x0f
        && (1_000_000..20_000_000).contains(&version);
    let role = if status & 1 == 0 { Role::Client } else { Role::Server };
    let fact = || format!("Elasticsearch transport, version {version}");
    fits.then(|| {
        Said::new(index(len).saturating_add(6), role, 16.0 + 2.0 + 4.0 + 7.8 + 12.0, fact())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a([b"ES".to_vec(), hex("00000011 0000000000000001 00 006acfc3 00000000")].concat())
            .b([b"ES".to_vec(), hex("00000011 0000000000000001 01 006acfc3 00000000")].concat())
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"ESMTP is spoken here, not what you seek").refused_by(&DETECTOR);
        Talk::tcp().a(b"ES\xff\xff\xff\xfe").refused_by(&DETECTOR);
    }
}
