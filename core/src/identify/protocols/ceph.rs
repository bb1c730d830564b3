//! Ceph's messenger, versions 1 and 2 (Ceph documentation, msgr2 protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "ceph",
    title: "Ceph messenger",
    reference: "Ceph documentation, msgr2 protocol and Messenger v1: banner",
    rests_on: "The banner, ceph v2 with the length of its features or ceph v027.",
    blind_spots: "A connection captured after the banner.",
    bits: 70.0,
    openings: Openings::Known(&[one_of(b"c")]),
    asks: over_tcp(|view| match_starts(view, &[b"ceph v"], 9, ceph)),
};

fn ceph(bytes: &[u8]) -> Option<Said> {
    let version = match bytes {
        [_, _, _, _, _, _, b'2', b'\n', ..] => {
            le16(bytes, 8).is_none_or(|len| len == 16).then_some("2")?
        }
        [_, _, _, _, _, _, b'0', b'0'..=b'9', b'0'..=b'9', ..] => "1",
        _ => return None,
    };
    let fact = format!("Ceph messenger version {version} banner");
    Some(Said::new(bytes.len(), Role::Either, 72.0, fact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp().a(b"ceph v2\n\x10\x00").b(b"ceph v2\n\x10\x00").named_by_each(&DETECTOR);
        Talk::tcp().b(b"ceph v027").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"ceph version 17\r\n").refused_by(&DETECTOR);
    }
}
