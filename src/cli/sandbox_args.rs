//! Privileges are dropped here, between opening and reading.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::helper_process::Sandboxing;
use super::{Outcome, log, shutdown};
use crate::capture::file::{self, Links};
use crate::sandbox::{self, Plan, User};

/// How privileges are dropped.
#[derive(Debug, Args)]
pub(super) struct Confining {
    /// Drop all privileges that are not needed (user, capabilities, Landlock, seccomp)
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    sandbox: Mode,

    /// If started by root, run as this user: a name in /etc/passwd, or UID:GID [default: the user who
    /// called sudo, otherwise portstory]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

/// What to do where the kernel lacks the means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Continue without measures that the kernel does not have
    #[default]
    Auto,
    /// Refuse to run if one is unavailable
    Require,
    /// Drop nothing, for debugging
    #[value(hide = true)]
    Off,
}

impl Confining {
    /// Whom to become. Before anything is opened, so that a wrong name does no harm.
    pub(super) fn plan(&self) -> Result<Plan, Outcome> {
        let Some(name) = &self.user else { return Ok(Plan::new(User::usual())) };
        let account = User::named(name).map_err(|why| {
            log::error(&format!("--user: {why}"));
            Outcome::Usage
        })?;
        if !rustix::process::geteuid().is_root() {
            log::say("--user: only root can become somebody else; leave it out");
            return Err(Outcome::Usage);
        }
        Ok(Plan::new(Some(account)))
    }

    /// How the helpers give up their rights, who are started before.
    pub(super) fn of_helpers(&self, plan: &Plan) -> Sandboxing {
        Sandboxing {
            is_off: self.sandbox == Mode::Off,
            is_required: self.sandbox == Mode::Require,
            account: plan.account.clone(),
        }
    }

    /// Gives up everything but reading these, and what links in folders among them lead to, as far as
    /// those are followed.
    pub(super) fn to_reading(&self, paths: &[PathBuf], links: Links) -> Result<(), Outcome> {
        let plan = self.plan()?;
        self.enter(&Plan { readable: readable(paths, links), ..plan })
    }

    /// Gives the rights up, and says so. From then on somebody watches that the process ends when it is
    /// asked to.
    pub(super) fn enter(&self, plan: &Plan) -> Result<(), Outcome> {
        if self.sandbox == Mode::Off {
            log::say("nothing is sandboxed: a malicious capture could do whatever you can");
            shutdown::watch();
            return Ok(());
        }
        let report = sandbox::enter(plan);
        tracing::info!("{}", crate::escape::terminal(&report.to_string()));
        if self.sandbox == Mode::Require && !report.missing.is_empty() {
            log::error(&format!(
                "--sandbox=require: unavailable: {}; `--sandbox=auto` runs without",
                report.missing.join("; ")
            ));
            return Err(Outcome::Usage);
        }
        shutdown::watch();
        Ok(())
    }
}

/// What is read where these are named: also what links in folders point to, as far as they are
/// followed.
pub(super) fn readable(paths: &[PathBuf], links: Links) -> Vec<PathBuf> {
    let named = paths.iter().filter(|path| path.as_os_str() != "-").cloned();
    named.chain(file::linked(paths, links)).collect()
}

/// What is read of a folder.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Linking {
    /// Follow symbolic links that lead out of a given folder; links that stay inside are always
    /// followed. Do not use it on a folder from somebody else, which can link to anything
    #[arg(long)]
    follow_links: bool,
}

impl Linking {
    pub(super) fn links(self) -> Links {
        if self.follow_links { Links::All } else { Links::Inside }
    }
}
