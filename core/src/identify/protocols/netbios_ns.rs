//! NetBIOS's name service (RFC 1002 section 4.2), over UDP.
//!
//! Told by names of 32 letters from A to P.
//!
//! ```text
//!  id(16)  flags(16)  counts of questions, answers, authorities, additionals (16 each)
//!  name type(16) class(16)     name type(16) class(16) TTL(32) length(16) data
//! ```

use crate::identify::names::{HEADER, has_netbios_name};
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "netbios-ns",
    title: "NetBIOS name service",
    reference: "RFC 1002 section 4.2",
    rests_on: "A known operation and a first name of 32 letters from A to P with a known type.",
    blind_spots: "Nothing known.",
    bits: 128.0,
    openings: Openings::Known(&[
        one_of(&[0x20]).at(12).required(),
        within(&[(b'A', b'P')]).at(13).required(),
    ]),
    asks: over_udp(|view| probe_datagrams(view, read_netbios)),
};

fn read_netbios(datagram: &Datagram<'_>) -> Option<Said> {
    let bytes = datagram.bytes;
    let flags = be16(bytes, 2)?;
    // RFC 1002 section 4.2.1.1: query, registration, release, WACK, refresh, and two more in use
    let known = matches!(flags >> 11 & 0x0f, 0 | 5..=9 | 15);
    let end = rest(bytes, HEADER.saturating_add(33));
    // The name may have a scope behind it.
    let typed = end.first() != Some(&0) || matches!(be16(end, 1), Some(0x20 | 0x21 | 0x0a));
    let (role, what) =
        if flags & 0x8000 == 0 { (Role::Client, "request") } else { (Role::Server, "response") };
    (known && has_netbios_name(bytes, HEADER) && typed).then(|| {
        let fact = format!("NetBIOS name service {what}");
        Said::at(role, 130.0, fact, Spot::datagram(0, HEADER, 16))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, look_alike_names, netbios_messages};

    #[test]
    fn a_question_is_named() {
        let [question, datagram] = netbios_messages();
        Talk::udp().a(question).named_by(&DETECTOR);
        Talk::udp().a(datagram).refused_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for look_alike in look_alike_names() {
            Talk::udp().a(look_alike).refused_by(&DETECTOR);
        }
    }
}
