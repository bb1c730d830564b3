//! RDP over TCP (MS-RDPBCGR).
//!
//! ```text
//!  request  TPKT  X.224 e0  "Cookie: mstshash=name" CRLF  01 flags 0800 protocols(4)   2.2.1.1
//!  confirm  TPKT  X.224 d0  02 flags 0800 protocol(4) | 03 00 0800 failure(4)          2.2.1.2
//!  then TLS, or T.125: 7f 65 ... "Duca" (client) | 7f 66 ... "McDn" (server)           2.2.1.3, 2.2.1.4
//! ```

use crate::identify::prelude::*;
use crate::identify::tpkt::{self, TpduType};

pub(super) static DETECTOR: Detector = Detector {
    id: "rdp",
    title: "RDP",
    reference: "MS-RDPBCGR sections 2.2.1.1 to 2.2.1.4, RFC 1006, X.224 section 13",
    rests_on: "A connection request with RDP's cookie or negotiation, the confirm that answers it, or \
               T.125's connect messages with RDP's keys.",
    blind_spots: "A request without cookie and negotiation says only X.224, until T.125 follows. A \
                  connection captured without its start is TLS or fast-path packets.",
    bits: 40.0,
    openings: Openings::Known(&[one_of(&[3])]),
    asks: over_tcp(|view| carrying(match_stream(view, |bytes, _| read(bytes)), |_| inside(view)))
        .telling(Extras::BEFORE_TLS),
};

/// A confirm that chose TLS, CredSSP or the like: TLS follows on both sides.
fn inside(view: &FlowView<'_>) -> Inside {
    let packets = Side::BOTH.map(|side| tpkt::read(view.side(side).stream));
    let mut chosen = None;
    for packet in packets.iter().flatten() {
        if packet.kind == TpduType::Confirm && packet.body.first() == Some(&2) {
            chosen = le32(packet.body, 4);
        }
    }
    match chosen {
        Some(1..) => Inside::StartsAt(packets.map(|packet| packet.map_or(0, |packet| packet.len))),
        Some(0) => Inside::Nothing,
        None => Inside::MayFollow,
    }
}

fn read(bytes: &[u8]) -> SideMatch<Said> {
    if bytes.first() == Some(&3) || bytes.is_empty() {
        return from_header(bytes, 11, packet);
    }
    Err(Not)
}

fn packet(bytes: &[u8]) -> Option<Said> {
    let packet = tpkt::read(bytes)?;
    match packet.kind {
        TpduType::Request => request(&packet),
        TpduType::Confirm => confirm(&packet),
        TpduType::Data => data(&packet),
    }
}

fn request(packet: &tpkt::Tpkt<'_>) -> Option<Said> {
    let said = |bits, fact: String| Said::new(packet.len, Role::Client, packet.bits + bits, fact);
    // Either may be missing: routingToken or cookie, then rdpNegReq.
    let cookie = packet.body.starts_with(b"Cookie: ");
    let end = position_of(packet.body, b"\r\n");
    let (line, behind) = match (cookie, end) {
        (true, Some(end)) => packet.body.split_at_checked(end)?,
        (true, None) => (packet.body, &[][..]),
        (false, _) => (&[][..], packet.body),
    };
    let negotiation = negotiation(behind.strip_prefix(b"\r\n").unwrap_or(behind), 1);
    // Names are padded with blanks.
    let line = line.trim_ascii_end();
    let user = line.strip_prefix(b"Cookie: mstshash=");
    match (cookie, negotiation) {
        (true, _) => {
            let said = said(64.0, format!("RDP connection request, {}", from_wire(line)));
            Some(said.with_some(DetailKey::RdpCookie, user.map(from_wire)))
        }
        (false, Some(protocols)) if protocols & !0x1f == 0 => {
            Some(said(24.0 + 27.0, "RDP connection request with negotiation".to_owned()))
        }
        (false, None) if packet.body.is_empty() => {
            Some(said(0.0, "X.224 connection request".to_owned()).shared())
        }
        (false, _) => None,
    }
}

fn confirm(packet: &tpkt::Tpkt<'_>) -> Option<Said> {
    let said = |bits, fact: String| Said::new(packet.len, Role::Server, packet.bits + bits, fact);
    if packet.body.is_empty() {
        return Some(said(0.0, "X.224 connection confirm".to_owned()).shared());
    }
    if let Some(protocol @ (0 | 1 | 2 | 4 | 8 | 16)) = negotiation(packet.body, 2) {
        let (name, word) = match protocol {
            0 => ("standard security", "rdp"),
            1 => ("TLS", "ssl"),
            2 => ("CredSSP", "hybrid"),
            4 => ("RDSTLS", "rds_tls"),
            8 => ("CredSSP with early authorization", "hybrid_ex"),
            _ => ("Entra ID", "rds_aad_auth"),
        };
        let said = said(54.0, format!("RDP connection confirm, {name}"));
        return Some(said.with(DetailKey::RdpProtocol, word));
    }
    // 2.2.1.2.2: failures 1 to 6
    let failure = negotiation(packet.body, 3).filter(|code| (1..=6).contains(code))?;
    Some(said(54.0, format!("RDP negotiation failure {failure}")))
}

/// RDP_NEG_REQ, _RSP or _FAILURE, which fills what is left: its value.
fn negotiation(body: &[u8], kind: u8) -> Option<u32> {
    let fits = body.len() >= 8 && matches!(body, [found, _, 8, 0, ..] if *found == kind);
    if fits { le32(body, 4) } else { None }
}

/// T.125's Connect-Initial and -Response, or what follows them.
fn data(packet: &tpkt::Tpkt<'_>) -> Option<Said> {
    let said = |role, bits, fact| Said::new(packet.len, role, packet.bits + bits, fact);
    match packet.body {
        [0x7f, 0x65, ..] if mentions(prefix(packet.body, 400), "Duca") => {
            Some(said(Role::Client, 40.0, "T.125 connect of RDP"))
        }
        [0x7f, 0x66, ..] if mentions(prefix(packet.body, 400), "McDn") => {
            Some(said(Role::Server, 40.0, "T.125 answer of RDP"))
        }
        [0x7f, 0x65, ..] => Some(said(Role::Client, 16.0, "T.125 connect").shared()),
        [0x7f, 0x66, ..] => Some(said(Role::Server, 16.0, "T.125 answer").shared()),
        // T.125 domain PDUs: erect domain, attach user, join channel, send data
        [0x04 | 0x08 | 0x28 | 0x38 | 0x64, ..] => {
            Some(said(Role::Client, 4.0, "T.125 request").shared())
        }
        [0x2e | 0x2c | 0x3e | 0x3c | 0x68, ..] => {
            Some(said(Role::Server, 4.0, "T.125 confirm").shared())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};

    const NEGOTIATE: &str = "0300 0013 0e e0 0000 0000 00 01 00 0800 03000000";
    const CHOSEN: &str = "0300 0013 0e d0 0000 1234 00 02 1f 0800 02000000";

    #[test]
    fn negotiation_is_named_and_tls_follows() {
        let talk = Talk::tcp().a(hex(NEGOTIATE)).b(hex(CHOSEN)).a(b"\x16\x03\x01\x00\x05hello");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.inside, Inside::StartsAt([19, 19]));
        assert_eq!(found.details, [Detail::new(DetailKey::RdpProtocol, "hybrid")]);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn cookies_are_named() {
        for cookie in ["Cookie: mstshash=joe\r\n\r", "Cookie: mstshash=jo \r\n\r"] {
            let packet = [hex("0300 0022 1d e0 0000 0000 00"), cookie.as_bytes().to_vec()].concat();
            let found = Talk::tcp().a(packet).named_by(&DETECTOR);
            let user = cookie[17..20].trim_end();
            assert_eq!(found.details, [Detail::new(DetailKey::RdpCookie, user)]);
            assert!(found.fact.ends_with(user), "{found:?}");
        }
    }

    #[test]
    fn old_connections_are_named_by_t125() {
        let connect =
            [hex("0300 0040 02 f0 80 7f65 8201be"), vec![4; 40], b"Duca".to_vec(), vec![0; 8]]
                .concat();
        Talk::tcp()
            .a(hex("0300 000b 06 e0 0000 0000 00"))
            .b(hex("0300 000b 06 d0 0000 1234 00"))
            .a(connect)
            .named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // S7, a bare request and confirm, H.225
        Talk::tcp()
            .a(hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102"))
            .b(hex("0300 0016 11 d0 0001 0002 00 c00109 c1020100 c2020102"))
            .a(hex("0300 0019 02 f0 80 32 01 0000 0400 0008 0000 f0 00 0001 0001 01e0"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 000b 06 e0 0000 0000 00"))
            .b(hex("0300 000b 06 d0 0000 1234 00"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0020 08 02 1234 05 04 03 88 93 a5 28 03 41 42 43"))
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a(hex("0300 0013 0e e0 0000 0000 00 01 00 0800 03000040"))
            .refused_by(&DETECTOR);
    }
}
