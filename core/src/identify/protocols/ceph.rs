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
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| {
            let banner = from_start(bytes, &[b"ceph v"], 9, ceph);
            or_behind(banner, || from_header(bytes, PREAMBLE, frame))
        })
    }),
};

fn ceph(bytes: &[u8]) -> Option<Said> {
    let (version, len) = match bytes {
        // Two sets of features behind their length.
        [_, _, _, _, _, _, b'2', b'\n', ..] => {
            le16(bytes, 8).is_none_or(|len| len == 16).then_some(("2", 26))?
        }
        // An address follows, of a small type, whose nonce may be anything.
        [_, _, _, _, _, _, b'0', b'0'..=b'9', b'0'..=b'9', ..] => {
            let fits = le32(bytes, 9).is_none_or(|kind| kind <= 8);
            fits.then_some(("1", Said::ALL))?
        }
        _ => return None,
    };
    let fact = format!("Ceph messenger version {version} banner");
    Some(Said::new(len, Role::Either, 72.0, fact))
}

/// Bytes of a frame's preamble.
const PREAMBLE: usize = 32;

/// The preamble of version 2's first frame: a tag, one to four segments, each of so many bytes and so
/// aligned, flags, a zero. In the secure mode what follows is encrypted.
fn frame(bytes: &[u8]) -> Option<Said> {
    let (tag, segments, reserved) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?, u8_at(bytes, 27)?);
    let fits = (1..=32).contains(&tag) && (1..=4).contains(&segments) && reserved == 0;
    fits.then(|| Said::all(Role::Either, 0.0, "Ceph frame").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        let banner = [&b"ceph v2\n\x10\x00"[..], &[0; 16]].concat();
        Talk::tcp().a(&banner).b(&banner).named_by_each(&DETECTOR);
        Talk::tcp().b(b"ceph v027").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"ceph version 17\r\n").refused_by(&DETECTOR);
    }
}
