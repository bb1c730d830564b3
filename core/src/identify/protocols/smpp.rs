//! SMPP 3.4 and 5.0, short messages, over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "smpp",
    title: "SMPP (short messages)",
    reference: "SMPP 5.0 sections 3.2 and 4.7.5; SMPP 3.4 section 5.1",
    rests_on: "The header: a known command, a status that is zero in requests, and a length.",
    blind_spots: "Over TLS it is only seen as TLS.",
    bits: 50.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 16, smpp)),
};

fn smpp(bytes: &[u8]) -> Option<Said> {
    let (len, command, status, number) =
        (index(be32(bytes, 0)?), be32(bytes, 4)?, be32(bytes, 8)?, be32(bytes, 12)?);
    let answers = command & 0x8000_0000 != 0;
    let known = matches!(command & 0x7fff_ffff, 1..=9 | 0x0b | 0x15 | 0x21 | 0x102 | 0x103 | 0x111..=0x113)
        || command == 0x8000_0000;
    let fits = known
        && (16..=70_000).contains(&len)
        && number != 0
        && (answers || status == 0)
        && status < 0x600;
    // Binds come from clients; both submit and deliver.
    let role = match (command & 0x7fff_ffff, answers) {
        (1 | 2 | 4 | 9, false) | (5, true) => Role::Client,
        (1 | 2 | 4 | 9, true) | (5, false) => Role::Server,
        (_, _) => Role::Either,
    };
    fits.then(|| Said::new(len, role, 15.0 + 27.0 + 21.0, format!("SMPP command 0x{command:08x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("00000010 00000015 00000000 00000002"))
            .b(hex("00000010 80000015 00000000 00000002"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in
            [hex("00000010 00000099 00000000 00000002"), hex("00000010 00000015 00000007 00000002")]
        {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
