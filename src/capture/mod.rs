//! Where frames come from: capture files and live interfaces.
//!
//! An edge: files, devices, clocks and signals are touched here, the core only sees [`Frame`]s.

use std::fmt;

use portstory_core::{Frame, LinkType, Timestamp};

#[cfg_attr(not(feature = "live"), path = "no_bpf.rs")]
pub(crate) mod bpf;
pub(crate) mod file;
mod filtered;
#[cfg(feature = "live")]
pub(crate) mod live;
pub(crate) mod stop;

pub(crate) use filtered::Filtered;

/// What a [`FrameSource`] did when it was asked for frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// So many frames were handed over; there may be more.
    Frames(usize),
    /// Nothing is waiting now; only live sources and growing files say so.
    Idle,
    /// There will be no more frames.
    End,
}

/// Takes frames, which are lent to it one by one.
pub(crate) type Sink<'a> = dyn FnMut(&Frame<'_>) + 'a;

/// Something that yields frames in the order in which they were captured.
///
/// Frames are lent in batches, through a callback, because libpcap lends them only inside its own.
pub trait FrameSource {
    /// Hands at most `budget` frames to `sink`.
    ///
    /// # Errors
    ///
    /// The first fault of the source. All frames before it were handed over, and asking again goes
    /// on behind it where that is possible, else says [`Polled::End`].
    fn poll(&mut self, budget: usize, sink: &mut Sink<'_>) -> Result<Polled, CaptureError>;

    /// What is known of the sources so far, by [`portstory_core::SourceId`].
    fn sources(&self) -> &[SourceInfo];

    /// What has happened since it was last asked that a person should know, and that ends nothing.
    fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }

    /// Ends a wait for frames when this becomes readable, too; none takes it back. Nothing is read
    /// from it. Sources that do not wait have no use for it.
    fn wake_also(&mut self, _: Option<std::os::fd::OwnedFd>) {}

    /// The time up to which every frame has been handed over, so that time may pass without one;
    /// `None` where only the frames themselves tell the time.
    fn settled_until(&self) -> Option<Timestamp> {
        None
    }
}

/// One sentence about a source: an interface went down, a folder held files that are not captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The file or interface.
    pub source: String,
    /// What happened and what follows from it, without the source's name.
    pub message: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

/// The kinds of capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// The classic format, whose frames all have this link type.
    Pcap(LinkType),
    /// The format of blocks.
    Pcapng,
}

/// One capture file or interface, and how well it was captured.
#[derive(Clone, Debug, Default)]
pub struct SourceInfo {
    /// The file's path or the interface's name, as the user gave it or as the folder listed it.
    pub name: String,
    /// The link types that occurred, in order of appearance.
    pub links: Vec<LinkType>,
    /// A file's format, as far as it is known; an interface has none.
    pub format: Option<FileFormat>,
    /// Frames handed over.
    pub frames: u64,
    /// Frames that the kernel or the capturing program reports as dropped for want of room.
    pub dropped: u64,
    /// Frames that the interface itself reports as dropped.
    pub dropped_by_interface: u64,
}

/// Why a capture could not be opened or read on. The text is one sentence that says what to do.
#[derive(Debug)]
pub struct CaptureError {
    /// What kind of trouble, which decides the exit code.
    pub kind: CaptureErrorKind,
    /// The file or interface.
    pub source: String,
    /// What is wrong and what to do, without the source's name.
    pub message: String,
}

/// The kinds of trouble with a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureErrorKind {
    /// Nothing there that could be read as a capture: wrong use (exit code 2).
    NotACapture,
    /// It cannot be opened: missing, no rights, a bad filter (exit code 2).
    CannotOpen,
    /// It broke off part-way; what was read stands (exit code 1).
    BrokeOff,
}

impl CaptureError {
    /// One of [`CaptureErrorKind::CannotOpen`].
    pub(crate) fn cannot_open(source: impl Into<String>, message: impl Into<String>) -> Self {
        let kind = CaptureErrorKind::CannotOpen;
        Self { kind, source: source.into(), message: message.into() }
    }

    /// One of [`CaptureErrorKind::BrokeOff`].
    pub(crate) fn broke_off(source: impl Into<String>, message: impl Into<String>) -> Self {
        let kind = CaptureErrorKind::BrokeOff;
        Self { kind, source: source.into(), message: message.into() }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

impl std::error::Error for CaptureError {}
