//! Every link type and every tunnel has fixtures, sound, nested, truncated and malformed, and the
//! damaged inputs get to it.
//!
//! Counts by file of `core/src/decode/link` and `core/src/decode/tunnel`, and prints the counts. What lines the
//! inputs run through, `fuzz/coverage.sh` tells.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use portstory_core::config::Limits;
use portstory_core::internal::decode;
use portstory_core::internal::decode::{Decoded, link, tunnel};
use portstory_core::{Config, Frame};
use support::OwnedFrame;

/// Frames of each capture that are damaged in every byte.
const DAMAGED_FRAMES: usize = 12;

/// What `gre.rs` calls what it opens, besides GRE itself.
const IN_GRE: [&str; 6] = ["aruba", "eoip", "erspan", "nvgre", "pptp", "wccp"];

#[derive(Clone, Debug, Default)]
struct Reached {
    /// Frames of fixtures with a watched packet behind this header.
    sound: u64,
    /// Those of them in which another tunnel or a VLAN is around the packet too.
    nested: u64,
    /// Frames cut by a snap length.
    truncated: u64,
    /// Whole frames that lead to no packet, in captures that have sound ones too.
    malformed: u64,
    /// Damaged copies of sound frames.
    damaged: u64,
    /// Those of them that led to a packet behind this header all the same.
    survived: u64,
}

/// `link/ppp.rs` and so on.
type Counts = BTreeMap<String, Reached>;

#[test]
fn every_link_type_and_tunnel_has_fixtures_that_reach_it() {
    let files = Files::read();
    let mut counts: Counts =
        files.all.iter().map(|file| (file.clone(), Reached::default())).collect();
    let mut types = BTreeSet::new();
    for case in support::cases() {
        for capture in &case.captures {
            let frames = support::frames(std::slice::from_ref(capture));
            types.extend(frames.iter().map(|frame| frame.link.0));
            files.count(&frames, &mut counts);
        }
    }
    print(&counts);
    for (file, reached) in &counts {
        let Reached { sound, nested, truncated, malformed, damaged, survived } = reached;
        for (what, count) in [
            ("sound", sound),
            ("nested", nested),
            ("truncated", truncated),
            ("malformed", malformed),
            ("damaged", damaged),
            ("damaged, still opened", survived),
        ] {
            assert!(*count > 0, "no {what} frame among the fixtures reaches {file}");
        }
    }
    for row in link::LINKS {
        assert!(
            row.types.iter().any(|number| types.contains(number)),
            "no fixture of {}",
            row.name
        );
    }
}

fn print(counts: &Counts) {
    println!(
        "{:24} {:>6} {:>6} {:>9} {:>9} {:>8} {:>8}",
        "", "sound", "nested", "truncated", "malformed", "damaged", "survived"
    );
    for (file, one) in counts {
        println!(
            "{file:24} {:6} {:6} {:9} {:9} {:8} {:8}",
            one.sound, one.nested, one.truncated, one.malformed, one.damaged, one.survived
        );
    }
}

/// Which file has which row.
struct Files {
    links: Vec<String>,
    tunnels: Vec<String>,
    all: BTreeSet<String>,
}

impl Files {
    /// The tables name the file of each row; a file without a row would have nothing to do.
    fn read() -> Self {
        let links = rows("link", "LINKS");
        let tunnels = rows("tunnel", "TUNNELS");
        assert_eq!((links.len(), tunnels.len()), (link::LINKS.len(), tunnel::TUNNELS.len()));
        let mut all = BTreeSet::new();
        for folder in ["link", "tunnel"] {
            for entry in fs::read_dir(source(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                // `unopened` names what is opened nowhere.
                if name.ends_with(".rs") && name != "mod.rs" && name != "unopened.rs" {
                    all.insert(format!("{folder}/{name}"));
                }
            }
        }
        assert_eq!(links.iter().chain(&tunnels).cloned().collect::<BTreeSet<_>>(), all);
        Self { links, tunnels, all }
    }

    fn count(&self, frames: &[OwnedFrame], counts: &mut Counts) {
        let mut in_capture = BTreeSet::new();
        let (mut truncated, mut malformed) = (0, 0);
        for (at, frame) in frames.iter().enumerate() {
            let ways = self.ways(&frame.frame());
            let is_whole = frame.wire_len as usize <= frame.bytes.len();
            truncated += u64::from(!is_whole);
            malformed += u64::from(is_whole && ways.is_empty());
            let mut seen = BTreeSet::new();
            for way in &ways {
                let tunnels = way.iter().filter(|file| file.starts_with("tunnel/")).count();
                for file in way.iter().collect::<BTreeSet<_>>() {
                    let others = tunnels - usize::from(file.starts_with("tunnel/"));
                    let reached = counts.get_mut(file).unwrap();
                    if seen.insert(file) {
                        reached.sound += 1;
                    }
                    reached.nested += u64::from(others > 0);
                }
            }
            if at < DAMAGED_FRAMES && is_whole {
                self.damage(frame, &seen, counts);
            }
            in_capture.extend(seen.into_iter().cloned());
        }
        for file in in_capture {
            let reached = counts.get_mut(&file).unwrap();
            reached.truncated += truncated;
            reached.malformed += malformed;
        }
    }

    /// Cuts the frame everywhere and changes every byte, as `hostile.rs` does with the whole path.
    fn damage(&self, frame: &OwnedFrame, files: &BTreeSet<&String>, counts: &mut Counts) {
        for at in 0..frame.bytes.len() {
            let mut cut = frame.clone();
            cut.bytes.truncate(at);
            let mut changed = frame.clone();
            changed.bytes[at] ^= u8::try_from(at % 255 + 1).unwrap();
            for damaged in [cut, changed] {
                let survivors: BTreeSet<String> =
                    self.ways(&damaged.frame()).into_iter().flatten().collect();
                for &file in files {
                    let reached = counts.get_mut(file).unwrap();
                    reached.damaged += 1;
                    reached.survived += u64::from(survivors.contains(file));
                }
            }
        }
    }

    /// The files that opened the headers before each watched packet of a frame.
    fn ways(&self, frame: &Frame<'_>) -> Vec<Vec<String>> {
        let watch = Config::default().watch;
        let row = link::LINKS.iter().position(|row| row.types.contains(&frame.link.0));
        let mut ways = Vec::new();
        decode::decode(frame, &Limits::default(), &mut |decoded| {
            let Decoded::Packet(packet) = decoded else { return };
            let ports = [packet.src.port, packet.dst.port];
            if !ports.iter().any(|&port| watch.covers(packet.transport, port)) {
                return;
            }
            let mut way = vec![self.links[row.unwrap()].clone()];
            way.extend(packet.path.vlans().map(|_| "tunnel/vlan.rs".to_owned()));
            way.extend(packet.path.tunnels().map(|tunnel| self.tunnel(tunnel.kind)));
            ways.push(way);
        });
        ways
    }

    fn tunnel(&self, kind: &str) -> String {
        if IN_GRE.contains(&kind) {
            return "tunnel/gre.rs".to_owned();
        }
        let at = tunnel::TUNNELS.iter().position(|row| row.name == kind).unwrap();
        self.tunnels[at].clone()
    }
}

fn source(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("core/src/decode").join(folder)
}

/// The files that a table's rows are in, in its order.
fn rows(folder: &str, table: &str) -> Vec<String> {
    let text = fs::read_to_string(source(folder).join("mod.rs")).unwrap();
    let (_, behind) = text.split_once(&format!("pub static {table}")).unwrap();
    let (list, _) = behind.split_once("];").unwrap();
    let names = list.lines().filter_map(|line| line.trim().strip_prefix('&')?.split("::").next());
    names.map(|name| format!("{folder}/{name}.rs")).collect()
}
