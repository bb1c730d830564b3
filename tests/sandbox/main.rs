//! Tries to get out of the sandbox, in every way that can be thought of, and shows what stopped it.
//!
//! Each attempt is made in a process of its own, once without restrictions, once under each measure
//! alone, and once under all of them: under all, it must fail. What the program needs must work under
//! all of them too. Then the program's commands and helpers are taken over, each where it is about to
//! read ([`programs`]). `cargo test --test sandbox -- --nocapture` prints the tables.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

#[cfg(target_arch = "x86_64")]
mod programs;
#[cfg(target_arch = "x86_64")]
mod puppet;
#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portstory::internal::sandbox;
use portstory::internal::sandbox::{Measures, Plan, User};
use rustix::process::{Pid, Signal};

use support::program::{fixture, run, stderr, stdout};

const INSIDE: &str = "inside_tries";

/// What the process in the sandbox finds around it.
struct Around {
    input: PathBuf,
    secret: PathBuf,
    tcp: String,
    udp: String,
    victim: Pid,
    /// Stands for a capture's handle: it could send.
    handle: UdpSocket,
    /// Opened before.
    output: File,
}

type Attempt = (&'static str, fn(&Around) -> io::Result<()>);

/// Must fail.
const ESCAPES: &[Attempt] = &[
    ("read a file outside", |around| File::open(&around.secret).map(drop)),
    ("list a folder outside", |_| fs::read_dir("/").map(drop)),
    ("make a file outside", |around| File::create(around.secret.with_extension("new")).map(drop)),
    ("write to an input", |around| OpenOptions::new().append(true).open(&around.input).map(drop)),
    ("delete an input", |around| fs::remove_file(&around.input)),
    ("rename an input", |around| fs::rename(&around.input, around.input.with_extension("old"))),
    ("read another process's memory map", |around| {
        File::open(format!("/proc/{}/maps", around.victim.as_raw_nonzero())).map(drop)
    }),
    ("connect by TCP", |around| TcpStream::connect(&around.tcp).map(drop)),
    ("listen on TCP", |_| TcpListener::bind("127.0.0.1:0").map(drop)),
    ("send by UDP", |around| UdpSocket::bind("127.0.0.1:0")?.send_to(b"!", &around.udp).map(drop)),
    ("open a packet socket", |_| {
        use rustix::net::{AddressFamily, SocketType, socket};
        socket(AddressFamily::PACKET, SocketType::RAW, None).map(drop).map_err(Into::into)
    }),
    ("open a raw socket", |_| {
        use rustix::net::{AddressFamily, SocketType, ipproto, socket};
        socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))
            .map(drop)
            .map_err(Into::into)
    }),
    ("send on a capture's handle", |around| around.handle.send(b"!").map(drop)),
    ("write to a capture's handle", |around| {
        rustix::io::write(&around.handle, b"!").map(drop).map_err(Into::into)
    }),
    ("send on a copy of the handle", |around| around.handle.try_clone()?.send(b"!").map(drop)),
    ("start a program", |_| Command::new("/bin/true").status().map(drop)),
    ("become a program", |_| Err(Command::new("/bin/echo").arg("outcome=works").exec())),
    ("trace a process", |around| {
        let victim = nix::unistd::Pid::from_raw(around.victim.as_raw_nonzero().get());
        nix::sys::ptrace::attach(victim).map_err(Into::into)
    }),
    ("signal a process", |around| {
        rustix::process::kill_process(around.victim, Signal::CONT).map_err(Into::into)
    }),
    ("become root", |_| {
        let root = rustix::process::Uid::ROOT;
        rustix::thread::set_thread_res_uid(root, root, root)?;
        OpenOptions::new().append(true).open("/etc/shadow").map(drop)
    }),
    ("regain capabilities", |_| {
        use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
        let all = CapabilitySet::CHOWN | CapabilitySet::NET_RAW | CapabilitySet::SETUID;
        let sets =
            CapabilitySets { effective: all, permitted: all, inheritable: CapabilitySet::empty() };
        set_capabilities(None, sets).map_err(Into::into)
    }),
    ("enter a namespace of mounts", |_| {
        // Only a process with one thread may; its parts other than this are for all of them.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).map_err(Into::into)
    }),
    ("mount", |around| {
        let (none, at) = (None::<&str>, around.secret.parent().unwrap());
        nix::mount::mount(none, at, Some("tmpfs"), nix::mount::MsFlags::empty(), none)
            .map_err(Into::into)
    }),
    ("change the root folder", |_| std::os::unix::fs::chroot("/tmp")),
    ("make a file in memory", |_| {
        rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::empty()).map(drop).map_err(Into::into)
    }),
    ("make a pair of sockets", |_| std::os::unix::net::UnixStream::pair().map(drop)),
    ("read a file outside, from a thread", |around| {
        let secret = around.secret.clone();
        std::thread::spawn(move || File::open(secret).map(drop)).join().unwrap()
    }),
];

/// Must work.
const NEEDS: &[Attempt] = &[
    ("read an input", |around| {
        let mut bytes = Vec::new();
        File::open(&around.input)?.read_to_end(&mut bytes).map(drop)
    }),
    ("write to an output that is open", |around| {
        (&around.output).write_all(b"line\n")?;
        around.output.sync_data()
    }),
    ("truncate an output that is open", |around| around.output.set_len(0)),
    ("take and give back memory", |_| {
        let blocks: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 1 << 20]).collect();
        if blocks.iter().all(|block| block.last() == Some(&1)) {
            Ok(())
        } else {
            Err(io::ErrorKind::OutOfMemory.into())
        }
    }),
    ("threads", |_| {
        let handle = std::thread::Builder::new().name("reader".to_owned()).spawn(|| {
            std::thread::sleep(Duration::from_millis(1));
            std::thread::available_parallelism().is_ok()
        })?;
        if handle.join().unwrap_or(false) { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    }),
    ("a signal of its own", |_| signal_hook::low_level::raise(signal_hook::consts::SIGCONT)),
    ("receive on a capture's handle", |around| {
        match around.handle.recv(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            // Whoever it is connected to may have refused a packet.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }),
];

const COLUMNS: &[(&str, Measures)] = &[
    ("free", Measures { rights: false, paths: false, calls: false }),
    ("rights", Measures { rights: true, paths: false, calls: false }),
    ("Landlock", Measures { rights: false, paths: true, calls: false }),
    ("seccomp", Measures { rights: false, paths: false, calls: true }),
    ("all", Measures::ALL),
];

#[test]
fn nothing_gets_out() {
    let victim = Victim::start();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut table = format!("\n{:<36}", "attempt");
    for (name, _) in COLUMNS {
        table.push_str(&format!("{name:<9}"));
    }
    table.push_str("stopped by\n");
    let mut wrong = Vec::new();
    // Whom nothing else is in the way: everything must be possible without a sandbox.
    let is_root = rustix::process::geteuid().is_root();
    for (attempt, _) in ESCAPES.iter().chain(NEEDS) {
        let outcomes: Vec<String> = COLUMNS
            .iter()
            .map(|(column, _)| {
                let folder = tempfile::tempdir().unwrap();
                let settings = [
                    ("ATTEMPT", *attempt),
                    ("MEASURES", *column),
                    ("FOLDER", folder.path().to_str().unwrap()),
                    ("TCP", &tcp.local_addr().unwrap().to_string()),
                    ("UDP", &udp.local_addr().unwrap().to_string()),
                    ("VICTIM", &victim.0.id().to_string()),
                ];
                run_inside(&settings)
            })
            .collect();
        let stoppers: Vec<&str> = COLUMNS
            .iter()
            .zip(&outcomes)
            .filter(|((name, _), outcome)| {
                !["free", "all"].contains(name) && *outcome != "works" && outcomes[0] == "works"
            })
            .map(|((name, _), _)| *name)
            .collect();
        table.push_str(&format!("{attempt:<36}"));
        for outcome in &outcomes {
            table.push_str(&format!("{outcome:<9}"));
        }
        let is_shown = outcomes[0] == "works";
        table.push_str(&if is_shown { stoppers.join(", ") } else { "not shown".to_owned() });
        table.push('\n');
        let works = outcomes.last().unwrap() == "works";
        let is_need = NEEDS.iter().any(|(need, _)| need == attempt);
        if works != is_need || (outcomes[0] != "works" && is_root) {
            wrong.push(*attempt);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "under all measures these went the wrong way: {wrong:?}\n{table}");
}

/// `works`, the error's name, or the signal that ended the process.
fn run_inside(settings: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", INSIDE, "--nocapture", "--test-threads=1"])
        .envs(settings.iter().map(|(name, value)| (format!("ESCAPE_{name}"), value)))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    if let Some(signal) = output.status.signal() {
        return if signal == Signal::SYS.as_raw() {
            "SIGSYS".to_owned()
        } else {
            signal.to_string()
        };
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let said = stdout.split_once("outcome=").and_then(|(_, rest)| rest.lines().next());
    said.unwrap_or_else(|| panic!("{settings:?} has no outcome: {output:?}")).to_owned()
}

/// The process that tries.
#[test]
#[ignore = "a role: tries to get out"]
fn inside_tries() {
    let setting = |name: &str| std::env::var(format!("ESCAPE_{name}"));
    let Ok(attempt) = setting("ATTEMPT") else { return };
    let all = ESCAPES.iter().chain(NEEDS);
    let (_, attempt) = all.into_iter().find(|(name, _)| *name == attempt).unwrap();
    let column = setting("MEASURES").unwrap();
    let (_, measures) = COLUMNS.iter().find(|(name, _)| *name == column).unwrap();

    let folder = PathBuf::from(setting("FOLDER").unwrap());
    let (inputs, outside) = (folder.join("inputs"), folder.join("outside"));
    fs::create_dir(&inputs).unwrap();
    fs::create_dir(&outside).unwrap();
    let around = Around {
        input: inputs.join("a.pcap"),
        secret: outside.join("secret"),
        tcp: setting("TCP").unwrap(),
        udp: setting("UDP").unwrap(),
        victim: Pid::from_raw(setting("VICTIM").unwrap().parse().unwrap()).unwrap(),
        handle: UdpSocket::bind("127.0.0.1:0").unwrap(),
        output: File::create(folder.join("output")).unwrap(),
    };
    around.handle.connect(&around.udp).unwrap();
    around.handle.set_nonblocking(true).unwrap();
    fs::write(&around.input, b"capture").unwrap();
    fs::write(&around.secret, b"secret").unwrap();

    let mut plan = Plan::new(Some(User::named("65534:65534").unwrap()));
    plan.readable.push(inputs);
    plan.receive_only.push(around.handle.as_raw_fd());
    plan.measures = *measures;
    let report = sandbox::enter(&plan);
    println!("{report}");
    let outcome = match attempt(&around) {
        Ok(()) => "works".to_owned(),
        Err(error) => match error.raw_os_error().map(nix::errno::Errno::from_raw) {
            Some(errno) => format!("{errno:?}"),
            None => error.to_string(),
        },
    };
    println!("outcome={outcome}");
}

/// The program itself, not the library in a test: what the kernel says of it before it has read a byte.
#[test]
fn the_program_gives_up_its_rights_before_it_reads() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portstory"));
    command.args(["read", "--sandbox", "require", "-"]);
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        command.args(["--user", "65534:65534"]);
    }
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Of each of its threads: the one that ends it when it does not end by itself was started later.
    let field = |name: &str| {
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        let of_task = |task: std::io::Result<fs::DirEntry>| {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let line = status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
            line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut fields: Vec<Vec<String>> = tasks.map(of_task).collect();
        fields.sort();
        fields.dedup();
        assert_eq!(fields.len(), 1, "threads differ in {name}: {fields:?}");
        fields.remove(0)
    };
    portstory_testkit::process::until("a filter of system calls", || {
        (field("Seccomp:") == ["2"]).then_some(())
    });
    let confined = [field("Seccomp:"), field("NoNewPrivs:"), field("CapEff:")];
    let user = field("Uid:");
    drop(child.stdin.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(confined, [["2"], ["1"], ["0000000000000000"]], "{ended:?}");
    assert!(!is_root || user.iter().all(|id| id == "65534"), "{user:?}");
    // Nothing came, which is no capture.
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
}

/// A folder from somebody else holds a capture and links: to one that is not in it, and to everything.
/// The links are neither read nor allowed to be.
#[test]
fn links_in_a_folder_lead_nowhere_outside_unless_that_is_asked_for() {
    let outer = tempfile::tempdir().unwrap();
    let (case, other) = (outer.path().join("case"), outer.path().join("other"));
    fs::create_dir(&case).unwrap();
    fs::create_dir(&other).unwrap();
    fs::copy(fixture("ssh-openssh/capture.pcap"), case.join("own.pcap")).unwrap();
    fs::copy(fixture("tls-openssl/capture.pcap"), other.join("foreign.pcap")).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, case.join(name)).unwrap();
    link("own.pcap", "again.pcap");
    link("../other/foreign.pcap", "foreign.pcap");
    let folder = case.to_str().unwrap();
    let flows = |output: &std::process::Output| {
        let text = stdout(output);
        let has = |word: &str| text.lines().any(|line| line.contains(word));
        (has("ssh"), has("tls"))
    };
    assert_eq!(flows(&run(&["read", folder])), (true, false));
    let followed = run(&["read", "--follow-links", folder]);
    assert_eq!(flows(&followed), (true, true), "{followed:?}");
    // What would take a walk through everything, and open it.
    link("/", "everything");
    link("/proc", "processes");
    for command in ["read", "report", "why"] {
        let form: &[&str] = if command == "report" { &["--format", "md"] } else { &[] };
        let output = run(&[&[command, folder], form].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
        assert_eq!(flows(&output), (true, false), "{command}: {output:?}");
        assert!(said.contains("not followed: 3") && said.contains("--follow-links"), "{said}");
    }
    let packed = |options: &[&str]| {
        let zip = outer.path().join(format!("{}.zip", options.len()));
        let output = run(&[&["bundle", folder, "-o", zip.to_str().unwrap()], options].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut archive = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
        let mut eve = String::new();
        archive
            .by_name(portstory::internal::bundle::EVE)
            .unwrap()
            .read_to_string(&mut eve)
            .unwrap();
        (eve.contains(r#""app_proto":"ssh""#), eve.contains(r#""app_proto":"tls""#))
    };
    fs::remove_file(case.join("everything")).unwrap();
    fs::remove_file(case.join("processes")).unwrap();
    assert_eq!((packed(&[]), packed(&["--follow-links"])), ((true, false), (true, true)));
    let verified = run(&["verify", folder]);
    assert_ne!(verified.status.code(), Some(0), "{verified:?}");
}

/// A process that is nobody's business.
struct Victim(Child);

impl Victim {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
