//! Tarantool's greeting (Tarantool documentation, Binary protocol), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "tarantool",
    title: "Tarantool",
    reference: "Tarantool documentation, Binary protocol: greeting packet",
    rests_on: "The greeting's first line: Tarantool, a version and (Binary) or (Lua console).",
    blind_spots: "A connection captured after the greeting is MessagePack.",
    bits: 80.0,
    openings: Openings::Known(&[one_of(b"T")]),
    asks: over_tcp(|view| {
        match_lines(view, "Tarantool", |text| {
            let greets = text.starts_with(b"Tarantool ")
                && (mentions(text, "(Binary)") || mentions(text, "(Lua console)"));
            // The second line is a salt in base64.
            let salt = text.len() == 63 && text.trim_ascii().iter().all(u8::is_ascii_graphic);
            (greets || salt).then_some((Role::Server, if greets { 120.0 } else { 32.0 }, greets))
        })
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};
    use crate::net::Side;

    #[test]
    fn messages_are_named() {
        assert_eq!(
            Talk::tcp()
                .b("Tarantool 2.11.1 (Binary) 0a1b2c3d-0000-4000-8000-000000000000\n")
                .named_by(&DETECTOR)
                .client,
            Some(Side::A)
        );
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
