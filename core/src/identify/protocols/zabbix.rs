//! Zabbix (Zabbix documentation, Header and data length), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "zabbix",
    title: "Zabbix",
    reference: "Zabbix documentation, Appendix: Header and data length",
    rests_on: "The header ZBXD with known flags and a length.",
    blind_spots: "Passive checks by agents before 4.0 ask in bare text.",
    bits: 50.0,
    openings: Openings::Known(&[one_of(b"Z")]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"ZBXD"], 13, |bytes| {
            let flags = u8_at(bytes, 4)?;
            let (header, len) = if flags & 4 == 0 {
                (13, index(le32(bytes, 5)?))
            } else {
                (21, usize::try_from(le64(bytes, 5)?).ok()?)
            };
            // The upper half is the length before compression, or zero.
            let plain = flags & 2 != 0 || flags & 4 != 0 || le32(bytes, 9)? == 0;
            let fits = flags & !7 == 0 && flags & 1 == 1 && len <= 1 << 30 && plain;
            let role = match rest(bytes, header) {
                [b'{', ..] if position_of(prefix(bytes, 208), b"\"request\"").is_some() => {
                    Role::Client
                }
                [b'{', ..] if position_of(prefix(bytes, 209), b"\"response\"").is_some() => {
                    Role::Server
                }
                _ => Role::Either,
            };
            fits.then(|| {
                Said::new(header.saturating_add(len), role, 32.0 + 6.0 + 16.0, "Zabbix message")
            })
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        let zabbix = |text: &str| {
            let len = u8::try_from(text.len()).unwrap();
            [b"ZBXD\x01".to_vec(), vec![len], vec![0; 7], text.as_bytes().to_vec()].concat()
        };
        Talk::tcp()
            .a(zabbix("{\"request\":\"active checks\"}"))
            .b(zabbix("{\"response\":\"success\"}"))
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"ZBXD is a header of Zabbix\r\n").refused_by(&DETECTOR);
    }
}
