//! LLMNR (RFC 4795), over UDP.
//!
//! Told by a question for a single label without any flag.
//!
//! ```text
//!  id(16)  flags(16)  counts of questions, answers, authorities, additionals (16 each)
//!  name type(16) class(16)     name type(16) class(16) TTL(32) length(16) data
//! ```

use crate::identify::names::{dotted, is_netbios_letters, read_name};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "llmnr",
    title: "LLMNR",
    reference: "RFC 4795 section 2.1",
    rests_on: "One question for a name of one label, with no flag set and nothing behind it; or the \
               answer to such a question.",
    blind_spots: "A resolver without EDNS that asks for a top-level domain says the same. Names of \
                  several labels are left to DNS.",
    bits: 80.0,
    openings: Openings::Known(&[
        one_of(&[0, 0x80]).at(2),
        one_of(&[0]).at(3),
        one_of(&[0]).at(4),
        one_of(&[1]).at(5),
        one_of(&[0]).at(11),
        within(&[(1, 63)]).at(12).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read_llmnr)),
};

fn read_llmnr(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let mut cursor = Cursor::new(bytes);
    let (id, flags) = (cursor.be16()?, cursor.be16()?);
    let (questions, answers) = (cursor.be16()?, cursor.be16()?);
    let (authorities, additionals) = (cursor.be16()?, cursor.be16()?);
    let name = read_name(&mut cursor)?;
    let (kind, class) = (cursor.be16()?, cursor.be16()?);
    let is_query = flags == 0 && answers == 0 && cursor.is_empty();
    let is_answer = flags == 0x8000 && answers <= 16 && cursor.is_empty() == (answers == 0);
    let host = name.first.len() < 64
        && name.first.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte > 127)
        && !(name.first.len() == 32 && is_netbios_letters(name.first));
    let fits = id != 0
        && (is_query || is_answer)
        && (questions, authorities, additionals) == (1, 0, 0)
        && name.labels == 1
        && host
        && matches!(kind, 1 | 6 | 12 | 28 | 33 | 255)
        && class == 1;
    let (role, what) = if is_query { (Role::Client, "query") } else { (Role::Server, "answer") };
    // flags, four counts, type, class; the name's length and end
    let bits = 15.0 + 60.0 + 13.0 + 16.0 + 8.0;
    fits.then(|| {
        Said::all(role, bits, format!("LLMNR {what}")).with(DetailKey::DnsName, dotted(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, look_alike_names, named_message, netbios_messages};

    #[test]
    fn each_side_is_named() {
        let query = named_message("1a2b 0000 0001 0000 0000 0000", "wpad", "0001 0001");
        let answer = named_message(
            "1a2b 8000 0001 0001 0000 0000",
            "wpad",
            "0001 0001 0477706164 00 0001 0001 0000001e 0004 c0000201",
        );
        Talk::udp().a(query).b(answer).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for look_alike in [&look_alike_names()[..], &netbios_messages()].concat() {
            Talk::udp().a(look_alike).refused_by(&DETECTOR);
        }
    }
}
