//! Multicast DNS (RFC 6762), over UDP.
//!
//! Told by its id of zero, its two flag words and a name below `.local`.
//!
//! ```text
//!  id(16)  flags(16)  counts of questions, answers, authorities, additionals (16 each)
//!  name type(16) class(16)     name type(16) class(16) TTL(32) length(16) data
//! ```

use crate::identify::names::{dotted, read_name};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "mdns",
    title: "Multicast DNS",
    reference: "RFC 6762 section 18",
    rests_on: "Id zero or a service's type, no flag but those of an answer, and a first name that \
               ends in .local or is a reversed address in an answer without a question.",
    blind_spots: "Answers to old clients, which repeat their id, are DNS.",
    bits: 80.0,
    openings: Openings::Known(&[
        one_of(&[0, 2, 0x80, 0x84, 0x86]).at(2),
        one_of(&[0]).at(3),
        one_of(&[0, 1]).at(4),
        one_of(&[0, 1]).at(6),
        one_of(&[0, 1]).at(8),
        within(&[(1, 63)]).at(12).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read_mdns)),
};

fn read_mdns(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let mut cursor = Cursor::new(bytes);
    let (id, flags) = (cursor.be16()?, cursor.be16()?);
    let counts = [cursor.be16()?, cursor.be16()?, cursor.be16()?, cursor.be16()?];
    let [questions, answers, ..] = counts;
    let name = read_name(&mut cursor)?;
    let (_, class) = (cursor.be16()?, cursor.be16()?);
    // RFC 6762 section 18.3: QR, AA and TC only
    let known = matches!(flags, 0 | 0x0200 | 0x8400 | 0x8000 | 0x8600);
    let small = counts.iter().all(|count| *count <= 256) && questions.max(answers) > 0;
    let local = name.last.eq_ignore_ascii_case(b"local");
    let reversed = name.last.eq_ignore_ascii_case(b"arpa") && flags == 0x8400 && questions == 0;
    // The upper bit of the class is QU, or flushes the cache.
    // Some ask with an id, for a service by its type: that is below .local in mDNS only.
    let service = local && matches!(name.last_but_one, b"_tcp" | b"_udp");
    let fits = (id == 0 || service)
        && known
        && small
        && (local || reversed)
        && matches!(class & 0x7fff, 1 | 255);
    let (role, what) =
        if flags & 0x8000 == 0 { (Role::Client, "query") } else { (Role::Server, "answer") };
    // id or service type, flags, four counts, .local, class
    let bits = 16.0 + 13.0 + 28.0 + 32.0 + 14.0;
    fits.then(|| {
        Said::all(role, bits, format!("mDNS {what}")).with(DetailKey::DnsName, dotted(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{
        ANSWER, QUERY, Talk, look_alike_names, named_message, netbios_messages,
    };

    #[test]
    fn each_side_is_named() {
        let query = named_message(QUERY, "_ipp._tcp.local", "000c 8001");
        let answer = named_message(ANSWER, "hall.local", "0001 8001 00000078 0004 c0000201");
        Talk::udp().a(query).b(answer).named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for look_alike in [&look_alike_names()[..], &netbios_messages()].concat() {
            Talk::udp().a(look_alike).refused_by(&DETECTOR);
        }
    }
}
