//! Landlock (landlock(7)): which files can be opened; no network; no signals to others.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

/// The newest version whose restrictions are asked for; an older kernel gives those it has.
const NEWEST: ABI = ABI::V10;

/// The ruleset, not in force yet.
pub(super) struct Rules(RulesetCreated);

impl Rules {
    /// Everything is forbidden but reading what is below these paths.
    pub(super) fn new(readable: &[PathBuf]) -> Result<Self, String> {
        let create = || {
            let mut created = Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(NEWEST))?
                .handle_access(AccessNet::from_all(NEWEST))?
                .scope(Scope::from_all(NEWEST))?
                .create()?;
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
            Ok::<_, landlock::RulesetError>(created)
        };
        create().map(Self).map_err(|error| error.to_string())
    }

    /// Puts the rules into force, and says which.
    pub(super) fn enforce(self) -> Result<String, String> {
        let status = self.0.restrict_self().map_err(|error| error.to_string())?;
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
        Ok(format!("files but the inputs{more} (Landlock ABI {abi:?})"))
    }
}
