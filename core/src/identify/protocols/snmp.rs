//! SNMP versions 1, 2c and 3 (RFC 1157, RFC 3416, RFC 3412), over UDP and TCP (RFC 3430).
//!
//! ```text
//!  30 len | 02 01 version(0, 1) | 04 len community | PDU a0..a8 len | 02 len request ...
//!  30 len | 02 01 03            | 30 len 02 id 02 size 04 01 flags 02 01 model | 04 len ...
//! ```

use crate::identify::ber::{Element, element, tagged};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "snmp",
    title: "SNMP",
    reference: "RFC 1157 section 4, RFC 3416 section 3, RFC 3412 section 6",
    rests_on: "A BER sequence as long as the datagram, a known version, and a PDU of a known kind, or \
               version 3's header, with lengths that fit into each other.",
    blind_spots: "Nothing known.",
    bits: 50.0,
    openings: Openings::Known(&[one_of(&[0x30])]),
    asks: over_both(|view| probe_both(view, |bytes| read(bytes).ok_or(short_if(bytes.len() < 32)))),
};

/// What stands behind a tag, as long as it says.
fn value<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    let found = tagged(cursor.rest(), tag).filter(Element::is_whole)?;
    cursor.skip(found.total())?;
    Some(found.contents)
}

fn read(bytes: &[u8]) -> Option<Said> {
    let outer = tagged(bytes, 0x30).filter(|outer| outer.total() < 65_536)?;
    let mut cursor = Cursor::new(rest(bytes, outer.header));
    let [version] = value(&mut cursor, 2)? else { return None };
    // sequence and its length, version
    let mut bits = 8.0 + 14.0 + 22.4;
    let (role, fact) = match version {
        0 | 1 => {
            let community = value(&mut cursor, 4)?;
            let message = element(cursor.rest()).ok()?;
            let end = cursor.position().checked_add(message.total())?;
            (end == outer.len && community.len() <= 255).then_some(())?;
            bits += 8.0 + 4.8 + 8.0;
            let version = if *version == 0 { "1" } else { "2c" };
            let (role, name) = pdu(message.tag)?;
            (role, format!("SNMP version {version} {name}"))
        }
        3 => {
            let mut header = Cursor::new(value(&mut cursor, 0x30)?);
            let id = value(&mut header, 2)?.len() <= 5 && value(&mut header, 2)?.len() <= 5;
            let flags = matches!(value(&mut header, 4)?, [0..=7]);
            let model = matches!(value(&mut header, 2)?, [1..=4]);
            (id && flags && model && header.is_empty()).then_some(())?;
            (cursor.u8()? == 4).then_some(())?;
            bits += 60.0;
            (Role::Either, "SNMP version 3".to_owned())
        }
        _ => return None,
    };
    Some(Said::new(outer.total(), role, bits, fact))
}

/// RFC 3416 section 3.
fn pdu(tag: u8) -> Option<(Role, &'static str)> {
    match tag {
        0xa0 => Some((Role::Client, "GetRequest")),
        0xa1 => Some((Role::Client, "GetNextRequest")),
        0xa2 => Some((Role::Server, "Response")),
        0xa3 => Some((Role::Client, "SetRequest")),
        0xa4 => Some((Role::Either, "Trap")),
        0xa5 => Some((Role::Client, "GetBulkRequest")),
        0xa6 => Some((Role::Client, "InformRequest")),
        0xa7 => Some((Role::Either, "Trap")),
        0xa8 => Some((Role::Server, "Report")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const GET: &str =
        "3020 020101 0406 7075626c6963 a013 020104 020100 020100 3008 3006 06022b06 0500";
    const RESPONSE: &str =
        "3021 020101 0406 7075626c6963 a214 020104 020100 020100 3009 3007 06022b06 020107";
    const V3: &str = "302d 020103 300f 020204d2 0203 00ffe3 040104 020103 0400 3015 0400 0400 a00f \
                      020204d2 020100 020100 3003 300106";

    #[test]
    fn messages_are_named_from_each_side() {
        let v3 = hex(V3);
        assert_eq!(v3.len(), 47);
        for talk in [Talk::udp(), Talk::tcp()] {
            let talk = talk.a(hex(GET)).b(hex(RESPONSE));
            assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
            talk.clone().only(Side::A).named_by(&DETECTOR);
            talk.only(Side::B).named_by(&DETECTOR);
        }
        Talk::udp().a(v3).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        // LDAP and Kerberos start with a sequence and an integer, too
        Talk::udp().a(hex("300c 020101 6007 020103 0400 8000")).refused_by(&DETECTOR);
        Talk::udp().a(hex("3009 a103020105 a20302010a")).refused_by(&DETECTOR);
        Talk::udp().a(hex(&GET.replace("020101 04", "020102 04"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&GET.replace("a013", "a012"))).refused_by(&DETECTOR);
        Talk::udp().a(hex(&format!("{GET} 00"))).refused_by(&DETECTOR);
    }
}
