//! NoMachine's NX: the greetings (NX source, nxcomp), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nomachine",
    title: "NoMachine NX",
    reference: "NX source (nxcomp, Proxy and Loop): NXPROXY greeting; NoMachine's NXSH and NXD greetings",
    over: Over::Tcp,
    rests_on: "The greeting with its name and version.",
    blind_spots: "NX over SSH is SSH.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"N")]),
    probe: |view| {
        match_starts(
            view,
            DETECTOR.id,
            &[b"NXPROXY-", b"NXSH-", b"NXD-", b"NXAGENT-"],
            9,
            |bytes| {
                let end = prefix(bytes, 64)
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r' | b' ' | 0))
                    .unwrap_or(bytes.len().min(64));
                let word = prefix(bytes, end);
                let dash = word.iter().position(|byte| *byte == b'-')?;
                let version = rest(word, dash.saturating_add(1));
                let fits = version.contains(&b'.')
                    && version
                        .iter()
                        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
                fits.then(|| {
                    Message::new(
                        bytes.len(),
                        Role::Either,
                        64.0,
                        format!("NX greeting {}", from_wire(word)),
                    )
                })
            },
        )
    },
    extras: Extras::NONE,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(b"NXSH-3.5.0\n")
            .b(b"NXPROXY-3.5.0-3.5.99 options\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"NXD-rays\n").refused_by(&DETECTOR);
    }
}
