//! `portstory who` beside `ss` and `lsof`: the same sockets, the same processes.
//!
//! Real programs open them on this machine's loopback, on ports that are free. Without one of the
//! programs the test says so; with `PORTSTORY_NEEDS_NETNS` set that is a failure, as `./setup --tests`
//! installs them all.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

mod support;

use portstory_testkit::process::{Running, until};
use support::program::program;

/// A socket in words: transport, own end, other end, process.
type Row = (String, String, String, u64);

/// Ends its programs, and those that they started, when it goes.
struct Programs(Vec<Child>);

impl Programs {
    fn start(&mut self, line: &str) {
        use std::os::unix::process::CommandExt as _;
        let child = Command::new("bash")
            .args(["-c", &format!("exec {line}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        self.0.push(child.unwrap());
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let group = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = child.wait();
        }
    }
}

fn skipped(why: &str) {
    let why = format!("`who` was not held against other tools: {why}");
    portstory_testkit::skip::skipped("PORTSTORY_NEEDS_NETNS", &why);
}

fn is_there(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Twenty ports in a row; nothing else here uses them.
fn free_ports() -> u16 {
    let is_free = |base: u16| {
        (base..base + 20).all(|port| {
            TcpListener::bind(("::", port)).is_ok()
                && std::net::UdpSocket::bind(("::", port)).is_ok()
        })
    };
    let start = 20_000 + u16::try_from(std::process::id() % 500).unwrap() * 20;
    (start..32_000).step_by(20).find(|&base| is_free(base)).unwrap()
}

fn of_who(base: u16) -> BTreeSet<Row> {
    let range = format!("{base}-{}", base + 19);
    let args =
        ["who", "--format", "json", "--port", &base.to_string(), "--framehawk-range", &range];
    let tcp: Vec<String> = (1..4).map(|more| (base + more).to_string()).collect();
    let more = tcp.iter().flat_map(|port| ["--port", port]);
    let args: Vec<&str> = args.into_iter().chain(more).collect();
    let value: serde_json::Value = serde_json::from_str(&said(&program(), &args)).unwrap();
    assert_eq!(value["unseen"].as_array().unwrap().len(), 0, "{value:#}");
    let mut rows = BTreeSet::new();
    for socket in value["sockets"].as_array().unwrap() {
        let end = |which: &str| match socket[format!("{which}_ip")].as_str() {
            Some(ip) => {
                let port =
                    u16::try_from(socket[format!("{which}_port")].as_u64().unwrap()).unwrap();
                SocketAddr::new(ip.parse().unwrap(), port).to_string()
            }
            None => "*".to_owned(),
        };
        let proto = socket["proto"].as_str().unwrap().to_lowercase();
        for process in socket["processes"].as_array().unwrap() {
            let pid = process["pid"].as_u64().unwrap();
            rows.insert((proto.clone(), end("local"), end("remote"), pid));
        }
    }
    rows
}

/// As `ss` and `lsof` write an end: `*:1` for any address, `[::1]:2`, `127.0.0.1%lo:3`.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let address = address.trim_matches(['[', ']']).split('%').next()?;
    let address = if address == "*" { "::" } else { address };
    let address: std::net::IpAddr = address.parse().ok()?;
    Some(SocketAddr::new(address.to_canonical(), port.parse().ok()?))
}

fn is_ours(base: u16, ends: &[Option<SocketAddr>]) -> bool {
    ends.iter().flatten().any(|end| (base..base + 20).contains(&end.port()))
}

fn of_ss(base: u16) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for line in said("ss", &["-H", "-t", "-u", "-a", "-n", "-p"]).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (end(words[4]), end(words[5]));
        if !is_ours(base, &[local, remote]) {
            continue;
        }
        for part in line.split("pid=").skip(1) {
            let pid = part.split(',').next().unwrap().parse().unwrap();
            let remote = remote.map_or("*".to_owned(), |end| end.to_string());
            rows.insert((words[0].to_owned(), local.unwrap().to_string(), remote, pid));
        }
    }
    rows
}

/// `lsof -F`: a field a line, named by its first letter. It writes any address as `*`, whatever the
/// family, so only ports are held against it.
fn of_lsof(base: u16) -> BTreeSet<Row> {
    let (mut rows, mut pid, mut proto) = (BTreeSet::new(), 0, String::new());
    for line in said("lsof", &["-nP", "-i", "-F", "pPn"]).lines() {
        let (field, value) = line.split_at(1);
        match field {
            "p" => pid = value.parse().unwrap(),
            "P" => proto = value.to_lowercase(),
            "n" => {
                let (local, remote) = value.split_once("->").unwrap_or((value, ""));
                let (local, remote) = (end(local), end(remote));
                if is_ours(base, &[local, remote]) {
                    rows.insert(by_ports(&proto, local.unwrap(), remote, pid));
                }
            }
            _ => {}
        }
    }
    rows
}

fn by_ports(proto: &str, local: SocketAddr, remote: Option<SocketAddr>, pid: u64) -> Row {
    let remote = remote.map_or("*".to_owned(), |end| end.port().to_string());
    (proto.to_owned(), local.port().to_string(), remote, pid)
}

fn start_all(programs: &mut Programs, base: u16) {
    let key = "-nocert -cipher aNULL:@SECLEVEL=0 -tls1_2 -quiet";
    for line in [
        format!("socat TCP4-LISTEN:{base},bind=127.0.0.1,fork EXEC:cat"),
        format!("socat -u UDP6-RECV:{},bind=[::1] STDOUT", base + 5),
        format!("socat UDP4:127.0.0.1:{} STDIO", base + 6),
        format!("nc -n -6 -l ::1 {base}"),
        format!("nc -n -u -l 127.0.0.1 {}", base + 7),
        format!("openssl s_server -accept {} {key}", base + 1),
        format!(
            "perl -MSocket -e 'socket($s, AF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in({}, INADDR_ANY)) or die; sleep 60'",
            base + 8
        ),
        format!(
            "perl -MSocket=:all -e 'socket($s, AF_INET6, SOCK_STREAM, 0); bind($s, pack_sockaddr_in6({}, IN6ADDR_ANY)) or die; listen($s, 5); sleep 60'",
            base + 2
        ),
    ] {
        programs.start(&line);
    }
    // Clients: one of each family, once the servers are there.
    until("the servers", || (of_ss(base).len() >= 8).then_some(()));
    programs.start(&format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{base}; exec sleep 60'"));
    programs.start(&format!("nc -n ::1 {base}"));
    programs.start(&format!(
        "openssl s_client -connect 127.0.0.1:{} -cipher aNULL:@SECLEVEL=0 -tls1_2",
        base + 1
    ));
}

#[test]
fn it_names_the_sockets_and_processes_that_ss_and_lsof_name() {
    for program in ["ss", "lsof", "socat", "nc", "openssl", "perl", "bash"] {
        if !is_there(program) {
            return skipped(&format!("{program} is missing; ./setup --tests installs it"));
        }
    }
    let base = free_ports();
    let mut programs = Programs(Vec::new());
    start_all(&mut programs, base);
    // Sockets come and go while the programs start: what stands still is compared.
    let (ours, theirs) = until("all programs", || {
        let (before, ours, after) = (of_ss(base), of_who(base), of_ss(base));
        (before == after && before.len() >= 14).then_some((ours, before))
    });
    println!("{} sockets and processes: {ours:#?}", ours.len());
    assert_eq!(ours, theirs, "`who`, then `ss`");
    let lsof = of_lsof(base);
    let ours: BTreeSet<Row> = ours
        .iter()
        .map(|(proto, local, remote, pid)| {
            by_ports(proto, local.parse().unwrap(), remote.parse().ok(), *pid)
        })
        .collect();
    assert_eq!(ours, lsof, "`who`, then `lsof`");
}

#[test]
fn a_socket_in_another_network_namespace_is_found_and_the_namespace_named() {
    let name = format!("ps-who-{}", std::process::id());
    if !rustix::process::geteuid().is_root() || !is_there("ip") || !is_there("perl") {
        return skipped("network namespaces need root, iproute2 and perl");
    }
    if !Command::new("ip").args(["netns", "add", &name]).status().unwrap().success() {
        return skipped("no network namespace can be made here");
    }
    let mut programs = Programs(Vec::new());
    programs.start(&format!(
        "ip netns exec {name} perl -MSocket -e 'socket($s, AF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in(3243, INADDR_ANY)) or die; sleep 60'"
    ));
    let found = until("the socket", || {
        let value: serde_json::Value =
            serde_json::from_str(&said(&program(), &["who", "--format", "json"])).unwrap();
        let sockets = value["sockets"].as_array().unwrap().clone();
        sockets.into_iter().find(|socket| socket["network_namespace"] == *name)
    });
    drop(programs);
    let _ = Command::new("ip").args(["netns", "del", &name]).status();
    assert_eq!(found["state"], "UNCONN", "{found:#}");
    assert_eq!(found["processes"][0]["name"], "perl", "{found:#}");
}

/// A capture on the loopback of a network namespace of its own, with privileges dropped.
#[test]
fn live_flows_carry_their_process_also_after_it_exited() {
    let name = format!("ps-live-{}", std::process::id());
    let ns = |line: &str| format!("ip netns exec {name} {line}");
    if !rustix::process::geteuid().is_root() || !is_there("ip") || !is_there("nc") {
        return skipped("a live capture needs root, iproute2 and netcat");
    }
    if !Command::new("ip").args(["netns", "add", &name]).status().unwrap().success() {
        return skipped("no network namespace can be made here");
    }
    assert!(
        Command::new("ip")
            .args(["-n", &name, "link", "set", "lo", "up"])
            .status()
            .unwrap()
            .success()
    );
    let folder = tempfile::tempdir().unwrap();
    let eve = folder.path().join("eve.json");
    let mut programs = Programs(Vec::new());
    let server = "perl -MSocket -e 'socket($s, AF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in(3243, INADDR_ANY)) or die; while (defined(my $from = recv($s, my $said, 99, 0))) { send($s, \"back $said\", 0, $from); last } exit'";
    programs.start(&ns(server));
    programs.start(&ns("nc -n -l 127.0.0.1 3243"));
    until("both servers", || {
        let listed = ns("ss -H -l -n -t -u sport = :3243");
        let output = Command::new("bash").args(["-c", &listed]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap().lines().count() == 2).then_some(())
    });
    let live = Command::new("ip")
        .args(["netns", "exec", &name, &program(), "live", "-i", "lo", "--format", "eve"])
        .args(["--user", "65534:65534", "--sandbox", "require", "-o"])
        .arg(&eve)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut live = Running::of(live);
    while !live.line().contains("listening on") {}
    let talk = |line: &str| {
        let status = Command::new("bash").args(["-c", &ns(line)]).stdout(Stdio::null()).status();
        assert!(status.unwrap().code().is_some());
    };
    // The server answers, and exits with the client. Then somebody knocks where nobody listens.
    talk("bash -c 'exec 3<>/dev/udp/127.0.0.1/3243; echo question >&3; read -t 50 answer <&3'");
    looked_up(&mut live, 2);
    talk("bash -c 'echo hello >/dev/udp/127.0.0.1/3250'");
    looked_up(&mut live, 3);
    live.signal(rustix::process::Signal::INT);
    let (status, rest) = live.end();
    assert!(status.success(), "{rest}");
    drop(programs);
    let _ = Command::new("ip").args(["netns", "del", &name]).status();

    let lines = std::fs::read_to_string(&eve).unwrap();
    let flows: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|value: &serde_json::Value| value["event_type"] == "flow")
        .collect();
    let to = |port: u64| {
        let found = flows.iter().find(|flow| flow["dest_port"] == port || flow["src_port"] == port);
        &found.unwrap_or_else(|| panic!("no flow to {port}: {lines}"))["portstory"]["process"]
    };
    assert_eq!(to(3243)["name"], "perl", "{lines}\n{rest}");
    assert_eq!(to(3243)["user"], "root");
    assert_eq!(to(3243)["command_line"][0], "perl");
    for finding in [
        "traffic to 127.0.0.1:3250/udp on this machine, where no process was seen to listen",
        "listens on 127.0.0.1:3243/tcp and had no traffic in this capture",
    ] {
        assert!(rest.contains(finding), "{finding}: {rest}");
    }
}

#[test]
fn without_rights_it_says_what_it_could_not_see_and_how() {
    if !rustix::process::geteuid().is_root() || !is_there("setpriv") {
        return skipped("giving up rights needs root and setpriv");
    }
    // A copy that any user may run.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let program = folder.path().join("portstory");
    std::fs::copy(self::program(), &program).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"])
        .arg(&program)
        .args(["who", "--port", &port])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("LISTEN") && text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(
        text.contains("NOT VISIBLE: the processes of 1 of these sockets")
            && text.contains("sudo portstory who"),
        "{text}"
    );
}

/// A network namespace of its own with the loopback up; nothing where that cannot be had.
struct Namespace(String);

impl Namespace {
    fn new(what: &str) -> Option<Self> {
        let name = format!("ps-{what}-{}", std::process::id());
        let ip =
            |args: &[&str]| Command::new("ip").args(args).status().is_ok_and(|it| it.success());
        if !rustix::process::geteuid().is_root()
            || !is_there("perl")
            || !ip(&["netns", "add", &name])
        {
            skipped("network namespaces need root, iproute2 and perl");
            return None;
        }
        assert!(ip(&["-n", &name, "link", "set", "lo", "up"]));
        Some(Self(name))
    }

    /// Starts a line of `bash` inside.
    fn start(&self, programs: &mut Programs, line: &str) -> u32 {
        programs.start(&format!("ip netns exec {} {line}", self.0));
        programs.0.last().unwrap().id()
    }

    /// Waits until somebody listens on port 3243.
    fn listens(&self) {
        until("somebody listens", || {
            said("ip", &["netns", "exec", &self.0, "ss", "-Hltn"]).contains(":3243").then_some(())
        });
    }

    /// A capture of the loopback, by way of other commands.
    fn live(&self, by: &[&str], program: &str, args: &[&str]) -> Running {
        let child = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .args(by)
            .args([program, "live", "-i", "lo"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut live = Running::of(child.unwrap());
        while !live.line().contains("listening on") {}
        live
    }

    /// Asks and gets an answer.
    fn talk(&self) {
        let line = "exec 3<>/dev/tcp/127.0.0.1/3243; echo question >&3; read -t 20 answer <&3; \
                    [[ $answer == back* ]]";
        let status = Command::new("ip")
            .args(["netns", "exec", &self.0, "bash", "-c", line])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// Answers every line with another, for perl.
const ANSWERS: &str = "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalAddr => q(127.0.0.1), \
                       LocalPort => 3243, Listen => 9, ReuseAddr => 1) or die; while ($c = $s->accept) \
                       { $said = <$c>; print $c qq(back $said); $c->flush; push @all, $c }";

/// Waits until a conversation was read (handshake, question and answer) and its process looked up.
fn talked(live: &mut Running) {
    looked_up(live, 6);
}

/// Waits until so many frames were read and the processes of their flows looked up.
fn looked_up(live: &mut Running, wanted: u64) {
    live.catches(rustix::process::Signal::USR1);
    until(&format!("{wanted} frames are read"), || {
        live.signal(rustix::process::Signal::USR1);
        let line = live.line();
        let frames = line.split(" frames, ").next()?.rsplit(' ').next()?.parse::<u64>().ok()?;
        let is_asked = !line.contains(" of 0 flows") && line.contains(", 0 lookups open");
        (frames >= wanted && is_asked).then_some(())
    });
}

fn ended(live: Running) -> (String, String) {
    live.signal(rustix::process::Signal::INT);
    let mut live = live;
    let mut out = live.child.stdout.take().unwrap();
    let (status, log) = live.end();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut out, &mut text).unwrap();
    assert!(status.success(), "{log}");
    (text, log)
}

/// The shipped unit runs it as a user of its own with one capability: the listener is there, and who it
/// is cannot be seen.
#[test]
fn a_process_that_cannot_be_seen_is_not_called_nobody() {
    let Some(namespace) = Namespace::new("hidden") else { return };
    if !is_there("setpriv") {
        return skipped("giving up rights needs setpriv");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let program = folder.path().join("portstory");
    std::fs::copy(self::program(), &program).unwrap();
    let mut programs = Programs(Vec::new());
    namespace.start(&mut programs, &format!("perl -e '{ANSWERS}'"));
    namespace.listens();
    let by = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all,+net_raw",
        "--ambient-caps=-all,+net_raw",
        "--bounding-set=-all,+net_raw",
    ];
    let mut live = namespace.live(&by, program.to_str().unwrap(), &["--format", "eve"]);
    namespace.talk();
    talked(&mut live);
    let (text, log) = ended(live);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let flow = lines.iter().find(|line| line["event_type"] == "flow").unwrap();
    assert_eq!(flow["portstory"]["process_missing"], "not_visible", "{text}\n{log}");
    assert_eq!(flow["portstory"]["socket_user"], "root", "{text}");
    assert_eq!(flow["portstory"]["process"], serde_json::Value::Null, "{text}");
    let stats = &lines.last().unwrap()["portstory"]["processes"];
    assert_eq!((&stats["asked"], &stats["not_visible"]), (&1.into(), &1.into()), "{text}");
    assert!(log.contains("not visible") && !log.contains("no process"), "{log}");
}

/// Who listens in another namespace is not who was asked for here, on the same loopback address.
#[test]
fn a_flow_is_nobodys_where_only_another_namespace_listens() {
    let (Some(here), Some(there)) = (Namespace::new("here"), Namespace::new("there")) else {
        return;
    };
    let mut programs = Programs(Vec::new());
    there.start(&mut programs, &format!("perl -e '{ANSWERS}'"));
    there.listens();
    let mut live = here.live(&[], &program(), &["--format", "eve"]);
    let knocks = ["netns", "exec", &here.0, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/3243"];
    let knocked = Command::new("ip").args(knocks).stderr(Stdio::null()).status();
    assert!(!knocked.unwrap().success(), "somebody listens");
    looked_up(&mut live, 2);
    let (text, log) = ended(live);
    let flow: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(flow["portstory"]["process_missing"], "nobody", "{text}\n{log}");
}

/// A program that deleted itself, and calls itself a thread of the kernel, in every output.
#[test]
fn a_name_is_told_apart_from_the_executable_in_every_output() {
    let Some(namespace) = Namespace::new("forged") else { return };
    let folder = tempfile::tempdir().unwrap();
    let implant = folder.path().join("implant");
    std::fs::copy("/usr/bin/perl", &implant).unwrap();
    let mut programs = Programs(Vec::new());
    let line = format!("{} -e '$0 = \"[kworker/0:1]\"; {ANSWERS}'", implant.display());
    let pid = namespace.start(&mut programs, &line);
    namespace.listens();
    std::fs::remove_file(&implant).unwrap();

    let [html, markdown] = ["page.html", "page.md"].map(|name| folder.path().join(name));
    let program = self::program();
    let report = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let mut all = [
        ("eve", report(&html)),
        ("csv", report(&markdown)),
        ("text", report(&folder.path().join("more.html"))),
    ]
    .map(|(format, page)| {
        let args = ["--format", format, "--report", &page, "--color", "never"];
        namespace.live(&[], &program, &args)
    });
    namespace.talk();
    all.iter_mut().for_each(talked);
    let [eve, csv, text] = all.map(|live| ended(live).0);

    let executable = implant.to_str().unwrap();
    let flow: serde_json::Value = serde_json::from_str(eve.lines().next().unwrap()).unwrap();
    let process = &flow["portstory"]["process"];
    assert_eq!(process["pid"], pid, "{eve}");
    assert_eq!(process["name"], "[kworker/0:1]", "{eve}");
    assert_eq!(process["executable"], executable, "{eve}");
    assert_eq!(process["executable_deleted"], true, "{eve}");
    assert_eq!(process["name_mismatch"], true, "{eve}");
    assert_eq!(process["parent"]["pid"], std::process::id(), "{eve}");
    let row = csv.lines().nth(1).unwrap();
    let columns = format!(",[kworker/0:1],{pid},{executable},true,true,root,");
    assert!(row.contains(&columns), "{csv}");
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = format!(
        "[kworker/0:1][{pid}] of root, executable {executable} (deleted), which is not its name"
    );
    assert!(joined(&text).contains(&words), "{text}");
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.contains(&words), "no process in the page");
    let page = std::fs::read_to_string(markdown).unwrap();
    let escaped = portstory::internal::escape::markdown(&words);
    assert!(page.contains(&escaped), "no {escaped} in {page}");
    // Without a deleted file and another name there is nothing to tell.
    assert!(!joined(&text).contains("bash (deleted)"), "{text}");
}

/// The helper as an intruder in the capture would meet it.
fn helper() -> (std::os::unix::net::UnixStream, Child) {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let child = Command::new(program())
        .args(["__tell-owners", "--port", "3243", "--framehawk-range", "3224-3324"])
        .stdin(std::os::fd::OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    (ours, child.unwrap())
}

#[test]
fn the_helper_ends_with_who_asks_and_at_what_is_not_on_its_list() {
    let (ours, mut child) = helper();
    drop(ours);
    let status = until("the helper ends", || child.try_wait().unwrap());
    assert!(status.success());
    let (mut ours, mut child) = helper();
    std::io::Write::write_all(&mut ours, &[9; 45]).unwrap();
    let status = until("the helper ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(1));
}

/// It has given up the right to enter one, and is ended by the kernel if it tries.
#[test]
fn a_network_namespace_that_comes_later_is_seen_by_the_helper() {
    use std::io::{Read as _, Write as _};
    if !portstory_testkit::skip::is_root("no network namespace was made") {
        return;
    }
    let (mut ours, mut child) = helper();
    // What it gave up comes first, when it has.
    let mut len = [0; 4];
    ours.read_exact(&mut len).unwrap();
    ours.set_nonblocking(true).unwrap();
    let script = "ip link set lo up; ip addr add 198.51.100.9/32 dev lo; read end";
    let mut later = Command::new("unshare");
    let mut later = later.args(["-n", "sh", "-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut told, mut part) = (Vec::new(), vec![0; 1 << 16]);
    until("the address of the other namespace", || {
        // Who listens, and with it the addresses.
        let _ = ours.write(&[0; 45]);
        while let Ok(read @ 1..) = ours.read(&mut part) {
            told.extend_from_slice(&part[..read]);
        }
        assert_eq!(child.try_wait().unwrap(), None, "the helper has ended");
        String::from_utf8_lossy(&told).contains("198.51.100.9").then_some(())
    });
    drop(later.stdin.take());
    later.wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Nothing is read that the budget does not allow: a flood of questions waits in the socket.
#[test]
fn a_flood_of_questions_costs_no_more_than_the_budget() {
    use std::io::{Read as _, Write as _};
    let (mut ours, mut child) = helper();
    ours.set_nonblocking(true).unwrap();
    // For TCP 127.0.0.1:3243, as seen by 127.0.0.1:9: the addresses are IPv4 inside IPv6.
    let loopback = [&[0; 10][..], &[0xff, 0xff, 127, 0, 0, 1]].concat();
    let question =
        [&[6][..], &[0; 8], &loopback, &3243_u16.to_be_bytes(), &loopback, &9_u16.to_be_bytes()]
            .concat();
    assert_eq!(question.len(), 45);
    let flood = question.repeat(1000);
    let (mut sent, mut rest, mut answers) = (0_usize, 0_usize, vec![0; 1 << 16]);
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // What it may use once at the start is used up first.
    let mut started = None;
    until("three seconds of a flood are over", || {
        for _ in 0..20 {
            match ours.write(&flood[rest..]) {
                Ok(len) => {
                    sent += len;
                    rest = (rest + len) % 45;
                }
                Err(_) => break,
            }
        }
        while ours.read(&mut answers).is_ok_and(|len| len > 0) {}
        let used = ticks();
        let (from, before) = *started.get_or_insert_with(|| (now(), used));
        if used < 35 {
            started = Some((now(), used));
            return None;
        }
        (from.elapsed() > Duration::from_secs(3)).then(|| {
            let seconds = from.elapsed().as_secs_f64();
            let used = f64::from(u32::try_from(used - before).unwrap()) / 100.0;
            println!("{sent} bytes of questions, {used} s in {seconds} s");
            assert!(used <= 0.02 * seconds + 0.05, "{used} s of processor time in {seconds} s");
        })
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

#[expect(clippy::disallowed_methods, reason = "measures how long a real program takes")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
