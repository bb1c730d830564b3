//! The machine's clocks: the only place of the live capture that reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portstory_core::Timestamp;

/// For deadlines.
#[expect(clippy::disallowed_methods, reason = "an edge: deadlines of a live capture")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The time that long ago, by the clock that the kernel stamps frames with.
#[expect(clippy::disallowed_methods, reason = "an edge: tells how far time passed without a frame")]
pub(super) fn wall_before(span: Duration) -> Timestamp {
    let then =
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(span);
    Timestamp::default().plus(then)
}
