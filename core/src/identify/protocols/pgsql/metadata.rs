//! The version of a PostgreSQL server, which it tells only once it has let the client in.

use super::{VERSION, version};
use crate::identify::prelude::*;

/// Waits for ParameterStatus of server_version (PostgreSQL documentation, Message Formats).
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    let told = view.each().find_map(|(_, head)| server_version(head));
    let over = view.each().all(|(_, head)| head.complete);
    match told {
        Some(text) => Metadata::all(vec![Detail::new(VERSION, from_wire(text))]),
        None if over => Metadata::all(Vec::new()),
        None => Metadata::later(),
    }
}

fn server_version<'a>(head: &SideView<'a>) -> Option<&'a [u8]> {
    // A server that was asked for encryption and has none says so in one byte.
    let refused = matches!(head.stream, [b'N', b'R' | b'E', ..]);
    let mut at = usize::from(refused);
    while let (Some(kind), Some(len)) = (u8_at(head.stream, at), be32(rest(head.stream, at), 1)) {
        let body = prefix(rest(head.stream, at.saturating_add(5)), index(len).checked_sub(4)?);
        match version(body) {
            // Its last byte may be missing yet.
            Some(text) if kind == b'S' && body.ends_with(&[0]) => return Some(text),
            Some(_) | None => at = at.saturating_add(1).saturating_add(index(len)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::protocols::pgsql::DETECTOR;
    use crate::identify::protocols::pgsql::tests::{hello, message};
    use crate::identify::testing::Talk;

    #[test]
    fn a_version_behind_the_login_is_waited_for() {
        let asks = message(b'R', &[0, 0, 0, 10, b'S', b'C', b'R', b'A', b'M', 0, 0]);
        let mut talk = Talk::tcp().a(hello()).b(asks).a(message(b'p', b"SCRAM\0"));
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        talk = talk.b(message(b'R', &[0; 4]));
        for number in 0..13 {
            talk = talk.b(message(b'S', format!("name{number}\0value\0").as_bytes()));
        }
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::later());
        talk = talk.b(message(b'S', b"server_version\x0016.2 (Debian)\0"));
        let version = Detail::new(VERSION, "16.2 (Debian)");
        assert_eq!(talk.metadata_by(&DETECTOR, tell, false), Metadata::all(vec![version]));
    }

    #[test]
    fn without_one_nothing_is_told() {
        let talk = Talk::tcp().a(hello()).b(message(b'E', b"SFATAL\0VFATAL\0C28000\0\0"));
        assert_eq!(talk.metadata_by(&DETECTOR, tell, true), Metadata::all(Vec::new()));
    }
}
