//! Live capture from one or several interfaces, by libpcap.
//!
//! [`Live`] opens the interfaces, asks the kernel for what the filter lets through, and hands the
//! frames on in batches. It waits with poll(2) over non-blocking handles, so that a signal, a frame
//! or the passing of time ends the wait: a read timeout of libpcap's own blocks for seconds on an
//! idle interface.
//!
//! It never sends: nothing here writes to a handle.
//!
//! Contract: frames of one interface come in order. Those of different interfaces may be apart by
//! as long as the kernel holds a block back ([`BLOCK_TIMEOUT`]). An interface that disappears is
//! reported once and the others go on; one that goes down is waited for.

mod clock;
mod counter;
mod coverage;
mod effect;
mod filter;
mod interface_handle;
pub(crate) mod interfaces;
mod links;
mod linktype;
mod open;
mod probes;

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{CaptureError, FrameSource, Notice, Polled, Sink, SourceInfo};
use crate::clock::now;
use interface_handle::InterfaceHandle;
use links::{LinkChange, LinkWatch};
use portstory_core::{LinkType, SourceId, Timestamp};

pub use super::stop::Stop;
pub use filter::KernelFilter;
pub(crate) use filter::{Filter, default_filter, own_filter};
pub(super) use linktype::dlt;

/// How long the kernel may hold frames back to hand them over in a block, which is what makes
/// capturing cheap.
pub(crate) const BLOCK_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a frame may take from the wire into a closed block. The kernel looks once in a
/// [`BLOCK_TIMEOUT`] and closes a block that did not change since it looked last, so twice that,
/// and some for a busy machine.
const SETTLE: Duration = Duration::from_millis(250);

/// Time to read what the rings hold, at the least, once a stop was asked for.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// The longest wait without a frame, so that time can be told to pass.
const TICK: Duration = Duration::from_millis(200);

/// How often drop counters are read. They are 32 bits wide: at this pace they cannot wrap unseen.
const STATISTICS_EVERY: Duration = Duration::from_secs(1);

/// What is said of an interface that was deleted or moved to another network namespace.
const DISAPPEARED: &str = "the interface disappeared";

/// How to capture.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names of interfaces; `any` is all of them in one.
    pub interfaces: Vec<String>,
    /// What the kernel lets through.
    pub filter: KernelFilter,
    /// Bytes of ring buffer, each interface. Where memory is short the kernel gives less, which is
    /// said.
    pub ring_bytes: u32,
    /// Bytes kept of each frame, at most.
    pub snap_bytes: u32,
    /// Whether frames for other machines are asked for too, as a mirror port needs it.
    pub promiscuous: bool,
}

impl Options {
    /// Captures from these interfaces what the defaults watch.
    pub fn new(interfaces: Vec<String>) -> Self {
        Self {
            interfaces,
            filter: KernelFilter::default(),
            ring_bytes: 64 << 20,
            snap_bytes: 262_144,
            promiscuous: false,
        }
    }
}

/// A running capture.
pub struct Live {
    /// By [`SourceId`]; `None` where the interface is gone.
    taps: Vec<Option<InterfaceHandle>>,
    /// Those of interfaces that are gone. They stay open: the sandbox knows handles by their numbers,
    /// and an output that got such a number could not be written.
    buried: Vec<InterfaceHandle>,
    sources: Vec<SourceInfo>,
    filters: Vec<Filter>,
    links: Option<LinkWatch>,
    stop: Stop,
    /// What else ends a wait.
    wakes: Option<OwnedFd>,
    notices: Vec<Notice>,
    faults: VecDeque<CaptureError>,
    /// Set once a stop was asked for: until then, blocks that the kernel still holds are read.
    ends_at: Option<Instant>,
    statistics_due: Instant,
    settled: Option<Timestamp>,
    /// Which interface is asked first: it changes, so that a busy one cannot starve the others.
    first: usize,
}

impl Live {
    /// Opens all interfaces, or none. `stop` ends the capture.
    ///
    /// # Errors
    ///
    /// [`CannotOpen`](super::CaptureErrorKind::CannotOpen): no such interface, no rights, an interface that is down, a
    /// filter that does not compile.
    pub fn open(options: &Options, stop: Stop) -> Result<Self, CaptureError> {
        // Before the interfaces are opened, so that no change of theirs goes unseen.
        let links = LinkWatch::open();
        let mut live = Self {
            taps: Vec::new(),
            buried: Vec::new(),
            sources: Vec::new(),
            filters: Vec::new(),
            links,
            stop,
            wakes: None,
            notices: Vec::new(),
            faults: VecDeque::new(),
            ends_at: None,
            statistics_due: now(),
            settled: None,
            first: 0,
        };
        for name in open::distinct(&options.interfaces)? {
            let (tap, filter, notices) = open::open(name, options)?;
            let (name, links) = (name.to_owned(), vec![tap.link()]);
            live.sources.push(SourceInfo { name, links, ..SourceInfo::default() });
            live.taps.push(Some(tap));
            live.filters.push(filter);
            live.notices.extend(notices);
        }
        Ok(live)
    }

    /// The filter that works on each interface, by [`SourceId`].
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// The handles, which are never written to.
    pub fn handles(&self) -> Vec<BorrowedFd<'_>> {
        let taps = self.taps.iter().flatten().map(InterfaceHandle::handle);
        taps.chain(self.links.as_ref().map(LinkWatch::wakes)).collect()
    }

    /// Reads what is waiting, until all rings are empty or the budget is used up.
    fn drain(&mut self, budget: usize, sink: &mut Sink<'_>) -> usize {
        let settled = clock::wall_before(SETTLE);
        let count = self.taps.len();
        let mut total = 0_usize;
        for step in 0..count {
            let at = self.first.wrapping_add(step).checked_rem(count).unwrap_or(0);
            let left = budget.saturating_sub(total);
            if left == 0 {
                break;
            }
            let (Some(Some(tap)), Some(info)) = (self.taps.get_mut(at), self.sources.get_mut(at))
            else {
                continue;
            };
            let read = tap.read(source_id(at), left, sink);
            info.frames = info.frames.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            total = total.saturating_add(read);
        }
        self.first = self.first.wrapping_add(1).checked_rem(count).unwrap_or(0);
        if total < budget {
            self.settled = Some(settled);
        }
        total
    }

    /// Sleeps until a frame, a stop, a change of an interface, or [`TICK`].
    fn wait(&mut self) {
        let now = now();
        let deadlines =
            self.taps.iter().flatten().filter_map(InterfaceHandle::gives_up_at).chain(self.ends_at);
        let tick =
            deadlines.map(|at| at.saturating_duration_since(now)).min().map_or(TICK, |left| {
                // At least a little: a deadline that is nearly over must not make this spin.
                left.clamp(Duration::from_millis(1), TICK)
            });
        let mut waiting: Vec<PollFd<'_>> = self
            .taps
            .iter()
            .flatten()
            .filter_map(InterfaceHandle::wakes)
            .chain(self.links.as_ref().map(LinkWatch::wakes))
            .chain(self.wakes.as_ref().map(AsFd::as_fd))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        if self.ends_at.is_none() {
            waiting.push(PollFd::from_borrowed_fd(self.stop.wakes(), PollFlags::IN));
        }
        // A failure is EINTR, which is a reason to wake, or a lack of memory, which the next round
        // may find over; the loop stays right either way because it reads whatever is there.
        let _ = poll(&mut waiting, Timespec::try_from(tick).ok().as_ref());
    }

    /// Everything but frames: stop, interfaces that changed or failed, statistics.
    fn look_after(&mut self) {
        let now = now();
        if self.ends_at.is_none()
            && let Some(asked) = self.stop.for_how_long()
        {
            // Something else may have been waited for since, but the rings are read once more.
            self.ends_at = now.checked_add(SETTLE.saturating_sub(asked).max(LAST_LOOK));
        }
        self.follow_links(now);
        for at in 0..self.taps.len() {
            self.bury(at, Some(now));
        }
        if now >= self.statistics_due {
            self.statistics_due = now.checked_add(STATISTICS_EVERY).unwrap_or(now);
            self.count_drops();
        }
    }

    fn follow_links(&mut self, now: Instant) {
        let Some(links) = &mut self.links else { return };
        for (index, change) in links.changes() {
            for (tap, info) in self.taps.iter_mut().zip(&self.sources) {
                let Some(tap) = tap.as_mut().filter(|tap| tap.index() == Some(index)) else {
                    continue;
                };
                let message = match change {
                    LinkChange::Gone => {
                        tap.fail(DISAPPEARED, now);
                        continue;
                    }
                    LinkChange::Down => "the interface went down; capturing goes on when it is up",
                    LinkChange::Up => "the interface is up again",
                };
                if tap.note_up(change == LinkChange::Up) {
                    self.notices
                        .push(Notice { source: info.name.clone(), message: message.to_owned() });
                }
            }
        }
    }

    /// Closes an interface that failed, once what its ring still held had time to come out; without
    /// a time, at once.
    fn bury(&mut self, at: usize, now: Option<Instant>) {
        let (Some(slot), Some(info)) = (self.taps.get_mut(at), self.sources.get_mut(at)) else {
            return;
        };
        let Some(tap) = slot else { return };
        let Some(end) = tap.gives_up_at() else { return };
        if now.is_some_and(|now| now < end) {
            return;
        }
        tap.count_drops(info);
        let message = format!("{}; what it captured before is kept", tap.failure());
        self.faults.push_back(CaptureError::broke_off(&info.name, message));
        self.buried.extend(slot.take());
    }

    fn count_drops(&mut self) {
        for (tap, info) in self.taps.iter_mut().zip(&mut self.sources) {
            if let Some(tap) = tap {
                tap.count_drops(info);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.taps.iter().all(Option::is_none) || self.ends_at.is_some_and(|end| now() >= end)
    }
}

impl FrameSource for Live {
    fn poll(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError> {
        let budget = budget.max(1);
        if let Some(fault) = self.faults.pop_front() {
            return Err(fault);
        }
        if self.is_over() {
            self.count_drops();
            (0..self.taps.len()).for_each(|at| self.bury(at, None));
            return self.faults.pop_front().map_or(Ok(Polled::End), Err);
        }
        let mut frames = self.drain(budget, sink);
        if frames == 0 {
            self.wait();
            frames = self.drain(budget, sink);
        }
        self.look_after();
        if frames > 0 {
            return Ok(Polled::Frames(frames));
        }
        self.faults.pop_front().map_or(Ok(Polled::Idle), Err)
    }

    fn sources(&self) -> &[SourceInfo] {
        &self.sources
    }

    fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn settled_until(&self) -> Option<Timestamp> {
        self.settled
    }

    fn wake_also(&mut self, wakes: Option<OwnedFd>) {
        self.wakes = wakes;
    }
}

fn source_id(at: usize) -> SourceId {
    SourceId(u32::try_from(at).unwrap_or(u32::MAX))
}
