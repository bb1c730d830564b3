//! Live capture on a real kernel: two network namespaces with a cable between them.
//!
//! Needs root and iproute2; says that it was skipped where those are missing
//! (`cargo test --test live -- --nocapture`). Functions called `inside_...` are roles that this
//! program plays when the tests run it again inside a namespace; alone they do nothing.

mod net;
mod roles;

use net::{Net, Program};
use rustix::process::Signal;
use std::time::Duration;

const WATCHES: &str = "inside_watches";

/// The number after a word in a line of words.
fn number(line: &str, word: &str) -> u64 {
    let mut words = line.split(' ').skip_while(|&each| each != word).skip(1);
    words.next().unwrap_or_else(|| panic!("no {word} in {line}")).parse().unwrap()
}

fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

#[test]
fn a_signal_ends_it_within_a_second_on_an_idle_interface() {
    let Some(net) = Net::new() else { return };
    for signal in [Signal::INT, Signal::TERM] {
        let mut watching = net.start(WATCHES, &[("INTERFACES", "near")]);
        watching.until("idle");
        let (lines, took) = watching.signal(signal);
        println!("{signal:?}: ended after {took:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(count(&lines, "frame"), 0, "{lines:#?}");
    }
    assert_eq!(net.sent(), 0, "the watched interface sent something");
}

#[test]
fn a_signal_ends_it_within_a_second_under_load() {
    let Some(net) = Net::new() else { return };
    let mut watching = net.start(WATCHES, &[("INTERFACES", "near"), ("QUIET", "1")]);
    watching.until("ready");
    let flood = std::thread::scope(|scope| {
        let flood = scope.spawn(|| net.send("watched", 2_000_000));
        watching.until("batch");
        let ended = watching.signal(Signal::INT);
        flood.join().unwrap();
        ended
    });
    let (lines, took) = flood;
    println!("ended after {took:?}: {}", lines.last().unwrap());
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn frames_arrive_numbered_and_timed_even_those_right_before_the_signal() {
    let Some(net) = Net::new() else { return };
    let mut watching = net.start(WATCHES, &[("INTERFACES", "near")]);
    watching.until("ready");
    net.send("other", 5);
    net.send("watched", 20);
    let (lines, _) = watching.signal(Signal::INT);
    let frames: Vec<_> = lines.iter().filter(|line| line.starts_with("frame")).collect();
    assert_eq!(frames.len(), 20, "{lines:#?}");
    for (at, frame) in (1..).zip(&frames) {
        assert_eq!(number(frame, "number"), at);
        assert_eq!(number(frame, "link"), 1);
        assert_eq!(number(frame, "wire"), 1400);
        assert_eq!(number(frame, "tags"), 0);
    }
    let nanos: Vec<u64> = frames.iter().map(|frame| number(frame, "nanos")).collect();
    assert!(nanos.is_sorted(), "{nanos:?}");
    assert!(nanos.iter().any(|nanos| nanos % 1000 != 0), "only microseconds: {nanos:?}");
    assert_eq!(number(lines.last().unwrap(), "late"), 0, "frames from before settled_until");
}

#[test]
fn the_default_filter_works_in_the_kernel_too_vlan_tags_included() {
    let Some(net) = Net::new() else { return };
    let mut watching = net.start(WATCHES, &[("INTERFACES", "near")]);
    watching.until("ready");
    // The kernel keeps the outermost tag beside the packet, and libpcap puts it back.
    for (kind, tags) in [("watched", 0), ("tagged", 1), ("tagged-twice", 2)] {
        net.send("other", 3);
        net.send("other-tagged", 3);
        net.send(kind, 4);
        let lines = (0..4).flat_map(|_| watching.until("frame")).collect::<Vec<_>>();
        assert!(
            lines
                .iter()
                .filter(|line| line.starts_with("frame"))
                .all(|line| number(line, "tags") == tags),
            "{kind}: {lines:#?}"
        );
    }
    net.send("tagged-thrice", 3);
    let (lines, _) = watching.signal(Signal::INT);
    assert_eq!(count(&lines, "frame"), 0, "no longer missed: say so in the filter's `misses`");
}

#[test]
fn any_and_several_interfaces() {
    let Some(net) = Net::new() else { return };
    net.add_cable("near2", "far2").unwrap();
    for (interfaces, links) in [("any", [113, 276]), ("near,near2,near", [1, 1])] {
        let mut watching = net.start(WATCHES, &[("INTERFACES", interfaces), ("PROMISCUOUS", "1")]);
        watching.until("ready");
        net.send("watched", 3);
        net.send_from("far2", "tagged", 2);
        let (lines, _) = watching.signal(Signal::TERM);
        assert_eq!(count(&lines, "frame"), 5, "{interfaces}: {lines:#?}");
        for frame in lines.iter().filter(|line| line.starts_with("frame")) {
            assert!(links.contains(&number(frame, "link")), "{frame}");
        }
    }
}

#[test]
fn what_the_ring_could_not_hold_is_counted() {
    let Some(net) = Net::new() else { return };
    const SENT: u64 = 20_000;
    let settings = [("INTERFACES", "near"), ("QUIET", "1"), ("RING", "2097152"), ("PAUSE", "2500")];
    let mut watching = net.start(WATCHES, &settings);
    watching.until("ready");
    net.send("watched", usize::try_from(SENT).unwrap());
    watching.until("batch");
    let (lines, _) = watching.signal(Signal::INT);
    let end = lines.last().unwrap();
    println!("{end}");
    assert!(number(end, "dropped") > 0, "{end}");
    assert_eq!(number(end, "total") + number(end, "dropped"), SENT, "{end}");
}

#[test]
fn an_interface_that_goes_down_is_named_and_waited_for() {
    let Some(net) = Net::new() else { return };
    let mut watching = net.start(WATCHES, &[("INTERFACES", "near")]);
    watching.until("ready");
    net.send("watched", 1);
    watching.until("frame");
    net.ip(&["link", "set", "near", "down"]);
    let lines = watching.until("notice near: the interface went down");
    assert_eq!(count(&lines, "error"), 0, "{lines:#?}");
    net.ip(&["link", "set", "near", "up"]);
    watching.until("notice near: the interface is up again");
    net.send("watched", 1);
    watching.until("frame");
    let (lines, _) = watching.signal(Signal::INT);
    assert_eq!(count(&lines, "notice"), 0, "said twice: {lines:#?}");
}

#[test]
fn an_interface_that_disappears_is_an_error_and_the_others_go_on() {
    let Some(net) = Net::new() else { return };
    net.add_cable("near2", "far2").unwrap();
    let mut watching = net.start(WATCHES, &[("INTERFACES", "near,near2")]);
    watching.until("ready");
    net.send("watched", 7);
    net.ip(&["link", "del", "near"]);
    let lines = watching.until("error");
    assert_eq!(count(&lines, "frame"), 7, "what the ring held was lost: {lines:#?}");
    assert_eq!(count(&lines, "error BrokeOff near: the interface disappeared"), 1, "{lines:#?}");
    net.send_from("far2", "watched", 2);
    watching.until("frame");
    watching.until("frame");
    // Moved elsewhere is gone, too, and it was the last.
    net.ip(&["link", "set", "near2", "netns", &net.other]);
    let lines = watching.until("end");
    assert_eq!(count(&lines, "error BrokeOff near2: the interface disappeared"), 1, "{lines:#?}");
    assert!(watching.child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_opened_is_one_sentence_that_says_what_to_do() {
    let Some(net) = Net::new() else { return };
    net.ip(&["link", "set", "near", "down"]);
    for (settings, said) in [
        ([("INTERFACES", "nea"), ("FILTER", "")], "there is no such interface, there are"),
        ([("INTERFACES", "nea"), ("FILTER", "")], "did you mean near?"),
        ([("INTERFACES", "near"), ("FILTER", "")], "`sudo ip link set near up`"),
        ([("INTERFACES", "any"), ("FILTER", "tcp prot 3243")], "see `man pcap-filter`"),
    ] {
        let mut watching = net.start(WATCHES, &settings);
        let lines = watching.until("error CannotOpen");
        println!("{lines:?}");
        assert!(lines[0].contains(said), "{lines:#?}");
    }
}

#[test]
fn without_rights_it_says_how_to_get_them() {
    if Net::new().is_none() {
        return;
    }
    let without =
        ["setpriv", "--bounding-set=-net_raw,-net_admin", "--inh-caps=-net_raw,-net_admin"];
    let mut watching = Program::start_by(&without, WATCHES, &[("INTERFACES", "lo")]);
    let lines = watching.until("error CannotOpen");
    assert!(lines[0].contains("sudo setcap cap_net_raw+ep $(command -v portstory)"), "{lines:?}");
}

#[test]
#[ignore = "a role: watches interfaces and prints what it sees"]
fn inside_watches() {
    roles::watch();
}

#[test]
#[ignore = "a role: sends frames"]
fn inside_sends() {
    roles::send();
}
