//! NetBIOS's session service (RFC 1002 section 4.3), over TCP. SMB goes on inside.
//!
//! ```text
//!  81 flags length(2)  called name(34) calling name(34)      request
//!  82 00 0000 accepted   83 00 0001 code refused   84 00 0006 retarget
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "netbios-ssn",
    title: "NetBIOS session service",
    reference: "RFC 1002 sections 4.3.1 to 4.3.6, RFC 1001 section 14.1",
    rests_on: "A session request with two encoded names, or the answer to one.",
    blind_spots: "Sessions without request (SMB on port 445) are SMB's.",
    bits: 28.0,
    openings: Openings::Known(&[within(&[(0x81, 0x84)])]),
    asks: over_tcp(probe),
};

/// Bytes of a request with two names and no scope.
const REQUEST: usize = 72;

fn probe(view: &FlowView<'_>) -> Probe {
    let probe = match_stream(view, |bytes, _| match bytes.first() {
        Some(0x81) => from_header(bytes, REQUEST, request),
        Some(0x82..=0x84) => from_header(bytes, 4, answer),
        // RFC 1002 section 4.3.1: the session's messages, and what keeps it open.
        Some(0 | 0x85) => from_header(bytes, 4, message),
        Some(_) => Err(Not),
        None => Err(Short),
    });
    carrying(probe, |found| match (found.client, found.spoken_by) {
        (Some(Side::A), [true, true]) => Inside::StartsAt([REQUEST, 4]),
        (Some(Side::B), [true, true]) => Inside::StartsAt([4, REQUEST]),
        (Some(Side::A), _) => Inside::StartsAt([REQUEST, 0]),
        (Some(Side::B), _) => Inside::StartsAt([0, REQUEST]),
        (None, _) => Inside::MayFollow,
    })
}

fn request(bytes: &[u8]) -> Option<Said> {
    let fits = u8_at(bytes, 1)? & 0xfe == 0 && be16(bytes, 2)? == 68;
    let called = name(rest(bytes, 4))?;
    let calling = name(rest(bytes, 38))?;
    let fact = || format!("NetBIOS session request of {calling} to {called}");
    fits.then(|| Said::new(REQUEST, Role::Client, 8.0 + 7.0 + 16.0 + 200.0, fact()))
}

/// RFC 1001 section 14.1: 32 letters of A to P behind their length, and a zero.
fn name(bytes: &[u8]) -> Option<String> {
    let [0x20, letters @ .., 0] = bytes.get(..34)? else { return None };
    let mut name = String::new();
    for pair in letters.chunks_exact(2) {
        let [high @ b'A'..=b'P', low @ b'A'..=b'P'] = *pair else { return None };
        let byte = (high - b'A') << 4 | (low - b'A');
        if byte.is_ascii_graphic() {
            name.push(char::from(byte));
        }
    }
    Some(name)
}

fn answer(bytes: &[u8]) -> Option<Said> {
    let fits = match bytes {
        [0x82, 0, 0, 0, ..] => bytes.len() == 4 || matches!(bytes, [_, _, _, _, 0, ..]),
        [0x83, 0, 0, 1] => true,
        [0x83, 0, 0, 1, code, ..] => matches!(code, 0x80..=0x83 | 0x8f),
        [0x84, 0, 0, 6, ..] => true,
        _ => false,
    };
    // Four bytes alone are little: the request must be there, or the session behind them.
    let own = matches!(bytes, [_, _, _, _, 0, _, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..]);
    let bits = 32.0;
    let len = index(be24(bytes, 1)?).saturating_add(4);
    fits.then(|| Said::new(len, Role::Server, bits, "NetBIOS session answer").owned_if(own))
}

/// Flags and 17 bits of length; what is in it is another protocol's.
fn message(bytes: &[u8]) -> Option<Said> {
    let len = index(be24(bytes, 1)?).saturating_add(4);
    let fits = u8_at(bytes, 1)? <= 1;
    fits.then(|| Said::new(len, Role::Either, 0.0, "NetBIOS session message").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    fn ask() -> Vec<u8> {
        let one = [vec![0x20], b"CKFDENECFDEFFCFGEFFCCACACACACACA".to_vec(), vec![0]].concat();
        [hex("81000044"), one.clone(), one].concat()
    }

    #[test]
    fn sessions_are_named_and_smb_follows() {
        let talk = Talk::tcp().a(ask()).b(hex("82000000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.inside, Inside::StartsAt([72, 4]));
        assert!(found.fact.contains("*SMBSERVER"), "{}", found.fact);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).refused_by(&DETECTOR);
        Talk::tcp().b(hex("82000000 00000054 ff534d42 72")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut letter = ask();
        letter[10] = b'Q';
        Talk::tcp().a(letter).refused_by(&DETECTOR);
        let mut size = ask();
        size[3] = 0x45;
        Talk::tcp().a(size).refused_by(&DETECTOR);
        Talk::tcp().b(hex("83000002 8080")).refused_by(&DETECTOR);
        Talk::tcp().a([0x81; 80]).refused_by(&DETECTOR);
    }
}
