//! Bundles for strangers hold nothing of the original that was not chosen: every file of every shared
//! bundle is searched for payload, addresses, names and paths, in every form that they could have.
//!
//! With `PORTSTORY_CORPUS=DIR` the captures of a folder of yours are shared and searched as well.
//! `PORTSTORY_PROGRAM=FILE` tries another build of the program, to see what it lets through.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portstory::internal::bundle;
use portstory_core::{Body, Classifier, Config, DETECTORS, DetailKey, Event, FlowKey, Status};

mod support;

use portstory_testkit::captures::{MICRO, Writer};
use portstory_testkit::packets;
use support::program::{program, said, unzip};

/// Bytes in a row that are payload, and no chance.
const RUN: usize = 6;

/// A folder whose name must not be told.
const FOLDER: &str = "Kunde-Geheim-4711";

fn portstory(args: &[&str], dir: &Path) -> Output {
    Command::new(program()).current_dir(dir).args(args).output().unwrap()
}

/// What the original has that nobody is to see.
#[derive(Default)]
struct Secrets {
    /// Runs of payload of flows that nothing identified, and that no other flow has.
    runs: HashSet<[u8; RUN]>,
    addresses: BTreeSet<IpAddr>,
    /// In lower case.
    names: BTreeSet<String>,
    /// Where in payloads names and addresses stand that are too short to be no chance.
    places: BTreeSet<(Vec<u8>, usize)>,
}

impl Secrets {
    fn of(captures: &[PathBuf]) -> Self {
        let mut secrets = Self::default();
        let (events, payloads) = payloads(captures, &mut secrets.addresses);
        let flows: Vec<_> = events
            .into_iter()
            .filter_map(|event| match event {
                Event::Flow(flow) => Some(*flow),
                Event::Verdict(_) | Event::Endpoint(_) | Event::Anomaly(_) => None,
            })
            .collect();
        let mut others = HashSet::new();
        for (key, payloads) in &payloads {
            secrets.addresses.extend([key.a.addr, key.b.addr]);
            let ends = [key.a, key.b];
            let mut own = flows.iter().filter(|flow| {
                flow.transport == key.transport
                    && [flow.client.min(flow.server), flow.client.max(flow.server)] == ends
            });
            let unknown = own.all(|flow| {
                matches!(flow.verdict.status, Status::Unidentified | Status::Insufficient)
            });
            for payload in payloads {
                if unknown { &mut secrets.runs } else { &mut others }.extend(runs(payload));
                secrets.names.extend(dotted_names(payload));
            }
        }
        for flow in &flows {
            for detail in flow.verdict.details.iter().filter(|one| is_name(one.key)) {
                let value = detail.value.to_lowercase();
                let parts = value.split(|c: char| c.is_whitespace() || "()[]<>,=".contains(c));
                secrets.names.extend(parts.filter(|part| is_telling(part)).map(str::to_owned));
                secrets.names.extend(is_telling(&value).then_some(value));
            }
        }
        for payload in payloads.values().flatten() {
            let short = secrets.names.iter().filter(|name| name.len() < RUN);
            let short = short.map(|name| name.clone().into_bytes());
            let short: Vec<_> = short.chain(secrets.addresses.iter().map(bytes)).collect();
            secrets.places.extend(short.iter().flat_map(|short| places(payload, short)));
        }
        // A keyword of a protocol may stay where it is spoken.
        secrets.runs.retain(|run| !others.contains(run));
        secrets.addresses.retain(|addr| is_a_host(*addr));
        secrets
    }
}

/// What happens in some captures, and the payloads of each flow in range.
fn payloads(
    captures: &[PathBuf],
    routers: &mut BTreeSet<IpAddr>,
) -> (Vec<Event>, BTreeMap<FlowKey, Vec<Vec<u8>>>) {
    let mut classifier = Classifier::new(Config::default());
    let (mut events, mut payloads) = (Vec::new(), BTreeMap::new());
    for frame in support::frames(captures) {
        classifier.ingest_observed(&frame.frame(), &mut events, &mut |key, seen| {
            let of_flow: &mut Vec<Vec<u8>> = payloads.entry(*key).or_default();
            match seen.packet.body {
                Body::Tcp(_, payload) | Body::Udp(_, payload) => {
                    of_flow.push(payload.bytes.to_vec());
                }
                Body::Icmp(error) => {
                    routers.insert(error.by);
                }
            }
        });
    }
    classifier.finish(&mut events);
    (events, payloads)
}

/// Where a name or an address stands in a payload.
fn places(payload: &[u8], short: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let windows = payload.windows(short.len()).enumerate();
    let there = windows.filter(|(_, window)| window.eq_ignore_ascii_case(short));
    there.map(|(at, _)| (short.to_owned(), at)).collect()
}

fn bytes(addr: &IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    }
}

/// Whether a name could not be anything else: four characters, not only digits and dots.
fn is_telling(name: &str) -> bool {
    let own = ["http/1.1", "http/1.0", "server", "client", "none", "test"];
    name.len() >= 4 && name.chars().any(|c| c.is_ascii_lowercase()) && !own.contains(&name)
}

fn is_name(key: DetailKey) -> bool {
    use DetailKey as Key;
    let own = matches!(key, Key::Own(own) if own.names);
    let shared = [
        Key::TlsSni,
        Key::DtlsSni,
        Key::QuicSni,
        Key::TlsSubject,
        Key::TlsIssuer,
        Key::SshClientSoftware,
        Key::SshServerSoftware,
        Key::HttpHost,
        Key::HttpUrl,
        Key::HttpUserAgent,
        Key::HttpServer,
        Key::DnsName,
        Key::SmtpHelo,
        Key::RdpCookie,
    ];
    own || shared.contains(&key)
}

/// Names of hosts that are written out in payload: words with dots, the last of them a known end.
fn dotted_names(payload: &[u8]) -> Vec<String> {
    const ENDS: [&str; 8] = ["example", "com", "net", "org", "local", "lan", "de", "internal"];
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let words = payload.split(|byte| !is_part(byte));
    words
        .filter_map(|word| {
            let word = String::from_utf8_lossy(word).trim_matches(['.', '-']).to_lowercase();
            let (first, end) = word.rsplit_once('.')?;
            (ENDS.contains(&end) && first.len() >= 3).then_some(word)
        })
        .collect()
}

fn is_a_host(addr: IpAddr) -> bool {
    let broadcast = addr == IpAddr::from([255; 4]);
    !addr.is_loopback() && !addr.is_multicast() && !addr.is_unspecified() && !broadcast
}

/// All runs of bytes, but those of one byte again and again.
fn runs(bytes: &[u8]) -> impl Iterator<Item = [u8; RUN]> {
    let runs = bytes.windows(RUN).map(|run| <[u8; RUN]>::try_from(run).unwrap());
    runs.filter(|run| run.iter().any(|byte| *byte != run[0]))
}

/// The files of a zip.
fn unpack(zip: &Path) -> BTreeMap<String, Vec<u8>> {
    let to = tempfile::tempdir().unwrap();
    unzip(zip, to.path());
    let files = std::fs::read_dir(to.path()).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

/// What a file holds: as it is, and what is written in it in another form. In pieces that belong
/// together each.
fn forms(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    if name == bundle::EVIDENCE {
        return vec![("as it is", vec![bytes.to_vec()])];
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let plain = unescaped(&text);
    let hex = hex_in(&plain);
    let base64 = base64_in(&plain);
    vec![
        ("as it is", vec![bytes.to_vec()]),
        ("unescaped", vec![plain]),
        ("hex", hex),
        ("base64", vec![base64]),
    ]
}

/// What the program says of its own accord, but not in every report: parts of it may be names, too.
const OWN_WORDS: [&str; 2] = ["nxdomain", "delivery controller"];

/// Without its own words.
fn without_own(lower: &[u8]) -> Vec<u8> {
    let mut left = lower.to_vec();
    for word in OWN_WORDS {
        let found: Vec<usize> =
            (0..left.len()).filter(|&at| left[at..].starts_with(word.as_bytes())).collect();
        for at in found {
            left[at..at + word.len()].fill(b'\n');
        }
    }
    left
}

/// HTML's and JSON's escapes resolved.
fn unescaped(text: &str) -> Vec<u8> {
    let mut made = text.to_owned();
    for (from, to) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&"), ("&#39;", "'")]
    {
        made = made.replace(from, to);
    }
    for (from, to) in [("\\\"", "\""), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\\\", "\\")]
    {
        made = made.replace(from, to);
    }
    made.into_bytes()
}

/// Bytes that are written as pairs of hexadecimal digits, with or without blanks between them. What is
/// before and behind anything else does not belong together.
fn hex_in(text: &[u8]) -> Vec<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (mut made, mut at) = (vec![Vec::new()], 0);
    while at + 1 < text.len() {
        match (digit(text[at]), digit(text[at + 1])) {
            (Some(high), Some(low)) => {
                made.last_mut().unwrap().push(high << 4 | low);
                at += 2;
                while at < text.len() && matches!(text[at], b' ' | b':') {
                    at += 1;
                }
            }
            _ => {
                if made.last().is_some_and(|piece| !piece.is_empty()) {
                    made.push(Vec::new());
                }
                at += 1;
            }
        }
    }
    made
}

fn base64_in(text: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let words = text.split(|byte| !is_part(byte)).filter(|word| word.len() >= 12);
    let engine = base64::engine::general_purpose::STANDARD;
    words.filter_map(|word| engine.decode(word).ok()).flatten().collect()
}

fn finds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a name stands there as a word, and not in the middle of one.
fn finds_word(lower: &[u8], name: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    lower.windows(name.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| lower.get(before));
        window == name.as_bytes() && !is_part(before) && !is_part(lower.get(at + name.len()))
    })
}

fn is_nearly_one(run: &[u8; RUN]) -> bool {
    run.iter().any(|byte| run.iter().filter(|other| *other == byte).count() + 1 >= RUN)
}

/// Where an address is written, and no longer number that it is a part of.
fn finds_written(bytes: &[u8], wanted: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    let places = bytes.windows(wanted.len()).enumerate();
    places.into_iter().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        window.eq_ignore_ascii_case(wanted.as_bytes())
            && !is_part(before)
            && !is_part(bytes.get(at + wanted.len()))
    })
}

/// What was found of the original in a bundle.
#[derive(Default)]
struct Found {
    searched: usize,
    hits: Vec<String>,
}

fn search(
    secrets: &Secrets,
    files: &BTreeMap<String, Vec<u8>>,
    known: &HashSet<[u8; RUN]>,
    much: bool,
) -> Found {
    let mut found = Found::default();
    for (file, bytes) in files {
        found.searched += bytes.len();
        for (form, pieces) in forms(file, bytes) {
            let mut hit = |what: String| found.hits.push(format!("{file}, {form}: {what}"));
            let bytes = pieces.join(&0);
            let is_evidence = file == bundle::EVIDENCE;
            let parts = if is_evidence { frames_in(&bytes) } else { pieces };
            let in_parts = parts.iter().flat_map(|part| runs(part));
            let payload = in_parts.filter(|run| secrets.runs.contains(run) && !known.contains(run));
            // Five of one kind and one more are in headers, too.
            let payload = payload.filter(|run| !much || !is_nearly_one(run));
            for run in payload.collect::<BTreeSet<_>>() {
                hit(format!("payload {run:02x?} {:?}", String::from_utf8_lossy(&run)));
            }
            let mut lower = bytes.to_ascii_lowercase();
            if !is_evidence {
                lower = without_own(&lower);
            }
            let wide: Vec<u8> = lower.iter().copied().filter(|byte| *byte != 0).collect();
            // In so much noise four characters are found by chance: there they count where they stood.
            let placed = (is_evidence && much).then(|| placed(secrets, &bytes));
            for name in &secrets.names {
                if let (Some(placed), true) = (&placed, name.len() < RUN) {
                    if placed.contains(name.as_bytes()) {
                        hit(format!("name {name:?}"));
                    }
                    continue;
                }
                let labels: String = name
                    .split('.')
                    .map(|label| format!("{}{label}", label.len() as u8 as char))
                    .collect();
                if much && !is_evidence && name.len() < RUN {
                    // Replacements are words of letters: four of one are found in the middle of many.
                    if finds_word(&lower, name) {
                        hit(format!("name {name:?}"));
                    }
                    continue;
                }
                let is_there = finds(&lower, name.as_bytes())
                    || finds(&wide, name.as_bytes())
                    || (name.contains('.') && finds(&lower, labels.as_bytes()));
                if is_there {
                    hit(format!("name {name:?}"));
                }
            }
            for addr in &secrets.addresses {
                if finds_written(&bytes, &addr.to_string()) {
                    hit(format!("address {addr}"));
                }
                let binary = self::bytes(addr);
                if form != "as it is" && form != "hex" || file != bundle::EVIDENCE {
                    continue;
                }
                let is_there = match &placed {
                    Some(placed) if addr.is_ipv4() => placed.contains(&binary),
                    _ => parts.iter().any(|part| finds(part, &binary)),
                };
                if is_there {
                    hit(format!("address {addr} as bytes"));
                }
            }
            if finds(&bytes, FOLDER.as_bytes()) {
                hit("the folder".to_owned());
            }
        }
    }
    found
}

/// The short names and addresses that stand where they stood in payload, or outside of it.
fn placed(secrets: &Secrets, evidence: &[u8]) -> BTreeSet<Vec<u8>> {
    let file = tempfile::NamedTempFile::with_suffix(".pcapng").unwrap();
    std::fs::write(file.path(), evidence).unwrap();
    let (_, payloads) = payloads(&[file.path().to_owned()], &mut BTreeSet::new());
    let mut around = evidence.to_ascii_lowercase();
    let mut ends = BTreeSet::new();
    for (at, len) in frame_places(evidence) {
        ends.extend(ends_of(&evidence[at..at + len]));
        around[at..at + len].fill(0);
    }
    let stood = |short: &Vec<u8>| {
        let mut there = payloads.values().flatten().flat_map(|payload| places(payload, short));
        there.any(|place| secrets.places.contains(&place))
    };
    let names = secrets.names.iter().filter(|name| name.len() < RUN);
    let names = names.map(|name| name.clone().into_bytes());
    let addresses = secrets.addresses.iter().filter(|addr| addr.is_ipv4()).map(bytes);
    let names = names.filter(|name| stood(name) || finds(&around, name));
    names.chain(addresses.filter(|addr| stood(addr) || ends.contains(addr))).collect()
}

/// The addresses that the headers of a frame of raw IP have, those in a VXLAN included.
fn ends_of(frame: &[u8]) -> Vec<Vec<u8>> {
    let Some(&first) = frame.first() else { return Vec::new() };
    let (len, source, size) = if first >> 4 == 4 { (20, 12, 4) } else { (40, 8, 16) };
    let ends = [source, source + size].map(|at| frame.get(at..at + size));
    let mut ends: Vec<_> = ends.into_iter().flatten().map(<[u8]>::to_vec).collect();
    // UDP to 4789, its header, the tunnel's and Ethernet's.
    let inside = len + 8 + 8 + 14;
    if frame.get(len + 2..len + 4) == Some(&4789u16.to_be_bytes()[..]) && inside < frame.len() {
        ends.extend(ends_of(&frame[inside..]));
    }
    ends
}

/// The frames of a pcapng file: what is around them is not of the original.
fn frames_in(pcapng: &[u8]) -> Vec<Vec<u8>> {
    frame_places(pcapng).into_iter().map(|(at, len)| pcapng[at..at + len].to_vec()).collect()
}

/// Where they are, and how long.
fn frame_places(pcapng: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize| u32::from_le_bytes(pcapng[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut frames) = (0, Vec::new());
    while at + 12 <= pcapng.len() {
        let (kind, len) = (number(at), number(at + 4));
        if kind == 6 {
            let frame = number(at + 20);
            frames.push((at + 28, frame));
        }
        at += len;
    }
    frames
}

/// Shares captures from a folder with a telling name; none where the program refuses.
fn share(captures: &[PathBuf]) -> Result<(PathBuf, tempfile::TempDir, String), String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(FOLDER);
    std::fs::create_dir(&folder).unwrap();
    let mut args = vec!["bundle".to_owned(), "--share".to_owned()];
    for (number, capture) in captures.iter().enumerate() {
        // The file's own name may be told.
        let copy = folder.join(format!("{number}.pcap"));
        std::fs::copy(capture, &copy).unwrap();
        args.push(copy.display().to_string());
    }
    let zip = folder.join("shared.zip");
    args.extend(["-o".to_owned(), zip.display().to_string()]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut output = portstory(&[&args, &["--yes"][..]].concat(), dir.path());
    if said(&output).contains("unexpected argument '--yes'") {
        output = portstory(&args, dir.path());
    }
    if output.status.success() { Ok((zip, dir, said(&output))) } else { Err(said(&output)) }
}

#[test]
fn shared_bundles_hold_nothing_that_was_not_chosen() {
    // What stands in every report was not taken from payload, and is nobody's name.
    let (zip, _dir, _) = share(&[support::fixtures().join("syn-scan/capture.pcap")]).unwrap();
    let mut texts: Vec<Vec<u8>> = unpack(&zip)
        .iter()
        .filter(|(name, _)| *name != bundle::EVIDENCE)
        .flat_map(|(name, bytes)| forms(name, bytes))
        .map(|(_, pieces)| pieces.join(&0))
        .collect();
    // A concern that not every capture has.
    texts.push(b"\"too_short\"".to_vec());
    texts.extend(DETECTORS.iter().map(|detector| detector.id.as_bytes().to_vec()));
    let known: HashSet<_> = texts.iter().flat_map(|text| runs(text)).collect();
    for text in &mut texts {
        text.make_ascii_lowercase();
    }
    let mut cases = support::cases();
    let fixtures = cases.len();
    cases.extend(support::corpus());
    let (mut bundles, mut searched, mut verified, mut changed) = (0, 0, 0, Vec::new());
    let (mut hits, mut failures) = (Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        let mut secrets = Secrets::of(&case.captures);
        secrets.names.retain(|name| !texts.iter().any(|text| finds(text, name.as_bytes())));
        let (zip, dir, told) = match share(&case.captures) {
            Ok(made) => made,
            Err(why) => {
                failures.push(format!("{}: {why}", case.name));
                continue;
            }
        };
        bundles += 1;
        let output = portstory(&["verify", zip.to_str().unwrap()], dir.path());
        match output.status.success() {
            true => verified += 1,
            false => failures.push(format!("{}: verify: {}", case.name, said(&output))),
        }
        let changes = told.lines().filter(|line| line.starts_with("    flow "));
        changed.extend(changes.map(|line| format!("{}: {}", case.name, line.trim())));
        let found = search(&secrets, &unpack(&zip), &known, number >= fixtures);
        searched += found.searched;
        hits.extend(found.hits.into_iter().map(|hit| format!("{}: {hit}", case.name)));
    }
    for line in changed.iter().chain(&failures).chain(hits.iter().take(200)) {
        println!("{line}");
    }
    println!(
        "bundles {bundles}, bytes searched {searched}, hits {} (payload {}, names {}, addresses {}, \
         folders {}), verify passed {verified}, lines on flows without payload or with another \
         verdict {}, failures {}",
        hits.len(),
        of_kind(&hits, ": payload "),
        of_kind(&hits, ": name "),
        of_kind(&hits, ": address "),
        of_kind(&hits, ": the folder"),
        changed.len(),
        failures.len()
    );
    assert!(hits.is_empty(), "{} hits, the first: {}", hits.len(), hits[0]);
    assert!(failures.is_empty(), "{}", failures[0]);
    assert_eq!(bundles, cases.len());
}

/// One connection: it is opened, and its client says this.
fn connection(port: u16, said: &[u8]) -> Vec<Vec<u8>> {
    let (client, server) = (([10, 1, 0, 1], port), ([10, 1, 0, 2], 3243));
    let packet = |from_client: bool, flags: u8, seq: u32, said: &[u8]| {
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        packets::tcp(from, to, flags, [seq, 0], said)
    };
    let opening = [packet(true, 2, 6, b""), packet(false, 0x12, 6, b"")];
    opening.into_iter().chain([packet(true, 0x18, 7, said)]).collect()
}

#[test]
fn a_word_is_a_word_where_noise_gives_its_letters_too() {
    // A namespace of XMPP (RFC 6120 section 11.2) that is a host's name: either all of it stays, or
    // nothing is recognised.
    let dir = tempfile::tempdir().unwrap();
    let mut pcap = Writer::new(false).pcap_header(MICRO, (2, 4), 101);
    for number in 0..300 {
        let said =
            format!("<stream:stream to='{number}' xmlns:stream='http://etherx.jabber.org/'>");
        for (at, packet) in (0u32..).zip(connection(20_000 + number, said.as_bytes())) {
            pcap = pcap.record(1_497_430_800 + u32::from(number), at, &packet);
        }
    }
    let capture = dir.path().join("streams.pcap");
    std::fs::write(&capture, pcap.bytes).unwrap();
    let (zip, _dir, told) = share(&[capture]).unwrap();
    assert!(told.contains("300 flows"), "{told}");
    let evidence = unpack(&zip).remove(bundle::EVIDENCE).unwrap().to_ascii_lowercase();
    assert!(!finds(&evidence, b"etherx.jabber.org"), "{told}");
}

fn of_kind(hits: &[String], kind: &str) -> usize {
    hits.iter().filter(|hit| hit.contains(kind)).count()
}

/// A capture in which everything that is not a packet tells something, too.
fn telling_pcapng(frames: &[support::OwnedFrame]) -> Vec<u8> {
    let options = |body: &mut Writer, codes: &[u16], text: &str| {
        codes.iter().for_each(|&code| body.option(code, text.as_bytes()));
        body.option(0, b"");
    };
    let mut made = Writer::new(false)
        .block(0x0a0d_0d0a, |body| {
            body.u32(0x1a2b_3c4d);
            body.u32(1);
            body.u64(u64::MAX);
            options(body, &[1, 2, 3, 4], "Sensor Geheim-4711");
        })
        .interface(1, 0, |body| options(body, &[1, 2, 3, 12], "geheim-4711-if"));
    for frame in frames {
        let micros = u64::try_from(frame.at.time.nanos() / 1000).unwrap();
        made = made.enhanced_with(0, micros, frame.wire_len, &frame.bytes, |body| {
            options(body, &[1], "seen by Geheim-4711");
        });
    }
    // Names of hosts (draft-ietf-opsawg-pcapng section 4.5).
    let names = made.block(4, |body| {
        body.option(1, b"\x0a\x2b\0\x01geheim-4711.org\0");
        body.option(0, b"");
    });
    names.bytes
}

#[test]
fn what_a_capture_tells_beside_its_packets_is_not_passed_on() {
    let original = support::frames(&[support::fixtures().join("ssh-openssh/capture.pcap")]);
    let dir = tempfile::tempdir().unwrap();
    // The address and what the server told are in the name of the file as well.
    let capture = dir.path().join("10.43.0.1-OpenSSH_9.2p1.pcapng");
    std::fs::write(&capture, telling_pcapng(&original)).unwrap();
    let zip = dir.path().join("shared.zip");
    let (capture, out) = (capture.to_str().unwrap(), zip.to_str().unwrap());
    let output = portstory(&["bundle", "--share", "--yes", capture, "-o", out], dir.path());
    assert!(output.status.success(), "{}", said(&output));
    for (name, bytes) in unpack(&zip) {
        for (form, pieces) in forms(&name, &bytes) {
            let lower = pieces.join(&0).to_ascii_lowercase();
            for secret in ["geheim", "10.43.0.1", "openssh"] {
                assert!(!finds(&lower, secret.as_bytes()), "{name}, {form}: {secret}");
            }
        }
    }
}
