//! `--report` in a build without reports.

use std::path::Path;

use super::{Exit, features, log};
use crate::engine::Observer;

/// Refuses.
pub(super) fn open(_: &Path) -> Result<Box<dyn Observer>, Exit> {
    log::say(&features::lacks("--report", "report"));
    Err(Exit::Usage)
}
