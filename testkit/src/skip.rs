//! What a test needs that a machine may not have: then it says that it is skipped, or fails where that is
//! asked for.

use rustix::process::geteuid;

/// Says that something was not tested. Where `needed` is set in the environment, as in the gate, it fails.
pub fn skipped(needed: &str, why: &str) {
    assert!(std::env::var_os(needed).is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

/// Whether this runs as root, which `what` needs. With `PORTSTORY_NEEDS_NETNS` it has to.
pub fn is_root(what: &str) -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skipped("PORTSTORY_NEEDS_NETNS", &format!("{what}: this needs root"));
    }
    is_root
}
