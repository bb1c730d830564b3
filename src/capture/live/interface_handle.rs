//! One open interface: its handle, its frames, its drop counters, and how it ends.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use pcap::{Active, Capture};

use super::counter::WrappingCounter;
use super::{LinkType, SETTLE, Sink, SourceId, SourceInfo};
use portstory_core::{Frame, FrameRef, Timestamp};

/// An interface that is captured from. The handle is only ever read.
pub(super) struct InterfaceHandle {
    capture: Capture<Active>,
    link: LinkType,
    /// 1 where the handle tells nanoseconds, else 1000.
    nanos_per_tick: u32,
    /// The kernel's number for the interface; `any` has none.
    index: Option<u32>,
    number: u64,
    is_up: bool,
    dropped: WrappingCounter,
    dropped_by_interface: WrappingCounter,
    failure: Option<Failure>,
}

struct Failure {
    message: String,
    gives_up_at: Instant,
}

impl InterfaceHandle {
    /// Takes over a handle that is open, filtered and non-blocking.
    pub(super) fn new(
        capture: Capture<Active>,
        link: LinkType,
        nanos_per_tick: u32,
        index: Option<u32>,
    ) -> Self {
        Self {
            capture,
            link,
            nanos_per_tick,
            index,
            number: 0,
            is_up: true,
            dropped: WrappingCounter::default(),
            dropped_by_interface: WrappingCounter::default(),
            failure: None,
        }
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }

    pub(super) fn index(&self) -> Option<u32> {
        self.index
    }

    /// Hands at most `budget` waiting frames to `sink` and returns how many; fewer than `budget`
    /// only when no more are waiting.
    pub(super) fn read(&mut self, source: SourceId, budget: usize, sink: &mut Sink<'_>) -> usize {
        // dispatch() panics above what a C int holds.
        let budget = budget.min(1 << 30);
        let (link, nanos_per_tick) = (self.link, self.nanos_per_tick);
        let number = &mut self.number;
        let mut count = 0_usize;
        let outcome = self.capture.dispatch(Some(budget), |packet| {
            count = count.saturating_add(1);
            *number = number.saturating_add(1);
            let at =
                FrameRef { time: time(packet.header, nanos_per_tick), source, number: *number };
            let wire_len = packet.header.len;
            sink(&Frame { at, link, wire_len, bytes: packet.data });
        });
        if let Err(error) = outcome {
            let text = super::open::text(&error);
            if !is_only_empty(&text) {
                self.fail(&why_it_broke(&text), crate::clock::now());
            }
        }
        count
    }

    /// Marks the interface as failed; the first reason stays. What the kernel still holds of it is
    /// read until [`Self::gives_up_at`].
    pub(super) fn fail(&mut self, message: &str, now: Instant) {
        self.failure.get_or_insert_with(|| Failure {
            message: message.to_owned(),
            gives_up_at: now.checked_add(SETTLE).unwrap_or(now),
        });
    }

    /// Why it failed, or nothing.
    pub(super) fn failure(&self) -> &str {
        self.failure.as_ref().map_or("", |failure| failure.message.as_str())
    }

    /// When to close it, if it failed.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        self.failure.as_ref().map(|failure| failure.gives_up_at)
    }

    /// Readable when frames wait. A failed interface is always "ready" and would make a wait spin.
    pub(super) fn wakes(&self) -> Option<BorrowedFd<'_>> {
        self.failure.is_none().then(|| self.capture.as_fd())
    }

    /// Notes whether the interface is up, and says whether that is news.
    pub(super) fn note_up(&mut self, is_up: bool) -> bool {
        std::mem::replace(&mut self.is_up, is_up) != is_up
    }

    /// Adds what was dropped since the last time. libpcap reads the interface's own counter only in
    /// promiscuous mode; without, it stays at zero.
    pub(super) fn count_drops(&mut self, info: &mut SourceInfo) {
        let Ok(stats) = self.capture.stats() else { return };
        info.dropped = self.dropped.update(stats.dropped);
        info.dropped_by_interface = self.dropped_by_interface.update(stats.if_dropped);
    }
}

/// Whether the "error" is that nothing waits, which libpcap's netfilter reader (`nflog`) calls one
/// on non-blocking handles. The text is EAGAIN's; the number does not reach us.
fn is_only_empty(text: &str) -> bool {
    text.ends_with("Resource temporarily unavailable")
}

/// libpcap's reason, in the words that a change told by the kernel is given, where it is the same.
fn why_it_broke(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains("disappeared") || lower.contains("no such device") {
        return super::DISAPPEARED.to_owned();
    }
    format!("the capture stopped: libpcap says \"{text}\"")
}

fn time(header: &pcap::PacketHeader, nanos_per_tick: u32) -> Timestamp {
    let ticks = u32::try_from(header.ts.tv_usec).unwrap_or(0);
    #[allow(clippy::useless_conversion, reason = "time_t has 32 bits on some platforms")]
    let seconds = i64::from(header.ts.tv_sec);
    Timestamp::from_parts(seconds, ticks.saturating_mul(nanos_per_tick))
}
