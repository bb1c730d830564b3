//! One capture: its buffer, its format, and what went wrong in it.
//!
//! Fills the buffer, lets the format walk over it, and says where and why it could not go on. A
//! classic capture file ends at the first record that is not sound: nothing marks where the next one
//! would begin. In a pcapng file the next sound block is looked for, and what lies between is counted
//! as lost.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::Options;
use super::beside;
use super::buffer::{Buffer, bytes_64};
use super::format_hint;
use super::interruptible;
use super::pcap::{self, Pcap};
use super::pcapng::{self, Pcapng};
use super::resync::{self, Search};
use super::unpack::{self, Packing, Trouble};
use super::walk::{Ask, Fault, Seen, Walk, WalkEnd};
use crate::capture::stop::Stopped;
use crate::capture::{CaptureError, CaptureErrorKind, FileFormat, Notice, Sink};
use portstory_core::internal::wire;
use portstory_core::{SourceId, Timestamp};

/// A capture: open, or put aside, when it keeps neither file nor buffer.
pub(super) struct Reader {
    name: String,
    /// Where to open it again; a stream can't be.
    path: Option<PathBuf>,
    packing: Option<Packing>,
    /// Behind its end there may be more later.
    growing: bool,
    source: SourceId,
    buffer: Buffer,
    format: CaptureFormat,
    seen: Seen,
    search: Option<Damage>,
    /// Where zeros began that are passed over.
    zeros: Option<u64>,
    /// What a person should know of the file, beside what was lost.
    remarks: Vec<String>,
    untimed_told: bool,
    losses: Losses,
    losses_are_news: bool,
}

enum CaptureFormat {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Where a search for the next sound block began.
#[derive(Clone, Copy, Debug)]
struct Damage {
    offset: u64,
    what: &'static str,
}

/// What was skipped because it was damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Damaged places.
    pub(super) places: u64,
    /// Bytes skipped in all of them.
    pub(super) bytes: u64,
    /// Where in the file the first one is, in bytes.
    pub(super) first_offset: u64,
    /// Frames before the first one.
    pub(super) first_behind: u64,
    /// Places are counted in what was unpacked, not in the file.
    pub(super) unpacked: bool,
}

impl Losses {
    /// What a person should know of it.
    pub(super) fn notice(self, source: String) -> Notice {
        let Self { places, bytes, first_offset, first_behind, unpacked } = self;
        let unpacked = if unpacked { " (unpacked)" } else { "" };
        let message = format!(
            "is damaged: {bytes} bytes skipped at {places} place(s), the first after \
             frame {first_behind}, at byte {first_offset}{unpacked}"
        );
        Notice { source, message }
    }
}

/// What a run over a capture came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    /// Frames handed over.
    pub(super) frames: usize,
    /// How it goes on.
    pub(super) then: Then,
}

/// How a capture goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// There may be more; to find out may mean to wait.
    More,
    /// The next frame has this time, and was not wanted yet.
    Next(Timestamp),
    /// There is nothing more.
    End,
    /// There is nothing more as yet in a capture that grows.
    Wait,
}

/// The bytes that are enough to tell what a file is.
const HEAD_BYTES: usize = 8192;

impl Reader {
    /// Reads the head of `input` and finds out its format. Without a `path` it is a stream, which is
    /// never put aside.
    ///
    /// # Errors
    ///
    /// Where it is no capture, or can't be read.
    pub(super) fn open(
        input: Box<dyn Read + Send>,
        name: String,
        path: Option<PathBuf>,
        options: &Options,
    ) -> Result<Self, CaptureError> {
        let opened = unpacked(input, options).and_then(|(mut buffer, packing)| {
            let format = identify(&mut buffer, packing)?;
            Ok((buffer, packing, format))
        });
        let (buffer, packing, format) = match opened {
            Ok((buffer, packing, Ok(format))) => (buffer, packing, format),
            Ok((_, _, Err(message))) => {
                return Err(CaptureError {
                    kind: CaptureErrorKind::NotACapture,
                    source: name,
                    message,
                });
            }
            Err(error) => return Err(cannot_open(&name, &error)),
        };
        Ok(Self {
            name,
            path,
            packing,
            growing: false,
            source: SourceId::default(),
            buffer,
            format,
            seen: Seen::default(),
            search: None,
            zeros: None,
            remarks: Vec::new(),
            untimed_told: false,
            losses: Losses::default(),
            losses_are_news: false,
        })
    }

    /// Names the source in the frames to come.
    pub(super) fn set_source(&mut self, source: SourceId) {
        self.source = source;
    }

    /// Looks behind what was the end of the file, which is not the end as long as it is `growing`.
    pub(super) fn set_growing(&mut self, growing: bool) {
        self.growing = growing;
        self.buffer.expect_more();
    }

    /// Bytes of the file that were read.
    pub(super) fn position(&self) -> u64 {
        self.buffer.offset().saturating_add(bytes_64(self.buffer.filled().len()))
    }

    /// Whether it can't be opened a second time.
    pub(super) fn is_stream(&self) -> bool {
        self.path.is_none()
    }

    /// Whether it is unpacked, so that going on somewhere means to unpack all before it again.
    pub(super) fn is_packed(&self) -> bool {
        self.packing.is_some()
    }

    /// What was seen of it so far.
    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Its format.
    pub(super) fn format(&self) -> FileFormat {
        match &self.format {
            CaptureFormat::Pcap(pcap) => FileFormat::Pcap(pcap.link()),
            CaptureFormat::Pcapng(_) => FileFormat::Pcapng,
        }
    }

    /// What was skipped so far, if that has grown since it was last asked for.
    pub(super) fn new_losses(&mut self) -> Option<Losses> {
        std::mem::take(&mut self.losses_are_news).then_some(self.losses)
    }

    /// The time of the next frame, which is not handed over; `None` if there is none or if it can't
    /// be told within a bounded piece of the file.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub(super) fn next_time(&mut self) -> Result<Option<Timestamp>, CaptureError> {
        const BUFFERS_MAX: usize = 16;
        for _ in 0..BUFFERS_MAX {
            match self.run(0, Timestamp::MIN, &mut |_| {})?.then {
                Then::More => {}
                Then::Next(time) => return Ok(Some(time)),
                Then::End | Then::Wait => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Hands at most `budget` frames to `sink`, none later than `until`. It reads from the input
    /// only where nothing was handed over yet, so that nobody waits for what is there already.
    ///
    /// # Errors
    ///
    /// Where the file breaks off. All frames before were handed over and there will be no more.
    pub(super) fn run(
        &mut self,
        budget: usize,
        until: Timestamp,
        sink: &mut Sink<'_>,
    ) -> Result<Ran, CaptureError> {
        let mut filled = false;
        loop {
            if let Some(damage) = self.search {
                return self.search(damage);
            }
            if let Some(from) = self.zeros {
                return self.over_zeros(from);
            }
            let seen = &mut self.seen;
            let mut ask = Ask { source: self.source, budget, until, seen, sink: &mut *sink };
            let bytes = self.buffer.filled();
            let Walk { consumed, frames, stop } = match &mut self.format {
                CaptureFormat::Pcap(pcap) => pcap.walk(bytes, &mut ask),
                CaptureFormat::Pcapng(pcapng) => pcapng.walk(bytes, &mut ask),
            };
            self.buffer.consume(consumed);
            match stop {
                WalkEnd::Budget => return Ok(Ran { frames, then: Then::More }),
                WalkEnd::Next(time) => return Ok(Ran { frames, then: Then::Next(time) }),
                _ if frames > 0 || filled => {
                    return Ok(Ran { frames, then: Then::More });
                }
                WalkEnd::Need(bytes) => match self.buffer.fill(bytes) {
                    Ok(true) => filled = true,
                    Ok(false) => return self.at_end(bytes),
                    Err(error) => return self.not_filled(&error),
                },
                WalkEnd::Zeros => self.zeros = Some(self.buffer.offset()),
                WalkEnd::Another => self.begin_another(),
                WalkEnd::Fault(fault) => self.recover(&fault)?,
            }
        }
    }

    /// The input ended where `need` bytes were wanted.
    fn at_end(&mut self, need: usize) -> Result<Ran, CaptureError> {
        let have = self.buffer.filled().len();
        if self.growing {
            return Ok(Ran { frames: 0, then: Then::Wait });
        }
        if have == 0 {
            return Ok(Ran { frames: 0, then: Then::End });
        }
        // So large a block is rather one whose length is damaged than one that was cut.
        if need > resync::FOUND_BYTES_MAX && matches!(self.format, CaptureFormat::Pcapng(_)) {
            let fault = Fault { what: "claims more bytes than the file has", skip: None };
            self.recover(&fault)?;
            return Ok(Ran { frames: 0, then: Then::More });
        }
        let (behind, byte) = (self.behind(), self.byte(self.buffer.offset()));
        let missing = need.saturating_sub(have);
        let s = if missing == 1 { "" } else { "s" };
        Err(self.broke_off(format!(
            "is truncated {behind}: the record at {byte} is missing at least {missing} byte{s}"
        )))
    }

    /// A stop ends no capture: whoever reads on is told the same again, and looks for it.
    fn not_filled(&self, error: &io::Error) -> Result<Ran, CaptureError> {
        if Stopped::is(error) {
            return Ok(Ran { frames: 0, then: Then::More });
        }
        Err(self.unreadable(error))
    }

    /// What a person should know beside what was lost, each once.
    pub(super) fn take_remarks(&mut self) -> Vec<String> {
        if self.seen.untimed && !std::mem::replace(&mut self.untimed_told, true) {
            let remark = "its first frames have no time (simple packet blocks), and none follows from which \
                          they could have one: the times of their flows are not known, and written as 1970";
            self.remarks.push(remark.to_owned());
        }
        std::mem::take(&mut self.remarks)
    }

    /// Goes over to the capture file that begins here, behind the one at hand.
    fn begin_another(&mut self) {
        let at = self.buffer.offset();
        self.format = match beside::pcap_header(self.buffer.filled()) {
            Some(pcap) => {
                self.buffer.consume(pcap::HEADER_BYTES);
                CaptureFormat::Pcap(pcap)
            }
            None => CaptureFormat::Pcapng(Pcapng::default()),
        };
        let (behind, byte) = (self.behind(), self.byte(at));
        self.remarks.push(format!(
            "holds another capture file, which begins {behind} at {byte} and is read as well; \
             its frames are counted on"
        ));
    }

    /// Passes over zeros, which began at `from`, in what one filled buffer shows.
    fn over_zeros(&mut self, from: u64) -> Result<Ran, CaptureError> {
        if let Err(error) = self.buffer.fill(1) {
            return self.not_filled(&error);
        }
        let bytes = self.buffer.filled();
        let Some(zeros) = bytes.iter().position(|byte| *byte != 0) else {
            let all = bytes.len();
            self.buffer.consume(all);
            return Ok(Ran { frames: 0, then: self.behind_zeros(from) });
        };
        self.buffer.consume(zeros);
        self.zeros = None;
        let damage = Damage { offset: from, what: "consists of zeros" };
        if let CaptureFormat::Pcapng(_) = self.format {
            // A block may begin with some of them.
            self.search = Some(damage);
            return Ok(Ran { frames: 0, then: Then::More });
        }
        if let Err(error) = self.buffer.fill(pcapng::SECTION_BYTES_MIN) {
            return self.not_filled(&error);
        }
        if !beside::begins_file(self.buffer.filled()) {
            return Err(self.damaged(damage));
        }
        self.lose(from, self.buffer.offset().saturating_sub(from));
        Ok(Ran { frames: 0, then: Then::More })
    }

    /// How it goes on behind zeros that nothing followed so far.
    fn behind_zeros(&mut self, from: u64) -> Then {
        if !self.buffer.ended() {
            return Then::More;
        }
        if self.growing {
            return Then::Wait;
        }
        self.zeros = None;
        let (zeros, byte) = (self.buffer.offset().saturating_sub(from), self.byte(from));
        self.remarks.push(format!(
            "ends in {zeros} zero bytes, from {byte} on, as a crash or a full disk leaves them: frames are \
             probably missing there"
        ));
        Then::End
    }

    /// Skips what is not sound, or starts to look for what is.
    fn recover(&mut self, fault: &Fault) -> Result<(), CaptureError> {
        let damage = Damage { offset: self.buffer.offset(), what: fault.what };
        if let CaptureFormat::Pcap(_) = self.format {
            return Err(self.damaged(damage));
        }
        match fault.skip {
            Some(bytes) => {
                self.lose(damage.offset, bytes_64(bytes));
                self.buffer.consume(bytes);
            }
            None => {
                self.search = Some(damage);
                // It is not here; and not moving on would find the same again.
                self.buffer.consume(1);
            }
        }
        Ok(())
    }

    /// Looks for the next sound block in what one filled buffer shows.
    fn search(&mut self, damage: Damage) -> Result<Ran, CaptureError> {
        if let Err(error) = self.buffer.fill(resync::WINDOW_BYTES) {
            return self.not_filled(&error);
        }
        let CaptureFormat::Pcapng(pcapng) = &self.format else {
            return Err(self.damaged(damage));
        };
        let ended = self.buffer.ended();
        match resync::search(self.buffer.filled(), pcapng.big(), ended) {
            Search::Found(bytes) => {
                self.buffer.consume(bytes);
                self.search = None;
                let lost = self.buffer.offset().saturating_sub(damage.offset);
                self.lose(damage.offset, lost);
            }
            Search::NotWithin(bytes) => {
                if ended && self.growing {
                    // The last one may only not be there whole.
                    self.buffer.consume(bytes.saturating_sub(resync::FOUND_BYTES_MAX));
                    return Ok(Ran { frames: 0, then: Then::Wait });
                }
                self.buffer.consume(bytes);
                if ended && self.buffer.filled().is_empty() {
                    return Err(self.damaged(damage));
                }
            }
        }
        Ok(Ran { frames: 0, then: Then::More })
    }

    /// At most so many bytes of what comes next.
    pub(super) fn front(&self, bytes: usize) -> &[u8] {
        wire::prefix(self.buffer.filled(), bytes)
    }

    /// Closes the file, to be opened again where it was left. Not for streams.
    pub(super) fn put_aside(&mut self) {
        self.buffer.close();
    }

    /// Whether it was not put aside.
    pub(super) const fn is_open(&self) -> bool {
        self.buffer.is_open()
    }

    /// Opens the file again and goes to where it was left.
    ///
    /// # Errors
    ///
    /// Where the file is gone or can't be read any more.
    pub(super) fn resume(&mut self, options: &Options) -> Result<(), CaptureError> {
        let offset = self.buffer.offset();
        let input = self.open_at(offset, options).map_err(|error| self.unreadable(&error))?;
        let here_bytes = self.packing.map(|_| unpack::UNPACKED_HERE_BYTES);
        let buffer = Buffer::new(input, options.buffer_bytes, offset, here_bytes);
        self.buffer = buffer.until(options.stop.clone());
        Ok(())
    }

    /// Opens the file again and goes to `offset`: of a compressed one, all before it is unpacked and
    /// thrown away, which for a file that was only looked at is its first few bytes.
    fn open_at(&self, offset: u64, options: &Options) -> io::Result<Box<dyn Read + Send>> {
        let path = self.path.as_ref().ok_or(io::ErrorKind::NotSeekable)?;
        let mut file = interruptible::open(path)?;
        if self.packing.is_none() {
            file.seek(SeekFrom::Start(offset))?;
        }
        let file = interruptible::file(file, options.stop.as_ref());
        let Some(packing) = self.packing else {
            return Ok(Box::new(options.odometer.count(file)));
        };
        let mut unpacked = unpack::open(packing, Box::new(options.odometer.count(file)), options)?;
        let skipped = io::copy(&mut unpacked.by_ref().take(offset), &mut io::sink())?;
        if skipped < offset {
            return Err(io::Error::other("the file was shortened"));
        }
        Ok(unpacked)
    }

    fn lose(&mut self, offset: u64, bytes: u64) {
        self.losses_are_news = true;
        self.losses.unpacked = self.packing.is_some();
        if self.losses.places == 0 {
            self.losses.first_offset = offset;
            self.losses.first_behind = self.seen.frames;
        }
        self.losses.places = self.losses.places.saturating_add(1);
        self.losses.bytes = self.losses.bytes.saturating_add(bytes);
    }

    fn damaged(&self, Damage { offset, what }: Damage) -> CaptureError {
        let (behind, byte) = (self.behind(), self.byte(offset));
        self.broke_off(format!(
            "is damaged {behind}: the record at {byte} {what}, and no valid record follows"
        ))
    }

    fn unreadable(&self, error: &io::Error) -> CaptureError {
        let (behind, byte) = (self.behind(), self.byte(self.buffer.offset()));
        self.broke_off(match Trouble::of(error) {
            Some(trouble) => format!("breaks off {behind}: {trouble}"),
            None => format!("can't be read further {behind}, at {byte}: {error}"),
        })
    }

    fn byte(&self, offset: u64) -> String {
        let unpacked = if self.packing.is_some() { " (unpacked)" } else { "" };
        format!("byte {offset}{unpacked}")
    }

    fn behind(&self) -> String {
        match self.seen.frames {
            0 => "before its first frame".to_owned(),
            frames => format!("after frame {frames}"),
        }
    }

    fn broke_off(&self, message: String) -> CaptureError {
        CaptureError::broke_off(self.name.clone(), message)
    }
}

/// What `input` holds, which is unpacked where it was compressed.
fn unpacked(
    mut input: Box<dyn Read + Send>,
    options: &Options,
) -> io::Result<(Buffer, Option<Packing>)> {
    // No capture is shorter, so that nobody waits here for bytes that need not come.
    let mut head = Vec::new();
    input.by_ref().take(bytes_64(unpack::MAGIC_BYTES)).read_to_end(&mut head)?;
    let Some(packing) = Packing::of(&head) else {
        let buffer = Buffer::new(input, options.buffer_bytes, 0, None);
        return Ok((buffer.behind(&head), None));
    };
    let input = Box::new(io::Cursor::new(head).chain(input));
    let unpacked = unpack::open(packing, input, options)?;
    let here_bytes = Some(unpack::UNPACKED_HERE_BYTES);
    let buffer = Buffer::new(unpacked, options.buffer_bytes, 0, here_bytes);
    Ok((buffer.until(options.stop.clone()), Some(packing)))
}

/// Finds out the format and moves behind what is the file's own header; `Err` inside says in a
/// sentence why it is no capture.
fn identify(
    buffer: &mut Buffer,
    packing: Option<Packing>,
) -> io::Result<Result<CaptureFormat, String>> {
    // A stream may send its header long before anything else: ask for no more than that.
    buffer.fill(pcap::HEADER_BYTES)?;
    if let Some(header) = buffer.filled().first_chunk().and_then(Pcap::header) {
        buffer.consume(pcap::HEADER_BYTES);
        return Ok(match header {
            pcap::Header::Sound(pcap) => Ok(CaptureFormat::Pcap(pcap)),
            pcap::Header::Version(major, minor) => Err(format!(
                "is a pcap file of version {major}.{minor}, which is not supported; \
                 `editcap -F pcap FILE OUT.pcap` may be able to convert it"
            )),
        });
    }
    if format_hint::starts_as_section(buffer.filled()) {
        buffer.fill(pcapng::SECTION_BYTES_MIN)?;
        let head = buffer.filled();
        if head.len() >= pcapng::SECTION_BYTES_MIN
            && wire::array(head, 8).and_then(pcapng::byte_order).is_some()
        {
            return Ok(Ok(CaptureFormat::Pcapng(Pcapng::default())));
        }
    }
    let filled = buffer.fill(HEAD_BYTES);
    let head = buffer.filled();
    let what = match (packing, filled) {
        // What little could be unpacked says more than why there is no more.
        (Some(_), Err(_)) if !head.is_empty() => format_hint::describe(head, false),
        (_, Err(error)) => return Err(error),
        (Some(packing), Ok(_)) if Packing::of(head).is_some() => {
            format_hint::twice_packed(packing.program())
        }
        (_, Ok(_)) => format_hint::describe(head, buffer.ended()),
    };
    Ok(Err(if packing.is_some() { format_hint::packed(&what) } else { what }))
}

/// How the sentence on a compressed file begins whose beginning is damaged.
pub(super) const NOT_UNPACKED: &str = "can't be unpacked";

/// The error for what could not be opened at all.
pub(super) fn cannot_open(name: &str, error: &io::Error) -> CaptureError {
    let message = if error.kind() == io::ErrorKind::NotFound {
        "does not exist".to_owned()
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "permission denied; run with more privileges, or make it readable".to_owned()
    } else if let Some(trouble) = Trouble::of(error) {
        format!("{NOT_UNPACKED}: {trouble}")
    } else {
        format!("can't be opened: {error}")
    };
    CaptureError::cannot_open(name, message)
}
