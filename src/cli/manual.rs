//! Manual pages in the sections that manuals have, from the same definitions as `--help`.
//!
//! What `--help` says below its options is taken apart here: its examples, its exit codes, and what
//! else it has to say. Signals and the environment, which `--help` has no room for, stand in tables.

use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Inline, Roff, bold, roman};

use crate::human::capital;

/// The page of the program, or of a command of it.
pub(super) fn page(command: &Command) -> io::Result<Vec<u8>> {
    let name = command.get_name();
    let help = command.get_after_long_help().or_else(|| command.get_after_help());
    let help = Help::of(&help.map(ToString::to_string).unwrap_or_default());
    let man = Man::new(command.clone())
        .title(command.get_display_name().unwrap_or(name).to_uppercase())
        .source(concat!("portstory ", env!("CARGO_PKG_VERSION")))
        .manual("portstory's manual");

    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(command).to_writer(&mut out)?;
    man.render_description_section(&mut out)?;
    help.notes().to_writer(&mut out)?;
    if command.has_subcommands() {
        commands(command).to_writer(&mut out)?;
    }
    man.render_options_section(&mut out)?;
    exit_status(&help).to_writer(&mut out)?;
    items("SIGNALS", signals(name)).to_writer(&mut out)?;
    items("ENVIRONMENT", &environment(command)).to_writer(&mut out)?;
    help.examples().to_writer(&mut out)?;
    see_also(command).to_writer(&mut out)?;
    Ok(tidy(out))
}

/// Each part brings the definition of the apostrophe along: once is enough. A value of an option is
/// named without angle brackets, as manuals do.
fn tidy(page: Vec<u8>) -> Vec<u8> {
    const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let text = String::from_utf8_lossy(&page);
    let text = text.replace(APOSTROPHE, "").replace("\\fI<", "\\fI").replace(">\\fR", "\\fR");
    [APOSTROPHE, &text].concat().into_bytes()
}

fn synopsis(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    let usage = command.clone().render_usage().to_string();
    for line in usage.lines() {
        let line = line.trim_start_matches("Usage:").trim();
        let name: Vec<&str> = line.split(' ').take_while(|word| is_name(word)).collect();
        let name = name.join(" ");
        let rest = line.strip_prefix(&*name).unwrap_or_default().trim_start();
        roff.control("PP", []);
        roff.text([bold(name), roman(format!(" {rest}"))]);
    }
    roff
}

/// Whether a word of a usage line is the program's or a command's name.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase())
}

fn commands(program: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for command in program.get_subcommands() {
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        roff.text([bold(format!("portstory-{}", command.get_name())), roman("(1)")]);
        roff.text([roman(about)]);
    }
    roff
}

/// A section of words with what is to be said of each; nothing where there is none.
fn items<T: AsRef<str>>(title: &str, items: &[(T, T)]) -> Roff {
    let mut roff = Roff::new();
    if items.is_empty() {
        return roff;
    }
    roff.control("SH", [title]);
    for (word, text) in items {
        roff.control("TP", []);
        roff.text([bold(word.as_ref())]);
        roff.text([roman(text.as_ref())]);
    }
    roff
}

fn exit_status(help: &Help) -> Roff {
    let usual = [("0", "done"), ("1", "the output failed"), ("2", "wrong usage")];
    if help.exit_codes.is_empty() {
        return items("EXIT STATUS", &usual);
    }
    items("EXIT STATUS", &help.exit_codes)
}

/// What `--help` says below the options.
#[derive(Debug, Default)]
struct Help {
    /// Commands, each with what it is for where that is said.
    examples: Vec<(String, String)>,
    exit_codes: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Help {
    fn of(text: &str) -> Self {
        let mut help = Self::default();
        for block in text.split("\n\n") {
            let mut lines = block.trim_matches('\n').lines();
            let first = lines.next().unwrap_or_default();
            if first.starts_with("Example") {
                help.examples.extend(lines.map(example));
            } else if first.starts_with("Exit codes:") {
                help.exit_codes.extend(exit_codes(block));
            } else if !first.is_empty() {
                help.notes.push(block.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        help
    }

    fn notes(&self) -> Roff {
        let mut roff = Roff::new();
        for note in &self.notes {
            roff.control("PP", []);
            roff.text([roman(note)]);
        }
        roff
    }

    fn examples(&self) -> Roff {
        let mut roff = Roff::new();
        if self.examples.is_empty() {
            return roff;
        }
        roff.control("SH", ["EXAMPLES"]);
        for (command, comment) in &self.examples {
            roff.control("PP", []);
            if !comment.is_empty() {
                roff.text([roman(format!("{comment}:"))]);
            }
            roff.control("RS", ["4"]);
            roff.control("EX", []);
            roff.text([roman(command)]);
            roff.control("EE", []);
            roff.control("RE", []);
        }
        roff
    }
}

/// A command, and behind some blanks what it is for.
fn example(line: &str) -> (String, String) {
    let line = line.trim();
    let (command, comment) = line.split_once("   ").unwrap_or((line, ""));
    (command.trim().to_owned(), capital(comment.trim()).replace('?', ""))
}

/// `Exit codes: 0 done, 1 the output failed (what was read is reported), 2 wrong usage.`
fn exit_codes(block: &str) -> Vec<(String, String)> {
    let mut codes: Vec<(String, Vec<&str>)> = Vec::new();
    let mut begins = true;
    for word in block.split_whitespace().skip(2) {
        let is_code = begins && word.len() == 1 && word.starts_with(|c: char| c.is_ascii_digit());
        match codes.last_mut() {
            Some((_, text)) if !is_code => text.push(word),
            Some(_) | None => codes.push((word.to_owned(), Vec::new())),
        }
        begins = word.ends_with([',', ';', '.']);
    }
    codes
        .into_iter()
        .map(|(code, text)| (code, text.join(" ").trim_end_matches([',', ';', '.']).to_owned()))
        .collect()
}

const ENDS: &str = "End the reading, whatever is waited for, and report what was read, within a second. The exit code is 1 where a file was not read to its end, and what it would be without the signal where a stream or a file that is followed was ended. An output whose reader has stopped reading is given up. A second signal ends the program at once, without the rest.";

const ENDS_BUNDLE: &str = "End within a second, whatever is waited for, with exit code 1. No bundle is written: half of one would look whole.";

/// What signals do to a command.
fn signals(command: &str) -> &'static [(&'static str, &'static str)] {
    match command {
        "live" => &[
            (
                "SIGINT, SIGTERM",
                "End the capture: what is still waiting in the kernel is read, and the summary is written. It takes less than a second, and an output whose reader has stopped reading is given up. A second signal ends the program at once, without the rest.",
            ),
            (
                "SIGHUP",
                "Close and open again what -o and -w name, so that logrotate(8) can move the files away. Without these options it ends the program at once.",
            ),
            ("SIGUSR1", "Print statistics to standard error and go on."),
            ("SIGPIPE", "Whoever read the output has gone: the program ends without an error."),
        ],
        "read" => &[
            ("SIGINT, SIGTERM", ENDS),
            (
                "SIGHUP",
                "With --follow, close and open again what -o and -w name, so that logrotate(8) can move the files away. Without these options it ends the program at once.",
            ),
            ("SIGUSR1", "Print statistics to standard error and go on."),
            ("SIGPIPE", "Whoever read the output has gone: the program ends without an error."),
        ],
        "report" | "why" => &[("SIGINT, SIGTERM", ENDS)],
        "bundle" => &[("SIGINT, SIGTERM", ENDS_BUNDLE)],
        "portstory" => &[
            (
                "SIGINT, SIGTERM",
                "End every command within a second, whatever it waits for. Those that read captures report what they read until then; a second signal ends them at once.",
            ),
            ("SIGHUP, SIGUSR1", "Reopen outputs, print statistics: see portstory-live(1)."),
        ],
        _ => &[("SIGINT, SIGTERM", "End the program at once.")],
    }
}

/// The environment that a command looks at.
fn environment(command: &Command) -> Vec<(&'static str, &'static str)> {
    // The program's own page is about all commands.
    let has = |option: &str| {
        command.get_name() == "portstory"
            || command.get_arguments().any(|argument| argument.get_id() == option)
    };
    let mut all = Vec::new();
    if has("color") {
        all.push((
            "NO_COLOR",
            "Where it is set and not empty, text is not coloured; --color has precedence.",
        ));
    }
    if has("user") {
        all.push(("SUDO_UID, SUDO_GID, SUDO_USER", "Whom to become when started as root: set by sudo(8). The option --user has precedence."));
    }
    all
}

fn see_also(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let related: &[&str] = match command.get_name() {
        "portstory" => &["tcpdump(8)", "tshark(1)"],
        "read" => {
            &["portstory-live(1)", "portstory-why(1)", "portstory-report(1)", "pcap-filter(7)"]
        }
        "live" => {
            &["portstory-read(1)", "portstory-who(1)", "portstory-doctor(1)", "pcap-filter(7)"]
        }
        "why" => &["portstory-read(1)", "portstory-explain(1)"],
        "explain" => &["portstory-why(1)", "services(5)"],
        "report" => &["portstory-read(1)", "portstory-bundle(1)"],
        "bundle" => &["portstory-report(1)", "portstory-verify(1)"],
        "verify" => &["portstory-bundle(1)"],
        "who" => &["portstory-live(1)", "ss(8)", "lsof(8)"],
        "doctor" => &["portstory-live(1)", "portstory-capture-guide(1)", "capabilities(7)"],
        "capture-guide" => &["portstory-doctor(1)", "tcpdump(8)"],
        "interfaces" => &["portstory-live(1)", "ip-link(8)"],
        _ => &[],
    };
    let program = (command.get_name() != "portstory").then_some("portstory(1)");
    let mut line: Vec<Inline> = Vec::new();
    for page in program.iter().chain(related) {
        let (name, section) = page.split_once('(').unwrap_or((page, ""));
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(name), roman(format!("({section}"))]);
    }
    roff.text(line);
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_taken_apart() {
        let help = Help::of(
            "Examples:\n  portstory read a.pcap\n  portstory read -   from a pipe?\n\nSome words,\nand more.\n\n\
             Exit codes: 0 done, 1 an output failed (what was read, 3 of 4,\nis reported), 2 wrong usage.",
        );
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(
            help.examples,
            [pair("portstory read a.pcap", ""), pair("portstory read -", "From a pipe")]
        );
        assert_eq!(help.notes, ["Some words, and more."]);
        assert_eq!(help.exit_codes.first(), Some(&pair("0", "done")));
        assert_eq!(help.exit_codes.last(), Some(&pair("2", "wrong usage")));
    }
}
