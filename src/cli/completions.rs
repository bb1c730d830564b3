//! Shell completions and the manual page, made from the same definitions as `--help`.

use std::io::Write;

use clap::{Args, Command};

use super::Exit;
use super::run::stdout_exit;

/// Print a completion script.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self, command: &mut Command) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "portstory", &mut script);
        stdout_exit(std::io::stdout().write_all(&script))
    }
}

/// Prints the manual page, with one section a command.
pub(super) fn man(command: Command) -> Exit {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    stdout_exit(rendered.and_then(|()| std::io::stdout().write_all(&page)))
}
