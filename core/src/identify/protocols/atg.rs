//! Veeder-Root's automatic tank gauges (Serial Interface Manual 576013-635), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "atg",
    title: "Automatic tank gauge (Veeder-Root)",
    reference: "Veeder-Root Serial Interface Manual 576013-635, command format",
    rests_on: "SOH, then I or S with five digits that end the request or start the answer's report.",
    blind_spots: "Consoles with a security code in front of the command are taken by six digits or \
                  letters.",
    bits: 34.0,
    openings: Openings::Known(&[one_of(&[1])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, complete| match bytes.first() {
            Some(1) if bytes.len() < 8 && !complete => Err(Short),
            Some(1) => atg(bytes).ok_or(Not),
            Some(b'\n' | b'\r') => (bytes.len() < 4)
                .then(|| Said::new(bytes.len(), Role::Client, 4.0, "line end").shared())
                .ok_or(Not),
            // Scanners ask over telnet, and interrupt it (RFC 854).
            Some(0xff) => match bytes.get(1) {
                Some(0xfb..=0xfe) => Ok(Said::new(3, Role::Client, 0.0, "telnet option").shared()),
                Some(0xf0..=0xfa) => Ok(Said::new(2, Role::Client, 0.0, "telnet command").shared()),
                Some(_) => Err(Not),
                None => Err(Short),
            },
            Some(_) => Err(Not),
            None => Err(Short),
        })
    }),
};

fn atg(bytes: &[u8]) -> Option<Said> {
    // Veeder-Root, Serial Interface Manual section 5.1: what answers a command that is not known.
    if bytes.starts_with(b"\x019999FF1B") {
        return Some(Said::new(
            10,
            Role::Server,
            72.0,
            "Tank gauge's answer to an unknown command",
        ));
    }
    let text = rest(bytes, 1);
    let ahead = text.strip_prefix(b"\r\n");
    let text = ahead.unwrap_or(text);
    let at = match (is_gauge_command(text), is_gauge_command(rest(text, 6))) {
        (true, _) => 6,
        (false, true) if prefix(text, 6).iter().all(u8::is_ascii_alphanumeric) => 12,
        (false, _) => return None,
    };
    let behind = rest(text, at);
    let blanks = behind.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let report = rest(behind, blanks);
    let printed = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r' | b'\n' | 3);
    // The answer repeats the command, and a report follows, or a time in digits.
    let reports = report.len() > 8 && report.iter().take(64).all(printed);
    let ends = report.first().is_none_or(|byte| matches!(byte, 1 | 3 | 0xff));
    let role = if ahead.is_some() || reports { Role::Server } else { Role::Client };
    let head = bytes.len().saturating_sub(text.len()).saturating_add(at).saturating_add(blanks);
    let len = if reports { bytes.len() } else { head };
    let fact = || format!("Tank gauge command {}", from_wire(prefix(text, at)));
    // SOH, I or S, five digits
    (reports || ends).then(|| Said::new(len, role, 8.0 + 6.0 + 5.0 * 4.5, fact()))
}

fn is_gauge_command(text: &[u8]) -> bool {
    let digits = text.get(1..6).unwrap_or_default();
    let numbered = digits.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4;
    matches!(text.first(), Some(b'I' | b'S' | b'i' | b's'))
        && numbered
        && digits.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{Talk, hex};

    #[test]
    fn messages_are_named() {
        Talk::tcp()
            .a(b"\x01I20100\r\n")
            .b(b"\x01\r\nI20100\r\nJAN 1, 2024 12:00 AM\r\n\r\nSTATION\r\n")
            .named_by_each(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in
            [b"\x01hello there\r\n".to_vec(), hex("01 01 0001 0008 00 00 0001 01 0000000000")]
        {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
