//! Captures that break off, lie, or were damaged.

use super::{All, drain, read, stream};
use crate::capture::CaptureErrorKind;
use portstory_testkit::captures::{NOON, Writer};

fn only_error(all: &All) -> &str {
    assert_eq!(all.errors.len(), 1);
    assert_eq!(all.errors[0].kind, CaptureErrorKind::BrokeOff);
    &all.errors[0].message
}

#[test]
fn a_cut_record_is_told_with_what_is_missing() {
    let whole = Writer::pcap(false).record(NOON, 0, b"whole");
    let cut = whole.clone().record_of(NOON, 1, (100, 100), b"only this");
    let all = read(&cut.bytes);
    assert_eq!(all.bytes(), [b"whole"]);
    assert_eq!(
        only_error(&all),
        "is truncated after frame 1: the record at byte 45 is missing at least 91 bytes"
    );

    let all = read(&whole.raw(&[0; 7]).bytes);
    assert_eq!(
        only_error(&all),
        "is truncated after frame 1: the record at byte 45 is missing at least 9 bytes"
    );

    let mut made = Writer::pcapng(true).enhanced(0, 0, b"whole").enhanced(0, 0, b"cut");
    made.bytes.truncate(made.bytes.len() - 5);
    assert_eq!(
        only_error(&read(&made.bytes)),
        "is truncated after frame 1: the record at byte 88 is missing at least 5 bytes"
    );
}

#[test]
fn a_pcap_record_whose_length_lies_ends_the_file() {
    let made = Writer::pcap(true).record(NOON, 0, b"one");
    let made = made.record_of(NOON, 0, (0x7fff_ffff, 60), b"two").record(NOON, 0, b"three");
    let all = read(&made.bytes);
    assert_eq!(all.bytes(), [b"one"]);
    assert!(only_error(&all).contains("byte 43 claims to hold more than 16 MiB"));
}

#[test]
fn zeros_at_the_end_are_no_frames() {
    for big in [false, true] {
        let pcap = Writer::pcap(big).record(NOON, 0, b"one").record(NOON, 1, b"two");
        let pcapng = Writer::pcapng(big).enhanced(0, 0, b"one").enhanced(0, 1, b"two");
        for made in [pcap, pcapng] {
            let (from, zeros) = (made.bytes.len(), 700_000);
            let all = read(&made.raw(&vec![0; zeros]).bytes);
            assert_eq!(all.bytes(), [b"one", b"two"]);
            assert!(all.errors.is_empty(), "{all:?}");
            let told = format!("ends in {zeros} zero bytes, from byte {from} on, ");
            assert_eq!(all.notices.len(), 1);
            assert!(all.notices[0].message.starts_with(&told), "{:?}", all.notices);
        }
    }
}

#[test]
fn behind_zeros_in_the_middle_a_sound_block_or_file_is_read() {
    let all = around(|made| made.raw(&[0; 5000]));
    assert!(all.notices[0].message.contains("5000 bytes skipped"), "{:?}", all.notices);
    let made = |big| Writer::pcap(big).record(NOON, 0, b"one");
    let (hole, next) = (made(false).raw(&[0; 4096]), made(true));
    let all = read(&hole.clone().raw(&next.bytes).bytes);
    assert_eq!(all.bytes(), [b"one", b"one"]);
    assert!(all.errors.is_empty());
    // Where nothing says how it goes on it does not.
    let all = read(&hole.raw(b"something else, with no header").bytes);
    assert_eq!(
        only_error(&all),
        "is damaged after frame 1: the record at byte 43 consists of zeros, and no valid record follows"
    );
}

#[test]
fn a_second_capture_behind_the_first_is_read_too() {
    let pcap = |big| Writer::pcap(big).record(NOON, 0, b"one").bytes;
    let pcapng = |big| Writer::pcapng(big).enhanced(0, u64::from(NOON), b"one").bytes;
    let all = [pcap(false), pcap(true), pcapng(false), pcapng(true)];
    for first in &all {
        for second in &all {
            let read = read(&[&first[..], second].concat());
            assert_eq!(read.bytes(), [b"one", b"one"]);
            assert_eq!(read.frames[1].number, 2);
            assert!(read.errors.is_empty(), "{read:?}");
            let sections = first.starts_with(&[0x0a]) && second.starts_with(&[0x0a]);
            let told = read.notices.iter().any(|notice| {
                let begins = format!("begins after frame 1 at byte {}", first.len());
                notice.message.contains(&begins)
            });
            // Sections of pcapng are no other file.
            assert_eq!(told, !sections, "{:?}", read.notices);
        }
    }
    let cut = [&all[0][..], &all[1][..20]].concat();
    let missing = "is truncated after frame 1: the record at byte 43 is missing at least 4 bytes";
    assert_eq!(only_error(&read(&cut)), missing);
}

#[test]
fn an_empty_frame_is_no_zeros_and_no_file() {
    let made = Writer::pcap(false).record(NOON, 0, b"").record_of(0, 0, (0, 60), b"");
    let all = read(&made.record(0x0a0d_0d0a, 0, b"").record(1, 0, b"one").bytes);
    assert_eq!((all.frames.len(), all.errors.len(), all.notices.len()), (4, 0, 0), "{all:?}");
}

#[test]
fn simple_blocks_before_any_time_get_the_first_one_there_is() {
    let simple = |made: Writer| {
        made.block(3, |body| {
            body.u32(3);
            body.bytes.extend(b"one\0");
        })
    };
    let time = u64::from(NOON) * 1_000_000;
    let timed = simple(simple(Writer::pcapng(false))).enhanced(0, time, b"two");
    let all = read(&timed.bytes);
    assert_eq!(all.nanos(), [i64::from(NOON) * 1_000_000_000; 3]);
    assert!(all.notices.is_empty());
    // There is none.
    let all = read(&simple(Writer::pcapng(true)).bytes);
    assert_eq!(all.nanos(), [0]);
    assert!(all.notices[0].message.contains("have no time"), "{:?}", all.notices);
}

/// A pcapng file with a damaged place between frames: what becomes of it.
fn around(damage: impl FnOnce(Writer) -> Writer) -> All {
    let made = damage(Writer::pcapng(false).enhanced(0, 0, b"before"));
    let all = read(&made.enhanced(0, 0, b"behind").bytes);
    assert_eq!(all.bytes(), [b"before", b"behind"], "{all:?}");
    assert!(all.errors.is_empty());
    assert_eq!(all.frames[1].number, 2);
    all
}

#[test]
fn behind_a_damaged_block_the_next_sound_one_is_found() {
    let all = around(|made| made.raw(b"thirteen junk"));
    assert_eq!(
        all.notices[0].to_string(),
        "made: is damaged: 13 bytes skipped at 1 place(s), the first after frame 1, at byte 88"
    );
    // Lengths: impossible, odd, differing, and far beyond the end.
    for len in [0, 8, 14, 16, 0x00ff_fff0, 0xffff_fff0] {
        let all = around(|mut made| {
            made.u32(6);
            made.u32(len);
            made.raw(&[0xaa; 90])
        });
        assert!(all.notices[0].message.contains("98 bytes"), "{:?}", all.notices);
    }
    // Sound as a block, but not in what it says: only this block is skipped.
    let embedded = Writer::pcapng(false).enhanced(0, 0, b"not ours").bytes;
    let damages: [fn(Writer, &[u8]) -> Writer; 4] = [
        |made, embedded| made.enhanced(1, 0, embedded),
        |made, embedded| made.obsolete(1, 0, 0, embedded),
        |made, _| made.block(1, |_| {}),
        |made, embedded| {
            made.block(6, |body| {
                for number in [0, 0, 0, 5000, 5000] {
                    body.u32(number);
                }
                body.bytes.extend(embedded);
            })
        },
    ];
    for damage in damages {
        let all = around(|made| damage(made, &embedded));
        assert_eq!(all.notices.len(), 1);
        assert!(all.notices[0].message.contains("1 place"));
    }
}

#[test]
fn a_large_damaged_region_is_searched_through() {
    let all = around(|made| made.raw(&vec![6; 1_500_001]));
    assert!(all.notices[0].message.contains("1500001 bytes"));
    let made = Writer::pcapng(false).enhanced(0, 0, b"x").raw(&vec![1; 700_000]);
    let all = read(&made.bytes);
    assert_eq!(all.frames.len(), 1);
    assert!(only_error(&all).contains("no valid record follows"));
}

#[test]
fn a_section_header_is_found_too_and_its_byte_order_counts() {
    let mut made = Writer::pcapng(false).enhanced(0, 0, b"before").raw(b"junk!");
    made.big = true;
    let made = made.section().interface(1, 0, |_| {}).enhanced(0, 0, b"behind");
    let all = read(&made.bytes);
    assert_eq!(all.bytes(), [b"before", b"behind"]);
    assert!(all.errors.is_empty());
}

fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for big in [false, true] {
        samples.push(Writer::pcap(big).record(NOON, 1, b"abcdef").record(NOON, 2, b"").bytes);
        let made = Writer::pcapng(big)
            .interface(101, 4, |options| {
                options.option(9, &[0x83]);
                options.option_64(14, 7);
            })
            .enhanced_with(1, 9, 70, b"abcd", |options| options.option_64(4, 2))
            .obsolete(0, 1, 2, b"efg")
            .simple(4, b"hijk")
            .statistics(0, |options| options.option_64(7, 1))
            .block(10, |body| body.u32(1));
        samples.push(made.bytes);
    }
    samples
}

#[test]
fn cut_at_every_length_it_neither_panics_nor_invents() {
    for sample in samples() {
        let whole = read(&sample).frames;
        for len in 0..sample.len() {
            let Ok(inputs) = stream(&sample[..len], 5) else { continue };
            let frames = drain(inputs, 2).frames;
            assert_eq!(frames, whole[..frames.len()]);
        }
    }
}

#[test]
fn with_every_byte_changed_it_neither_panics_nor_hangs() {
    for sample in samples() {
        for at in 0..sample.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, sample[at] ^ 1, sample[at] ^ 0x20] {
                let mut changed = sample.clone();
                changed[at] = value;
                let Ok(inputs) = stream(&changed, usize::MAX) else { continue };
                let all = drain(inputs, 1000);
                assert!(all.frames.len() <= 4);
                for frame in &all.frames {
                    assert!(frame.bytes.len() <= sample.len());
                }
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_behind_a_header_are_survived(bytes: Vec<u8>, big: bool) {
        for head in [Writer::pcap(big), Writer::pcapng(big)] {
            drain(stream(&head.raw(&bytes).bytes, usize::MAX).unwrap(), 3);
        }
    }
}
