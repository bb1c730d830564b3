//! NoMachine's NX: the greetings (NX source, nxcomp), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nomachine",
    title: "NoMachine NX",
    reference: "NX source (nxcomp, Proxy and Loop): NXPROXY greeting; NoMachine's NXSH and NXD greetings",
    rests_on: "The greeting with its name and version.",
    blind_spots: "NX over SSH is SSH.",
    bits: 60.0,
    openings: Openings::Known(&[one_of(b"N")]),
    asks: over_tcp(|view| match_starts(view, GREETINGS, 9, greeting)),
};

const GREETINGS: &[&[u8]] = &[b"NXPROXY-", b"NXSH-", b"NXD-", b"NXAGENT-"];

fn greeting(bytes: &[u8]) -> Option<Said> {
    let mut words = prefix(bytes, 64).split(|byte| matches!(byte, b'\n' | b'\r' | b' ' | 0));
    let word = words.next()?;
    let dash = word.iter().position(|byte| *byte == b'-')?;
    let version = rest(word, dash.saturating_add(1));
    let digits = version.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let fact = || format!("NX greeting {}", from_wire(word));
    (version.contains(&b'.') && digits).then(|| Said::new(bytes.len(), Role::Either, 64.0, fact()))
}

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
