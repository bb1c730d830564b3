//! User, groups, capabilities, no-new-privileges.

use std::io;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::{Plan, Report};

/// Drops what the plan does not keep, each for itself, and reports it.
pub(super) fn drop(plan: &Plan, report: &mut Report) {
    let mut note = |result: io::Result<()>, what: String| match result {
        Ok(()) => report.active.push(what),
        Err(error) => report.missing.push(format!("{what} ({error})")),
    };
    // Root's files are read on behalf of the user who asked for it; Landlock says which.
    let keeps = if plan.readable.is_empty() || !plan.measures.paths {
        CapabilitySet::empty()
    } else {
        held() & CapabilitySet::DAC_READ_SEARCH
    };
    note(clear_bounding_set(), "capabilities for other programs".to_owned());
    if geteuid().is_root() {
        match &plan.account {
            Some(account) => {
                let result = become_user(account.uid, account.gid, !keeps.is_empty());
                note(result, format!("root, for user {}", account.name));
            }
            None => note(
                Err(io::Error::other("name a user with --user, or make an account portstory")),
                "root's user id".to_owned(),
            ),
        }
    }
    let sets =
        CapabilitySets { effective: keeps, permitted: keeps, inheritable: CapabilitySet::empty() };
    let what = if keeps.is_empty() { "all capabilities" } else { "all capabilities but reading" };
    note(set_capabilities(None, sets).map_err(io::Error::from), what.to_owned());
    note(set_no_new_privs(true).map_err(io::Error::from), "new privileges".to_owned());
}

fn held() -> CapabilitySet {
    rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.permitted)
}

/// So that nothing that is executed could have capabilities. Only who may set them may do this.
fn clear_bounding_set() -> io::Result<()> {
    // Not having had any is as good.
    let _ = clear_ambient_capability_set();
    if !held().contains(CapabilitySet::SETPCAP) {
        return Ok(());
    }
    for one in CapabilitySet::all().iter() {
        match remove_capability_from_bounding_set(one) {
            // The kernel is older than this capability.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Groups first: without root there is no changing them.
fn become_user(uid: u32, gid: u32, keep_capabilities: bool) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_keep_capabilities(keep_capabilities)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}
