//! What the tests of `portstory` and of its core share: random numbers, packets, captures written byte
//! by byte, compressed ones, and running programs that can be waited for.
//!
//! It knows neither crate, so that their own unit tests can use it as well as `tests/` and `benches/`.
//! What needs their types is in `tests/support/`. Everything here panics at the first surprise.

#[cfg(feature = "program")]
pub mod captures;
#[cfg(feature = "program")]
pub mod packed;
#[cfg(feature = "program")]
pub mod packets;
#[cfg(all(feature = "program", unix))]
pub mod process;
mod random;
#[cfg(all(feature = "program", unix))]
pub mod skip;

pub use random::Random;
