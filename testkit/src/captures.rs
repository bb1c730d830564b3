//! Writes captures byte by byte, sound and unsound ones.
//!
//! For the unit tests of the reader, its comparison with libpcap, and whoever needs a capture that no
//! fixture has.

/// A capture that is being written, in one byte order or the other.
#[derive(Clone, Default)]
pub struct Writer {
    /// What was written so far.
    pub bytes: Vec<u8>,
    /// Numbers are big-endian.
    pub big: bool,
}

/// Magic number of pcap with microseconds.
pub const MICRO: u32 = 0xa1b2_c3d4;
/// The same with nanoseconds.
pub const NANO: u32 = 0xa1b2_3c4d;
/// Of the modified format, Alexey Kuznetsov's.
pub const MODIFIED: u32 = 0xa1b2_cd34;

/// Any time in recent years, in seconds.
pub const NOON: u32 = 1_700_000_000;

impl Writer {
    /// Nothing yet.
    pub fn new(big: bool) -> Self {
        Self { bytes: Vec::new(), big }
    }

    /// An ordinary pcap file of Ethernet frames.
    pub fn pcap(big: bool) -> Self {
        Self::new(big).pcap_header(MICRO, (2, 4), 1)
    }

    /// An ordinary pcapng file with one Ethernet interface.
    pub fn pcapng(big: bool) -> Self {
        Self::new(big).section().interface(1, 0, |_| {})
    }

    /// A file header: magic number, version, link type.
    pub fn pcap_header(mut self, magic: u32, version: (u16, u16), link: u32) -> Self {
        self.u32(magic);
        self.u16(version.0);
        self.u16(version.1);
        for number in [0, 0, 65535, link] {
            self.u32(number);
        }
        self
    }

    /// A record whose lengths are true.
    pub fn record(self, seconds: u32, fraction: u32, data: &[u8]) -> Self {
        let len = len(data);
        self.record_of(seconds, fraction, (len, len), data)
    }

    /// A record whose captured and original length are what is said.
    pub fn record_of(
        mut self,
        seconds: u32,
        fraction: u32,
        lengths: (u32, u32),
        data: &[u8],
    ) -> Self {
        for number in [seconds, fraction, lengths.0, lengths.1] {
            self.u32(number);
        }
        self.raw(data)
    }

    /// These bytes, as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// A block of pcapng: its type, and what `body` writes, padded.
    pub fn block(mut self, kind: u32, body: impl FnOnce(&mut Self)) -> Self {
        let mut inner = Self::new(self.big);
        body(&mut inner);
        while !inner.bytes.len().is_multiple_of(4) {
            inner.bytes.push(0);
        }
        let total = len(&inner.bytes) + 12;
        self.u32(kind);
        self.u32(total);
        self.bytes.extend(inner.bytes);
        self.u32(total);
        self
    }

    /// A Section Header Block without a length.
    pub fn section(self) -> Self {
        self.block(0x0a0d_0d0a, |body| {
            body.u32(0x1a2b_3c4d);
            body.u16(1);
            body.u16(0);
            body.u64(u64::MAX);
        })
    }

    /// An Interface Description Block.
    pub fn interface(self, link: u16, snap: u32, options: impl FnOnce(&mut Self)) -> Self {
        self.block(1, |body| {
            body.u16(link);
            body.u16(0);
            body.u32(snap);
            options(body);
        })
    }

    /// An Enhanced Packet Block.
    pub fn enhanced(self, interface: u32, ticks: u64, data: &[u8]) -> Self {
        self.enhanced_with(interface, ticks, len(data), data, |_| {})
    }

    /// The same with another original length, and options.
    pub fn enhanced_with(
        self,
        interface: u32,
        ticks: u64,
        wire_len: u32,
        data: &[u8],
        options: impl FnOnce(&mut Self),
    ) -> Self {
        self.block(6, |body| {
            body.u32(interface);
            body.packet(ticks, wire_len, data);
            options(body);
        })
    }

    /// The obsolete Packet Block.
    pub fn obsolete(self, interface: u16, dropped: u16, ticks: u64, data: &[u8]) -> Self {
        self.block(2, |body| {
            body.u16(interface);
            body.u16(dropped);
            body.packet(ticks, len(data), data);
        })
    }

    /// A Simple Packet Block.
    pub fn simple(self, wire_len: u32, data: &[u8]) -> Self {
        self.block(3, |body| {
            body.u32(wire_len);
            body.bytes.extend(data);
        })
    }

    /// An Interface Statistics Block.
    pub fn statistics(self, interface: u32, options: impl FnOnce(&mut Self)) -> Self {
        self.block(5, |body| {
            body.u32(interface);
            body.u64(0);
            options(body);
        })
    }

    fn packet(&mut self, ticks: u64, wire_len: u32, data: &[u8]) {
        self.u32(u32::try_from(ticks >> 32).unwrap());
        self.u32(u32::try_from(ticks & 0xffff_ffff).unwrap());
        self.u32(len(data));
        self.u32(wire_len);
        self.bytes.extend(data);
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    /// An option, padded.
    pub fn option(&mut self, code: u16, value: &[u8]) {
        self.u16(code);
        self.u16(u16::try_from(value.len()).unwrap());
        self.bytes.extend(value);
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    /// An option that is a number of 64 bits.
    pub fn option_64(&mut self, code: u16, value: u64) {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.option(code, &bytes);
    }

    /// A number.
    pub fn u16(&mut self, number: u16) {
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    /// A number.
    pub fn u32(&mut self, number: u32) {
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    /// A number.
    pub fn u64(&mut self, number: u64) {
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }
}

fn len(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap()
}
