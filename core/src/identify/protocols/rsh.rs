//! rsh, the remote shell of 4.4BSD (rshd(8)), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rsh",
    title: "rsh (remote shell)",
    reference: "rshd(8), protocol: 4.4BSD manual",
    rests_on: "The client's start: a port in digits, two user names and a command, each ended by a zero.",
    blind_spots: "The server's side alone; rexec has a password in the second place and looks the same.",
    bits: 44.0,
    openings: Openings::Known(&[within(&[(b'0', b'9')])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [0] => Ok(Said::new(1, Role::Server, 6.0, "rsh accepted").shared()),
            [0, b' '..=b'~', ..] => {
                Ok(Said::new(bytes.len(), Role::Server, 8.0, "rsh output").shared())
            }
            [b'0'..=b'9', ..] => rsh(bytes),
            [] => Err(Short),
            _ => Err(Not),
        })
    }),
};

fn rsh(bytes: &[u8]) -> SideMatch<Said> {
    let words: Vec<&[u8]> = prefix(bytes, 400).splitn(5, |byte| *byte == 0).collect();
    let plain = words
        .iter()
        .take(4)
        .all(|word| word.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
    let [port, local, remote, command, _] = words.as_slice() else {
        let port = words.first().is_some_and(|port| is_number(port, 5));
        return Err(short_if(plain && port && bytes.len() < 400));
    };
    let name =
        |word: &[u8]| (1..=32).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    let fits = is_number(port, 5) && name(local) && name(remote) && plain && !command.is_empty();
    let fact = || format!("rsh of {}: {}", from_wire(local), from_wire(prefix(command, 60)));
    let bits = 32.0 + 5.0 + 9.0;
    fits.then(|| Said::new(bytes.len(), Role::Client, bits, fact())).ok_or(Not)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp().a("1022\0joe\0root\0uname -a\0").b("\0").named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        for stranger in ["1022\0joe\0", "220 ready\r\n"] {
            Talk::tcp().a(stranger).refused_by(&DETECTOR);
        }
    }
}
