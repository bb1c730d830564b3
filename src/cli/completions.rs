//! Shell completions and manual pages, made from the same definitions as `--help`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::exit::stdout_exit;
use super::overwriting::{Claims, Output, Overwriting, Packed};
use super::{Outcome, log, manual};

/// Print a completion script.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

const EXAMPLES: &str = "\
Examples:
  portstory completions bash > ~/.local/share/bash-completion/completions/portstory
  portstory completions zsh > ~/.zfunc/_portstory
  portstory completions fish > ~/.config/fish/completions/portstory.fish";

impl Completions {
    pub(super) fn run(&self, command: &mut Command) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "portstory", &mut script);
        stdout_exit(std::io::stdout().write_all(&script))
    }
}

/// Print a manual page (roff): the program's, or a command's.
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct Man {
    /// The command; without one, the page of the program
    command: Option<String>,

    /// Write the pages of the program and all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out_dir: Option<PathBuf>,

    #[command(flatten)]
    overwriting: Overwriting,
}

const MAN_EXAMPLES: &str = "\
Examples:
  portstory man read | man -l -
  portstory man --out-dir ~/.local/share/man/man1";

impl Man {
    pub(super) fn run(&self, mut program: Command) -> Outcome {
        // Options and names that commands inherit are filled in.
        program.build();
        if let Some(folder) = &self.out_dir {
            return written(folder, program, self.overwriting);
        }
        let page = match &self.command {
            None => Some(program),
            Some(name) => program.get_subcommands().find(|it| it.get_name() == name).map(page_of),
        };
        let Some(page) = page else {
            log::say("there is no such command; `portstory --help` lists them");
            return Outcome::Usage;
        };
        let written = manual::page(&page).and_then(|bytes| std::io::stdout().write_all(&bytes));
        stdout_exit(written)
    }
}

/// A command as a page of its own: `portstory-read`, used as `portstory read`.
fn page_of(command: &Command) -> Command {
    let name = command.get_name();
    command.clone().display_name(format!("portstory-{name}")).bin_name(format!("portstory {name}"))
}

fn written(folder: &Path, program: Command, overwriting: Overwriting) -> Outcome {
    // `help` only prints what the pages have.
    let shown = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help");
    let pages: Vec<Command> = shown.map(page_of).chain([program.clone()]).collect();
    let path_of = |page: &Command| {
        folder.join(format!("{}.1", page.get_display_name().unwrap_or("portstory")))
    };
    let paths: Vec<PathBuf> = pages.iter().map(path_of).collect();
    let outputs = paths.iter().filter_map(|path| Output::new("--out-dir", path));
    let claims = Claims::of_inputs([]).writing(outputs);
    if let Err(exit) = claims.check(overwriting).and_then(|packed| Packed::check(&packed)) {
        return exit;
    }
    for (page, path) in pages.into_iter().zip(&paths) {
        if let Err(error) = manual::page(&page).and_then(|bytes| std::fs::write(path, bytes)) {
            log::error(&format!("cannot write {}: {error}", path.display()));
            return Outcome::BrokeOff;
        }
    }
    Outcome::Done
}
