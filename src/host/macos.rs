//! macOS: what `portable.rs` finds. Without rights the system lists only one's own processes' sockets.
//! Written from the crates' documentation; not tested on macOS.

use std::io;

use super::{Inventory, Unseen, Wanted, portable};

pub(super) fn sockets(wanted: &Wanted<'_>) -> io::Result<Inventory> {
    let mut found = portable::sockets(wanted)?;
    if std::env::var_os("USER").is_none_or(|user| user != "root") {
        found.unseen.push(Unseen {
            what: "sockets of other users' processes".to_owned(),
            command: "sudo portstory who".to_owned(),
        });
    }
    Ok(found)
}
