//! A disk that stops answering: a file system (FUSE, kernel interface 7.31) that gives the first
//! bytes of its files and then no answer at all.
//!
//! Mounted where only the calling thread, and what it starts, can see it; it goes when the test ends.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// A file: its name, what it is said to hold, and how much of that is ever given.
pub(crate) type Slow = (String, Vec<u8>, usize);

pub(crate) struct Disk {
    root: PathBuf,
}

const ROOT: u64 = 1;
const ENOENT: i32 = -2;
const EINTR: i32 = -4;
const ENOSYS: i32 = -38;

impl Disk {
    /// Mounts it; none where this may not be done, which is said.
    pub(crate) fn mount(root: &Path, files: Vec<Slow>) -> Option<Self> {
        fs::create_dir(root).unwrap();
        match Self::try_mount(root) {
            Ok(device) => {
                let device = Arc::new(device);
                thread::spawn(move || serve(&device, &files));
                Some(Self { root: root.to_owned() })
            }
            // A container may have no such device, and a root that is no mount.
            Err(why) if is_needed() => panic!("{why}"),
            Err(why) => {
                println!("SKIPPED: no disk that does not answer: {why}");
                None
            }
        }
    }

    fn try_mount(root: &Path) -> Result<File, String> {
        let told = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| told("/dev/fuse", &error))?;
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_FS)
            .map_err(|error| told("unshare", &error))?;
        let nothing: Option<&str> = None;
        mount(nothing, "/", nothing, MsFlags::MS_PRIVATE | MsFlags::MS_REC, nothing)
            .map_err(|error| told("mounts of its own", &error))?;
        let options =
            format!("fd={},rootmode=40755,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        mount(Some("slow"), root, Some("fuse"), MsFlags::MS_RDONLY, Some(&*options))
            .map_err(|error| told("mount", &error))?;
        Ok(device)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.root, MntFlags::MNT_DETACH);
    }
}

/// Whether this machine must be able to.
fn is_needed() -> bool {
    std::env::var_os("PORTSTORY_NEEDS_NETNS").is_some()
        && Path::new("/dev/fuse").exists()
        && root_is_a_mount()
}

fn root_is_a_mount() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1) == Some("/"))
}

/// Answers until it is not mounted any more.
fn serve(device: &File, files: &[Slow]) {
    let mut request = vec![0; 1 << 18];
    while let Ok(len) = (&mut &*device).read(&mut request) {
        let request = &request[..len];
        let (opcode, unique, node) = (u32_at(request, 4), u64_at(request, 8), u64_at(request, 16));
        // INTERRUPT: even SIGKILL does not end who waits for a request until it is answered.
        if opcode == 36 {
            reply(device, u64_at(request, 40), Err(EINTR));
            continue;
        }
        let answer = match opcode {
            // FORGET, BATCH_FORGET: nobody waits.
            2 | 42 => continue,
            26 => Ok(init()),
            1 => lookup(files, &request[40..]),
            3 => Ok([&[0; 16], &*attributes(files, node)].concat()),
            // OPEN, with FOPEN_DIRECT_IO: what is read is what was asked for. OPENDIR.
            14 | 27 => Ok([&0_u64.to_le_bytes()[..], &1_u32.to_le_bytes(), &[0; 4]].concat()),
            15 => {
                let (offset, size) = (u64_at(request, 48) as usize, u32_at(request, 56) as usize);
                let (_, bytes, given) = &files[node as usize - 2];
                if offset >= *given && offset < bytes.len() {
                    // The disk that does not answer.
                    continue;
                }
                let end = bytes.len().min(offset + size).min((*given).max(offset));
                Ok(bytes.get(offset..end).unwrap_or_default().to_vec())
            }
            // RELEASE, FLUSH, RELEASEDIR.
            18 | 25 | 29 => Ok(Vec::new()),
            _ => Err(ENOSYS),
        };
        reply(device, unique, answer);
    }
}

fn reply(mut device: &File, unique: u64, answer: Result<Vec<u8>, i32>) {
    let (error, body) = answer.map_or_else(|error| (error, Vec::new()), |body| (0, body));
    let len = (16 + body.len()) as u32;
    let head = [&len.to_le_bytes()[..], &error.to_le_bytes(), &unique.to_le_bytes()].concat();
    // What was interrupted may have gone by itself.
    let _ = device.write_all(&[head, body].concat());
}

/// `struct fuse_init_out`.
fn init() -> Vec<u8> {
    let mut out = Vec::new();
    for number in [7_u32, 31, 1 << 16, 0, 0, 1 << 16, 1, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.resize(64, 0);
    out
}

/// `struct fuse_entry_out`.
fn lookup(files: &[Slow], name: &[u8]) -> Result<Vec<u8>, i32> {
    let name = name.split(|byte| *byte == 0).next().unwrap();
    let at = files.iter().position(|(own, ..)| own.as_bytes() == name).ok_or(ENOENT)?;
    let node = at as u64 + 2;
    Ok([&node.to_le_bytes()[..], &[0; 32], &attributes(files, node)].concat())
}

/// `struct fuse_attr`.
fn attributes(files: &[Slow], node: u64) -> Vec<u8> {
    let size = if node == ROOT { 0 } else { files[node as usize - 2].1.len() as u64 };
    let mode: u32 = if node == ROOT { 0o040_755 } else { 0o100_644 };
    let mut out = Vec::new();
    for number in [node, size, size.div_ceil(512), 0, 0, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
