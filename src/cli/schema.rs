//! `portstory schema`.

use std::io::Write;

use super::Exit;
use super::exit::stdout_exit;

/// Prints the schema of the EVE output.
pub(super) fn run() -> Exit {
    stdout_exit(std::io::stdout().write_all(crate::output::schema::SCHEMA.as_bytes()))
}
