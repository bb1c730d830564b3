//! Apache Kafka's protocol, over TCP.
//!
//! ```text
//!  request  size(4) api(2) version(2) correlation(4) client id length(2) client id ...
//!  answer   size(4) correlation(4) ...
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "kafka",
    title: "Apache Kafka",
    reference: "Apache Kafka protocol guide: Request header v1 and v2, API keys",
    rests_on: "Requests with a known API and version and a client's printable name, each as long as it \
               says.",
    blind_spots: "The broker's side alone: its answers have a size and a number only.",
    bits: 32.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| {
            // An answer may be nothing but its number, and an error.
            let whole = be32(bytes, 0)
                .is_some_and(|size| size < 10 && bytes.len() >= index(size).saturating_add(4));
            let needed = if whole { 8 } else { 14 };
            from_opening(bytes, &DETECTOR, needed, |bytes| request(bytes).or_else(|| answer(bytes)))
        })
    }),
};

fn request(bytes: &[u8]) -> Option<Said> {
    let size = index(be32(bytes, 0)?);
    let (api, version, name) = (be16(bytes, 4)?, be16(bytes, 6)?, be16(bytes, 12)?);
    let name_len = if name == 0xffff { 0 } else { usize::from(name) };
    // Protocol guide: keys 0 to 92, the newest version is 18.
    let fits =
        api <= 92 && version <= 20 && name_len <= 255 && (10 + name_len..1 << 24).contains(&size);
    let word = prefix(rest(bytes, 14), name_len);
    if !fits
        || word.len() < name_len.min(4)
        || !word.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    {
        return None;
    }
    // The name's letters, or none at all.
    let letters = f32::from(u8::try_from(word.len().min(12)).unwrap_or(12));
    let bits = 8.0 + 9.4 + 11.6 + 8.0 + 1.4 * letters;
    let fact = format!("Kafka API {api} version {version}, client {}", from_wire(word));
    let said = Said::new(size.saturating_add(4), Role::Client, bits, fact);
    Some(said.owned_if(name_len >= 3))
}

/// An answer to ApiVersions (18): the correlation, no error, and a table of keys.
fn answer(bytes: &[u8]) -> Option<Said> {
    let size = index(be32(bytes, 0)?);
    let fits = (4..1 << 24).contains(&size) && be32(bytes, 4)? >> 24 == 0;
    fits.then(|| Said::new(size.saturating_add(4), Role::Server, 12.0, "Kafka answer").shared())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    fn ask() -> Vec<u8> {
        [hex("00000012 0012 0000 00000001 0008"), b"consumer".to_vec()].concat()
    }

    #[test]
    fn requests_are_named() {
        let talk = Talk::tcp().a(ask()).b(hex("0000000e 00000001 0000 00000001 00000000"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut version = ask();
        version[7] = 99;
        Talk::tcp().a(version).refused_by(&DETECTOR);
        let mut name = ask();
        name[16] = 3;
        Talk::tcp().a(name).refused_by(&DETECTOR);
        Talk::tcp().a([0; 40]).refused_by(&DETECTOR);
        Talk::tcp().a(hex("00000008 04d2162f")).b("S").refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0000002d 00000000 00000000 00000000 00007530 00000000 00000000"))
            .refused_by(&DETECTOR);
    }
}
