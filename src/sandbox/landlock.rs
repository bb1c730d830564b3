//! Landlock (landlock(7)): which files can be opened; no network; no signals to others.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest version whose restrictions are asked for; an older kernel gives those it has.
const NEWEST: ABI = ABI::V10;

use super::{Plan, Task};

/// The ruleset, not in force yet.
pub(super) struct Rules {
    created: RulesetCreated,
    /// What can be opened still.
    but: &'static str,
}

impl Rules {
    /// Everything is forbidden but what the plan has to do; none for a task that they would stand in the
    /// way of.
    pub(super) fn new(plan: &Plan) -> Option<Result<Self, String>> {
        let (created, but) = match &plan.task {
            Task::Parse => (reading(&plan.readable), "files but the inputs"),
            Task::Write(folders) => {
                (writing(folders), "files but the outputs' folders, and reading there, too")
            }
            Task::Look => return None,
        };
        Some(created.map(|created| Self { created, but }).map_err(|error| error.to_string()))
    }

    /// Puts the rules into force, and says which.
    pub(super) fn enforce(self) -> Result<String, String> {
        let status = self.created.restrict_self().map_err(|error| error.to_string())?;
        let abi = match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => effective_abi,
            LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
        };
        if status.ruleset == RulesetStatus::NotEnforced {
            return Err("this kernel has none, or it is switched off".to_owned());
        }
        let more = match abi {
            abi if abi >= ABI::V6 => ", TCP, signals to others",
            abi if abi >= ABI::V4 => ", TCP",
            _ => "",
        };
        Ok(format!("{}{more} (Landlock ABI {abi:?})", self.but))
    }
}

/// Nothing is allowed.
fn forbidding() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

/// Nothing but reading what is below these paths.
fn reading(readable: &[PathBuf]) -> Result<RulesetCreated, RulesetError> {
    let mut created = forbidding()?;
    for path in readable {
        // What is not there now cannot be opened later either: that is told then.
        let Ok(open) = PathFd::new(path) else { continue };
        let reading = if path.is_dir() {
            AccessFs::ReadFile | AccessFs::ReadDir
        } else {
            AccessFs::ReadFile.into()
        };
        created = created.add_rule(PathBeneath::new(open, reading))?;
    }
    Ok(created)
}

/// Nothing but making, renaming, deleting and writing regular files in these folders, and listing them.
fn writing(folders: &[Arc<OwnedFd>]) -> Result<RulesetCreated, RulesetError> {
    let mut created = forbidding()?;
    let access = AccessFs::ReadDir | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::WriteFile;
    for folder in folders {
        created = created.add_rule(PathBeneath::new(folder, access))?;
    }
    Ok(created)
}
