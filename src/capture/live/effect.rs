//! What a handle's settings came to. libpcap's setters are asked through a crate that drops their
//! return codes, and the kernel gives a smaller ring where memory is short, both in silence.

use std::os::fd::AsFd;

use pcap::{Active, Capture};
use portstory_core::internal::wire;

/// What libpcap would write into the head of a capture file: its own word on a handle.
pub(super) struct FileHeader {
    /// Times are in nanoseconds, not microseconds.
    pub(super) nanoseconds: bool,
    /// Bytes kept of a frame at most.
    pub(super) snap_bytes: u32,
}

/// Has libpcap write the head of a capture file, into memory, and reads it back. Nothing where the
/// system has no such files.
#[cfg(target_os = "linux")]
pub(super) fn head(capture: &Capture<Active>) -> Option<FileHeader> {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    let memory = rustix::fs::memfd_create("head", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    capture.savefile(path).ok()?.flush().ok()?;
    let mut bytes = [0; 24];
    std::fs::File::from(memory).read_exact(&mut bytes).ok()?;
    parse(&bytes)
}

/// There is no way to ask.
#[cfg(not(target_os = "linux"))]
pub(super) fn head(_: &Capture<Active>) -> Option<FileHeader> {
    None
}

/// pcap-savefile(5): the magic number tells the unit of time; the snap length is the fifth word.
fn parse(bytes: &[u8]) -> Option<FileHeader> {
    const MICROSECONDS: u32 = 0xa1b2_c3d4;
    const NANOSECONDS: u32 = 0xa1b2_3c4d;
    let native32 = |at| wire::array(bytes, at).map(u32::from_ne_bytes);
    let nanoseconds = match native32(0)? {
        NANOSECONDS => true,
        MICROSECONDS => false,
        _ => return None,
    };
    Some(FileHeader { nanoseconds, snap_bytes: native32(16)? })
}

/// How many bytes of ring buffer the handle has mapped, where the system tells.
pub(super) fn ring_bytes(capture: &Capture<Active>) -> Option<u64> {
    let inode = rustix::fs::fstat(capture.as_fd()).ok()?.st_ino;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    mapped(&maps, &format!("socket:[{inode}]"))
}

/// The sum of all mappings of `name` in `/proc/self/maps`: `start-end mode offset device inode name`.
fn mapped(maps: &str, name: &str) -> Option<u64> {
    let sizes = maps.lines().filter(|line| line.ends_with(name)).filter_map(|line| {
        let (start, end) = line.split_whitespace().next()?.split_once('-')?;
        let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
        end.checked_sub(start)
    });
    Some(sizes.sum()).filter(|&sum| sum > 0)
}

fn hexadecimal(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_ring_among_the_mappings() {
        let maps = "\
            55d0a0000000-55d0a0001000 r-xp 00000000 fe:00 12 /bin/true\n\
            7f0000000000-7f0004000000 rw-s 00000000 00:08 4711                       socket:[4711]\n\
            7f1000000000-7f1000001000 rw-s 00000000 00:08 47                         socket:[47]\n";
        assert_eq!(mapped(maps, "socket:[4711]"), Some(64 << 20));
        assert_eq!(mapped(maps, "socket:[11]"), None);
    }

    #[test]
    fn reads_the_head_and_nothing_else() {
        let mut bytes = [0_u8; 24];
        bytes[16..20].copy_from_slice(&262_144_u32.to_ne_bytes());
        assert!(parse(&bytes).is_none(), "no magic number");
        bytes[..4].copy_from_slice(&0xa1b2_3c4d_u32.to_ne_bytes());
        assert!(parse(&bytes).is_some_and(|head| head.nanoseconds && head.snap_bytes == 262_144));
        bytes[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_ne_bytes());
        assert!(parse(&bytes).is_some_and(|head| !head.nanoseconds));
        assert!(parse(&bytes[..19]).is_none(), "cut");
    }
}
