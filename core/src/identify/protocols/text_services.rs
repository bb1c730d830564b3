//! Services that greet in one line of text that nobody else says: one row each.
//!
//! Where a name takes more than one line to tell, its protocol has a file of its own.

use crate::identify::lines::{first_word, is_number, is_one_of, line, mentions};
use crate::identify::messages::{Message, match_stream};
use crate::identify::side_match::{Role, SideMatch};
use crate::identify::{Detector, FlowView, Over, Probe};
use crate::wire::{from_wire, prefix};

/// What a line is, for one of the protocols: who says it, the bits it proves, whether it is its own.
type Words = fn(&[u8]) -> Option<(Role, f32, bool)>;

fn match_side(view: &FlowView<'_>, id: &'static str, title: &str, words: Words) -> Probe {
    match_stream(view, id, |bytes, complete| {
        line(bytes, complete).and_then(|found| {
            let (role, bits, own) = words(found.text)?;
            let fact = format!("{title}: {}", from_wire(prefix(found.text, 60)));
            Some(Message::new(found.len, role, bits, fact).owned_if(own))
        })
    })
}

pub(super) static RSYNC: Detector = Detector {
    id: "rsync",
    title: "rsync daemon",
    reference: "rsync source, clientserver.c, and csprotocol.txt: the @RSYNCD greeting",
    over: Over::Tcp,
    rests_on: "@RSYNCD: with a version, on either side.",
    blind_spots: "rsync over SSH is SSH. Behind the greeting the protocol is binary.",
    bits: 72.0,
    probe: |view| match_side(view, "rsync", "rsync", rsync),
};

fn rsync(text: &[u8]) -> Option<(Role, f32, bool)> {
    let words = text.strip_prefix(b"@RSYNCD: ")?;
    let role = if is_one_of(first_word(words).0, &["OK", "AUTHREQD", "EXIT"]) {
        Role::Server
    } else {
        Role::Either
    };
    let known = words.first().is_some_and(u8::is_ascii_digit) || role == Role::Server;
    known.then_some((role, 72.0, true))
}

pub(super) static NATS: Detector = Detector {
    id: "nats",
    title: "NATS",
    reference: "NATS documentation, Client Protocol",
    over: Over::Tcp,
    rests_on: "The server's INFO or the client's CONNECT with a JSON object, or PUB, SUB and MSG lines \
               beside PING and PONG.",
    blind_spots: "A quiet connection of PING and PONG alone.",
    bits: 48.0,
    probe: |view| match_side(view, "nats", "NATS", nats),
};

fn nats(text: &[u8]) -> Option<(Role, f32, bool)> {
    let (verb, rest_of) = first_word(text);
    Some(match verb {
        b"INFO"
            if rest_of.starts_with(b"{\"")
                && (mentions(rest_of, "server_") || mentions(rest_of, "max_payload")) =>
        {
            (Role::Server, 100.0, true)
        }
        b"CONNECT" if rest_of.starts_with(b"{\"") => (Role::Client, 80.0, true),
        b"PING" | b"PONG" if rest_of.is_empty() => (Role::Either, 40.0, false),
        b"+OK" if rest_of.is_empty() => (Role::Server, 32.0, false),
        b"-ERR" if rest_of.starts_with(b"'") => (Role::Server, 48.0, true),
        b"SUB" if rest_of.split(|byte| *byte == b' ').count() >= 2 => (Role::Client, 30.0, false),
        _ => return None,
    })
}

pub(super) static SVN: Detector = Detector {
    id: "svn",
    title: "Subversion (svnserve)",
    reference: "Subversion source, libsvn_ra_svn/protocol, sections 1 and 2",
    over: Over::Tcp,
    rests_on: "The greeting ( success ( version version ..., or the client's list of capabilities with \
               a URL.",
    blind_spots: "Subversion over HTTP is HTTP.",
    bits: 60.0,
    probe,
};

/// Items are separated by white space, and no line ends need to be there.
fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, SVN.id, |bytes, complete| {
        let front = prefix(bytes, 200);
        if front.len() < 60 && !complete && b"( ".starts_with(prefix(front, 2)) {
            return SideMatch::Incomplete;
        }
        let plain = front.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t'));
        let server =
            front.starts_with(b"( success ( ") && front.get(12).is_some_and(u8::is_ascii_digit);
        let client = front.starts_with(b"( ")
            && mentions(front, "( edit-pipeline ")
            && mentions(front, ":svn");
        let (role, what) = if server {
            (Role::Server, "Subversion greeting")
        } else if client {
            (Role::Client, "Subversion client's capabilities")
        } else {
            return SideMatch::Mismatch;
        };
        SideMatch::or_mismatch(plain.then(|| Message::new(bytes.len(), role, 90.0, what)))
    })
}

pub(super) static CLAMD: Detector = Detector {
    id: "clamd",
    title: "ClamAV daemon",
    reference: "clamd(8), section COMMANDS",
    over: Over::Tcp,
    rests_on: "An answer of clamd: its version, a verdict on a stream, or PONG to a prefixed PING; a \
               command with the prefix n or z.",
    blind_spots: "Commands without prefix; what is scanned.",
    bits: 40.0,
    probe: probe_clamd,
};

/// Lines end in LF, or in NUL where the command starts with z.
fn probe_clamd(view: &FlowView<'_>) -> Probe {
    match_stream(view, CLAMD.id, |bytes, complete| {
        let front = prefix(bytes, 300);
        let end = front.iter().position(|byte| matches!(byte, b'\n' | 0));
        let text = match end {
            Some(end) => prefix(front, end),
            None if complete => front,
            None if front.len() < 300 => return SideMatch::Incomplete,
            None => return SideMatch::Mismatch,
        };
        if !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return SideMatch::Mismatch;
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
        let said = |role, bits, own| {
            let fact = format!("clamd: {}", from_wire(prefix(text, 60)));
            // A stream's bytes follow its command.
            SideMatch::Match(Message::new(bytes.len(), role, bits, fact).owned_if(own))
        };
        if prefixed {
            said(Role::Client, 40.0, true)
        } else if answer {
            said(Role::Server, 56.0, true)
        } else if text == b"PONG" {
            said(Role::Server, 32.0, false)
        } else {
            SideMatch::Mismatch
        }
    })
}

pub(super) static CHECKMK: Detector = Detector {
    id: "checkmk",
    title: "Checkmk agent",
    reference: "Checkmk documentation, The agent's output: section headers",
    over: Over::Tcp,
    rests_on: "The agent's first section, <<<check_mk>>>.",
    blind_spots: "Agents that answer in TLS or encrypt their output.",
    bits: 100.0,
    probe: |view| {
        match_side(view, "checkmk", "Checkmk agent", |text| {
            (text == b"<<<check_mk>>>").then_some((Role::Server, 110.0, true))
        })
    },
};

pub(super) static MUNIN: Detector = Detector {
    id: "munin",
    title: "Munin node",
    reference: "Munin documentation, Munin's node and master protocol",
    over: Over::Tcp,
    rests_on: "The node's greeting, # munin node at.",
    blind_spots: "The master's commands alone are plain words.",
    bits: 90.0,
    probe: |view| match_side(view, "munin", "Munin", munin),
};

fn munin(text: &[u8]) -> Option<(Role, f32, bool)> {
    if text.starts_with(b"# munin node at ") {
        return Some((Role::Server, 120.0, true));
    }
    let (verb, _) = first_word(text);
    let known =
        matches!(verb, b"list" | b"nodes" | b"config" | b"fetch" | b"version" | b"cap" | b"quit");
    known.then_some((Role::Client, 24.0, false))
}

pub(super) static TARANTOOL: Detector = Detector {
    id: "tarantool",
    title: "Tarantool",
    reference: "Tarantool documentation, Binary protocol: greeting packet",
    over: Over::Tcp,
    rests_on: "The greeting's first line: Tarantool, a version and (Binary) or (Lua console).",
    blind_spots: "A connection captured after the greeting is MessagePack.",
    bits: 80.0,
    probe: |view| {
        match_side(view, "tarantool", "Tarantool", |text| {
            let greets = text.starts_with(b"Tarantool ")
                && (mentions(text, "(Binary)") || mentions(text, "(Lua console)"));
            greets.then_some((Role::Server, 120.0, true))
        })
    },
};

pub(super) static JSON_RPC: Detector = Detector {
    id: "json-rpc",
    title: "JSON-RPC",
    reference: "JSON-RPC 2.0 Specification, sections 4 and 5",
    over: Over::Tcp,
    rests_on: "A JSON object at the start that says \"jsonrpc\":\"2.0\" with a method, a result or an error.",
    blind_spots: "Version 1, which has no mark; JSON-RPC over HTTP is HTTP.",
    bits: 90.0,
    probe: |view| {
        match_stream(view, JSON_RPC.id, |bytes, complete| {
            let front = prefix(bytes, 400);
            if front.first().is_some_and(|byte| !matches!(byte, b'{' | b'[')) {
                return SideMatch::Mismatch;
            }
            let marked = mentions(front, "\"jsonrpc\"") && mentions(front, "\"2.0\"");
            let plain = front.iter().all(|byte| *byte >= b' ' || byte.is_ascii_whitespace());
            let role = if mentions(front, "\"method\"") {
                Role::Client
            } else if mentions(front, "\"result\"") || mentions(front, "\"error\"") {
                Role::Server
            } else if front.len() < 400 && !complete && plain {
                return SideMatch::Incomplete;
            } else {
                return SideMatch::Mismatch;
            };
            // Both ends may ask.
            SideMatch::or_mismatch(
                (plain && marked)
                    .then(|| Message::new(bytes.len(), role, 90.0, "JSON-RPC 2.0 object")),
            )
        })
    },
};

pub(super) static NMDC: Detector = Detector {
    id: "nmdc",
    title: "NMDC (Direct Connect)",
    reference: "NMDC protocol 1.3 (nmdc.sourceforge.io), sections Lock, Key, Supports, MyNick",
    over: Over::Tcp,
    rests_on: "Commands that start with $ and end in a bar: a lock with its key, or a nickname.",
    blind_spots: "ADC, its successor; chat without commands.",
    bits: 44.0,
    probe: |view| {
        match_stream(view, NMDC.id, |bytes, complete| {
            if bytes.first().is_some_and(|byte| *byte != b'$') {
                return SideMatch::Mismatch;
            }
            let front = prefix(bytes, 600);
            let end = front.iter().position(|byte| *byte == b'|');
            if end.is_none() {
                return if front.len() < 600 && !complete {
                    SideMatch::Incomplete
                } else {
                    SideMatch::Mismatch
                };
            }
            let text = prefix(front, end.unwrap_or(0));
            let (verb, rest_of) = first_word(text);
            let role = match verb {
                b"$Lock" if mentions(rest_of, "Pk=") => Role::Either,
                b"$HubName" | b"$Hello" | b"$LogedIn" => Role::Server,
                b"$ValidateNick" | b"$Key" | b"$GetNickList" => Role::Client,
                b"$MyNick" | b"$Supports" => Role::Either,
                _ => return SideMatch::Mismatch,
            };
            let fact = format!("Direct Connect {}", from_wire(verb));
            SideMatch::Match(
                Message::new(text.len().saturating_add(1), role, 48.0, fact)
                    .owned_if(!rest_of.is_empty()),
            )
        })
    },
};

pub(super) static WHOIS: Detector = Detector {
    id: "whois",
    title: "WHOIS",
    reference: "RFC 3912; the answers' forms of IANA, RIPE, ARIN and the registries' agreements with ICANN",
    over: Over::Tcp,
    rests_on: "An answer whose first line is a registry's: a comment that says WHOIS, or Domain Name.",
    blind_spots: "The question is one line of anything; registries with forms of their own.",
    bits: 60.0,
    probe: |view| {
        match_stream(view, WHOIS.id, |bytes, complete| match line(bytes, complete) {
            SideMatch::Match(found) => {
                let text = found.text.trim_ascii();
                let comment =
                    matches!(text, [b'%' | b'#', ..]) && mentions(prefix(bytes, 400), "whois");
                let domain = text.starts_with(b"Domain Name: ") || text.starts_with(b"domain:  ");
                let bits = if comment || domain { 64.0 } else { 8.0 };
                let question = found.len == bytes.len() && !text.is_empty() && text.len() < 80;
                match (comment || domain, question) {
                    (true, _) => SideMatch::Match(Message::new(
                        bytes.len(),
                        Role::Server,
                        bits,
                        "WHOIS answer",
                    )),
                    (false, true) => SideMatch::Match(
                        Message::new(bytes.len(), Role::Client, bits, "WHOIS question").shared(),
                    ),
                    (false, false) => SideMatch::Mismatch,
                }
            }
            SideMatch::Incomplete => SideMatch::Incomplete,
            SideMatch::Mismatch => SideMatch::Mismatch,
        })
    },
};

pub(super) static RSH: Detector = Detector {
    id: "rsh",
    title: "rsh (remote shell)",
    reference: "rshd(8), protocol: 4.4BSD manual",
    over: Over::Tcp,
    rests_on: "The client's start: a port in digits, two user names and a command, each ended by a zero.",
    blind_spots: "The server's side alone; rexec has a password in the second place and looks the same.",
    bits: 44.0,
    probe: |view| {
        match_stream(view, RSH.id, |bytes, _| match bytes {
            [0] => SideMatch::Match(Message::new(1, Role::Server, 6.0, "rsh accepted").shared()),
            [0, b' '..=b'~', ..] => SideMatch::Match(
                Message::new(bytes.len(), Role::Server, 8.0, "rsh output").shared(),
            ),
            [b'0'..=b'9', ..] => rsh(bytes),
            [] => SideMatch::Incomplete,
            _ => SideMatch::Mismatch,
        })
    },
};

fn rsh(bytes: &[u8]) -> SideMatch<Message> {
    let words: Vec<&[u8]> = prefix(bytes, 400).splitn(5, |byte| *byte == 0).collect();
    let plain = words
        .iter()
        .take(4)
        .all(|word| word.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
    let [port, local, remote, command, _] = words.as_slice() else {
        let port = words.first().is_some_and(|port| is_number(port, 5));
        return if plain && port && bytes.len() < 400 {
            SideMatch::Incomplete
        } else {
            SideMatch::Mismatch
        };
    };
    let name =
        |word: &[u8]| (1..=32).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    let fits = is_number(port, 5) && name(local) && name(remote) && plain && !command.is_empty();
    let fact = format!("rsh of {}: {}", from_wire(local), from_wire(prefix(command, 60)));
    SideMatch::or_mismatch(
        fits.then(|| Message::new(bytes.len(), Role::Client, 32.0 + 5.0 + 9.0, fact)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::net::Side;

    #[test]
    fn greetings_are_named() {
        for (detector, client, server) in [
            (&RSYNC, "@RSYNCD: 31.0\n", "@RSYNCD: 31.0 sha512 md5\n"),
            (
                &NATS,
                "CONNECT {\"verbose\":false}\r\nPING\r\n",
                "INFO {\"server_id\":\"x\",\"max_payload\":1}\r\n",
            ),
            (
                &SVN,
                "( 2 ( edit-pipeline svndiff1 absent-entries ) 20:svn://svn.example/re 5:svn/1 ( ) ) ",
                "( success ( 2 2 ( ) ( edit-pipeline svndiff1 absent-entries ) ) ) ",
            ),
            (&CLAMD, "zPING\0", "ClamAV 1.0.7/27000/Mon Jan  1 00:00:00 2024\n"),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            let found = talk.named_by(detector);
            assert_eq!(found.spoken_by, [true; 2], "{found:?}");
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        for (detector, server) in [
            (&CHECKMK, "<<<check_mk>>>\nVersion: 2.2\n"),
            (&MUNIN, "# munin node at a.example\n"),
            (&TARANTOOL, "Tarantool 2.11.1 (Binary) 0a1b2c3d-0000-4000-8000-000000000000\n"),
        ] {
            assert_eq!(Talk::tcp().b(server).named_by(detector).client, Some(Side::A));
        }
    }

    #[test]
    fn first_lines_are_named() {
        for (detector, client, server) in [
            (
                &JSON_RPC,
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n",
            ),
            (
                &NMDC,
                "$Supports NoHello |$Key abc|$ValidateNick joe|",
                "$Lock EXTENDEDPROTOCOLABC Pk=hub1|$HubName x|",
            ),
        ] {
            let talk = Talk::tcp().a(client).b(server);
            assert_eq!(talk.named_by(detector).spoken_by, [true; 2]);
            talk.clone().only(Side::A).named_by(detector);
            talk.only(Side::B).named_by(detector);
        }
        Talk::tcp().a("a.example\r\n").b("% IANA WHOIS server\r\n% for more\r\n").named_by(&WHOIS);
        Talk::tcp().a("1022\0joe\0root\0uname -a\0").b("\0").named_by(&RSH);
    }

    #[test]
    fn first_lines_of_others_are_refused() {
        for (detector, stranger) in [
            (&JSON_RPC, "{\"id\":1,\"method\":\"mining.subscribe\"}\n"),
            (&NMDC, "$Lock the door|"),
            (&WHOIS, "Domain of the king\r\n"),
            (&WHOIS, "% a comment\r\n"),
            (&RSH, "1022\0joe\0"),
            (&RSH, "220 ready\r\n"),
        ] {
            Talk::tcp().a(stranger).refused_by(detector);
        }
    }

    #[test]
    fn look_alikes_are_refused() {
        let strangers = [
            "@RSYNC: 31\n",
            "INFO the server is up\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\n",
            "+OK ready\r\n",
            "PING\r\n",
            "( a list of words that is long enough to be looked at, and is no svn )\r\n",
            "PONG\n",
            "<<<other>>>\n",
            "# a comment\n",
            "Tarantool is a spider\n",
            "GNUTELLA is a spread\r\n",
            "220 ready\r\n",
            "list\n",
        ];
        for detector in [&RSYNC, &NATS, &SVN, &CLAMD, &CHECKMK, &MUNIN, &TARANTOOL] {
            for stranger in strangers {
                Talk::tcp().a(stranger).refused_by(detector);
            }
        }
    }
}
