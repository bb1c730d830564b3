//! The machine's own clock, for what the edges wait for and how often they look. What is told of a capture
//! has its time from the capture.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Now.
#[expect(clippy::disallowed_methods, reason = "an edge: deadlines and pauses are the machine's")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Processor time of all threads of this process.
pub(crate) fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
