//! Why a bundle is refused.

use std::fmt;

/// Why a bundle is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The file, in the bundle or the bundle itself.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.why)
    }
}

impl std::error::Error for Refusal {}

pub(super) fn refused(file: &str, why: impl fmt::Display) -> Refusal {
    Refusal { file: file.to_owned(), why: why.to_string() }
}
