//! iSCSI (RFC 7143), over TCP.
//!
//! ```text
//!  opcode(1) flags(1) ...(2) AHS length(1, words) data length(3) LUN(8) tag(4) ...   48 bytes
//!  then AHS, digests, data padded to 4: a login's is text, "InitiatorName=..." NUL
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "iscsi",
    title: "iSCSI",
    reference: "RFC 7143 sections 11.2, 11.3, 11.4, 11.12 and 11.13",
    rests_on: "A login request or answer with its stages, versions and text; commands, answers and \
               NOPs by their reserved bytes.",
    blind_spots: "Data in the middle; header digests after the login end the walk.",
    bits: 30.0,
    openings: Openings::Known(&[mixed(
        &[(0x23, 0x26)],
        &[0, 1, 3, 4, 6, 0x20, 0x21, 0x31, 0x3f, 0x40, 0x41, 0x43, 0x44, 0x46],
    )]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, HEADER, header)),
};

const HEADER: usize = 48;

fn header(bytes: &[u8]) -> Option<Said> {
    let (opcode, flags) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let extra = usize::from(u8_at(bytes, 4)?).saturating_mul(4);
    let len = index(be24(bytes, 5)?);
    let data = prefix(rest(bytes, HEADER), len);
    let zeros = |at: usize, count: usize| {
        bytes
            .get(at..at.saturating_add(count))
            .is_some_and(|part| part.iter().all(|byte| *byte == 0))
    };
    // CSG 0, 1, 3 and NSG, with T and C never both set.
    let stages = flags & 0xc0 != 0xc0 && flags >> 2 & 3 != 2 && flags & 0x30 == 0 && extra == 0;
    let reserved = be16(bytes, 2)? == 0;
    let (role, name, bits, own, fits) = match opcode {
        0x43 | 0x03 => {
            // both versions zero; 16 bytes of reserved end
            let text = mentions(prefix(data, 200), "=") && len > 0;
            (
                Role::Client,
                "login request",
                100.0,
                true,
                stages && reserved && zeros(32, 16) && text,
            )
        }
        0x23 => {
            let fits = stages && reserved && zeros(38, 10) && u8_at(bytes, 36)? <= 3;
            (Role::Server, "login answer", 80.0, true, fits)
        }
        0x01 | 0x41 => {
            // F, R and W with an attribute; nothing moves without a direction, and only what is
            // written goes on in data that nobody asked for, or has data of its own
            let fits = reserved && flags & 0x18 == 0 && flags & 7 <= 4;
            let moves = flags & 0x60 != 0 || be32(bytes, 20)? == 0;
            let writes = flags & 0x20 != 0 || (flags & 0x80 != 0 && len == 0);
            (Role::Client, "SCSI command", 7.0 + 16.0 + 3.0 + 1.0, true, fits && moves && writes)
        }
        0x21 => {
            let fits = flags & 0x81 == 0x80 && zeros(8, 8) && u8_at(bytes, 2)? <= 1;
            (Role::Server, "SCSI answer", 8.0 + 2.0 + 7.0 + 64.0, true, fits)
        }
        0x00 | 0x40 => {
            let fits = flags == 0x80 && reserved && zeros(32, 16);
            (Role::Client, "NOP-Out", 7.0 + 8.0 + 16.0 + 128.0, true, fits)
        }
        0x20 => {
            let fits = flags == 0x80 && reserved && zeros(36, 12);
            (Role::Server, "NOP-In", 8.0 + 8.0 + 16.0 + 96.0, true, fits)
        }
        0x06 | 0x46 => (Role::Client, "logout", 8.0 + 1.0, false, flags & 0x80 != 0 && zeros(2, 6)),
        0x26 => (Role::Server, "logout answer", 16.0, false, flags == 0x80 && zeros(4, 12)),
        0x04 | 0x44 | 0x24 => (Role::Either, "text", 8.0, false, reserved && extra == 0),
        0x25 => (Role::Server, "data", 16.0, false, zeros(4, 1)),
        0x31 => (Role::Server, "ready to transfer", 40.0, true, flags == 0x80 && zeros(2, 6)),
        // section 11.17: ff stands where the tag would
        0x3f => {
            let fits = flags == 0x80 && be32(bytes, 16)? == u32::MAX;
            (Role::Server, "reject", 60.0, true, fits)
        }
        _ => return None,
    };
    let total = HEADER.saturating_add(extra).saturating_add(len.next_multiple_of(4));
    fits.then(|| Said::new(total, role, bits, format!("iSCSI {name}")).owned_if(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn login() -> Vec<u8> {
        let text = b"InitiatorName=iqn.a\0";
        [
            hex("43 87 0000 00 000014 400000000000 0000 00000001 0000 0000 00000001 00000000"),
            vec![0; 16],
            text.to_vec(),
        ]
        .concat()
    }

    #[test]
    fn logins_and_answers_are_named() {
        let answer = [hex("23 87 0000 00 000000 400000000000 0001 00000001 00000000 00000001 00000001 00000010 0000"), vec![0; 10]].concat();
        let talk = Talk::tcp().a(login()).b(answer);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut reserved = login();
        reserved[33] = 1;
        Talk::tcp().a(reserved).refused_by(&DETECTOR);
        let mut stage = login();
        stage[1] = 0xc7;
        Talk::tcp().a(stage).refused_by(&DETECTOR);
        Talk::tcp().a([0; 96]).refused_by(&DETECTOR);
        // Numbers of eight bytes: a command that neither writes nor is the last of its data.
        let numbers = hex("0100000000000000 4000000000000000 0600000000000000 cd00000000000000");
        let numbers = [numbers, hex("0600000000000000 cd00000000000000")].concat();
        Talk::tcp().a(numbers.repeat(2)).midway().refused_by(&DETECTOR);
        Talk::tcp()
            .a("Connection: close and some more text that is long enough\r\n")
            .refused_by(&DETECTOR);
    }
}
