//! `portstory schema`.

use std::io::Write;

use super::exit::stdout_exit;
use crate::engine::Outcome;

/// Prints the schema of the EVE output.
pub(super) fn run() -> Outcome {
    stdout_exit(std::io::stdout().write_all(crate::output::schema::SCHEMA.as_bytes()))
}
