//! Makes the capture that a bundle for strangers is made of, and asks whether it may be written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::{UntilStopped, each_frame, is_to_go_on, options, trouble};
use crate::bundle::anonymize::{
    Addresses, Exclude, Inventory, Plans, Secret, Sharer, Sharing, Strength, Study,
};
use crate::capture::file::{self, Options};
use crate::cli::console::Console;
use crate::cli::exit::failed;
use crate::cli::output_file::Scratch;
use crate::cli::verify::flows;
use crate::cli::{Outcome, log, shutdown};
use crate::engine::{self, Observer};
use crate::escape;
use crate::output::{Context, PacketFormat, PacketWriter};
use crate::report::{Input, Report};
use portstory_core::config::BundleLimits;
use portstory_core::{Config, FlowEvent, Frame, Timestamp};

/// Rounds of making and judging. Each takes payload from some flows, or leaves them out; more than three
/// were never seen.
const ROUNDS_MAX: usize = 8;

/// What was made.
#[derive(Debug)]
pub(super) struct Shared {
    plans: Plans,
    inventory: Inventory,
    /// The command line, as strangers may see it.
    command: String,
}

impl Shared {
    /// Makes the capture and writes it to `out`.
    pub(super) fn make(
        captures @ (paths, _): (&[PathBuf], &Options),
        out: &Scratch,
        config: &Config,
        strength: Strength,
        exclude: &[Exclude],
        secret: &Secret,
    ) -> Result<Self, Outcome> {
        let (mut plans, span) = study(captures, config, secret, strength, exclude)?;
        let mut addresses = Addresses::new(secret, plans.addresses());
        until_settled(&mut || {
            write(captures, out, config, (secret, span), &mut plans, &mut addresses)?;
            let made = BufReader::new(out.reader());
            let source = file::open_stream(Box::new(made), "-", options());
            let mut source = source.map_err(|error| failed(&error))?;
            is_to_go_on()?;
            Ok(!plans.settle(&flows(&mut source, config.clone())?, &mut addresses))
        })?;
        let inventory = Inventory::of(&plans, &addresses);
        let names: Vec<String> =
            paths.iter().map(|path| plans.file_name(path, secret, &mut addresses)).collect();
        let strength = match strength {
            Strength::Min => "",
            Strength::Full => "=full",
        };
        let command = format!("portstory bundle --share{strength} {}", names.join(" "));
        Ok(Self { plans, inventory, command })
    }

    /// Lists what stays and what does not; asks, where there is somebody to ask.
    pub(super) fn ask(&self, yes: bool, output: &Path) -> Result<(), Outcome> {
        let name = output.display().to_string();
        let name = escape::terminal(&name);
        let mut text = format!("portstory: what {name} will hold, of the captures:\n");
        for line in self.inventory.lines() {
            text.push_str(&format!("  {}\n", escape::terminal(&line)));
        }
        // Nothing can be done about a standard error that is closed.
        let _ = io::stderr().write_all(text.as_bytes());
        if yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            log::say(
                "nothing was written: there is no terminal to confirm it on; --yes writes what is \
                 listed",
            );
            return Err(Outcome::Usage);
        }
        let _ = write!(io::stderr(), "Write {name}? [y/N] ");
        // Whoever presses Ctrl-C here has answered.
        if shutdown::stop().is_some_and(|stop| !stop.readable(io::stdin().as_fd())) {
            let _ = writeln!(io::stderr());
        }
        is_to_go_on()?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        log::say("nothing was written");
        Err(Outcome::Usage)
    }

    /// What is told of a flow, as far as it was made anew.
    pub(super) fn amend(&self, flow: &mut FlowEvent) {
        self.plans.amend(flow);
    }

    /// What the settings tell.
    pub(super) fn sharing(&self) -> Sharing {
        self.inventory.sharing.clone()
    }

    /// Puts into the report how it came about, and nothing of where.
    pub(super) fn sign(&self, page: &mut Report, output: &Path) {
        let output = output.extension().map_or(String::new(), |_| " -o ZIP".to_owned());
        page.about.command = format!("{}{output}", self.command);
        let why = "made for sharing; its hash is in SHA256SUMS".to_owned();
        page.about.inputs =
            vec![Input { name: crate::bundle::EVIDENCE.to_owned(), bytes: 0, sha256: Err(why) }];
        // Single flows are told by their ids in the original; their cards say what became of them.
        let lines = self.inventory.lines().into_iter().filter(|line| !line.starts_with(' '));
        page.summary.notices.push(
            "made for sharing: what follows says what was replaced; ids and numbers of frames are those \
             of evidence.pcapng"
                .to_owned(),
        );
        page.summary.notices.extend(lines);
    }
}

/// Makes and judges until a round says that nothing has to be made otherwise. What is listed must be
/// what was made: where that is not to be had, nothing is shared.
fn until_settled(round: &mut dyn FnMut() -> Result<bool, Outcome>) -> Result<(), Outcome> {
    for _ in 0..ROUNDS_MAX {
        if round()? {
            return Ok(());
        }
    }
    log::error(
        &"verdicts still change as payload is taken away: nothing was written; leave flows out with \
          --exclude",
    );
    Err(Outcome::BrokeOff)
}

/// A key that nobody knows.
pub(super) fn secret() -> io::Result<Secret> {
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    Ok(Secret::new(key))
}

/// Reads the capture for the first time, and says when it began and ended.
fn study(
    (paths, reading): (&[PathBuf], &Options),
    config: &Config,
    secret: &Secret,
    strength: Strength,
    exclude: &[Exclude],
) -> Result<(Plans, Option<(Timestamp, Timestamp)>), Outcome> {
    let mut study = Study::new(config, secret, strength, exclude, BundleLimits::default());
    let mut source = file::open(paths, reading.clone()).map_err(|error| failed(&error))?;
    let observers: &mut [&mut dyn Observer] =
        &mut [&mut Console::default(), &mut study, &mut UntilStopped];
    let summary = engine::drive(&mut source, config.clone(), observers).summary;
    is_to_go_on()?;
    let (plans, strays) = study.finish();
    if let Some(stray) = strays.first() {
        log::say(&format!("--exclude {stray}: it matches no flow in range; nothing was written"));
        return Err(Outcome::Usage);
    }
    Ok((plans, summary.first.zip(summary.last)))
}

/// Writes the capture as the plans say.
fn write(
    (paths, reading): (&[PathBuf], &Options),
    out: &Scratch,
    config: &Config,
    (secret, span): (&Secret, Option<(Timestamp, Timestamp)>),
    plans: &mut Plans,
    addresses: &mut Addresses,
) -> Result<(), Outcome> {
    let mut source = file::open(paths, reading.clone()).map_err(|error| failed(&error))?;
    let mut sharer = Sharer::new(config, secret, plans, addresses);
    let out = out.writer().map_err(|error| trouble(&error))?;
    let mut writer = PacketWriter::new(out, PacketFormat::Pcapng);
    let context = Context::default();
    let mut ends = span;
    each_frame(&mut source, span, &mut |frame, _| {
        let mut written = Ok(());
        let mut write = |made: &Frame<'_>| {
            if written.is_ok() {
                written = writer.write(made, &context);
            }
        };
        if frame.at.number > 0 {
            sharer.frame(frame, &mut write);
        } else {
            // The second marker is behind all frames.
            if ends.take().is_none() {
                sharer.finish(&mut write);
            }
            write(frame);
        }
        written
    })?;
    writer.finish().map_err(|error| trouble(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_settle_is_not_shared() {
        for (needed, made) in [(1, true), (ROUNDS_MAX, true), (ROUNDS_MAX + 1, false)] {
            let mut rounds = 0;
            let done = until_settled(&mut || {
                rounds += 1;
                Ok(rounds >= needed)
            });
            assert_eq!(done.is_ok(), made, "{needed}");
            assert_eq!(rounds, needed.min(ROUNDS_MAX));
        }
    }
}
