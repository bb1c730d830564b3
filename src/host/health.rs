//! What stands in the way of a good capture on this machine.
//!
//! Only reads: nothing is changed, and nothing is sent. Linux' /proc and /sys are read; elsewhere there
//! is nothing to say here.

/// What was looked at, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What was looked at, in a word.
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// The command that fixes or shows it; none where all is well.
    pub fix: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// A capture works, and should be read with this in mind.
    Note,
    /// No capture, or not a safe one.
    Bad,
}

impl Level {
    /// The word used everywhere outside.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }
}

impl Check {
    /// All is well.
    pub(crate) fn ok(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), level: Level::Ok, found: found.into(), fix: None }
    }

    /// A capture works, with this in mind.
    pub(crate) fn note(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let (found, fix) = (found.into(), Some(fix.into()));
        Self { name: name.to_owned(), level: Level::Note, found, fix }
    }

    /// To be fixed first.
    pub(crate) fn bad(name: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Bad, ..Self::note(name, found, fix) }
    }
}

/// libpcap's version, whether this process may capture, and where it stands among namespaces.
pub(crate) fn of_machine() -> Vec<Check> {
    #[cfg(target_os = "linux")]
    return vec![linux::libpcap(), linux::rights(), linux::namespaces()];
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

/// What an interface does to frames before they are captured.
pub(crate) fn of_interface(name: &str) -> Vec<Check> {
    #[cfg(target_os = "linux")]
    return vec![linux::offloads(name), linux::promiscuous(name)];
    #[cfg(not(target_os = "linux"))]
    {
        let _ = name;
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    use rustix::thread::CapabilitySet;

    use super::Check;

    /// The file that is mapped has the version in its name; libpcap's own answer would want `unsafe`.
    pub(super) fn libpcap() -> Check {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let name = maps.lines().find_map(|line| {
            let (_, name) = line.rsplit_once('/')?;
            name.starts_with("libpcap.so").then(|| name.to_owned())
        });
        match name {
            Some(name) => Check::ok("libpcap", name),
            None => Check::ok("libpcap", "built in; version unknown"),
        }
    }

    pub(super) fn rights() -> Check {
        let held = rustix::thread::capabilities(None).map(|sets| sets.effective);
        let held = held.unwrap_or(CapabilitySet::empty());
        if !held.contains(CapabilitySet::NET_RAW) {
            return Check::bad(
                "rights",
                "CAP_NET_RAW is missing: nothing can be captured",
                "sudo setcap cap_net_raw+ep $(command -v portstory)",
            );
        }
        let can_see_others = held.contains(CapabilitySet::SYS_PTRACE);
        let owners = if can_see_others { ", CAP_SYS_PTRACE" } else { "" };
        let check = Check::ok("rights", format!("CAP_NET_RAW{owners}"));
        if can_see_others {
            return check;
        }
        Check::note(
            "rights",
            "CAP_NET_RAW; CAP_SYS_PTRACE is missing: processes of other users stay unknown",
            "sudo portstory live -i INTERFACE",
        )
    }

    pub(super) fn namespaces() -> Check {
        let inode = |path: &str| fs::metadata(path).ok().map(|metadata| metadata.ino());
        let in_container = ["/.dockerenv", "/run/.containerenv"]
            .into_iter()
            .any(|mark| fs::exists(mark).unwrap_or(false));
        if in_container {
            return Check::note(
                "namespaces",
                "this is a container: only its own traffic is seen",
                "docker run --net=host --cap-add=NET_RAW IMAGE portstory live -i INTERFACE",
            );
        }
        let own = inode("/proc/self/ns/net");
        let first = inode("/proc/1/ns/net");
        if first.is_some() && own != first {
            return Check::note(
                "namespaces",
                "this is not the host's network namespace: only the traffic in here is seen",
                "sudo nsenter -t 1 -n portstory live -i INTERFACE",
            );
        }
        let mut others: Vec<u64> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| fs::metadata(entry.path().join("ns/net")).ok())
            .map(|metadata| metadata.ino())
            .filter(|&inode| Some(inode) != own)
            .collect();
        others.sort_unstable();
        others.dedup();
        match others.len() {
            0 => Check::ok("namespaces", "the host's network namespace, and no other is visible"),
            count => Check::note(
                "namespaces",
                format!("{count} more on this machine (containers): what stays inside is not seen"),
                "sudo lsns -t net; sudo nsenter -t PID -n portstory live -i INTERFACE",
            ),
        }
    }

    /// Receive offloads join packets before they are captured: sizes and pace are then not those on
    /// the wire. The kernel tells by an ioctl only, so `ethtool` is asked.
    pub(super) fn offloads(interface: &str) -> Check {
        let show = format!("sudo ethtool -k {interface} | grep -E 'generic-receive|large-receive'");
        let output = Command::new("ethtool").args(["-k", interface]).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else {
            return Check::note("offloads", "not known, as ethtool cannot be asked", show);
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let joined = joined(&text);
        if joined.is_empty() {
            return Check::ok("offloads", "no received packets are joined (GRO, LRO off)");
        }
        let off: Vec<_> = joined.iter().map(|name| format!("{name} off")).collect();
        Check::note(
            "offloads",
            format!(
                "{} on: packets larger than the wire's, fewer than there were",
                joined.join(", ")
            ),
            format!("sudo ethtool -K {interface} {}", off.join(" ")),
        )
    }

    /// What is on in `ethtool -k`, by the short names that `ethtool -K` takes (ethtool(8)).
    pub(super) fn joined(text: &str) -> Vec<&'static str> {
        [("generic-receive-offload", "gro"), ("large-receive-offload", "lro")]
            .into_iter()
            .filter(|(long, _)| {
                text.lines().any(|line| {
                    line.trim().strip_prefix(long).is_some_and(|rest| rest.starts_with(": on"))
                })
            })
            .map(|(_, short)| short)
            .collect()
    }

    /// IFF_PROMISC (if.h), as /sys tells an interface's flags.
    pub(super) fn promiscuous(interface: &str) -> Check {
        let flags = fs::read_to_string(format!("/sys/class/net/{interface}/flags"));
        let flags = flags
            .ok()
            .and_then(|text| u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok());
        match flags {
            Some(flags) if flags & 0x100 != 0 => {
                Check::ok("promiscuous", "on: frames to other machines are seen, too")
            }
            Some(_) => Check::note(
                "promiscuous",
                "off: only this machine's own traffic is seen; on a mirror port that is too little",
                format!("sudo portstory live -i {interface} --promiscuous"),
            ),
            None => Check::ok("promiscuous", "does not apply here"),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn offloads_are_read() {
            let text = "Features for eth0:\nrx-checksumming: on\ngeneric-receive-offload: on\n\
                        large-receive-offload: off [fixed]\nrx-gro-hw: on\n";
            assert_eq!(joined(text), ["gro"]);
            assert_eq!(joined("large-receive-offload: on\ngeneric-receive-offload: off"), ["lro"]);
            assert!(joined("").is_empty());
        }
    }
}
