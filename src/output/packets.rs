//! Saves frames as a capture file, for `-w`: pcap or pcapng, nanoseconds, nothing rewritten.
//!
//! A pcap file has one link type; a frame of a second one is an error that says so. pcapng has an
//! interface for every source and link type, made when its first frame comes. Faults of the output
//! are returned, a full disk too: call [`PacketWriter::finish`], as dropping the writer hides them.
//!
//! Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Numbers are little-endian.

use std::io::{self, BufWriter, Write};

use super::Context;
use portstory_core::internal::time::NANOS_PER_SECOND;
use portstory_core::internal::wire::{index, len32, prefix};
use portstory_core::{Frame, LinkType, SourceId};

/// Bytes that a record of a pcap file may hold: libpcap refuses more.
const PCAP_SNAP_LENGTH: u32 = 262_144;

/// Ethernet: what an empty pcap file says it holds.
const LINKTYPE_ETHERNET: LinkType = LinkType(1);

/// The option that any block may have (section 3.5.1).
const OPT_COMMENT: u16 = 1;

/// Options of an interface: its name, what else is to be said of it, its unit of time.
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;

/// Which kind of capture file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFormat {
    /// The old format: one link type.
    Pcap,
    /// The new format: any number of sources and link types, with their names.
    Pcapng,
}

/// Writes frames to a capture file.
#[derive(Debug)]
pub struct PacketWriter<W: Write> {
    out: BufWriter<W>,
    format: PacketFormat,
    /// pcap: the one link type. pcapng: by interface number.
    interfaces: Vec<(SourceId, LinkType)>,
    has_header: bool,
    frames: u64,
    block: Vec<u8>,
}

impl<W: Write> PacketWriter<W> {
    /// A writer to `out`, which it buffers. Nothing is written yet.
    pub fn new(out: W, format: PacketFormat) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 12, out),
            format,
            interfaces: Vec::new(),
            has_header: false,
            frames: 0,
            block: Vec::new(),
        }
    }

    /// Writes one frame.
    ///
    /// # Errors
    ///
    /// The output's own; [`io::ErrorKind::InvalidInput`] for a second link type in a pcap file.
    pub fn write(&mut self, frame: &Frame<'_>, context: &Context<'_>) -> io::Result<()> {
        self.write_commented(frame, context, None)
    }

    /// The same with a comment, for which a pcap file has no place.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn write_commented(
        &mut self,
        frame: &Frame<'_>,
        context: &Context<'_>,
        comment: Option<&str>,
    ) -> io::Result<()> {
        match self.format {
            PacketFormat::Pcap => self.write_pcap(frame)?,
            PacketFormat::Pcapng => self.write_pcapng(frame, context, comment)?,
        }
        self.frames += 1;
        Ok(())
    }

    /// Frames written so far.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// What is written to. Bytes may still be buffered: [`PacketWriter::flush`] first.
    pub fn get_mut(&mut self) -> &mut W {
        self.out.get_mut()
    }

    /// Completes the file, also one without a frame, and gives the output back.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn finish(mut self) -> io::Result<W> {
        self.complete()?;
        self.out.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Completes the file so that it can be read, also one without a frame, and hands on what is
    /// buffered.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn complete(&mut self) -> io::Result<()> {
        if !self.has_header {
            match self.format {
                PacketFormat::Pcap => self.pcap_header(LINKTYPE_ETHERNET)?,
                // libpcap does not open a section that has no interface.
                PacketFormat::Pcapng => {
                    self.section_header()?;
                    self.interface_description(LINKTYPE_ETHERNET, None)?;
                }
            }
        }
        self.out.flush()
    }

    /// What follows goes into another file, which has its own head. [`PacketWriter::complete`] first.
    pub fn restart(&mut self) {
        self.has_header = false;
        self.interfaces.clear();
    }

    fn write_pcap(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        match self.interfaces.first() {
            None => {
                self.interfaces.push((frame.at.source, frame.link));
                self.pcap_header(frame.link)?;
            }
            Some(&(_, link)) if link != frame.link => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "a pcap file holds one link type, and after type {} came a frame of type \
                         {}: write pcapng instead",
                        link.0, frame.link.0
                    ),
                ));
            }
            Some(_) => {}
        }
        let bytes = prefix(frame.bytes, index(PCAP_SNAP_LENGTH));
        let nanos = unsigned_nanos(frame);
        let second = NANOS_PER_SECOND.unsigned_abs();
        let seconds = u32::try_from(nanos / second).unwrap_or(u32::MAX);
        let fraction = u32::try_from(nanos % second).unwrap_or_default();
        self.block.clear();
        self.numbers([seconds, fraction, len32(bytes.len()), wire_length(frame)]);
        self.out.write_all(&self.block)?;
        self.out.write_all(bytes)
    }

    /// draft-ietf-opsawg-pcap section 4; the magic number says nanoseconds.
    fn pcap_header(&mut self, link: LinkType) -> io::Result<()> {
        self.has_header = true;
        self.block.clear();
        // Version 2.4, its halves the other way round as a number.
        let version = 4 << 16 | 2;
        self.numbers([0xa1b2_3c4d, version, 0, 0, PCAP_SNAP_LENGTH, u32::from(link.0)]);
        self.out.write_all(&self.block)
    }

    fn write_pcapng(
        &mut self,
        frame: &Frame<'_>,
        context: &Context<'_>,
        comment: Option<&str>,
    ) -> io::Result<()> {
        if !self.has_header {
            self.section_header()?;
        }
        let interface = (frame.at.source, frame.link);
        let known = self.interfaces.iter().position(|&one| one == interface);
        let number = match known {
            Some(number) => number,
            None => {
                let code = if context.live { IF_NAME } else { IF_DESCRIPTION };
                let name = context.source_name(frame.at.source);
                let name = (!name.is_empty()).then_some((code, name));
                self.interface_description(frame.link, name)?;
                self.interfaces.push(interface);
                self.interfaces.len() - 1
            }
        };
        self.enhanced_packet(len32(number), frame, comment)
    }

    /// draft-ietf-opsawg-pcapng section 4.1.
    fn section_header(&mut self) -> io::Result<()> {
        self.has_header = true;
        self.block.clear();
        let (version, length_unknown) = (1, u32::MAX);
        self.numbers([0x1a2b_3c4d, version, length_unknown, length_unknown]);
        self.option(4, concat!("portstory ", env!("CARGO_PKG_VERSION")).as_bytes());
        self.end_of_options();
        self.end_block(0x0a0d_0d0a)
    }

    /// Section 4.2, with the option that the source's name goes into. No snap length is claimed:
    /// sources differ, and each frame says its own.
    fn interface_description(
        &mut self,
        link: LinkType,
        name: Option<(u16, &str)>,
    ) -> io::Result<()> {
        self.block.clear();
        self.numbers([u32::from(link.0), 0]);
        if let Some((code, name)) = name {
            self.option(code, name.as_bytes());
        }
        self.option(IF_TSRESOL, &[9]);
        self.end_of_options();
        self.end_block(1)
    }

    /// Section 4.3.
    fn enhanced_packet(
        &mut self,
        interface: u32,
        frame: &Frame<'_>,
        comment: Option<&str>,
    ) -> io::Result<()> {
        let nanos = unsigned_nanos(frame);
        let high = u32::try_from(nanos >> 32).unwrap_or_default();
        let low = u32::try_from(nanos & u64::from(u32::MAX)).unwrap_or_default();
        self.block.clear();
        self.numbers([interface, high, low, len32(frame.bytes.len()), wire_length(frame)]);
        self.block.extend_from_slice(frame.bytes);
        self.pad();
        if let Some(comment) = comment {
            self.option(OPT_COMMENT, comment.as_bytes());
            self.end_of_options();
        }
        self.end_block(6)
    }

    fn numbers<const N: usize>(&mut self, numbers: [u32; N]) {
        self.block.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
    }

    /// Section 3.5. A value longer than an option can be is cut.
    fn option(&mut self, code: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(value.get(..usize::from(length)).unwrap_or(value));
        self.pad();
    }

    fn end_of_options(&mut self) {
        self.numbers([0]);
    }

    fn pad(&mut self) {
        let padded = self.block.len().next_multiple_of(4);
        self.block.resize(padded, 0);
    }

    /// Section 3.1: type, total length, body, total length.
    fn end_block(&mut self, kind: u32) -> io::Result<()> {
        let total = len32(self.block.len() + 12).to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&total)?;
        self.out.write_all(&self.block)?;
        self.out.write_all(&total)
    }
}

/// Nanoseconds since 1970; neither format can tell of times before.
fn unsigned_nanos(frame: &Frame<'_>) -> u64 {
    u64::try_from(frame.at.time.nanos()).unwrap_or_default()
}

/// The length on the wire; captures that say less than they hold are not passed on as such.
fn wire_length(frame: &Frame<'_>) -> u32 {
    frame.wire_len.max(len32(frame.bytes.len()))
}
