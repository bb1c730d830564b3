//! What somebody could do who has taken over the program, command by command, and its helpers: each
//! attempt is made by the very process, by way of a [`Puppet`], once with `--sandbox=off` and once as it
//! is. What is denied inside must have been possible outside, or the row says that it is not shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use nix::libc;
use rustix::process::{Pid, Signal};

use crate::puppet::{Outcome, Puppet};
use crate::support::program::{fixture, program};
use portstory_testkit::process::{Running, children_started_as, until};

/// Nobody's number, whom root becomes and as whom a program with capabilities is started.
const NOBODY: u32 = 65534;

/// What there is around a process.
struct Around {
    folder: tempfile::TempDir,
    victim: Child,
}

impl Around {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, puppet: &Puppet, place: u64, name: &str) -> u64 {
        puppet.put(place, self.at(name).to_str().unwrap().as_bytes())
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

type Attempt = (&'static str, fn(&mut Puppet, &Around) -> Outcome);

fn open(puppet: &mut Puppet, path: u64, flags: i32) -> Outcome {
    let here = i64::from(libc::AT_FDCWD).cast_unsigned();
    let flags = u64::from(flags.unsigned_abs());
    puppet.call(libc::SYS_openat, [here, path, flags, 0o600, 0, 0])
}

fn socket(puppet: &mut Puppet, family: i32, kind: i32) -> Outcome {
    let [family, kind] = [family, kind].map(|number| u64::from(number.unsigned_abs()));
    puppet.call(libc::SYS_socket, [family, kind, 0, 0, 0, 0])
}

fn here() -> u64 {
    i64::from(libc::AT_FDCWD).cast_unsigned()
}

/// In this order, as some change what follows them where nothing stops them.
const ATTEMPTS: &[Attempt] = &[
    ("read a file outside", |puppet, around| {
        let path = around.name(puppet, 0, "outside/secret");
        open(puppet, path, libc::O_RDONLY)
    }),
    ("list a folder outside", |puppet, around| {
        let path = around.name(puppet, 0, "outside");
        open(puppet, path, libc::O_RDONLY | libc::O_DIRECTORY)
    }),
    ("make a file outside", |puppet, around| {
        let path = around.name(puppet, 0, "outside/new");
        open(puppet, path, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL)
    }),
    ("write to a file outside", |puppet, around| {
        let path = around.name(puppet, 0, "outside/secret");
        open(puppet, path, libc::O_WRONLY | libc::O_APPEND)
    }),
    ("write to an input", |puppet, around| {
        let path = around.name(puppet, 0, "inputs/a.pcap");
        open(puppet, path, libc::O_WRONLY | libc::O_APPEND)
    }),
    ("delete a file outside", |puppet, around| {
        let path = around.name(puppet, 0, "outside/deleted");
        puppet.call(libc::SYS_unlinkat, [here(), path, 0, 0, 0, 0])
    }),
    ("rename a file outside", |puppet, around| {
        let from = around.name(puppet, 0, "outside/renamed");
        let to = around.name(puppet, 1, "outside/renamed-to");
        puppet.call(libc::SYS_renameat, [here(), from, here(), to, 0, 0])
    }),
    ("change a file's mode", |puppet, around| {
        let path = around.name(puppet, 0, "outside/own");
        puppet.call(libc::SYS_fchmodat, [here(), path, 0o644, 0, 0, 0])
    }),
    ("read another process's memory map", |puppet, around| {
        let path = puppet.put(0, format!("/proc/{}/maps", around.victim.id()).as_bytes());
        open(puppet, path, libc::O_RDONLY)
    }),
    ("write another process's memory", |puppet, around| {
        let path = puppet.put(0, format!("/proc/{}/mem", around.victim.id()).as_bytes());
        open(puppet, path, libc::O_RDWR)
    }),
    ("make a socket of TCP", |puppet, _| socket(puppet, libc::AF_INET, libc::SOCK_STREAM)),
    ("make a socket of UDP", |puppet, _| socket(puppet, libc::AF_INET, libc::SOCK_DGRAM)),
    ("make a packet socket", |puppet, _| socket(puppet, libc::AF_PACKET, libc::SOCK_RAW)),
    ("make a file in memory", |puppet, _| {
        let name = puppet.put(0, b"x");
        puppet.call(libc::SYS_memfd_create, [name, 0, 0, 0, 0, 0])
    }),
    ("copy a descriptor", |puppet, _| puppet.call(libc::SYS_dup, [0; 6])),
    ("signal a process", |puppet, around| {
        let signal = u64::from(Signal::CONT.as_raw().unsigned_abs());
        puppet.call(libc::SYS_kill, [u64::from(around.victim.id()), signal, 0, 0, 0, 0])
    }),
    ("trace a process", |puppet, around| {
        let attach = u64::from(libc::PTRACE_ATTACH);
        puppet.call(libc::SYS_ptrace, [attach, u64::from(around.victim.id()), 0, 0, 0, 0])
    }),
    ("mount", |puppet, around| {
        let at = around.name(puppet, 0, "mounted");
        let kind = puppet.put(1, b"tmpfs");
        puppet.call(libc::SYS_mount, [kind, at, kind, 0, 0, 0])
    }),
    ("leave the network namespace", |puppet, _| {
        puppet
            .call(libc::SYS_unshare, [u64::from(libc::CLONE_NEWNET.unsigned_abs()), 0, 0, 0, 0, 0])
    }),
    ("change the root folder", |puppet, _| {
        let root = puppet.put(0, b"/");
        puppet.call(libc::SYS_chroot, [root, 0, 0, 0, 0, 0])
    }),
    ("become root", |puppet, _| puppet.call(libc::SYS_setresuid, [0; 6])),
    ("regain capabilities", |puppet, _| {
        // _LINUX_CAPABILITY_VERSION_3, this process; CAP_NET_RAW effective and permitted.
        let version = 0x2008_0522_u32.to_ne_bytes();
        let header = puppet.put(0, &[version, [0; 4]].concat());
        let raw = (1_u32 << 13).to_ne_bytes();
        let sets = puppet.put(1, &[raw, raw, [0; 4], [0; 4], [0; 4], [0; 4]].concat());
        puppet.call(libc::SYS_capset, [header, sets, 0, 0, 0, 0])
    }),
    // Last: where it works, there is nobody to ask any more.
    ("become a program", |puppet, _| {
        let path = puppet.put(0, b"/bin/true");
        puppet.call(libc::SYS_execve, [path, 0, 0, 0, 0, 0])
    }),
];

/// What only root can do, with or without a sandbox.
const OF_ROOT: &[&str] =
    &["mount", "leave the network namespace", "change the root folder", "become root"];

/// A process that is tried.
struct Target {
    name: &'static str,
    /// What is on the command line.
    arguments: &'static [&'static str],
    /// The file at whose opening it is stopped; none of one that waits for packets.
    input: Option<&'static str>,
    /// The hidden command of the helper that is tried in its place.
    helper: Option<&'static str>,
    /// What it can do still, as it is there for it.
    keeps: &'static [&'static str],
}

const fn of_file(name: &'static str, arguments: &'static [&'static str]) -> Target {
    Target { name, arguments, input: Some("inputs/a.pcap"), helper: None, keeps: &[] }
}

const LIVE: &[&str] = &["live", "-i", "lo", "--format", "eve", "-o", "outputs/eve.json"];

const TARGETS: &[Target] = &[
    of_file("read", &["read", "inputs/a.pcap"]),
    of_file("report", &["report", "inputs/a.pcap", "-o", "outputs/r.html"]),
    of_file("why", &["why", "inputs/a.pcap"]),
    of_file("bundle", &["bundle", "inputs/a.pcap", "-o", "outputs/b.zip"]),
    Target { input: Some("inputs/a.zip"), ..of_file("verify", &["verify", "inputs/a.zip"]) },
    Target { input: None, ..of_file("live", LIVE) },
    Target {
        helper: Some("__place-output"),
        ..of_file("completes files", &["bundle", "inputs/a.pcap", "-o", "outputs/b.zip"])
    },
    Target { input: None, helper: Some("__open-outputs"), ..of_file("opens files", LIVE) },
    Target {
        input: None,
        helper: Some("__tell-owners"),
        keeps: &[
            "read a file outside",
            "list a folder outside",
            "read another process's memory map",
        ],
        ..of_file("looks for processes", LIVE)
    },
];

/// Who starts the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starter {
    Root,
    /// Somebody, and the file has capabilities (setcap(8)).
    Setcap,
}

/// A process that can be asked, with all that has to live meanwhile.
struct Stage {
    puppet: Puppet,
    _stdin: Option<ChildStdin>,
    _main: Option<Puppet>,
    _running: Running,
    around: Around,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.puppet.end();
    }
}

fn prepare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["inputs", "outside", "outputs", "mounted"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::copy(fixture("ssh-openssh/capture.pcap"), folder.path().join("inputs/a.pcap")).unwrap();
    for name in ["secret", "deleted", "renamed", "own"] {
        fs::write(folder.path().join("outside").join(name), b"secret").unwrap();
    }
    folder
}

/// Everything there is everybody's, so that rights are not what is in the way without a sandbox.
fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            open_to_all(&path);
        } else if !path.ends_with("portstory") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        }
    }
}

/// Starts the program and brings it to where it can be asked.
fn stage(target: &Target, starter: Starter, confined: bool, template: &Path) -> Stage {
    let folder = prepare();
    let copied = folder.path().join("portstory");
    let mut binary = PathBuf::from(program());
    if starter == Starter::Setcap {
        fs::copy(&binary, &copied).unwrap();
        let caps = "cap_net_raw,cap_sys_ptrace,cap_dac_read_search+ep";
        assert!(Command::new("setcap").arg(caps).arg(&copied).status().unwrap().success());
        binary = copied;
    }
    fs::copy(template, folder.path().join("inputs/a.zip")).unwrap();
    open_to_all(folder.path());
    let as_starter = |command: &mut Command| {
        if starter == Starter::Setcap {
            command.uid(NOBODY).gid(NOBODY);
        }
    };
    let mut victim = Command::new("sleep");
    as_starter(victim.arg("600"));
    let around = Around { victim: victim.spawn().unwrap(), folder };
    if starter == Starter::Setcap {
        std::os::unix::fs::chown(around.at("outside/own"), Some(NOBODY), None).unwrap();
    }
    let mut command = Command::new("sh");
    command.args(["-c", "read go; exec \"$@\"", "sh"]).arg(binary).args(target.arguments);
    match (confined, starter) {
        (false, _) => command.args(["--sandbox", "off"]),
        (true, Starter::Root) => command.args(["--user", &format!("{NOBODY}:{NOBODY}")]),
        (true, Starter::Setcap) => &mut command,
    };
    as_starter(command.current_dir(around.folder.path()));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let pid = Pid::from_child(&child);
    let mut running = Running::of(child);
    let mut begin = || std::io::Write::write_all(&mut stdin, b"go\n").unwrap();
    let main = match target.input {
        Some(input) => {
            let stopped = Puppet::at_opening(pid, Path::new(input), confined, begin);
            Some(stopped.unwrap_or_else(|| panic!("{}: it never came so far", target.name)))
        }
        None => {
            begin();
            // Its helpers have said by then that they are ready.
            while !running.line().contains("listening on") {}
            None
        }
    };
    let helper = target.helper.map(|word| {
        let helper = until(word, || children_started_as(running.child.id(), word).pop());
        Pid::from_raw(i32::try_from(helper).unwrap()).unwrap()
    });
    let (puppet, main) = match (main, helper) {
        (main, Some(helper)) => (Puppet::take(helper), main),
        (Some(main), None) => (main, None),
        (None, None) => (Puppet::take(pid), None),
    };
    Stage { around, puppet, _stdin: Some(stdin), _main: main, _running: running }
}

/// What comes of every attempt, in their order.
fn outcomes(target: &Target, starter: Starter, confined: bool, template: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut now = stage(target, starter, confined, template);
    for (_, attempt) in ATTEMPTS {
        let outcome = attempt(&mut now.puppet, &now.around);
        let is_over = matches!(outcome, Outcome::Ends(_) | Outcome::Executes);
        outcomes.push(outcome);
        if is_over && outcomes.len() < ATTEMPTS.len() {
            now = stage(target, starter, confined, template);
        }
    }
    outcomes
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Works(_) | Outcome::Executes => "works".to_owned(),
        Outcome::Fails(errno) => format!("{errno:?}"),
        Outcome::Ends(signal) if *signal == Signal::SYS.as_raw() => "SIGSYS".to_owned(),
        Outcome::Ends(signal) => format!("signal {signal}"),
    }
}

#[test]
fn whoever_takes_over_a_command_or_a_helper_gets_no_further() {
    if !portstory_testkit::skip::is_root("no program was taken over") {
        return;
    }
    let made = prepare();
    let (input, template) = (made.path().join("inputs/a.pcap"), made.path().join("outputs/a.zip"));
    let bundle = Command::new(program()).arg("bundle").arg(input).arg("-o").arg(&template).output();
    assert!(bundle.as_ref().unwrap().status.success(), "{bundle:?}");
    let mut wrong = Vec::new();
    for (starter, title) in [(Starter::Root, "root"), (Starter::Setcap, "setcap")] {
        for target in TARGETS {
            let free = outcomes(target, starter, false, &template);
            let inside = outcomes(target, starter, true, &template);
            println!("\n{} as {title}\n{:<36}{:<9}inside", target.name, "", "off");
            for (((attempt, _), free), inside) in ATTEMPTS.iter().zip(&free).zip(&inside) {
                let works = |outcome: &Outcome| told(outcome) == "works";
                let is_kept = target.keeps.contains(attempt);
                let note = match (works(free), is_kept) {
                    (true, true) => "  kept: it is there for this",
                    (true, false) => "",
                    (false, _) => "  not shown: the kernel does not allow it anyway",
                };
                println!("{attempt:<36}{:<9}{:<9}{note}", told(free), told(inside));
                let row = || format!("{} as {title}: {attempt}: {free:?}, {inside:?}", target.name);
                if works(inside) != is_kept {
                    wrong.push(row());
                }
                let needs_root = starter == Starter::Setcap && OF_ROOT.contains(attempt);
                if !works(free) && !needs_root {
                    wrong.push(format!("not shown: {}", row()));
                }
            }
            assert_eq!((free.len(), inside.len()), (ATTEMPTS.len(), ATTEMPTS.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
