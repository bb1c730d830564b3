//! ClamAV's daemon (clamd(8), section COMMANDS), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "clamd",
    title: "ClamAV daemon",
    reference: "clamd(8), section COMMANDS",
    rests_on: "An answer of clamd: its version, a verdict on a stream, or PONG to a prefixed PING; a \
               command with the prefix n or z.",
    blind_spots: "Commands without prefix; what is scanned.",
    bits: 40.0,
    openings: Openings::Known(&[
        // An answer ends in FOUND, whatever stands before. PONG, shorter than these, names nothing.
        within(&[(b' ', b'~')]),
        within(&[(b' ', b'~')]).at(1),
        within(&[(b' ', b'~')]).at(2),
        within(&[(b' ', b'~')]).at(3),
        within(&[(b' ', b'~')]).at(4),
        mixed(&[(b' ', b'~')], b"\n\0").at(5),
    ]),
    asks: over_tcp(probe),
};

/// The longest chunk of a stream: clamd's default for all of it is 100 MB.
const CHUNK_BYTES_MAX: u32 = 1 << 27;

/// Lines end in LF, or in NUL where the command starts with z.
fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, complete| {
        let front = prefix(bytes, 300);
        let end = front.iter().position(|byte| matches!(byte, b'\n' | 0));
        let text = match end {
            Some(end) => prefix(front, end),
            None if complete => front,
            None if front.len() < 300 => return Err(Short),
            None => return Err(Not),
        };
        if !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(Not);
        }
        let (verb, _) = first_word(text);
        let prefixed = matches!(verb, [b'n' | b'z', ..])
            && is_one_of(
                verb.get(1..).unwrap_or_default(),
                &[
                    "PING",
                    "VERSION",
                    "RELOAD",
                    "SCAN",
                    "CONTSCAN",
                    "MULTISCAN",
                    "ALLMATCHSCAN",
                    "INSTREAM",
                    "FILDES",
                    "STATS",
                    "IDSESSION",
                    "VERSIONCOMMANDS",
                ],
            );
        let answer = text.starts_with(b"ClamAV ")
            || text.starts_with(b"stream: ")
            || text == b"UNKNOWN COMMAND"
            || text.ends_with(b" FOUND");
        let (role, bits, own) = match (prefixed, answer) {
            (true, _) => (Role::Client, 40.0, true),
            (false, true) => (Role::Server, 56.0, true),
            (false, false) if text == b"PONG" => (Role::Server, 32.0, false),
            (false, false) => return Err(Not),
        };
        let fact = format!("clamd: {}", from_wire(prefix(text, 60)));
        let len = end.map_or(text.len(), |end| end.saturating_add(1));
        // Chunks of a stream follow its command, each behind its length.
        let streams = prefixed && is_one_of(rest(verb, 1), &["INSTREAM"]);
        let chunk = be32(bytes, len).is_none_or(|chunk| chunk <= CHUNK_BYTES_MAX);
        let len = if streams && chunk { Said::ALL } else { len };
        Ok(Said::new(len, role, bits, fact).owned_if(own))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, lines_of_others_are_refused_by};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a("zPING\0")
            .b("ClamAV 1.0.7/27000/Mon Jan  1 00:00:00 2024\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        lines_of_others_are_refused_by(&DETECTOR);
    }
}
