//! EtherNet/IP (CIP) encapsulation, over TCP and UDP.
//!
//! ```text
//!  command(2) length(2) session(4) status(4) context(8) options(4, 0)  data        little-endian
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "enip",
    title: "EtherNet/IP",
    reference: "ODVA, The CIP Networks Library volume 2, sections 2-3 and 2-4",
    rests_on: "The encapsulation header: a known command, a status, no options, and a length that suits \
               the command.",
    blind_spots: "Implicit messages (UDP 2222) have no such header.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(&[4, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73])]),
    asks: over_both(probe),
};

const HEADER: usize = 24;

fn probe(view: &FlowView<'_>) -> Probe {
    let stream = |bytes: &[u8], _| from_header(bytes, HEADER, message);
    match_messages(view, stream, |datagram| message(datagram.bytes))
}

fn message(bytes: &[u8]) -> Option<Said> {
    let (command, len) = (le16(bytes, 0)?, usize::from(le16(bytes, 2)?));
    let (session, status) = (le32(bytes, 4)?, le32(bytes, 8)?);
    let data = rest(bytes, HEADER);
    let known_status = matches!(status, 0..=3 | 0x64 | 0x65 | 0x69 | 0x6a);
    let (name, fits) = match command {
        0x0004 => ("ListServices", len == 0 || len >= 22),
        0x0063 => ("ListIdentity", len == 0 || len >= 30),
        0x0064 => ("ListInterfaces", len == 0 || len >= 2),
        // protocol version 1, no options
        0x0065 => ("RegisterSession", len == 4 && le16(data, 0).is_none_or(|version| version == 1)),
        0x0066 => ("UnRegisterSession", len == 0 && session != 0),
        // interface 0, a timeout, at least two items
        0x006f => ("SendRRData", len >= 16 && le32(data, 0).is_none_or(|handle| handle == 0)),
        0x0070 => ("SendUnitData", len >= 16 && le32(data, 0).is_none_or(|handle| handle == 0)),
        0x0072 => ("IndicateStatus", true),
        0x0073 => ("Cancel", true),
        _ => return None,
    };
    // An error has no data.
    let fits = fits || (status != 0 && len == 0);
    if !fits || !known_status || le32(bytes, 20)? != 0 || len > 8192 {
        return None;
    }
    // The answer to a registration is the same but for the session that it assigns.
    let role = match (command, session, len) {
        (0x04 | 0x63 | 0x64, _, 0) | (0x65, 0, _) if status == 0 => Role::Client,
        (0x04 | 0x63 | 0x64 | 0x65, _, _) => Role::Server,
        _ => Role::Either,
    };
    // command, length, status, options
    let bits = 12.7 + 4.0 + 29.0 + 32.0;
    Some(Said::new(len.saturating_add(HEADER), role, bits, format!("EtherNet/IP {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const REGISTER: &str = "6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000";
    const REGISTERED: &str = "6500 0400 78563412 00000000 0000000000000000 00000000 0100 0000";

    #[test]
    fn sessions_are_named() {
        let talk = Talk::tcp().a(hex(REGISTER)).b(hex(REGISTERED));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
        Talk::udp()
            .a(hex("6300 0000 00000000 00000000 0000000000000000 00000000"))
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a(hex(&REGISTER.replace("00000000 0100", "00000001 0100")))
            .refused_by(&DETECTOR);
        Talk::tcp().a(hex(&REGISTER.replace("6500 0400", "6500 0500"))).refused_by(&DETECTOR);
        Talk::udp()
            .a(hex("6300 0000 00000000 00000000 0000000000000000 00000000 00"))
            .refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        // AFP's DSI
        Talk::tcp()
            .a(hex("00 04 0001 00000000 00000006 00000000 01 04 00000480 0000"))
            .refused_by(&DETECTOR);
    }
}
