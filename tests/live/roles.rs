//! What this program does inside a namespace: watch, or send. Settings come from the environment,
//! and every line of output starts with [`MARK`].

use std::env::var;
use std::time::Duration;

use portstory::internal::capture::live::{KernelFilter, Live, Options, Stop};
use portstory::internal::capture::{FrameSource, Polled};
use portstory_core::{Frame, Timestamp, Watch};

use crate::net::MARK;

fn has_role(role: &str) -> bool {
    // Whoever runs all ignored tests by hand did not ask for roles.
    var("ROLE").is_ok_and(|asked| asked == role)
}

fn say(line: &str) {
    println!("{MARK}{line}");
}

pub(crate) fn watch() {
    if !has_role("inside_watches") {
        return;
    }
    let names = var("INTERFACES").unwrap().split(',').map(str::to_owned).collect();
    let mut options = Options::new(names);
    options.promiscuous = var("PROMISCUOUS").is_ok();
    if let Ok(ring) = var("RING") {
        options.ring_bytes = ring.parse().unwrap();
    }
    if let Ok(filter) = var("FILTER") {
        options.filter = KernelFilter::Expression(filter, Watch::default());
    }
    match Live::open(&options, Stop::by_signals().unwrap()) {
        Ok(live) => follow(live),
        Err(error) => say(&format!("error {:?} {error}", error.kind)),
    }
}

fn follow(mut live: Live) {
    say("ready");
    if let Ok(pause) = var("PAUSE") {
        std::thread::sleep(Duration::from_millis(pause.parse().unwrap()));
    }
    let quiet = var("QUIET").is_ok();
    let (mut is_first, mut is_idle, mut late) = (true, false, 0);
    loop {
        let settled = live.settled_until().unwrap_or(Timestamp::MIN);
        let polled = live.poll(256, &mut |frame| {
            late += usize::from(frame.at.time < settled);
            if !quiet {
                say(&describe(frame));
            }
        });
        for notice in live.take_notices() {
            say(&format!("notice {notice}"));
        }
        match polled {
            Ok(Polled::Frames(_)) if is_first => {
                say("batch");
                is_first = false;
            }
            Ok(Polled::Frames(_)) => {}
            Ok(Polled::Idle) if is_idle => {}
            Ok(Polled::Idle) => {
                say("idle");
                is_idle = true;
            }
            Ok(Polled::End) => break,
            Err(error) => say(&format!("error {:?} {error}", error.kind)),
        }
    }
    let total: u64 = live.sources().iter().map(|source| source.frames).sum();
    let dropped: u64 = live.sources().iter().map(|source| source.dropped).sum();
    say(&format!("end total {total} dropped {dropped} late {late}"));
}

fn describe(frame: &Frame<'_>) -> String {
    let tags = frame.bytes.chunks(2).filter(|pair| matches!(pair, [0x81 | 0x88, 0 | 0xa8])).count();
    format!(
        "frame source {} number {} link {} wire {} nanos {} tags {tags}",
        frame.at.source.0,
        frame.at.number,
        frame.link.0,
        frame.wire_len,
        frame.at.time.nanos(),
    )
}

/// Sends hand-made frames; the program under test never does, this is the far end.
pub(crate) fn send() {
    if !has_role("inside_sends") {
        return;
    }
    let (tags, port): (&[u8], u16) = match var("KIND").unwrap().as_str() {
        "watched" => (&[], 3243),
        "tagged" => (&[0x81, 0, 0, 5], 3243),
        "tagged-twice" => (&[0x88, 0xa8, 0, 6, 0x81, 0, 0, 5], 3243),
        "tagged-thrice" => (&[0x88, 0xa8, 0, 6, 0x81, 0, 0, 5, 0x81, 0, 0, 5], 3243),
        "other" => (&[], 53),
        "other-tagged" => (&[0x81, 0, 0, 5], 53),
        kind => panic!("no frames of kind {kind}"),
    };
    let mut frame = [&[2; 12][..], tags, &[8, 0]].concat();
    let ip_len = u16::try_from(1400 - frame.len()).unwrap();
    frame.extend([&[0x45, 0][..], &ip_len.to_be_bytes(), &[0, 1, 0, 0, 64, 17, 0, 0]].concat());
    frame.extend([10, 9, 0, 2, 10, 9, 0, 1]);
    frame.extend(
        [&[0xc3, 0x50][..], &port.to_be_bytes(), &(ip_len - 20).to_be_bytes(), &[0, 0]].concat(),
    );
    frame.resize(1400, 0x20);
    let mut handle =
        pcap::Capture::from_device(var("INTERFACE").unwrap().as_str()).unwrap().open().unwrap();
    for _ in 0..var("COUNT").unwrap().parse().unwrap() {
        // ENOBUFS: the queue is full for a moment.
        while handle.sendpacket(&frame[..]).is_err() {}
    }
    say("sent");
}
