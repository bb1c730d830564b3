//! SMB 1 to 3 (MS-SMB, MS-SMB2), direct or behind a NetBIOS session, over TCP.
//!
//! ```text
//!  00 length(3)   ff "SMB" command status(4) flags flags2(2) ...       SMB 1
//!                 fe "SMB" 0040 credits(2) status(4) command(2) ...    SMB 2 and 3
//!                 fd "SMB" ... encrypted    fc "SMB" ... compressed
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "smb",
    title: "SMB",
    reference: "MS-SMB2 sections 2.1, 2.2.1, 2.2.41, 2.2.42; MS-CIFS section 2.2.3.1",
    rests_on: "The frame's length, SMB's mark and a header whose command and flags are defined.",
    blind_spots: "A connection captured in the middle of a long read or write.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[0, 0x85])]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match bytes.first() {
        Some(0) => from_header(bytes, 24, frame),
        // A keep-alive of the NetBIOS session
        Some(0x85) => from_header(bytes, 4, |bytes| {
            bytes
                .starts_with(&[0x85, 0, 0, 0])
                .then(|| Said::new(4, Role::Either, 32.0, "keep-alive").shared())
        }),
        Some(_) => Err(Not),
        None => Err(Short),
    })
}

fn frame(bytes: &[u8]) -> Option<Said> {
    let len = index(be24(bytes, 1)?);
    let smb = rest(bytes, 4);
    let [mark, b'S', b'M', b'B'] = array::<4>(smb, 0)? else { return None };
    let (role, name) = match mark {
        0xff if len >= 32 => version_1(smb)?,
        0xfe if len >= 64 => version_2(smb)?,
        0xfd if len >= 52 => (Role::Either, "SMB 3, encrypted".to_owned()),
        0xfc if len >= 16 => (Role::Either, "SMB 3, compressed".to_owned()),
        _ => return None,
    };
    // the session message's byte, the mark
    Some(Said::new(len.saturating_add(4), role, 8.0 + 32.0, name))
}

fn version_1(smb: &[u8]) -> Option<(Role, String)> {
    let command = u8_at(smb, 4)?;
    let flags = u8_at(smb, 9)?;
    let role = if flags & 0x80 == 0 { Role::Client } else { Role::Server };
    // MS-CIFS section 2.2.2.1: the last commands are at d8; fe and ff are none.
    (command <= 0xda).then(|| (role, format!("SMB 1 command 0x{command:02x}")))
}

fn version_2(smb: &[u8]) -> Option<(Role, String)> {
    let command = le16(smb, 12)?;
    let flags = le32(smb, 16)?;
    let role = if flags & 1 == 0 { Role::Client } else { Role::Server };
    let name = match command {
        0 => "negotiate".to_owned(),
        1 => "session setup".to_owned(),
        3 => "tree connect".to_owned(),
        5 => "create".to_owned(),
        _ => format!("command {command}"),
    };
    (le16(smb, 4)? == 64 && command <= 19).then(|| (role, format!("SMB 2 {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn smb2(flags: &str) -> Vec<u8> {
        [hex("00000040 fe534d42 4000 0000 00000000 0000 0100"), hex(flags), vec![0; 44]].concat()
    }

    #[test]
    fn versions_are_named() {
        let talk = Talk::tcp().a(smb2("00000000")).b(smb2("01000000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        let old = [hex("00000054 ff534d42 72 00000000 98 53c8"), vec![0; 74]].concat();
        assert_eq!(Talk::tcp().midway().a(old).named_by(&DETECTOR).client, Some(Side::B));
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut size = smb2("00000000");
        size[8] = 0x41;
        Talk::tcp().a(size).refused_by(&DETECTOR);
        let mut short = smb2("00000000");
        short[3] = 8;
        Talk::tcp().a(short).refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("81000044 20434b4644454e454346444546464346474546464343414341434143414341434100"))
            .refused_by(&DETECTOR);
        Talk::tcp().a([0; 64]).refused_by(&DETECTOR);
    }
}
