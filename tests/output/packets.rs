//! Saved frames, read back by libpcap.

use std::io::{self, Write};

use pcap::{Capture, Linktype};
use portstory::internal::capture::SourceInfo;
use portstory::internal::output::{Context, PacketFormat, PacketWriter};
use portstory_core::{Frame, FrameRef, LinkType, SourceId, Timestamp};

const ETHERNET: LinkType = LinkType(1);
const RAW: LinkType = LinkType(101);

fn frame(bytes: &[u8], source: u32, link: LinkType) -> Frame<'_> {
    Frame {
        at: FrameRef {
            time: Timestamp::from_parts(1_795_352_405, 123_456_789),
            source: SourceId(source),
            number: 1,
        },
        link,
        wire_len: 1514,
        bytes,
    }
}

fn save(format: PacketFormat, frames: &[Frame<'_>]) -> tempfile::NamedTempFile {
    let sources = [
        SourceInfo { name: "eth0".to_owned(), ..SourceInfo::default() },
        SourceInfo { name: "caf\u{e9}".to_owned(), ..SourceInfo::default() },
    ];
    let context = Context { sources: &sources, live: true };
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = PacketWriter::new(file.reopen().unwrap(), format);
    for frame in frames {
        writer.write(frame, &context).unwrap();
    }
    assert_eq!(writer.frames(), frames.len() as u64);
    writer.finish().unwrap();
    file
}

#[test]
fn libpcap_reads_both_formats_back() {
    for format in [PacketFormat::Pcap, PacketFormat::Pcapng] {
        for len in 0..9usize {
            let payload: Vec<u8> = (1..).take(len + 14).collect();
            let file = save(format, &[frame(&payload, 0, ETHERNET), frame(&payload, 0, ETHERNET)]);
            let mut read = Capture::from_file_with_precision(file.path(), pcap::Precision::Nano)
                .unwrap_or_else(|fault| panic!("{format:?}: {fault}"));
            assert_eq!(read.get_datalink(), Linktype::ETHERNET);
            for _ in 0..2 {
                let packet = read.next_packet().unwrap();
                assert_eq!(packet.data, payload);
                assert_eq!(packet.header.len, 1514);
                assert_eq!(packet.header.ts.tv_sec, 1_795_352_405);
                assert_eq!(packet.header.ts.tv_usec, 123_456_789);
            }
            assert!(matches!(read.next_packet(), Err(pcap::Error::NoMorePackets)));
        }
    }
}

#[test]
fn an_empty_file_is_a_capture_too() {
    for format in [PacketFormat::Pcap, PacketFormat::Pcapng] {
        let file = save(format, &[]);
        let mut read = Capture::from_file(file.path()).unwrap();
        assert!(matches!(read.next_packet(), Err(pcap::Error::NoMorePackets)));
    }
}

#[test]
fn a_second_link_type_is_refused_in_pcap() {
    let mut writer = PacketWriter::new(Vec::new(), PacketFormat::Pcap);
    let context = Context::default();
    writer.write(&frame(&[0; 60], 0, ETHERNET), &context).unwrap();
    let fault = writer.write(&frame(&[0x45; 60], 1, RAW), &context).unwrap_err();
    assert_eq!(fault.kind(), io::ErrorKind::InvalidInput);
    assert!(fault.to_string().contains("pcapng"), "{fault}");
}

/// libpcap refuses a file with two link types, so the blocks are walked here.
#[test]
fn pcapng_has_an_interface_for_each_source_and_link_type() {
    let payload = [0x45; 20];
    let frames = [
        frame(&payload, 0, ETHERNET),
        frame(&payload, 1, ETHERNET),
        frame(&payload, 1, RAW),
        frame(&payload, 0, ETHERNET),
    ];
    let file = save(PacketFormat::Pcapng, &frames);
    let bytes = std::fs::read(file.path()).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut blocks) = (0, Vec::new());
    while at < bytes.len() {
        let length = number(at + 4) as usize;
        assert_eq!(number(at + length - 4) as usize, length);
        blocks.push((number(at), number(at + 8)));
        at += length;
    }
    let (section, interface, packet) = (0x0a0d_0d0a, 1, 6);
    assert_eq!(
        blocks,
        [
            (section, 0x1a2b_3c4d),
            (interface, 1),
            (packet, 0),
            (interface, 1),
            (packet, 1),
            (interface, 101),
            (packet, 2),
            (packet, 0),
        ]
    );
    assert!(bytes.windows(4).any(|window| window == b"eth0"));
}

/// An output with room for so many bytes.
#[derive(Debug)]
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told() {
    for format in [PacketFormat::Pcap, PacketFormat::Pcapng] {
        let mut writer = PacketWriter::new(Full(100), format);
        writer.write(&frame(&[0; 60], 0, ETHERNET), &Context::default()).unwrap();
        writer.write(&frame(&[0; 60], 0, ETHERNET), &Context::default()).unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
