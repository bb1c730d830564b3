//! Processes in words for people, and in JSON. Nothing here is escaped: whoever writes it knows for what.

use super::ProcessLookups;
use super::json::{Object, Word};
use crate::human::{count, counted};
use portstory_core::event::{Process, ProcessMissing};

/// In short: name, PID, user, and unit or container.
pub(crate) fn short(process: &Process) -> String {
    let mut text = format!("{}[{}]", process.name, process.pid);
    if let Some(user) = &process.user {
        text.push_str(&format!(" of {user}"));
    }
    if let Some(place) = process.container.as_ref().or(process.unit.as_ref()) {
        text.push_str(&format!(" in {place}"));
    }
    text
}

/// And what it is in truth: its executable, whether its name is another, and its parent.
pub(crate) fn long(process: &Process) -> String {
    let mut text = short(process);
    if let Some(executable) = executable(process) {
        text.push_str(&format!(", {executable}"));
        if process.name_mismatch {
            text.push_str(&other_name(process));
        }
    }
    if let Some(parent) = &process.parent {
        text.push_str(&format!(", parent {}[{}]", parent.name, parent.pid));
    }
    text
}

/// Its executable, and whether its name is another.
pub(super) fn executable(process: &Process) -> Option<String> {
    let deleted = if process.executable_deleted { " (deleted)" } else { "" };
    let mismatch = if process.name_mismatch { ", which is not its name" } else { "" };
    let path = process.executable.as_deref()?;
    Some(format!("executable {path}{deleted}{mismatch}"))
}

/// The first word of the command line, where that is another name again.
fn other_name(process: &Process) -> String {
    match process.command_line.first() {
        Some(first) if *first != process.name => format!(" (calls itself {first})"),
        Some(_) | None => String::new(),
    }
}

/// Who holds the end that is this machine, or why that is not known, where it is worth a word.
pub(crate) fn at_this_end(
    process: Option<&Process>,
    missing: Option<&ProcessMissing>,
) -> Option<String> {
    match (process, missing) {
        (Some(process), _) => Some(long(process)),
        (None, Some(ProcessMissing::Nobody)) => Some("no process listens".to_owned()),
        (None, Some(ProcessMissing::NotVisible { user })) => {
            let user = user.as_ref().map_or(String::new(), |user| format!(" (socket of {user})"));
            Some(format!("process not visible with the rights of this capture{user}"))
        }
        (
            None,
            Some(ProcessMissing::Gone | ProcessMissing::Unanswered | ProcessMissing::NotAsked)
            | None,
        ) => None,
    }
}

/// How looking for processes went.
pub(crate) fn lookups(lookups: &ProcessLookups) -> String {
    let mut text = format!(
        "found for {} of {} with an end on this machine",
        count(lookups.with_process),
        counted(lookups.asked.saturating_add(lookups.not_asked), "flow")
    );
    for (what, flows) in [
        ("nobody listened", lookups.nobody),
        ("not visible with these rights", lookups.not_visible),
        ("socket closed before", lookups.gone),
        ("no answer in time", lookups.unanswered),
        ("not looked up", lookups.not_asked),
    ] {
        if flows > 0 {
            text.push_str(&format!("; {what}: {}", count(flows)));
        }
    }
    text.push_str(&format!("; {} ms of processor time", count(lookups.cpu_ms)));
    if lookups.over_budget_ms > 0 {
        let over = count(lookups.over_budget_ms);
        text.push_str(&format!("; out of budget for {over} ms (--processes-cpu)"));
    }
    text
}

/// The process behind an end of a flow or why there is none, in EVE.
pub(super) fn put_process(
    object: &mut Object<'_>,
    process: Option<&Process>,
    missing: Option<&ProcessMissing>,
) {
    if let Some(process) = process {
        object.object("process", |object| put_particulars(object, process));
    }
    if let Some(missing) = missing {
        object.put("process_missing", Word(missing.name()));
        object.put_some("socket_user", missing.socket_user());
    }
}

pub(super) fn put_particulars(object: &mut Object<'_>, process: &Process) {
    let list = |object: &mut Object<'_>, name, words: &[String]| {
        if !words.is_empty() {
            object.list(name, words.iter().map(String::as_str));
        }
    };
    object.put("pid", process.pid);
    object.put("name", &*process.name);
    object.put_some("executable", process.executable.as_deref());
    object.put_some("executable_deleted", process.executable_deleted.then_some(true));
    object.put_some("name_mismatch", process.name_mismatch.then_some(true));
    list(object, "command_line", &process.command_line);
    object.put_some("user", process.user.as_deref());
    if let Some(parent) = &process.parent {
        object.object("parent", |object| {
            object.put("pid", parent.pid);
            object.put("name", &*parent.name);
        });
    }
    object.put_some("unit", process.unit.as_deref());
    object.put_some("container", process.container.as_deref());
    list(object, "services", &process.services);
    object.put_some("started", process.started);
}

#[cfg(test)]
mod tests {
    use super::*;
    use portstory_core::event::Parent;

    #[test]
    fn a_name_is_told_apart_from_the_executable() {
        let process = Process {
            pid: 7,
            name: "kworker/0:1".to_owned(),
            executable: Some("/tmp/x".to_owned()),
            executable_deleted: true,
            name_mismatch: true,
            command_line: vec!["[kworker/0:1]".to_owned()],
            user: Some("root".to_owned()),
            parent: Some(Parent { pid: 1, name: "init".to_owned() }),
            ..Process::default()
        };
        assert_eq!(
            long(&process),
            "kworker/0:1[7] of root, executable /tmp/x (deleted), which is not its name (calls itself \
             [kworker/0:1]), parent init[1]"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_not_called_nobody() {
        let said = |missing: ProcessMissing| at_this_end(None, Some(&missing)).unwrap_or_default();
        assert_eq!(said(ProcessMissing::Nobody), "no process listens");
        let hidden = said(ProcessMissing::NotVisible { user: Some("root".to_owned()) });
        assert!(hidden.contains("not visible") && hidden.contains("root"), "{hidden}");
        assert_eq!(said(ProcessMissing::Gone), "");
    }
}
