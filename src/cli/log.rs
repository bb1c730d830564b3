//! What is said on standard error.

use std::fmt::Display;
use std::io::IsTerminal as _;

use tracing::Level;

use crate::escape;

/// Sets up the log: warnings and errors by default, `-q` errors only, `-v` what happens, `-vv` all.
pub(super) fn start(quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::WARN,
        (false, 1) => Level::INFO,
        (false, _) => Level::TRACE,
    };
    // Whoever calls this as a library has set up a log of their own: then that one stays.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .try_init();
}

/// An error, as one sentence.
pub(super) fn error(error: &dyn Display) {
    say(&error.to_string());
}

/// A sentence on standard error, whatever the log's level. What strangers wrote in it, and so all of it,
/// is escaped: names of files, too, can hold what a terminal obeys.
pub(super) fn say(text: &str) {
    write(&escape::terminal(text));
}

/// The same of several lines, of which each is escaped: whoever puts strangers' words into one keeps
/// them from beginning another.
pub(super) fn lines(text: &str) {
    let lines: Vec<_> = text.lines().map(escape::terminal).collect();
    write(&lines.join("\n"));
}

fn write(text: &str) {
    use std::io::Write as _;
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "portstory: {text}");
}
