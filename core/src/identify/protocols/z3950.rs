//! Z39.50 (ISO 23950), library search, over TCP.
//!
//! ```text
//!  [20] length  83 length version(bits)  84 length options(bits)  85 length size  86 length size ...
//!  answer [21] ... 8c accepted
//! ```

use crate::identify::ber::{Element, element, elements};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "z3950",
    title: "Z39.50",
    reference: "ANSI/NISO Z39.50-2003 appendix 3.1 (ASN.1 specification of the APDUs)",
    rests_on: "An initialize request or answer with its fields in order: version, options, sizes.",
    blind_spots: "A session captured after its initialization.",
    bits: 40.0,
    openings: Openings::Known(&[within(&[(0xb4, 0xbf)])]),
    asks: over_tcp(probe),
};

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match element(bytes) {
        Ok(found) if found.contents.len() >= found.len.min(24) => apdu(&found).ok_or(Not),
        Ok(found) if matches!(found.tag, 0xb4..=0xbf) => Err(Short),
        Ok(_) => Err(Not),
        Err(stop) => Err(stop),
    })
}

fn apdu(message: &Element<'_>) -> Option<Said> {
    let fields = elements(message.contents, message.is_whole())?;
    let total = message.total();
    let role = match message.tag {
        0xb4 => Role::Client,
        0xb5 => Role::Server,
        // Later APDUs: search, present, their answers, close
        0xb6..=0xbb => {
            let role = if message.tag.is_multiple_of(2) { Role::Client } else { Role::Server };
            return Some(Said::new(total, role, 10.0, "Z39.50 APDU").shared());
        }
        _ => return None,
    };
    // An optional reference, then the fields that must be there.
    let tags: Vec<u8> =
        fields.iter().map(|field| field.tag).skip_while(|tag| *tag == 0x82).collect();
    let sized = fields.iter().all(|field| match field.tag {
        0x83 => (2..=4).contains(&field.len),
        0x84 => (2..=6).contains(&field.len),
        0x85 | 0x86 => (1..=5).contains(&field.len),
        _ => true,
    });
    let fits = tags.starts_with(&[0x83, 0x84, 0x85, 0x86]) && sized;
    let name = if role == Role::Client { "request" } else { "answer" };
    fits.then(|| Said::new(total, role, 8.0 + 32.0 + 24.0, format!("Z39.50 initialize {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const ASK: &str = "b4 14 83 02 05e0 84 02 06c0 85 03 100000 86 03 100000 00 00";
    const ANSWER: &str = "b5 15 83 02 05e0 84 02 06c0 85 03 100000 86 03 100000 8c 01 ff";

    #[test]
    fn sessions_are_named() {
        let ask = ASK.replace("00 00", "8d 00");
        let talk = Talk::tcp().a(hex(&ask)).b(hex(ANSWER));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn implementations_names_have_long_tags() {
        let ask = "b4 1a 83 02 00e0 84 03 00e9a2 85 02 4000 86 02 4000 9f6e 02 3831 9f6f 01 59";
        Talk::tcp().a(hex(ask)).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(hex(&ASK.replace("84 02", "94 02"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&ASK.replace("83 02", "83 07"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex("30 0c 02 01 01 60 07 02 01 03 04 00 80 00")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("b6 05 83 01 01 84 00")).refused_by(&DETECTOR);
    }
}
