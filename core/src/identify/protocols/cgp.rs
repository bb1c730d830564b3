//! Citrix's Common Gateway Protocol (session reliability), over TCP.
//!
//! ```text
//!  1a "CGP/01"                                   starts what a side says, or is in its first 32 bytes
//!  00 16 "Citrix.TcpProxyService"                the service that is asked for, in the first 256
//! ```
//!
//! No specification is public; these are what public recognisers and captures agree on.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "cgp",
    title: "Citrix CGP",
    reference: "Public captures and recognisers (port 2598); no specification is public",
    rests_on: "1a \"CGP/01\" as the first bytes of a side, or a little later together with the \
               name of the service, Citrix.TcpProxyService.",
    blind_spots: "A connection captured after its start, and CGP inside TLS.",
    bits: 56.0,
    openings: Openings::Unknown,
    asks: over_tcp(|view| probe_found(view, match_stream, |said| signed(join(said)))),
};

const MAGIC: &[u8] = b"\x1aCGP/01";
const SERVICE_NAME: &[u8] = b"\0\x16Citrix.TcpProxyService";

/// Finds the service's name. Kept, as every datagram is asked for it.
pub(super) static SERVICE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SERVICE_NAME));

/// The magic stands within so many bytes.
const MAGIC_WITHIN: usize = 32;

/// The service's name stands within so many bytes.
const SERVICE_WITHIN: usize = 256;

fn match_stream(head: &SideView<'_>) -> SideMatch<Said> {
    let start = prefix(head.stream, MAGIC_WITHIN.saturating_add(MAGIC.len()));
    let Some(at) = position_of(start, MAGIC) else {
        let more = head.stream.len() < MAGIC_WITHIN.saturating_add(MAGIC.len());
        return Err(short_if(more));
    };
    let said = || Said::at(Role::Either, 56.0, "CGP/01", Spot::stream(at, MAGIC.len()));
    if at == 0 {
        return Ok(said());
    }
    if SERVICE.find(prefix(head.stream, SERVICE_WITHIN)).is_some() {
        return Ok(Said {
            bits: 200.0,
            fact: "CGP/01 asks for Citrix.TcpProxyService".to_owned(),
            ..said()
        });
    }
    Err(short_if(head.stream.len() < SERVICE_WITHIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    fn hello() -> Vec<u8> {
        [MAGIC, &[1; 20], SERVICE_NAME].concat()
    }

    #[test]
    fn the_magic_is_named_from_each_side() {
        let talk = Talk::tcp().a(hello()).b([MAGIC, &[2; 30]].concat());
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::Signature);
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!(found.strength, Strength::OneSided);
        }
    }

    #[test]
    fn the_magic_further_on_needs_the_service() {
        let late = [&[0; 12], &*hello()].concat();
        assert_eq!(Talk::tcp().a(late).named_by(&DETECTOR).seen.offset, 12);
        Talk::tcp().a([&[0; 12], MAGIC, &[3; 300]].concat()).refused_by(&DETECTOR);
        Talk::tcp().a([&[0; 12], MAGIC].concat()).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("CGP/01 without its control character").refused_by(&DETECTOR);
        Talk::tcp().a("\x1aCGP/02 another version, and then some").refused_by(&DETECTOR);
        Talk::tcp().a([&[0; 60], &*hello()].concat()).refused_by(&DETECTOR);
        Talk::tcp().a("\x1aICAP OPTIONS").refused_by(&DETECTOR);
        Talk::udp().a(MAGIC).refused_by(&DETECTOR);
        Talk::udp().a("a page about Citrix.TcpProxyService").refused_by(&DETECTOR);
    }
}
