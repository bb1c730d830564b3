//! The fast no.

