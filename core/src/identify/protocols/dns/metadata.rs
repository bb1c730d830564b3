//! What a DNS answer tells beside the question: its response code, and the addresses in it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{QR, first_telling, skip_name};
use crate::config::TOLD_WORDS_MAX;
use crate::identify::prelude::*;

/// IN (RFC 1035 section 3.2.4).
const INTERNET: u16 = 1;

/// Waits for the first answer.
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    let answer = view.each().find_map(|(_, head)| answer(first_message(view.transport, head)?));
    let over = view.each().all(|(_, head)| head.complete || head.has_spoken());
    match answer {
        Some(details) => Metadata::all(details),
        None if over => Metadata::all(Vec::new()),
        None => Metadata::later(),
    }
}

/// A side's first message, if all of it is there.
fn first_message<'a>(transport: Transport, head: &SideView<'a>) -> Option<&'a [u8]> {
    match transport {
        Transport::Udp => {
            let (_, first) = first_telling(head)?;
            first.is_whole().then_some(first.bytes)
        }
        Transport::Tcp => {
            let len = usize::from(be16(head.stream, 0)?);
            rest(head.stream, 2).get(..len)
        }
    }
}

/// What an answer says; `None` of a query, or where it cannot be read to the end of its answers.
fn answer(message: &[u8]) -> Option<Vec<Detail>> {
    let mut cursor = Cursor::new(message);
    cursor.skip(2)?;
    let flags = cursor.be16().filter(|flags| flags & QR != 0)?;
    let (questions, answers) = (cursor.be16()?, cursor.be16()?);
    cursor.skip(4)?;
    for _ in 0..questions {
        skip_name(message.len(), &mut cursor).ok()?;
        cursor.skip(4)?;
    }
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for _ in 0..answers {
        skip_name(message.len(), &mut cursor).ok()?;
        let (kind, class) = (cursor.be16()?, cursor.be16()?);
        cursor.skip(4)?;
        let data = cursor.block16()?;
        match (kind, class, data.len()) {
            (1, INTERNET, 4) if v4.len() < TOLD_WORDS_MAX => {
                v4.push(Ipv4Addr::from(array::<4>(data, 0)?).to_string());
            }
            (28, INTERNET, 16) if v6.len() < TOLD_WORDS_MAX => {
                v6.push(Ipv6Addr::from(array::<16>(data, 0)?).to_string());
            }
            (_, _, _) => {}
        }
    }
    let mut details = vec![Detail::new(DetailKey::DnsRcode, rcode_name(flags & 0x0f))];
    for (key, addresses) in [(DetailKey::DnsA, v4), (DetailKey::DnsAaaa, v6)] {
        if !addresses.is_empty() {
            details.push(Detail::new(key, addresses.join(",")));
        }
    }
    Some(details)
}

/// IANA's DNS RCODEs.
fn rcode_name(code: u16) -> String {
    let name = match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        _ => return code.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::protocols::dns::DETECTOR;
    use crate::identify::testing::{Talk, hex};

    const NAME: &str = "03777777 076578616d706c65 00";

    fn query() -> Vec<u8> {
        hex(&format!("1234 0100 0001 0000 0000 0000 {NAME} 0001 0001"))
    }

    fn reply(flags: &str, count: &str, records: &str) -> Vec<u8> {
        hex(&format!("1234 {flags} 0001 {count} 0000 0000 {NAME} 0001 0001 {records}"))
    }

    #[test]
    fn addresses_and_code_are_told() {
        let records = "c00c 0005 0001 00000e10 0002 c010 c010 0001 0001 00000e10 0004 c0000201
             c010 0001 0001 00000e10 0004 c0000202
             c010 001c 0001 00000e10 0010 20010db8000000000000000000000001";
        let talk = Talk::udp().a(query());
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        let told = talk.b(reply("8180", "0004", records)).metadata_by(&DETECTOR, tell, false);
        let expected = [
            Detail::new(DetailKey::DnsRcode, "NOERROR"),
            Detail::new(DetailKey::DnsA, "192.0.2.1,192.0.2.2"),
            Detail::new(DetailKey::DnsAaaa, "2001:db8::1"),
        ];
        assert_eq!(told, Metadata::all(expected.to_vec()));
    }

    #[test]
    fn a_refusal_is_told_on_a_stream_too() {
        let with_len = |message: Vec<u8>| {
            [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
        };
        let talk = Talk::tcp().a(with_len(query())).b(with_len(reply("8183", "0000", "")));
        let told = talk.metadata_by(&DETECTOR, tell, false);
        assert_eq!(told, Metadata::all(vec![Detail::new(DetailKey::DnsRcode, "NXDOMAIN")]));
    }

    #[test]
    fn what_is_cut_tells_nothing() {
        let records = "c00c 0001 0001 00000e10 0004 c0000201";
        let talk = Talk::udp().b(reply("8180", "0001", records)).snapped(40);
        assert_eq!(talk.metadata_by(&DETECTOR, tell, true), Metadata::all(Vec::new()));
    }
}
