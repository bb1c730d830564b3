//! Two network namespaces with a cable between them, and programs that run inside.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// Namespace `watched` holds interface `near`, namespace `other` holds its other end, `far`.
pub(crate) struct Net {
    pub(crate) watched: String,
    pub(crate) other: String,
}

impl Net {
    /// Sets both up, or says why this machine cannot and returns nothing.
    ///
    /// With `PORTSTORY_NEEDS_NETNS` set, a machine that cannot is a failure.
    pub(crate) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let net = Self { watched: format!("ps-w-{id}"), other: format!("ps-o-{id}") };
        match net.set_up() {
            Ok(()) => Some(net),
            Err(why) => {
                let why = format!("live capture was not tested: {why}");
                portstory_testkit::skip::skipped("PORTSTORY_NEEDS_NETNS", &why);
                None
            }
        }
    }

    fn set_up(&self) -> Result<(), String> {
        // The first `ip netns add` of a machine mounts a directory, which two at a time get wrong.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock();
        if !geteuid().is_root() {
            return Err("this needs root, to make network namespaces".to_owned());
        }
        for name in [&self.watched, &self.other] {
            run(&["netns", "add", name])?;
            // Otherwise the kernel announces itself by IPv6 and counts as sender.
            let quiet = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; \
                         echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; true";
            run(&["netns", "exec", name, "sh", "-c", quiet])?;
        }
        self.add_cable("near", "far")
    }

    /// Adds a cable from `near` in the watched namespace to `far` in the other.
    pub(crate) fn add_cable(&self, near: &str, far: &str) -> Result<(), String> {
        let (watched, other) = (self.watched.as_str(), self.other.as_str());
        let cable = ["-n", watched, "link", "add", near, "type", "veth", "peer", "name", far];
        run(&[&cable[..], &["netns", other]].concat())?;
        run(&["-n", watched, "link", "set", near, "up"])?;
        run(&["-n", other, "link", "set", far, "up"])
    }

    /// `ip` with these arguments, in the watched namespace.
    pub(crate) fn ip(&self, arguments: &[&str]) {
        run(&[&["-n", &self.watched], arguments].concat()).unwrap();
    }

    /// Packets that `near` has sent.
    pub(crate) fn sent(&self) -> u64 {
        let path = "/sys/class/net/near/statistics/tx_packets";
        let output = Command::new("ip")
            .args(["netns", "exec", &self.watched, "cat", path])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// Starts `role` of this test program in the watched namespace.
    pub(crate) fn start(&self, role: &str, settings: &[(&str, &str)]) -> Program {
        Program::start(&self.watched, role, settings)
    }

    /// Sends frames from the other end of the cable, and returns when all are sent.
    pub(crate) fn send(&self, kind: &str, count: usize) {
        self.send_from("far", kind, count);
    }

    /// The same, from another interface of the other namespace.
    pub(crate) fn send_from(&self, interface: &str, kind: &str, count: usize) {
        let count = count.to_string();
        let settings = [("INTERFACE", interface), ("KIND", kind), ("COUNT", &count)];
        let mut program = Program::start(&self.other, "inside_sends", &settings);
        program.until("sent");
        assert!(program.child.wait().unwrap().success());
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in [&self.watched, &self.other] {
            let _ = run(&["netns", "del", name]);
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| format!("`ip` of iproute2 does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`ip {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// This test program, run again in a namespace to play a role there.
pub(crate) struct Program {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

/// What a role prints starts with this; all else is the test harness's.
pub(crate) const MARK: &str = "> ";

impl Program {
    pub(crate) fn start(namespace: &str, role: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_by(&["ip", "netns", "exec", namespace], role, settings)
    }

    /// Starts it by way of another command.
    pub(crate) fn start_by(by: &[&str], role: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(by[0])
            .args(&by[1..])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", role, "--nocapture"])
            .envs(settings.iter().copied())
            .env("ROLE", role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The harness ends no line before the first of ours.
                if let Some((_, line)) = line.split_once(MARK) {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Self { child, lines }
    }

    /// All lines up to one that starts like this, that one included.
    pub(crate) fn until(&mut self, start: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|_| panic!("no \"{start}\" after {seen:#?}"));
            seen.push(line);
            if seen.last().unwrap().starts_with(start) {
                return seen;
            }
        }
    }

    /// Sends a signal, and returns what the program still said and how long it took to end.
    pub(crate) fn signal(&mut self, signal: Signal) -> (Vec<String>, Duration) {
        let at = now();
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let lines = self.until("end");
        assert!(self.child.wait().unwrap().success());
        (lines, now().duration_since(at))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long a real program takes")]
fn now() -> Instant {
    Instant::now()
}
