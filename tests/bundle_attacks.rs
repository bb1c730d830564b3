//! Bundles that were made to deceive, to fill memory, or to keep whoever checks them busy: none is said to
//! be as it was, none takes more than a bounded amount of memory and time.
//!
//! Prints a table. `PORTSTORY_PROGRAM=FILE` does the same to another build, to see what it says of them.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use portstory_testkit::captures::Writer;
use portstory_testkit::{Random, packets};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

mod support;

use support::program::program;

/// What checking any bundle of this table may take: seconds of a processor, so that what else a machine
/// has to do counts for nothing; and memory, which is the promise.
const SECONDS_MAX: f64 = 60.0;
const KIB_MAX: u64 = 256 << 10;

/// A file of a zip, and what is said of it.
#[derive(Clone)]
struct Part {
    name: String,
    data: Vec<u8>,
    /// What its own header says other than the directory does.
    local_name: Option<String>,
    local_size: Option<u64>,
    /// What both say other than is so.
    size: Option<u64>,
    /// Flags and method, and who is told: both, or its own header alone.
    flags: u16,
    local_flags: u16,
    method: u16,
    mode: u32,
    comment: &'static [u8],
    /// Behind the end of what is packed.
    tail: &'static [u8],
    /// In front of its header.
    gap: &'static [u8],
    /// Stored blocks that hold nothing.
    empty_blocks: usize,
}

impl Part {
    fn new(name: &str, data: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            data,
            local_name: None,
            local_size: None,
            size: None,
            flags: 0,
            local_flags: 0,
            method: 8,
            mode: 0o100_644,
            comment: b"",
            tail: b"",
            gap: b"",
            empty_blocks: 0,
        }
    }

    fn packed(&self) -> Vec<u8> {
        let mut packed = [0, 0, 0, 0xff, 0xff].repeat(self.empty_blocks);
        match self.method {
            0 => packed.extend(&self.data),
            _ => {
                let mut packer = DeflateEncoder::new(packed, Compression::fast());
                packer.write_all(&self.data).unwrap();
                packed = packer.finish().unwrap();
            }
        }
        packed.extend(self.tail);
        packed
    }
}

/// A zip as the program packs it, and what can be wrong with it.
#[derive(Clone)]
struct Zip {
    parts: Vec<Part>,
    /// Names of files that the directory lists at the place of the last one, too.
    overlaid: Vec<&'static str>,
    /// Between files and directory.
    gap: &'static [u8],
    /// The end in its long form, and by how much it lies of the number of files.
    long: Option<u64>,
    files_said: Option<u16>,
    comment: Vec<u8>,
    /// Whether the list of hashes is made anew.
    hashed: bool,
}

impl Zip {
    fn part(&mut self, name: &str) -> &mut Part {
        self.parts.iter_mut().find(|part| part.name == name).unwrap()
    }

    fn set(mut self, name: &str, data: impl Into<Vec<u8>>) -> Self {
        self.part(name).data = data.into();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn text(&self, name: &str) -> String {
        let part = self.parts.iter().find(|part| part.name == name).unwrap();
        String::from_utf8(part.data.clone()).unwrap()
    }

    fn replaced(self, name: &str, from: &str, to: &str) -> Self {
        let text = self.text(name);
        assert!(text.contains(from), "{name}: {from}");
        self.set(name, text.replace(from, to))
    }

    /// Its bytes, sealed: the seal is no secret.
    fn bytes(mut self) -> Vec<u8> {
        if self.hashed {
            let mut sums = String::new();
            for part in self.parts.iter().filter(|part| part.name != "SHA256SUMS") {
                writeln!(sums, "{}  {}", hex(&part.data), part.name).unwrap();
            }
            self.part("SHA256SUMS").data = sums.into_bytes();
        }
        let (mut out, mut directory, mut last) = (Vec::new(), Vec::new(), 0);
        for part in &self.parts {
            out.extend(part.gap);
            last = out.len() as u32;
            let packed = part.packed();
            let size = part.size.unwrap_or(part.data.len() as u64);
            let mut crc = Crc::new();
            crc.update(&part.data);
            let fields = |size: u64, flags: u16, name: &str| {
                let mut made = Vec::new();
                for field in [45, flags, part.method, 0, 0x21] {
                    made.extend(u16::to_le_bytes(field));
                }
                made.extend(crc.sum().to_le_bytes());
                made.extend([0xff; 8]);
                made.extend((name.len() as u16).to_le_bytes());
                made.extend([20, 0]);
                let extra = [&[1, 0, 16, 0][..], &size.to_le_bytes()].concat();
                (made, [extra, (packed.len() as u64).to_le_bytes().to_vec()].concat())
            };
            let local_name = part.local_name.as_ref().unwrap_or(&part.name);
            let local_size = part.local_size.unwrap_or(size);
            let (local, extra) = fields(local_size, part.flags | part.local_flags, local_name);
            out.extend([b"PK\x03\x04", &local[..], local_name.as_bytes(), &extra].concat());
            out.extend(&packed);
            let (central, extra) = fields(size, part.flags, &part.name);
            directory.extend([b"PK\x01\x02\x2d\x03", &central[..]].concat());
            directory.extend((part.comment.len() as u16).to_le_bytes());
            directory.extend([0; 4]);
            directory.extend((part.mode << 16).to_le_bytes());
            directory.extend(last.to_le_bytes());
            directory.extend([part.name.as_bytes(), &extra, part.comment].concat());
        }
        for name in &self.overlaid {
            let len = name.len() as u16;
            directory.extend(b"PK\x01\x02\x2d\x03\x2d\x00\x00\x00\x08\x00\x00\x00\x21\x00");
            directory.extend([0; 12]);
            directory.extend(len.to_le_bytes());
            directory.extend([0; 8]);
            directory.extend((0o100_644u32 << 16).to_le_bytes());
            directory.extend(last.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        out.extend(self.gap);
        let files = (self.parts.len() + self.overlaid.len()) as u16;
        let (at, len) = (out.len() as u64, directory.len() as u64);
        out.extend(&directory);
        if let Some(more) = self.long {
            let end = out.len() as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44u64.to_le_bytes());
            out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [u64::from(files) + more, u64::from(files) + more, len, at] {
                out.extend(number.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(end.to_le_bytes());
            out.extend(1u32.to_le_bytes());
        }
        out.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            out.extend(self.files_said.unwrap_or(files).to_le_bytes());
        }
        let short = |number: u64| if self.long.is_some() { u32::MAX } else { number as u32 };
        out.extend(short(len).to_le_bytes());
        out.extend(short(at).to_le_bytes());
        out.extend((self.comment.len() as u16).to_le_bytes());
        out.extend(&self.comment);
        sealed(out)
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn sealed(mut zip: Vec<u8>) -> Vec<u8> {
    let seal = zip.len() - 64;
    let hash = hex(&zip[..seal]);
    zip[seal..].copy_from_slice(hash.as_bytes());
    zip
}

/// A bundle that the program made, taken apart.
fn sound(dir: &Path) -> Zip {
    let path = dir.join("sound.zip");
    let capture = support::fixtures().join("dns-dnsmasq/capture.pcap");
    let done = Command::new(program())
        .args(["bundle", capture.to_str().unwrap(), "-o", path.to_str().unwrap()])
        .status();
    assert!(done.unwrap().success());
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut parts = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let (name, mut data) = (file.name().unwrap().into_owned(), Vec::new());
        file.read_to_end(&mut data).unwrap();
        parts.push(Part::new(&name, data));
    }
    Zip {
        parts,
        overlaid: Vec::new(),
        gap: b"",
        long: None,
        files_said: None,
        comment: vec![b'0'; 64],
        hashed: true,
    }
}

/// One row of a sound bundle's verdicts.
fn a_row(zip: &Zip) -> Value {
    let rows: Value = serde_json::from_str(&zip.text("verdicts.json")).unwrap();
    rows[0].clone()
}

/// A pcapng file of raw IP with these frames, one a microsecond.
fn pcapng(frames: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    const START: u64 = 0x0005_5000 << 32;
    let head = Writer::new(false).section().interface(101, 0, |_| {});
    let add = |made: Writer, (at, frame): (u64, Vec<u8>)| made.enhanced(0, START + at, &frame);
    (0..).zip(frames).fold(head, add).bytes
}

/// A datagram between a host and a service of their own.
fn datagram(number: u32) -> Vec<u8> {
    let (from, to) = (0x0a00_0000 + number, 0x1400_0000 + number);
    packets::udp((from, 40_000), (to, 3243), &Random::mixed(number.into()).to_be_bytes())
}

/// What is done, the words that must be in the answer, and the bytes.
type Attack = (&'static str, &'static str, fn(&Zip) -> Vec<u8>);

const MIB: usize = 1 << 20;

/// So many packets that other files may be long.
fn many(zip: &Zip) -> Zip {
    zip.clone().set("evidence.pcapng", pcapng((0..100_000).map(datagram)))
}

const ATTACKS: &[Attack] = &[
    // Names.
    ("a second report.html, a foreign one", "report.html", |zip| {
        let page = Part::new("report.html", b"<script>alert(1)</script>".to_vec());
        zip.clone().with(|zip| zip.parts.insert(1, page)).bytes()
    }),
    ("a second report.html behind all others", "report.html", |zip| {
        let page = Part::new("report.html", b"<script>alert(1)</script>".to_vec());
        zip.clone().with(|zip| zip.parts.push(page)).bytes()
    }),
    ("a file more", "does not belong", |zip| {
        zip.clone().with(|zip| zip.parts.push(Part::new("invoice.exe", vec![0]))).bytes()
    }),
    ("a file more, with another folder for a name", "does not belong", |zip| {
        zip.clone().with(|zip| zip.parts.push(Part::new("../report.html", vec![0]))).bytes()
    }),
    ("an absolute name", "does not belong", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").name = "/eve.json".to_owned()).bytes()
    }),
    ("a name in capitals", "does not belong", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").name = "EVE.JSON".to_owned()).bytes()
    }),
    ("a name with a zero", "does not belong", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").name = "eve.json\0.exe".to_owned()).bytes()
    }),
    ("a name that commands a terminal", "does not belong", |zip| {
        zip.clone().with(|zip| zip.parts.push(Part::new("\x1b[2J\x1b]0;x\x07", vec![0]))).bytes()
    }),
    ("a file missing", "settings.json", |zip| {
        zip.clone().with(|zip| zip.parts.retain(|part| part.name != "settings.json")).bytes()
    }),
    ("another name in the file's own header", "report.html", |zip| {
        let other = Some("report.hta".to_owned());
        zip.clone().with(|zip| zip.part("report.html").local_name = other).bytes()
    }),
    ("no files at all", "missing", |zip| {
        zip.clone()
            .with(|zip| {
                (zip.parts, zip.hashed) = (Vec::new(), false);
            })
            .bytes()
    }),
    // Places.
    ("a program in front", "zip", |zip| {
        sealed([b"#!/bin/sh\nrm -rf ~\nexit\n".to_vec(), zip.clone().bytes()].concat())
    }),
    ("another bundle in front", "zip", |zip| {
        sealed([zip.clone().bytes(), zip.clone().bytes()].concat())
    }),
    ("something between two files", "verdicts.json", |zip| {
        zip.clone().with(|zip| zip.part("verdicts.json").gap = b"<script>").bytes()
    }),
    ("something between files and directory", "between", |zip| {
        zip.clone().with(|zip| zip.gap = b"PK\x03\x04 hidden").bytes()
    }),
    ("something behind a file's end", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").tail = b"hidden").bytes()
    }),
    ("two names for one place", "settings.json", |zip| {
        let done = zip.clone().with(|zip| {
            zip.parts.retain(|part| part.name != "settings.json");
            zip.overlaid.push("settings.json");
        });
        done.bytes()
    }),
    // What is said of files.
    ("a size that is too small", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").size = Some(10)).bytes()
    }),
    ("a size that is too large", "eve.json", |zip| {
        zip.clone()
            .with(|zip| {
                let part = zip.part("eve.json");
                part.size = Some(part.data.len() as u64 + 1);
            })
            .bytes()
    }),
    ("a size that fills all memory", "verdicts.json", |zip| {
        zip.clone().with(|zip| zip.part("verdicts.json").size = Some(u64::MAX)).bytes()
    }),
    ("another size in the file's own header", "report.html", |zip| {
        zip.clone().with(|zip| zip.part("report.html").local_size = Some(1)).bytes()
    }),
    ("a file that says it is encrypted", "encrypted", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").flags = 1).bytes()
    }),
    ("one that says so only in its own header", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").local_flags = 1).bytes()
    }),
    ("sizes behind the file", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").flags = 8).bytes()
    }),
    ("a file that is not packed", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").method = 0).bytes()
    }),
    ("a link", "regular", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").mode = 0o120_777).bytes()
    }),
    ("a folder", "regular", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").mode = 0o040_755).bytes()
    }),
    ("a comment on a file", "comment", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").comment = b"hidden").bytes()
    }),
    ("a comment in front of the seal", "zip", |zip| {
        zip.clone().with(|zip| zip.comment = [&b"hidden"[..], &[b'0'; 64]].concat()).bytes()
    }),
    ("65,535 files said", "zip", |zip| {
        zip.clone().with(|zip| zip.files_said = Some(u16::MAX)).bytes()
    }),
    ("a long end that lies", "zip", |zip| {
        zip.clone().with(|zip| (zip.long, zip.files_said) = (Some(0), Some(7))).bytes()
    }),
    // Hashes.
    ("a row of hashes twice", "SHA256SUMS", |zip| {
        let sums = zip.text("SHA256SUMS");
        let twice = format!("{sums}{}\n", sums.lines().next().unwrap());
        zip.clone().with(|zip| zip.hashed = false).set("SHA256SUMS", twice).bytes()
    }),
    ("a hash of a foreign file", "SHA256SUMS", |zip| {
        let more = format!("{}{}  /etc/passwd\n", zip.text("SHA256SUMS"), hex(b""));
        zip.clone().with(|zip| zip.hashed = false).set("SHA256SUMS", more).bytes()
    }),
    ("a second hash for one file, first", "SHA256SUMS", |zip| {
        let more = format!("{}  eve.json\n{}", hex(b""), zip.text("SHA256SUMS"));
        zip.clone().with(|zip| zip.hashed = false).set("SHA256SUMS", more).bytes()
    }),
    ("a file changed, its hash not", "eve.json", |zip| {
        zip.clone().with(|zip| zip.hashed = false).replaced("eve.json", "dns", "ftp").bytes()
    }),
    // Files made anew with their hashes.
    ("a script in the report", "report.html", |zip| {
        zip.clone().replaced("report.html", "</body>", "<script>alert(1)</script></body>").bytes()
    }),
    ("a handler in the report", "report.html", |zip| {
        zip.clone().replaced("report.html", "<main>", "<main onclick=\"alert(1)\">").bytes()
    }),
    ("a report without its policy", "report.html", |zip| {
        zip.clone().replaced("report.html", "default-src 'none'", "default-src *").bytes()
    }),
    ("a link elsewhere in the report", "report.html", |zip| {
        let link = "<main><a href=\"https://a.example/\">the real report</a>";
        zip.clone().replaced("report.html", "<main>", link).bytes()
    }),
    ("another label in EVE", "eve.json", |zip| {
        let other = "\"label\":\"timelot-unknown\",\"status\"";
        zip.clone().replaced("eve.json", "\"label\":\"other\",\"status\"", other).bytes()
    }),
    ("a flow less in EVE", "eve.json", |zip| {
        let text = zip.text("eve.json");
        zip.clone().set("eve.json", text.split_once('\n').unwrap().1).bytes()
    }),
    ("an event of no kind", "eve.json", |zip| {
        let text = zip.text("eve.json");
        zip.clone().set("eve.json", format!("{text}{{\"event_type\":\"alert\"}}\n")).bytes()
    }),
    ("another label in verdicts and EVE", "verdicts differ", |zip| {
        let zip = zip.clone().replaced("verdicts.json", "\"other\"", "\"timelot-unknown\"");
        let other = "\"label\":\"timelot-unknown\",\"status\"";
        zip.replaced("eve.json", "\"label\":\"other\",\"status\"", other).bytes()
    }),
    ("no verdicts and no events", "verdicts differ", |zip| {
        zip.clone().set("verdicts.json", "[]").set("eve.json", "").bytes()
    }),
    ("unknown fields in verdicts", "verdicts.json", |zip| {
        zip.clone().replaced("verdicts.json", "\"start\"", "\"hidden\":1,\"start\"").bytes()
    }),
    ("unknown fields in settings", "settings.json", |zip| {
        zip.clone().replaced("settings.json", "\"shared\"", "\"hidden\":1,\"shared\"").bytes()
    }),
    ("numbers that no field holds", "verdicts.json", |zip| {
        let mut row = a_row(zip);
        row["start"] = json!(1e300);
        zip.clone().set("verdicts.json", json!([row]).to_string()).bytes()
    }),
    ("no JSON", "settings.json", |zip| zip.clone().set("settings.json", "\0").bytes()),
    // Memory and time.
    ("a verdict with 20 million empty rules", "verdicts.json", |zip| {
        let mut row = a_row(zip);
        row["rules"] = json!([]);
        let rules = format!("\"rules\":[{}\"\"]", "\"\",".repeat(20_000_000));
        let text = json!([row]).to_string().replace("\"rules\":[]", &rules);
        many(zip).set("verdicts.json", text).bytes()
    }),
    ("400,001 verdicts of one flow", "eve.json", |zip| {
        let row = a_row(zip).to_string();
        let rows = format!("[{}{row}]", format!("{row},").repeat(400_000));
        many(zip).set("verdicts.json", rows).bytes()
    }),
    ("100 MiB of blanks for verdicts", "verdicts.json", |zip| {
        many(zip).set("verdicts.json", vec![b' '; 100 * MIB]).bytes()
    }),
    ("100 MiB of brackets for verdicts", "verdicts.json", |zip| {
        many(zip).set("verdicts.json", vec![b'['; 100 * MIB]).bytes()
    }),
    ("brackets in brackets, a few", "verdicts.json", |zip| {
        zip.clone().set("verdicts.json", vec![b'['; 20_000]).bytes()
    }),
    ("200 MiB of settings", "settings.json", |zip| {
        zip.clone().set("settings.json", vec![b' '; 200 * MIB]).bytes()
    }),
    ("20,000 known services in settings", "settings.json", |zip| {
        let one = "{\"name\":\"\",\"address\":null,\"port\":1,\"udp\":null}";
        let many = format!("\"known\": [{}{one}]", format!("{one},").repeat(18_000));
        zip.clone().replaced("settings.json", "\"known\": []", &many).bytes()
    }),
    ("200 MiB of hashes", "SHA256SUMS", |zip| {
        let zip = zip.clone().with(|zip| zip.hashed = false);
        zip.set("SHA256SUMS", vec![b'\n'; 200 * MIB]).bytes()
    }),
    ("a report of 200 MiB", "report.html", |zip| {
        zip.clone().set("report.html", vec![b' '; 200 * MIB]).bytes()
    }),
    ("a report of 15 MiB of `<`", "report.html", |zip| {
        let page = zip.text("report.html") + &"<".repeat(15 * MIB);
        zip.clone().set("report.html", page).bytes()
    }),
    ("an event of 10 MiB", "eve.json", |zip| {
        let text = format!("{}{{\"event_type\":\"stats\",\"x\":\"", zip.text("eve.json"));
        many(zip).set("eve.json", text + &"x".repeat(10 * MIB) + "\"}\n").bytes()
    }),
    ("600 MiB of events", "eve.json", |zip| {
        many(zip).set("eve.json", b"{\"event_type\":\"stats\"}\n".repeat(25 * MIB)).bytes()
    }),
    ("brackets in brackets in an event", "eve.json", |zip| {
        let text = format!("{}{{\"event_type\":\"stats\",\"x\":", zip.text("eve.json"));
        zip.clone().set("eve.json", text + &"[".repeat(100_000) + "\n").bytes()
    }),
    ("a file in ten million empty blocks", "eve.json", |zip| {
        zip.clone().with(|zip| zip.part("eve.json").empty_blocks = 10_000_000).bytes()
    }),
    // Packets.
    ("packed packets", "evidence.pcapng", |zip| {
        let packets = zip.parts.iter().find(|part| part.name == "evidence.pcapng").unwrap();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&packets.data).unwrap();
        zip.clone().set("evidence.pcapng", packer.finish().unwrap()).bytes()
    }),
    ("4 GiB of packets, packed twice", "evidence.pcapng", |zip| {
        let head = pcapng(std::iter::empty());
        let block =
            [6u32, 32, 0, 0, 0, 0, 0, 32].map(u32::to_le_bytes).as_flattened().repeat(MIB / 32);
        let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
        packer.write_all(&head).unwrap();
        for _ in 0..4096 {
            packer.write_all(&block).unwrap();
        }
        zip.clone().set("evidence.pcapng", packer.finish().unwrap()).bytes()
    }),
    ("400 MiB of frames without a byte", "verdicts differ", |zip| {
        let head = pcapng(std::iter::empty());
        let block = [6u32, 32, 0, 0, 0, 0, 0, 32]
            .map(u32::to_le_bytes)
            .as_flattened()
            .repeat(400 * MIB / 32);
        zip.clone().set("evidence.pcapng", [head, block].concat()).bytes()
    }),
    ("a block of 4 GiB", "evidence.pcapng", |zip| {
        let mut packets = pcapng(std::iter::empty());
        packets.extend(
            [6u32, 0xffff_fff0, 0, 0, 0, 0xffff_ff00, 0xffff_ff00]
                .map(u32::to_le_bytes)
                .as_flattened(),
        );
        zip.clone().set("evidence.pcapng", packets).bytes()
    }),
    ("five million interfaces", "", |zip| {
        let head = pcapng(std::iter::empty());
        let block = [1u32, 20, 101, 0, 20].map(u32::to_le_bytes).as_flattened().repeat(5_000_000);
        zip.clone().set("evidence.pcapng", [head, block].concat()).bytes()
    }),
    ("no packets, but a capture of another kind", "evidence.pcapng", |zip| {
        let pcap = std::fs::read(support::fixtures().join("dns-dnsmasq/capture.pcap")).unwrap();
        zip.clone().set("evidence.pcapng", pcap).bytes()
    }),
    ("300,000 flows that no verdict tells of", "verdicts differ", |zip| {
        zip.clone().set("evidence.pcapng", pcapng((0..300_000).map(datagram))).bytes()
    }),
    ("300,000 flows with as many verdicts", "verdicts differ", |zip| {
        let rows: Vec<Value> = (0..300_000)
            .map(|number| {
                let mut row = a_row(zip);
                row["start"] = json!(number);
                row
            })
            .collect();
        let eve = zip.text("eve.json");
        let flow = eve.lines().next().unwrap();
        let start = flow.split("\"start\":\"").nth(1).unwrap().split('"').next().unwrap();
        let mut events = String::new();
        for row in &rows {
            let micros = row["start"].as_u64().unwrap() / 1000;
            let start_of = format!("1970-01-01T00:00:00.{micros:06}+0000");
            events.push_str(
                &flow.replace(
                    &format!("\"start\":\"{start}\""),
                    &format!("\"start\":\"{start_of}\""),
                ),
            );
            events.push('\n');
        }
        let zip = zip
            .clone()
            .set("verdicts.json", Value::Array(rows).to_string())
            .set("eve.json", events);
        zip.set("evidence.pcapng", pcapng((0..300_000).map(datagram))).bytes()
    }),
];

/// Bundles that nothing is wrong with.
const SOUND: &[Attack] = &[
    ("as it was made", "the same 3 verdicts", |zip| zip.clone().bytes()),
    ("with a long end, as one of 4 GiB has", "the same 3 verdicts", |zip| {
        zip.clone().with(|zip| zip.long = Some(0)).bytes()
    }),
];

/// Runs a program and writes down what it took at most: getrusage(2) of a child that has ended, which
/// only its parent may ask for. What needs many times as much as it may is ended.
const MEASURE: &str = "
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
code = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], 'w') as out:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    out.write('%.2f %d %d' % (used.ru_utime + used.ru_stime, used.ru_maxrss, code))
";

struct Outcome {
    code: i32,
    seconds: f64,
    kib: u64,
    said: String,
}

fn verify(zip: &Path, dir: &Path) -> Outcome {
    let peak = dir.join("peak");
    let output = Command::new("python3")
        .args(["-c", MEASURE])
        .args([&peak, Path::new(&program())])
        .args([Path::new("verify"), zip])
        .output()
        .unwrap();
    let told = std::fs::read_to_string(&peak).unwrap();
    let numbers: Vec<f64> = told.split(' ').map(|number| number.parse().unwrap()).collect();
    std::fs::remove_file(&peak).unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    Outcome { code: numbers[2] as i32, seconds: numbers[0], kib: numbers[1] as u64, said }
}

#[test]
fn no_bundle_deceives_fills_or_delays_whoever_checks_it() {
    let dir = tempfile::tempdir().unwrap();
    let zip = sound(dir.path());
    let path = dir.path().join("bundle.zip");
    let mut failures = Vec::new();
    println!("| bundle | bytes | code | s | MiB | says |");
    for (passes, (name, words, make)) in
        SOUND.iter().map(|one| (true, one)).chain(ATTACKS.iter().map(|one| (false, one)))
    {
        let bytes = make(&zip);
        std::fs::write(&path, &bytes).unwrap();
        let Outcome { code, seconds, kib, said } = verify(&path, dir.path());
        let line = said.lines().next().unwrap_or_default().replace(path.to_str().unwrap(), "ZIP");
        println!(
            "| {name} | {} | {code} | {seconds:.2} | {} | {} |",
            bytes.len(),
            kib >> 10,
            line.chars().take(160).collect::<String>()
        );
        let praised = said.contains("its packets give the same");
        if code != i32::from(!passes) || praised != passes || !said.contains(words) {
            failures.push(format!("{name}: code {code}, {said}"));
        }
        if said.chars().any(|c| c.is_control() && c != '\n') {
            failures.push(format!("{name}: what it says commands a terminal"));
        }
        if kib > KIB_MAX || seconds > SECONDS_MAX {
            failures.push(format!("{name}: {seconds} s, {kib} KiB"));
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{name}: something was written: {left:?}");
    }
    for failure in &failures {
        println!("{failure}");
    }
    assert!(failures.is_empty(), "{} of {}", failures.len(), ATTACKS.len() + SOUND.len());
}

#[test]
fn verdicts_that_differ_are_told_flow_by_flow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bundle.zip");
    let (_, _, other_label) =
        ATTACKS.iter().find(|(name, ..)| *name == "another label in verdicts and EVE").unwrap();
    std::fs::write(&path, other_label(&sound(dir.path()))).unwrap();
    let output = support::program::run(&["verify", path.to_str().unwrap()]);
    let said = support::program::stdout(&output);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 7, "{said}");
    for pair in lines[..6].chunks(2) {
        let was = pair[0].strip_prefix("was:  ").unwrap();
        let is = pair[1].strip_prefix("is:   ").unwrap();
        assert_eq!(was.replace("timelot-unknown", "other"), is, "{said}");
    }
    assert_eq!(lines[6], "3 of 3 verdicts differ");
}

#[test]
fn bundles_of_earlier_builds_are_verified_still() {
    for (name, shared) in [("earlier.zip", false), ("earlier-shared.zip", true)] {
        let zip = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name);
        let output = support::program::run(&["verify", zip.to_str().unwrap()]);
        let said = support::program::stdout(&output);
        assert!(output.status.success(), "{name}: {said}{}", support::program::stderr(&output));
        assert!(said.contains("the same 3 verdicts"), "{name}: {said}");
        assert_eq!(said.contains("shared"), shared, "{name}: {said}");
    }
}

#[test]
fn what_is_larger_than_the_limit_is_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bundle.zip");
    std::fs::write(&path, sound(dir.path()).bytes()).unwrap();
    let path = path.to_str().unwrap();
    let output = support::program::run(&["verify", "--limit", "1K", path]);
    assert!(support::program::complaint(&output, 1).contains("--limit"));
    assert!(support::program::run(&["verify", "--limit", "1G", path]).status.success());
}
