//! `--report` in a build without reports.

use std::path::Path;

use super::{Outcome, features, log};
use crate::engine::Observer;

/// Refuses.
pub(super) fn open(_: &Path) -> Result<Box<dyn Observer>, Outcome> {
    log::say(&features::lacks("--report", "report"));
    Err(Outcome::Usage)
}
