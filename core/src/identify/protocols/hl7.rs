//! HL7 version 2 in MLLP (HL7 2.5 section 2.16.9.1; MLLP Release 1), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "hl7",
    title: "HL7 version 2 (MLLP)",
    reference: "HL7 Version 2.5 section 2.16.9.1 (MSH); MLLP Release 1, section 2",
    rests_on: "The block's start and the message header segment with its separators.",
    blind_spots: "HL7 version 3 and FHIR are XML and HTTP.",
    bits: 48.0,
    openings: Openings::Known(&[one_of(&[0x0b])]),
    asks: over_tcp(|view| {
        match_starts(view, &[b"\x0bMSH", b"\x0b\x06\x1c\r", b"\x0b\x15\x1c\r"], 4, |bytes| {
            // MLLP release 2 section 3: the block is taken, or not.
            if matches!(bytes, [_, 0x06 | 0x15, ..]) {
                return Some(Said::new(4, Role::Either, 32.0, "MLLP acknowledgement").shared());
            }
            let [separator, component, ..] = *rest(bytes, 4) else { return None };
            let kind = bytes.split(|byte| *byte == separator).nth(8).unwrap_or_default();
            let fits = separator.is_ascii_punctuation()
                && component.is_ascii_punctuation()
                && separator != component;
            let fact = || format!("HL7 message {}", from_wire(prefix(kind, 20)));
            // MLLP section 2: segments end in CR, the block in 1c CR.
            let end =
                rest(bytes, 1).iter().position(|byte| *byte < b' ' && !b"\r\n\t".contains(byte));
            let len = match end.map(|end| (u8_at(bytes, end.saturating_add(1)), end)) {
                None => Said::ALL,
                Some((Some(0x1c), end)) => end.saturating_add(3),
                Some(_) => return None,
            };
            fits.then(|| Said::new(len, Role::Either, 32.0 + 8.0 + 8.0, fact()))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(b"\x0bMSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r")
            .b(b"\x0bMSH|^~\\&|C|D|A|B|20240101||ACK|1|P|2.5\r")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"\x0bMSHello there").refused_by(&DETECTOR);
    }
}
