//! What the writers write, seen from outside.

mod csv;
mod eve;
mod packets;
mod samples;
#[path = "../support/suricata.rs"]
mod suricata;
mod text;
