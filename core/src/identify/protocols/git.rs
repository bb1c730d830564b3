//! git's own protocol (git://), over TCP.
//!
//! ```text
//!  pkt-line  length(4 hexadecimal digits, with these) payload;  0000 flush  0001 delimiter
//!  client    git-upload-pack /path NUL host=name NUL
//!  server    object(40 or 64 hexadecimal digits) SP name [NUL capabilities] LF ...
//! ```

use crate::identify::openings::Opening;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "git",
    title: "git",
    reference: "git documentation, gitprotocol-pack(5) and gitprotocol-common(5)",
    rests_on: "The client's request for a service with a path, the server's references or version, each \
               line as long as it says.",
    blind_spots: "The pack itself. git over SSH or HTTP is named so.",
    bits: 60.0,
    openings: Openings::Known(&[DIGIT, DIGIT.at(1), DIGIT.at(2), DIGIT.at(3)]),
    asks: over_tcp(|view| match_opened(view, &DETECTOR, 4, line)),
};

/// Lines begin with their length, hexadecimal.
const DIGIT: Opening = within(&[(b'0', b'9'), (b'a', b'f')]);

fn line(bytes: &[u8]) -> Option<Said> {
    // A pack itself has no lines.
    if bytes.starts_with(b"PACK\0\0\0") {
        return Some(Said::all(Role::Either, 56.0, "git pack").shared());
    }
    let digits = std::str::from_utf8(bytes.get(..4)?).ok()?;
    let len = usize::from(u16::from_str_radix(digits, 16).ok()?);
    if len < 4 {
        // flush, delimiter, response end
        return (len < 3).then(|| Said::new(4, Role::Either, 20.0, "git flush").shared());
    }
    let payload = prefix(rest(bytes, 4), len - 4);
    let said = |role, bits, fact: String| Said::new(len, role, bits, fact);
    let service = payload.split(|byte| *byte == 0).next().unwrap_or_default();
    if [&b"git-upload-pack "[..], b"git-receive-pack ", b"git-upload-archive "]
        .iter()
        .any(|verb| service.starts_with(verb))
    {
        return Some(said(Role::Client, 150.0, format!("git request {}", from_wire(service))));
    }
    let hexadecimal = payload.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let object = matches!(hexadecimal, 40 | 64) && payload.get(hexadecimal) == Some(&b' ');
    if object
        && (mentions(payload, "HEAD")
            || mentions(payload, "refs/")
            || mentions(payload, "capabilities^{}"))
    {
        return Some(said(Role::Server, 200.0, "git references".to_owned()));
    }
    let text = payload.trim_ascii_end();
    // gitprotocol-pack, section Packfile Data: what is sent behind a channel's number.
    if matches!(payload, [1..=3, ..]) {
        return Some(said(Role::Server, 8.0, "git channel".to_owned()).shared());
    }
    match text {
        b"version 2" | b"version 1" => Some(said(Role::Server, 90.0, "git version".to_owned())),
        b"NAK" | b"done" => Some(said(Role::Either, 40.0, "git word".to_owned()).shared()),
        _ if text.starts_with(b"ERR ") => {
            Some(said(Role::Server, 48.0, format!("git error: {}", from_wire(text))))
        }
        _ if text.starts_with(b"want ") || text.starts_with(b"have ") => {
            Some(said(Role::Client, 60.0, "git want".to_owned()))
        }
        _ if text.starts_with(b"command=") => {
            Some(said(Role::Client, 90.0, "git command".to_owned()))
        }
        _ if text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
            && !text.is_empty() =>
        {
            Some(said(Role::Either, 24.0, "git line".to_owned()).shared())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn requests_and_references_are_named() {
        let talk = Talk::tcp()
            .a("0032git-upload-pack /project.git\0host=a.example\0")
            .b("00467217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0multi_ack thin-pack\n0000");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a("0032 is a number\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("git-upload-pack /x\0").refused_by(&DETECTOR);
        Talk::tcp().a("00000000").refused_by(&DETECTOR);
        Talk::tcp().b("220 ready\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("dead beef").refused_by(&DETECTOR);
    }
}
