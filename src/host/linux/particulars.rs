//! What is to be known of a process, from its folder in /proc (proc(5)).
//!
//! Its short name and its command line are its own to change; its executable is not. So the two are
//! held against each other: [`differs`].

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use procfs::process;

use crate::escape;
use crate::host::cgroup;
use crate::sandbox::User;
use portstory_core::Timestamp;
use portstory_core::event::{Parent, Process};

/// `TASK_COMM_LEN` without its end: bytes that the kernel keeps of a short name.
const NAME_BYTES_MAX: usize = 15;

/// Where links to programs are, for a first word that is no path.
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// All of it; nothing where the process has ended.
pub(super) fn look_at(pid: u32) -> Option<Process> {
    let process = process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let cgroups = fs::read(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let (unit, container) = cgroup::told(&escape::bytes(&cgroups));
    let words = words(&process);
    // As the executable's path is, which it is compared with.
    let alike: Vec<String> =
        words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let executable = process.exe().ok();
    // Of a file that has no name any more the kernel adds this to its path; a name may end so, too.
    let deleted = fs::metadata(format!("/proc/{pid}/exe")).is_ok_and(|file| file.nlink() == 0);
    let executable = executable.map(|path| {
        let path = path.to_string_lossy().into_owned();
        let bare = path.strip_suffix(" (deleted)").filter(|_| deleted);
        bare.map_or_else(|| path.clone(), str::to_owned)
    });
    let name_mismatch = executable
        .as_ref()
        .is_some_and(|executable| differs(Path::new(executable), &stat.comm, &alike));
    Some(Process {
        pid,
        name: stat.comm,
        executable,
        executable_deleted: deleted,
        name_mismatch,
        command_line: words.iter().map(|word| escape::bytes(word)).collect(),
        user: effective_user(&process).map(User::name_of),
        parent: u32::try_from(stat.ppid).ok().filter(|&parent| parent != 0).map(parent),
        unit,
        container,
        services: Vec::new(),
        started: started(stat.starttime),
    })
}

/// The words of its command line, which need not be text.
fn words(process: &process::Process) -> Vec<Vec<u8>> {
    let line = read(process, "cmdline").unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(<[u8]>::to_vec).collect()
}

/// Whose rights it has. Not the folder's owner: that is root where a process gave up rights; nor by a
/// reader of the whole file, which holds a name that need not be text.
fn effective_user(process: &process::Process) -> Option<u32> {
    let status = read(process, "status")?;
    let ids = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(ids).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn read(process: &process::Process, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    process.open_relative(name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn parent(pid: u32) -> Parent {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    Parent { pid, name: String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned() }
}

/// Whether a process goes by a name that its executable does not have: the short name, or the first
/// word of the command line.
///
/// What is usual is no difference: names cut at 15 bytes, versions (`python3` runs `python3.11`),
/// titles (`nginx: worker process`), a login shell's dash, links (`sh` is `dash`), and scripts, which
/// are named on the command line of what runs them.
fn differs(executable: &Path, name: &str, command_line: &[String]) -> bool {
    let Some(own) = executable.file_name().map(|own| own.to_string_lossy().into_owned()) else {
        return false;
    };
    let first = command_line.first().map(String::as_str).unwrap_or_default();
    // The kernel's own threads are written in brackets, and have no executable.
    if name.starts_with('[') || first.starts_with('[') {
        return true;
    }
    let is_link = |word: &str| {
        let candidates: Vec<PathBuf> = if word.contains('/') {
            vec![PathBuf::from(word)]
        } else {
            PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(word)).collect()
        };
        candidates.iter().any(|path| fs::canonicalize(path).is_ok_and(|path| path == executable))
    };
    let is_script =
        |name: &str| command_line.iter().skip(1).any(|word| cut(base(word)) == cut(base(name)));
    let is_own = |word: &str| word.is_empty() || matches(&own, word);
    let first_is_own = is_own(base(first)) || is_link(first.trim_start_matches('-'));
    let name_is_own = is_own(name)
        || is_script(name)
        || (cut(base(first)) == name && first_is_own)
        || is_link(name);
    !(name_is_own && first_is_own)
}

/// Whether a word may stand for a program's file name.
fn matches(own: &str, word: &str) -> bool {
    let word = word.trim_start_matches('-');
    let title = word.split([':', ' ']).next().unwrap_or_default();
    let is_version = |rest: &str| rest.starts_with(|c: char| !c.is_alphabetic());
    cut(own) == cut(title)
        || own.strip_prefix(title).is_some_and(|rest| !title.is_empty() && is_version(rest))
        || title.strip_prefix(own).is_some_and(is_version)
}

fn base(path: &str) -> &str {
    // Of a title only the part before it can be a path.
    let path = path.split(' ').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

fn cut(name: &str) -> &str {
    let end = (0..=NAME_BYTES_MAX.min(name.len())).rev().find(|&at| name.is_char_boundary(at));
    name.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// Field 22 of proc_pid_stat(5): clock ticks since the system started.
fn started(ticks: u64) -> Option<Timestamp> {
    static BOOT: OnceLock<Option<u64>> = OnceLock::new();
    let boot = (*BOOT.get_or_init(|| procfs::boot_time_secs().ok()))?;
    let seconds = boot.checked_add(ticks.checked_div(procfs::ticks_per_second())?)?;
    Some(Timestamp::from_parts(i64::try_from(seconds).ok()?, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(executable: &str, name: &str, words: &str) -> bool {
        let words: Vec<String> = words.split('|').map(str::to_owned).collect();
        super::differs(Path::new(executable), name, &words)
    }

    #[test]
    fn what_is_usual_is_no_difference() {
        for (executable, name, words) in [
            ("/usr/sbin/sshd", "sshd", "sshd: root@pts/0"),
            ("/usr/sbin/nginx", "nginx", "nginx: worker process"),
            ("/usr/bin/python3.11", "python3", "/usr/bin/python3|-m|http.server"),
            ("/usr/bin/python3.11", "server.py", "/usr/bin/python3|/opt/server.py"),
            ("/usr/bin/bash", "bash", "-bash"),
            (
                "/usr/lib/systemd/systemd-networkd",
                "systemd-network",
                "/lib/systemd/systemd-networkd",
            ),
            ("/usr/bin/perl", "perl", "perl|-e|1"),
            ("/opt/x/server", "server", ""),
        ] {
            assert!(!differs(executable, name, words), "{executable} {name} {words}");
        }
    }

    #[test]
    fn a_name_that_the_executable_does_not_have_is_a_difference() {
        for (executable, name, words) in [
            ("/tmp/implant", "kworker/0:1", "/tmp/implant"),
            ("/tmp/implant", "[kworker/0:1]", "[kworker/0:1]"),
            ("/tmp/implant", "implant", "[kworker/0:1]"),
            ("/tmp/implant", "implant", "/usr/sbin/sshd"),
            ("/tmp/implant", "sshd", "/usr/sbin/sshd"),
            ("/usr/bin/perl", "sshd", "perl|-e|1"),
            ("/tmp/sshdx", "sshd", "sshd"),
            ("/tmp/x", "nginx", "nginx: worker process"),
        ] {
            assert!(differs(executable, name, words), "{executable} {name} {words}");
        }
    }

    #[test]
    fn a_link_to_the_executable_is_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let (program, link) = (folder.path().join("real"), folder.path().join("other"));
        fs::write(&program, "").unwrap();
        std::os::unix::fs::symlink(&program, &link).unwrap();
        let program = fs::canonicalize(program).unwrap();
        let words = [link.to_string_lossy().into_owned()];
        assert!(!super::differs(&program, "other", &words));
        assert!(super::differs(&program, "third", &words));
    }

    #[test]
    fn this_process_is_seen_with_its_parent() {
        let process = look_at(std::process::id()).unwrap();
        assert_eq!(process.command_line, std::env::args().collect::<Vec<_>>());
        let own = std::env::current_exe().unwrap();
        assert_eq!(process.executable.as_deref(), own.to_str());
        assert!(!process.executable_deleted && process.user.is_some() && process.started.is_some());
        assert_eq!(process.parent.unwrap().pid, std::os::unix::process::parent_id());
    }

    #[test]
    fn a_process_whose_words_are_no_text_is_seen_with_all_of_them() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::process::{Command, Stdio};
        let script = "printf '\\377' > /proc/$$/comm; echo; read line";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(std::ffi::OsStr::from_bytes(b"--key=\xff"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It has its name now.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let process = look_at(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        let process = process.unwrap();
        assert_eq!(process.command_line, ["sh", "-c", script, "--key=\\xff"]);
        assert_eq!(process.name, "\u{fffd}");
        assert_eq!(process.user, look_at(std::process::id()).unwrap().user);
    }
}
