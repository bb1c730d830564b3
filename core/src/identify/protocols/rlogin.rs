//! rlogin (RFC 1282), over TCP.

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "rlogin",
    title: "rlogin",
    reference: "RFC 1282",
    rests_on: "The client's start: a zero, two user names and a terminal with its speed, each ended by \
               a zero.",
    blind_spots: "The server's side alone; rsh and rexec are other protocols.",
    bits: 44.0,
    openings: Openings::Known(&[one_of(&[0])]),
    asks: over_tcp(|view| {
        match_stream(view, |bytes, _| match bytes {
            [0, b'!'..=b'~', ..] => rlogin(bytes),
            // The server's consent
            [0] => Ok(Said::new(1, Role::Server, 6.0, "rlogin accepted").shared()),
            [] => Err(Short),
            _ => Err(Not),
        })
    }),
};

fn rlogin(bytes: &[u8]) -> SideMatch<Said> {
    let front = prefix(rest(bytes, 1), 120);
    let words: Vec<&[u8]> = front.splitn(4, |byte| *byte == 0).collect();
    let [local, remote, terminal, _] = words.as_slice() else {
        let plain = front.iter().all(|byte| byte.is_ascii_graphic() || *byte == 0);
        return Err(short_if(plain && front.len() < 120));
    };
    let name =
        |word: &[u8]| (1..=32).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    let slash = terminal.iter().position(|byte| *byte == b'/');
    let speed = slash.is_some_and(|at| is_number(rest(terminal, at.saturating_add(1)), 6));
    let fits = name(local) && name(remote) && name(terminal) && speed;
    let fact = || format!("rlogin of {} as {}", from_wire(local), from_wire(remote));
    let bits = 32.0 + 8.0 + 8.0;
    fits.then(|| Said::new(bytes.len(), Role::Client, bits, fact())).ok_or(Not)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;

    #[test]
    fn messages_are_named() {
        Talk::tcp().a(b"\0joe\0joe\0xterm/38400\0").b([0]).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().a(b"\0joe\0joe\0xterm\0").refused_by(&DETECTOR);
    }
}
