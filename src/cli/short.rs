//! The short way: `portstory FILE...` is `portstory read FILE...`.
//!
//! A command's name always means the command; a file of that name is `./read`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

/// The arguments, with `read` put in where they name no command but begin with an option of `read` or
/// with what looks like a file. A mere word that is neither is left to the parser, which says what
/// command may have been meant.
pub(super) fn expand(args: impl Iterator<Item = OsString>, program: &Command) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    if args.get(1).is_some_and(|first| is_for_read(first, program)) {
        args.insert(1, OsString::from("read"));
    }
    args
}

fn is_for_read(first: &OsStr, program: &Command) -> bool {
    let word = first.to_string_lossy();
    let is_command = word == "help" || program.find_subcommand(first).is_some();
    let is_own_option = matches!(&*word, "-h" | "--help" | "-V" | "--version");
    if is_command || is_own_option {
        return false;
    }
    word.starts_with('-') || word.contains(['.', '/']) || Path::new(first).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str) -> String {
        let program = Command::new("portstory")
            .subcommand(Command::new("read"))
            .subcommand(Command::new("explain"));
        let args = line.split(' ').map(OsString::from);
        let all: Vec<_> = expand(args, &program).into_iter().map(OsString::into_string).collect();
        all.into_iter().map(Result::unwrap).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_and_options_are_for_read() {
        for line in ["a.pcap", "-", "--format eve a.pcap", "./read", "/dev/null", "src b.pcap"] {
            let long = format!("portstory read {line}");
            assert_eq!(expanded(&format!("portstory {line}")), long);
        }
    }

    #[test]
    fn commands_and_what_asks_for_help_stay() {
        for line in ["portstory", "portstory read x", "portstory explain 3243", "portstory reed"] {
            assert_eq!(expanded(line), line);
        }
        for option in ["-h", "--help", "-V", "--version", "help"] {
            let line = format!("portstory {option}");
            assert_eq!(expanded(&line), line);
        }
    }
}
