//! The two hashes: one that strangers cannot foresee, and one that is the same everywhere.

use std::hash::{BuildHasher, Hasher};

use siphasher::sip::SipHasher13;

use crate::wire;

/// SipHash-1-3 with a key of ours: nobody outside can choose 5-tuples that collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed(pub(crate) u64);

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, !self.0)
    }
}

/// See [`stable_hash`].
const NUMBERS_AT_ONCE: usize = 16;

/// A hash of a few numbers that is the same everywhere and always.
pub(crate) fn stable_hash(numbers: &[u64]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    // Few large writes cost much less than many small ones, and come to the same.
    for part in numbers.chunks(NUMBERS_AT_ONCE) {
        let mut bytes = [[0; 8]; NUMBERS_AT_ONCE];
        bytes.iter_mut().zip(part).for_each(|(to, number)| *to = number.to_le_bytes());
        hasher.write(wire::prefix(bytes.as_flattened(), part.len().saturating_mul(8)));
    }
    hasher.finish()
}
