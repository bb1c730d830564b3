//! The whole program live, on a machine with many processes and many new connections: no frame waits
//! for a process lookup, the helper keeps to its share of a core, and flows carry their process all
//! the same. Held against tcpdump, which looks nothing up.
//!
//! Ten seconds each; `PORTSTORY_LOOKUP_SECONDS=60` takes longer, `PORTSTORY_PROGRAM=FILE` tries another
//! program, and `--nocapture` prints the numbers. Functions called `inside_...` are roles that this
//! program plays when the tests run it again inside a namespace; alone they do nothing.

#[allow(dead_code, reason = "the live tests use the rest of it")]
#[path = "../live/net.rs"]
mod net;
#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use net::{MARK, Net, Program};
use portstory_testkit::process::{Running, children_started_as, until};
use support::program::program;

const SLEEPERS: usize = 1600;

/// How long a connection lasts.
const HELD: Duration = Duration::from_millis(150);

/// Where the server of the watched namespace waits.
const SERVER: &str = "10.9.0.1:3243";

/// One load at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn at_20_connections_a_second_no_frame_waits_for_a_lookup() {
    let _alone = ALONE.lock();
    let Some(net) = Net::new() else { return };
    let outcome = run(&net, 20);
    check(&outcome, 20);
    assert_eq!((outcome.kernel_drops, outcome.frames), (0, outcome.tcpdump_frames));
    assert!(outcome.ending < Duration::from_secs(1), "ended after {:?}", outcome.ending);
}

#[test]
fn at_1000_connections_a_second_no_frame_waits_for_a_lookup() {
    let _alone = ALONE.lock();
    let Some(net) = Net::new() else { return };
    check(&run(&net, 1000), 1000);
}

fn has_role(role: &str) -> bool {
    // Whoever runs all ignored tests by hand did not ask for roles.
    std::env::var("ROLE").is_ok_and(|asked| asked == role)
}

fn say(line: &str) {
    println!("{MARK}{line}");
}

/// Answers on the watched port, in threads, until it is killed.
#[test]
#[ignore = "a role: serves"]
fn inside_serves() {
    if !has_role("inside_serves") {
        return;
    }
    let listener = TcpListener::bind(SERVER).unwrap();
    say("serves");
    for mut connection in listener.incoming().flatten() {
        in_thread(move || {
            let mut said = [0; 64];
            while let Ok(1..) = connection.read(&mut said) {
                let _ = connection.write_all(b"\xf1\x0eanswer");
            }
        });
    }
}

/// Opens so many connections a second for so many seconds.
#[test]
#[ignore = "a role: opens connections"]
fn inside_calls() {
    if !has_role("inside_calls") {
        return;
    }
    let setting = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (rate, seconds) = (setting("RATE"), setting("SECONDS"));
    let started = now();
    let (open, made) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for number in 0..rate * seconds {
        if number % rate == 0 {
            // Whoever waits for the end sees that it goes on.
            say("calling");
        }
        let due = started + Duration::from_micros(number * 1_000_000 / rate);
        sleep(due.saturating_duration_since(now()));
        let (open, made) = (Arc::clone(&open), Arc::clone(&made));
        open.fetch_add(1, Ordering::SeqCst);
        // Not joined: a thread that has ended would keep its stack until then.
        in_thread(move || {
            made.fetch_add(u64::from(call().is_ok()), Ordering::SeqCst);
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }
    until("the last answer", || (open.load(Ordering::SeqCst) == 0).then_some(()));
    say(&format!("called {}", made.load(Ordering::SeqCst)));
}

fn call() -> std::io::Result<()> {
    let mut connection = TcpStream::connect(SERVER)?;
    connection.write_all(b"\xf0\x0dhello")?;
    connection.read_exact(&mut [0; 8])?;
    sleep(HELD);
    Ok(())
}

fn in_thread(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(64 << 10).spawn(run).unwrap();
}

/// Many processes that do nothing.
struct Sleepers(Child);

impl Sleepers {
    fn start() -> Self {
        let script =
            format!("for ((i = 0; i < {SLEEPERS}; i++)); do sleep 3600 & done; echo up; wait");
        let child = Command::new("bash")
            .args(["-c", &script])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn();
        let mut child = child.unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}

/// What a run came to.
#[derive(Debug)]
struct Outcome {
    calls: u64,
    frames: u64,
    kernel_drops: u64,
    tcpdump_frames: u64,
    tcpdump_drops: u64,
    flows: usize,
    /// Flows of more than 100 ms, and those of them with their process.
    long: usize,
    with_process: usize,
    /// Processor time of the helper: until the load began, and under it in so long.
    helper_start: f64,
    helper: f64,
    elapsed: f64,
    ending: Duration,
    lookups: Value,
}

fn run(net: &Net, rate: u64) -> Outcome {
    let seconds = std::env::var("PORTSTORY_LOOKUP_SECONDS").unwrap_or_else(|_| "10".to_owned());
    let addresses = [(&net.watched, "near", "10.9.0.1/24"), (&net.other, "far", "10.9.0.2/24")];
    for (namespace, interface, address) in addresses {
        let add = ["-n", namespace, "addr", "add", address, "dev", interface];
        assert!(Command::new("ip").args(add).status().unwrap().success());
    }
    let _sleepers = Sleepers::start();
    let mut server = Program::start(&net.watched, "inside_serves", &[]);
    server.until("serves");

    let folder = tempfile::tempdir().unwrap();
    let eve = folder.path().join("eve.json");
    let live = Command::new("ip")
        .args(["netns", "exec", &net.watched])
        .arg(program())
        .args(["live", "-i", "near"])
        .args(["-f", "tcp port 3243", "--format", "eve", "--user", "65534:65534", "-o"])
        .arg(&eve)
        .stderr(Stdio::piped())
        .spawn();
    let mut live = Running::of(live.unwrap());
    while !live.line().contains("listening on") {}
    let tcpdump = Command::new("ip")
        .args(["netns", "exec", &net.watched, "tcpdump", "-i", "near", "-B", "65536"])
        // Else it would not count what it has not read when it is told to end.
        .args(["--immediate-mode", "-w"])
        .arg(folder.path().join("tcpdump.pcap"))
        .arg("tcp port 3243")
        .stderr(Stdio::piped())
        .spawn();
    let mut tcpdump = Running::of(tcpdump.unwrap());
    while !tcpdump.line().contains("listening on") {}

    let helper = children_started_as(live.child.id(), "__tell-owners")[0];
    // Its first look at everything: it is over when it rests for a while.
    let mut last = -1.0;
    until("the helper rests", || {
        sleep(Duration::from_millis(500));
        let now = processor_time(helper);
        (std::mem::replace(&mut last, now) >= now - 0.02).then_some(())
    });
    let (started, helper_start) = (now(), processor_time(helper));
    let settings = [("RATE", &*rate.to_string()), ("SECONDS", &*seconds)];
    let mut clients = Program::start(&net.other, "inside_calls", &settings);
    let called = clients.until("called");
    let (elapsed, helper) = (started.elapsed(), processor_time(helper) - helper_start);
    let calls = called.last().unwrap().split_once(' ').unwrap().1.parse().unwrap();

    let stopping = now();
    live.signal(Signal::TERM);
    let (status, log) = live.end();
    let ending = stopping.elapsed();
    assert!(status.success(), "{log}");
    tcpdump.signal(Signal::INT);
    let (_, log) = tcpdump.end();
    let said = |what: &str| {
        let line = log.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{log}"));
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let lines: Vec<Value> = std::fs::read_to_string(&eve)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let flows: Vec<&Value> = lines.iter().filter(|line| line["event_type"] == "flow").collect();
    let long: Vec<&&Value> = flows.iter().filter(|flow| millis(flow) > 100).collect();
    let stats = lines.last().unwrap();
    let outcome = Outcome {
        calls,
        frames: stats["stats"]["decoder"]["pkts"].as_u64().unwrap(),
        kernel_drops: stats["stats"]["capture"]["kernel_drops"].as_u64().unwrap(),
        tcpdump_frames: said("captured"),
        tcpdump_drops: said("dropped by kernel"),
        flows: flows.len(),
        long: long.len(),
        with_process: long
            .iter()
            .filter(|flow| flow["portstory"]["process"]["pid"] == server.child.id())
            .count(),
        helper_start,
        helper,
        elapsed: elapsed.as_secs_f64(),
        ending,
        lookups: stats["portstory"]["processes"].clone(),
    };
    println!("{rate} connections a second: {outcome:#?}");
    println!("helper: {:.2} % of a core", 100.0 * outcome.helper / outcome.elapsed);
    outcome
}

/// The time from a flow's first packet to its last; the day is the same, or the next.
fn millis(flow: &Value) -> i64 {
    let of_day = |which: &str| -> i64 {
        let text = flow["flow"][which].as_str().unwrap();
        let (time, micros) = text[11..26].split_once('.').unwrap();
        let seconds = time.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap());
        seconds * 1000 + micros.parse::<i64>().unwrap() / 1000
    };
    (of_day("end") - of_day("start")).rem_euclid(86_400_000)
}

/// Seconds in user and kernel mode: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
fn processor_time(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].map(|at: usize| fields[at].parse::<f64>().unwrap()).iter().sum::<f64>() / 100.0
}

fn check(outcome: &Outcome, rate: u64) {
    assert!(outcome.calls * 10 >= rate * 9, "the clients called {} times only", outcome.calls);
    if outcome.tcpdump_drops == 0 {
        assert_eq!(outcome.frames, outcome.tcpdump_frames, "frames handled, and tcpdump's");
    }
    assert!(outcome.kernel_drops <= outcome.tcpdump_drops, "more dropped than by tcpdump");
    // A share, and what a second's credit and the clock's ticks add to it.
    let most = outcome.elapsed * 0.02 + 0.03;
    assert!(outcome.helper <= most, "helper {} s, of {most} s", outcome.helper);
    // What it may take at the start, once, and the program's own start.
    assert!(outcome.helper_start <= 0.4, "first look {} s", outcome.helper_start);
    assert!(outcome.long * 10 >= outcome.flows * 9, "connections were not held");
    assert!(
        outcome.with_process * 100 >= outcome.long * 99,
        "{} of {} flows have their process",
        outcome.with_process,
        outcome.long
    );
    let told: u64 =
        ["asked", "not_asked"].map(|it| outcome.lookups[it].as_u64().unwrap()).iter().sum();
    assert_eq!(told, u64::try_from(outcome.flows).unwrap(), "{:#}", outcome.lookups);
}

#[expect(clippy::disallowed_methods, reason = "measures how long a real program takes")]
fn now() -> Instant {
    Instant::now()
}
