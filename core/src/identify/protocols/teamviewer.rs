//! TeamViewer's packets, as packet analyses describe them: no specification is public. Over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "teamviewer",
    title: "TeamViewer",
    reference: "no specification is public; header as published by packet analyses of TeamViewer",
    rests_on: "Packets with the mark 17 24, a command and a length of two bytes, one behind the other \
               or on both sides.",
    blind_spots: "Connections by TLS, by UDP, or of version 15 and later with another mark.",
    bits: 28.0,
    openings: Openings::Known(&[one_of(&[0x17])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\x17\x24"], 5, |bytes| {
            let (command, len) = (u8_at(bytes, 2)?, usize::from(le16(bytes, 3)?));
            // mark, command, upper bits of the length
            let (total, bits) = (len.saturating_add(5), 16.0 + 2.2 + 3.0);
            ((0x0a..=0x40).contains(&command) && len < 0x2000)
                .then(|| Said::new(total, Role::Either, bits, "TeamViewer packet"))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(hex("1724 0a 0200 0000 1724 0b 0000"))
            .b(hex("1724 10 0000 1724 10 0000"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in [hex("1724 0a 0200 0000 9999 9999 9999"), hex("1724 0a 0000")] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
