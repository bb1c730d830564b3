//! User, groups, capabilities, no-new-privileges.
//!
//! What is tried may fail, or succeed without effect, so that what is told is read back from the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, accessat};
use rustix::process::{
    Gid, Uid, getegid, geteuid, getgroups, parent_process_death_signal,
    set_parent_process_death_signal,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    no_new_privs, remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities,
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::{Plan, Report, Task, User};

/// What a process needs that looks into others: to read their folders in /proc, and the links there.
const LOOKING: CapabilitySet = CapabilitySet::SYS_PTRACE.union(CapabilitySet::DAC_READ_SEARCH);

/// Drops what the plan does not keep, each for itself, and reports what holds then.
pub(super) fn drop(plan: &Plan, report: &mut Report) {
    let was_root = geteuid().is_root();
    let ends_with_parent = parent_process_death_signal().ok().flatten();
    let may_keep = held() & keepable(plan);
    let bounding = clear_bounding_set();
    let user = match &plan.account {
        Some(account) if was_root => become_user(account.uid, account.gid, !may_keep.is_empty()),
        Some(_) | None => leave_groups(),
    };
    let keeps = needed(&plan.task, may_keep);
    let capabilities = set(keeps, keeps);
    let privileges = set_no_new_privs(true).map_err(io::Error::from);
    if ends_with_parent.is_some() {
        // The kernel forgets it where user or capabilities change.
        let _ = set_parent_process_death_signal(ends_with_parent);
    }
    if was_root {
        tell_user(plan, &user, report);
    }
    tell_groups(&user, report);
    tell_capabilities(&capabilities, report);
    tell_bounding_set(&bounding, report);
    let what = "new privileges".to_owned();
    tell(no_new_privs().unwrap_or(false), what, &privileges, report);
}

/// The capabilities that this plan may want.
fn keepable(plan: &Plan) -> CapabilitySet {
    match &plan.task {
        // Root's files are read on behalf of the user who asked for it; Landlock says which.
        Task::Parse if plan.readable.is_empty() || !plan.measures.paths => CapabilitySet::empty(),
        Task::Parse => CapabilitySet::DAC_READ_SEARCH,
        Task::Write(_) if !plan.measures.paths => CapabilitySet::empty(),
        Task::Write(_) => CapabilitySet::DAC_OVERRIDE,
        Task::Look => LOOKING,
    }
}

/// Of those that may be kept the ones without which it does not work.
fn needed(task: &Task, may_keep: CapabilitySet) -> CapabilitySet {
    match task {
        Task::Parse | Task::Look => may_keep,
        Task::Write(folders) => {
            // Asked without any, and with a way back.
            let is_lowered = set(CapabilitySet::empty(), may_keep).is_ok();
            if is_lowered && folders.iter().all(is_writable) {
                CapabilitySet::empty()
            } else {
                may_keep
            }
        }
    }
}

/// Whether files can be listed, made and deleted there.
fn is_writable(folder: &Arc<OwnedFd>) -> bool {
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    accessat(folder, ".", all, AtFlags::EACCESS).is_ok()
}

fn held() -> CapabilitySet {
    rustix::thread::capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.permitted)
}

fn set(effective: CapabilitySet, permitted: CapabilitySet) -> io::Result<()> {
    let inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective, permitted, inheritable })?)
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

/// Who stays who it is may belong to groups only where it cannot leave them.
fn leave_groups() -> io::Result<()> {
    if !held().contains(CapabilitySet::SETGID) {
        return Ok(());
    }
    Ok(set_thread_groups(&[])?)
}

fn tell(holds: bool, what: String, tried: &io::Result<()>, report: &mut Report) {
    match tried {
        _ if holds => report.active.push(what),
        Err(error) => report.missing.push(format!("{what} ({error})")),
        Ok(()) => report.missing.push(format!("{what} (it had no effect)")),
    }
}

fn tell_user(plan: &Plan, tried: &io::Result<()>, report: &mut Report) {
    let is = |account: &User| {
        let own = (rustix::process::getuid().as_raw(), geteuid().as_raw(), getegid().as_raw());
        own == (account.uid, account.uid, account.gid)
    };
    match (&plan.account, &plan.task) {
        (Some(account), _) => {
            tell(is(account), format!("root, for user {}", account.name), tried, report);
        }
        (None, Task::Write(_)) => {
            report.kept.push("root's user id (the files are to be root's)".to_owned());
        }
        (None, Task::Parse | Task::Look) => report.missing.push(
            "root's user id (name a user with --user, or make an account portstory)".to_owned(),
        ),
    }
}

/// The groups that this process is still in, besides its own.
fn tell_groups(tried: &io::Result<()>, report: &mut Report) {
    let own = getegid();
    let groups = getgroups().unwrap_or_default();
    let others: Vec<String> = groups
        .into_iter()
        .filter(|group| *group != own)
        .map(|group| group.as_raw().to_string())
        .collect();
    if others.is_empty() {
        report.active.push("other groups".to_owned());
    } else if let Err(error) = tried {
        report.missing.push(format!("groups {} ({error})", others.join(", ")));
    } else {
        report.kept.push(format!("groups {} (only root can leave them)", others.join(", ")));
    }
}

fn tell_capabilities(tried: &io::Result<()>, report: &mut Report) {
    let left: Vec<String> = held().iter_names().map(|(name, _)| format!("CAP_{name}")).collect();
    let left = left.join(", ");
    match tried {
        Err(error) => report.missing.push(format!("capabilities {left} ({error})")),
        Ok(()) if left.is_empty() => report.active.push("all capabilities".to_owned()),
        Ok(()) => {
            report.active.push("all other capabilities".to_owned());
            report.kept.push(left);
        }
    }
}

/// Which capabilities a program could still get that is executed; none is, and none could.
fn tell_bounding_set(tried: &io::Result<()>, report: &mut Report) {
    let all = CapabilitySet::all().iter();
    let left = all.filter(|&one| capability_is_in_bounding_set(one).unwrap_or(false)).count();
    match tried {
        _ if left == 0 => report.active.push("capabilities for other programs".to_owned()),
        Err(error) => {
            report.missing.push(format!("{left} capabilities for other programs ({error})"));
        }
        Ok(()) => report.kept.push(format!(
            "a bounding set of {left} capabilities (only with CAP_SETPCAP it can be emptied; of no use \
             without new privileges)"
        )),
    }
}
