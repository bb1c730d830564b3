//! The clock that the kernel stamps frames with: the only place of the live capture that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portstory_core::Timestamp;

/// The time that long ago, by that clock.
#[expect(clippy::disallowed_methods, reason = "an edge: tells how far time passed without a frame")]
pub(super) fn wall_before(span: Duration) -> Timestamp {
    let then =
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(span);
    Timestamp::default().plus(then)
}
