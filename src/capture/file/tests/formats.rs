//! Every feature of the two formats.

use super::{All, drain, read, stream};
use crate::capture::CaptureErrorKind;
use portstory_testkit::captures::{MICRO, MODIFIED, NANO, NOON, Writer};

const NOON_NANOS: i64 = 1_700_000_000_000_000_000;

fn one(all: &All) -> &super::Kept {
    assert!(all.errors.is_empty(), "{:?}", all.errors);
    assert_eq!(all.frames.len(), 1);
    &all.frames[0]
}

#[test]
fn pcap_in_both_byte_orders_with_both_fractions() {
    for (magic, nanos) in [(MICRO, 123_456_000), (NANO, 123_456)] {
        for big in [false, true] {
            let made = Writer::new(big).pcap_header(magic, (2, 4), 1);
            let made = made.record_of(NOON, 123_456, (3, 1500), b"abc");
            let all = read(&made.bytes);
            let frame = one(&all);
            assert_eq!((frame.nanos, frame.number), (NOON_NANOS + nanos, 1));
            assert_eq!((frame.link, frame.wire_len, &*frame.bytes), (1, 1500, &b"abc"[..]));
            assert_eq!(all.sources[0].links.len(), 1);
        }
    }
}

#[test]
fn pcap_times_are_unsigned() {
    let all = read(&Writer::pcap(true).record(u32::MAX, u32::MAX, b"").bytes);
    let nanos = i64::from(u32::MAX) * 1_000_000_000 + i64::from(u32::MAX) * 1000;
    assert_eq!(one(&all).nanos, nanos);
}

#[test]
fn a_record_of_the_modified_pcap_has_eight_bytes_more() {
    for big in [false, true] {
        let mut made = Writer::new(big).pcap_header(MODIFIED, (2, 4), 113);
        for data in ["one", "two"] {
            let data = [b"12345678", data.as_bytes()].concat();
            made = made.record_of(NOON, 0, (3, 3), &data);
        }
        assert_eq!(read(&made.bytes).bytes(), [b"one", b"two"]);
    }
}

#[test]
fn old_pcap_versions_have_the_lengths_the_other_way_round() {
    let lengths = |version, lengths| {
        let made = Writer::new(false).pcap_header(MICRO, version, 1);
        let all = read(&made.record_of(NOON, 0, lengths, b"abc").bytes);
        (one(&all).bytes.len(), one(&all).wire_len)
    };
    assert_eq!(lengths((2, 2), (60, 3)), (3, 60));
    assert_eq!(lengths((543, 0), (60, 3)), (3, 60));
    assert_eq!(lengths((2, 3), (60, 3)), (3, 60));
    assert_eq!(lengths((2, 3), (3, 60)), (3, 60));
    assert_eq!(lengths((2, 4), (3, 60)), (3, 60));
    // Never less than what is there.
    assert_eq!(lengths((2, 4), (3, 0)), (3, 3));
}

#[test]
fn what_stands_above_the_link_type_is_not_part_of_it() {
    for (number, link) in [(0x5400_0001, 1), (12, 101), (14, 101), (101, 101), (276, 276)] {
        let made = Writer::new(true).pcap_header(NANO, (2, 4), number);
        assert_eq!(one(&read(&made.record(0, 0, b"x").bytes)).link, link);
    }
}

#[test]
fn pcapng_sections_have_their_own_byte_order_and_interfaces() {
    let mut made = Writer::pcapng(false).enhanced(0, 1_000_000, b"first");
    made.big = true;
    let made = made
        .section()
        .interface(113, 96, |_| {})
        .interface(12, 0, |options| options.option(9, &[9]))
        .enhanced(1, 2_000_000_000, b"second")
        .enhanced(0, 3_000_000, b"third");
    let all = read(&made.bytes);
    assert!(all.errors.is_empty());
    assert_eq!(all.bytes(), [&b"first"[..], b"second", b"third"]);
    assert_eq!(all.nanos(), [1_000_000_000, 2_000_000_000, 3_000_000_000]);
    assert_eq!(all.frames.iter().map(|frame| frame.number).collect::<Vec<_>>(), [1, 2, 3]);
    let links: Vec<_> = all.sources[0].links.iter().map(|link| link.0).collect();
    assert_eq!(links, [1, 101, 113]);
}

#[test]
fn pcapng_times_follow_resolution_and_offset() {
    let nanos = |resolution, offset: i64, ticks| {
        let made = Writer::new(true).section().interface(1, 0, |options| {
            options.option(2, b"eth0");
            options.option(9, &[resolution]);
            options.option_64(14, offset.cast_unsigned());
            options.option(0, &[]);
        });
        one(&read(&made.enhanced(0, ticks, b"x").bytes)).nanos
    };
    assert_eq!(nanos(6, 0, 1_700_000_000_000_001), NOON_NANOS + 1000);
    assert_eq!(nanos(9, 0, 1_700_000_000_000_000_001), NOON_NANOS + 1);
    assert_eq!(nanos(3, 1_700_000_000, 1), NOON_NANOS + 1_000_000);
    assert_eq!(nanos(0x80 | 10, -1, 512), -500_000_000);
    assert_eq!(nanos(0, 0, u64::MAX), i64::MAX);
}

#[test]
fn a_simple_packet_has_the_time_of_the_one_before_and_is_cut_by_the_snap_length() {
    let made = Writer::new(false)
        .section()
        .interface(1, 6, |_| {})
        .simple(60, b"cut at")
        .enhanced(0, 5_000_000, b"timed")
        .simple(3, b"all");
    let all = read(&made.bytes);
    assert_eq!(all.bytes(), [&b"cut at"[..], b"timed", b"all"]);
    // Before any the first one is.
    assert_eq!(all.nanos(), [5_000_000_000; 3]);
    assert_eq!(all.frames[0].wire_len, 60);
}

#[test]
fn obsolete_packets_and_drop_counts_are_read() {
    let made = Writer::pcapng(true)
        .interface(1, 0, |_| {})
        .obsolete(1, 3, 7_000_000, b"old")
        .obsolete(1, u16::MAX, 8_000_000, b"older")
        .enhanced_with(1, 9_000_000, 3, b"new", |options| {
            options.option(2, &[0; 4]);
            options.option_64(4, 2);
        });
    let all = read(&made.bytes);
    assert_eq!(all.bytes(), [&b"old"[..], b"older", b"new"]);
    assert_eq!((all.sources[0].dropped, all.sources[0].dropped_by_interface), (5, 0));

    // Statistics are totals: the last stands, beside other interfaces and earlier sections.
    let with_totals = made
        .statistics(1, |options| {
            options.option_64(5, 10);
            options.option_64(7, 90);
        })
        .statistics(1, |options| {
            options.option_64(5, 11);
            options.option_64(7, 100);
        })
        .section()
        .interface(1, 0, |_| {})
        .statistics(0, |options| options.option_64(5, 1))
        .statistics(7, |options| options.option_64(5, 1000));
    let all = read(&with_totals.bytes);
    assert!(all.errors.is_empty() && all.notices.is_empty());
    assert_eq!((all.sources[0].dropped, all.sources[0].dropped_by_interface), (100, 12));
}

#[test]
fn blocks_of_no_interest_are_passed_over() {
    let mut made = Writer::pcapng(false);
    for kind in [4, 7, 9, 10, 0x0bad, 0x4000_0bad, 0x8000_0001] {
        made = made.block(kind, |body| body.bytes.extend([0xff; 40]));
        made = made.enhanced(0, 0, b"x");
    }
    let all = read(&made.bytes);
    assert_eq!((all.frames.len(), all.errors.len(), all.notices.len()), (7, 0, 0));
}

#[test]
fn a_file_without_frames_just_ends() {
    for made in [Writer::pcap(false), Writer::pcapng(true), Writer::new(true).section()] {
        let all = read(&made.bytes);
        assert_eq!((all.frames.len(), all.errors.len()), (0, 0));
    }
}

#[test]
fn it_does_not_matter_how_the_bytes_come_or_how_many_frames_are_asked_for() {
    let (mut classic, mut blocks) = (Writer::pcap(false), Writer::pcapng(true));
    for at in 0..50_u8 {
        let data = vec![at; usize::from(at) * 37];
        classic = classic.record(NOON, u32::from(at), &data);
        blocks = blocks.enhanced(0, u64::from(at), &data);
    }
    for made in [classic.bytes, blocks.bytes] {
        let whole = read(&made).frames;
        assert_eq!(whole.len(), 50);
        for (sip, budget) in [(1, 1), (1, 7), (13, 1), (1000, 3), (usize::MAX, 1)] {
            assert_eq!(drain(stream(&made, sip).unwrap(), budget).frames, whole);
        }
    }
}

#[test]
fn what_is_no_capture_is_refused_with_a_sentence() {
    for (bytes, word) in [
        (&b""[..], "is empty"),
        (b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "ends within its header, after 8 bytes"),
        (b"snoop\0\0\0\0\0\0\x02\0\0\0\x04", "editcap"),
        (b"hello", "is text"),
    ] {
        let Err(error) = stream(bytes, 3) else { panic!("taken for a capture") };
        assert_eq!(error.kind, CaptureErrorKind::NotACapture);
        assert!(error.to_string().contains(word), "{error}");
    }
    let made = Writer::new(false).pcap_header(MICRO, (1, 2), 1);
    assert!(stream(&made.bytes, 3).err().unwrap().message.contains("version 1.2"));
}
