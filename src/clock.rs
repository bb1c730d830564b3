//! The machine's own clock, for what the edges wait for and how often they look. What is told of a capture
//! has its time from the capture.

use std::time::Instant;

/// Now.
#[expect(clippy::disallowed_methods, reason = "an edge: deadlines and pauses are the machine's")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
