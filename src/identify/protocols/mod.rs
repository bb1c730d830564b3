//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[];
