//! The marks of a shell: what systems print when somebody types commands at them.
//!
//! Text in both directions is what any text protocol is. A shell shows itself by its prompt, by the commands
//! that are typed at it, and by what these print: the output of `id`, `uname -a`, `ls -l`, `dir`, a
//! complaint about a command that is not there. Only the first bytes of a flow are looked at.

use crate::flow::FlowRecord;
use crate::frame::FrameRef;
use crate::net::Side;
use crate::wire::{from_wire, prefix, u8_at};

/// What shows a shell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// What it is.
    pub(super) what: &'static str,
    /// Its text, or the start of it.
    pub(super) text: Box<str>,
    /// Who sent it.
    pub(super) side: Side,
    /// The packet.
    pub(super) frame: FrameRef,
}

/// Bytes of a mark that are told.
const TOLD_BYTES: usize = 60;

/// Commands that a visitor types first, as they are typed.
const COMMANDS: [&[u8]; 24] = [
    b"whoami",
    b"id",
    b"uname",
    b"ls",
    b"dir",
    b"pwd",
    b"cd",
    b"cat",
    b"type",
    b"ps",
    b"ip",
    b"ifconfig",
    b"ipconfig",
    b"netstat",
    b"ss",
    b"hostname",
    b"systeminfo",
    b"tasklist",
    b"net",
    b"w",
    b"env",
    b"sudo",
    b"wget",
    b"curl",
];

/// Different commands that one side must type: a word alone may be another protocol's.
const COMMANDS_MIN: usize = 3;

/// The first mark of a shell in what the flow began with.
pub(super) fn mark(record: &FlowRecord) -> Option<Mark> {
    Side::BOTH.into_iter().find_map(|side| printed(record, side).or_else(|| typed(record, side)))
}

/// What a shell, or a command, prints.
fn printed(record: &FlowRecord, side: Side) -> Option<Mark> {
    let mut pieces = record.head_pieces(side);
    pieces.find_map(|(bytes, frame)| {
        let found =
            |(what, line)| Mark { what, text: from_wire(prefix(line, TOLD_BYTES)), side, frame };
        lines(bytes)
            .find_map(|line| Some((output_of(line)?, line)))
            .or_else(|| {
                let last = lines(bytes).last().filter(|line| is_prompt(line))?;
                Some(("a prompt", last))
            })
            .map(found)
    })
}

/// Commands that are typed, one a line, as most of what this side says. A name with a number is a reading.
fn typed(record: &FlowRecord, side: Side) -> Option<Mark> {
    let mut seen: Vec<&[u8]> = Vec::new();
    let (mut all, mut first) = (0_usize, None);
    for (bytes, frame) in record.head_pieces(side) {
        for line in lines(bytes) {
            all = all.saturating_add(1);
            let (word, value) =
                line.split_at(line.iter().take_while(|byte| **byte != b' ').count());
            let is_reading =
                !value.is_empty() && value.iter().all(|byte| b" .0123456789".contains(byte));
            if COMMANDS.contains(&word) && !is_reading && !seen.contains(&word) {
                seen.push(word);
                first = first.or(Some(frame));
            }
        }
    }
    let enough = seen.len() >= COMMANDS_MIN && seen.len().saturating_mul(2) >= all;
    let frame = first.filter(|_| enough)?;
    let text = from_wire(&seen.join(&b", "[..]));
    Some(Mark { what: "commands", text, side, frame })
}

/// Without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let all = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    all.filter(|line| !line.is_empty())
}

fn output_of(line: &[u8]) -> Option<&'static str> {
    let has = |wanted: &[u8]| crate::wire::position_of(line, wanted).is_some();
    if line.starts_with(b"uid=") && has(b"(") && has(b" gid=") {
        return Some("the output of id");
    }
    if line.starts_with(b"Linux ") && (has(b" SMP") || has(b"GNU/Linux"))
        || line.starts_with(b"Darwin ") && has(b"Kernel Version")
    {
        return Some("the output of uname");
    }
    if is_listing(line) {
        return Some("the output of ls");
    }
    if line.starts_with(b"root:") && has(b":0:0:") {
        return Some("a list of users");
    }
    if line.starts_with(b" Volume in drive ") || line.starts_with(b" Directory of ") && has(b":\\")
    {
        return Some("the output of dir");
    }
    if line.starts_with(b"Microsoft Windows [Version ") {
        return Some("the greeting of cmd.exe");
    }
    if line.ends_with(b": command not found")
        || line.ends_with(b": not found")
            && (line.starts_with(b"sh: ") || line.starts_with(b"/bin/sh: "))
        || has(b"is not recognized as an internal or external command")
    {
        return Some("a shell's complaint");
    }
    is_windows_prompt(line).then_some("a prompt of Windows")
}

/// `drwxr-xr-x 2 root root`: a kind, three times what may be done, and a number.
fn is_listing(line: &[u8]) -> bool {
    let Some((kind, more)) = line.split_first() else { return false };
    let Some((rights, more)) = more.split_at_checked(9) else { return false };
    let fits = rights.chunks(3).all(|three| {
        matches!(three, [b'r' | b'-', b'w' | b'-', b'x' | b's' | b'S' | b't' | b'T' | b'-'])
    });
    let rest = more.trim_ascii_start();
    b"-dlbcps".contains(kind)
        && fits
        && rest.len() < more.len() + usize::from(more.starts_with(b"."))
        && rest.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// `C:\Users\me>`, with `PS ` before it in PowerShell.
fn is_windows_prompt(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"PS ").unwrap_or(line);
    let Some(([drive, b':', b'\\'], path)) = line.split_first_chunk::<3>() else { return false };
    let end = path.iter().position(|byte| b"<>\"|?*".contains(byte));
    drive.is_ascii_uppercase() && end.is_some_and(|at| u8_at(path, at) == Some(b'>'))
}

/// `user@host:~$ `, `[user@host dir]# `, `sh-5.1$ `, `/ # `: what stands at a message's end, where a shell
/// waits.
fn is_prompt(line: &[u8]) -> bool {
    let Some((&last, name)) = line.strip_suffix(b" ").unwrap_or(line).split_last() else {
        return false;
    };
    let word = |bytes: &[u8]| {
        !bytes.is_empty()
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    };
    if !matches!(last, b'$' | b'#' | b'%') || line.len() > 80 {
        return false;
    }
    let at_host = name.split(|byte| *byte == b'@').collect::<Vec<_>>();
    if let [user, host] = at_host.as_slice() {
        let user = user.strip_prefix(b"[").unwrap_or(user);
        let host = host.split(|byte| matches!(byte, b':' | b' ')).next().unwrap_or_default();
        return word(user) && word(host);
    }
    let shell = [&b"sh-"[..], b"bash-"].iter().find_map(|shell| name.strip_prefix(*shell));
    let path = name.strip_suffix(b" ");
    shell.is_some_and(word) || path.is_some_and(|path| path.starts_with(b"/") || path == b"~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shells_print_is_known() {
        for (line, what) in [
            ("uid=0(root) gid=0(root) groups=0(root)", "the output of id"),
            ("uid=1000(me) gid=1000(me)", "the output of id"),
            (
                "Linux web1 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 x86_64 GNU/Linux",
                "the output of uname",
            ),
            (
                "Darwin mac 23.1.0 Darwin Kernel Version 23.1.0: root:xnu/RELEASE_ARM64 arm64",
                "the output of uname",
            ),
            ("drwxr-xr-x 2 root root 4096 Nov 30 10:00 home", "the output of ls"),
            ("-rw-r--r--. 1 me me 12 Nov 30 10:00 notes", "the output of ls"),
            ("-rwsr-xr-x  1 root root 63960 Feb  7  2020 passwd", "the output of ls"),
            ("root:x:0:0:root:/root:/bin/bash", "a list of users"),
            (" Volume in drive C has no label.", "the output of dir"),
            (" Directory of C:\\Users\\me", "the output of dir"),
            ("Microsoft Windows [Version 10.0.19045.3803]", "the greeting of cmd.exe"),
            ("C:\\Windows\\system32>whoami", "a prompt of Windows"),
            ("PS C:\\Users\\me> ", "a prompt of Windows"),
            ("bash: foo: command not found", "a shell's complaint"),
            ("/bin/sh: 1: foo: not found", "a shell's complaint"),
            ("'foo' is not recognized as an internal or external command,", "a shell's complaint"),
        ] {
            assert_eq!(output_of(line.as_bytes()), Some(what), "{line}");
        }
        for prompt in
            ["me@host:~$ ", "root@web-1:/var/www# ", "[me@host tmp]$ ", "sh-5.1$ ", "/ # ", "~ $ "]
        {
            assert!(is_prompt(prompt.as_bytes()), "{prompt}");
        }
    }

    #[test]
    fn what_text_services_say_is_not_taken_for_it() {
        for line in [
            "temp=21.5;hum=40;uid=12",
            "uid=12 ok",
            "OK 200",
            "PUT sensor/1 23.4",
            "GET / HTTP/1.1",
            "220 mail.example.com ESMTP",
            "user@example.com",
            "cost: 12$",
            "50 %",
            "C:\\Users\\me\\notes.txt",
            "-----BEGIN CERTIFICATE-----",
            "----------",
            "Linux",
            "not found",
            "{\"cmd\":\"ls\"}",
            "#",
            "$",
            "/topic/#",
        ] {
            assert_eq!(output_of(line.as_bytes()), None, "{line}");
            assert!(!is_prompt(line.as_bytes()), "{line}");
        }
    }
}
