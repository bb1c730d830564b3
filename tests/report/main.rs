//! The report: what it says, that it stays small, and, in a real browser, that it can be read and that
//! nothing strangers wrote does anything in it.
//!
//! The browser's part is skipped where there is no Chromium, and says so; with
//! `PORTSTORY_NEEDS_CHROMIUM` it fails instead. Pictures are left in `target/tmp/report/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod browser;
#[path = "../support/mod.rs"]
mod support;

use browser::Browser;
use support::program::{generated, program};

const WIDTHS: [u32; 2] = [400, 1400];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// A page is sent by mail: 2 MiB.
const PAGE_BYTES_MAX: usize = 2 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn portstory(args: &[&str]) -> Output {
    let output = Command::new(program()).current_dir(root()).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn report(args: &[&str]) -> String {
    String::from_utf8(portstory(&[&["report"], args].concat()).stdout).unwrap()
}

/// The generator's mix of three labels, with hostile strings; made once for all tests.
fn incident() -> PathBuf {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let make = || generated("incident.py", &["--flows", "1500"], "incident.pcap");
    MADE.get_or_init(make).clone()
}

const UNKNOWN: &str = "fixtures/unknown-tcp/capture.pcap";
const FRAMEHAWK: &str = "fixtures/framehawk-ica/capture.pcap";

#[test]
fn the_answer_comes_first_and_everything_else_is_there() {
    let page = report(&[UNKNOWN]);
    let answer = page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
    assert!(
        answer.contains("10.43.0.1:3243/tcp") && answer.contains("timelot-unknown"),
        "{answer}"
    );
    let page = page.replace("&quot;", "\"").replace("&amp;", "&");
    for part in [
        "Endpoints",
        "Verdicts",
        "Runner-up",
        "First bytes to the server",
        "Sizes of the first messages",
        "Flows over time",
        "Conversations",
        "Capture quality",
        "About the port",
        "xtralot.com",
        "sudo ss -tanpe 'sport = :3243'",
        "sudo lsof -nP -iTCP:3243",
        "sudo portstory who --port 3243",
        "netstat -ano -p TCP",
        "tasklist /svc",
        "nmap -Pn -sV --version-all -p 3243 10.43.0.1",
        "ip.addr == 10.43.0.1 && tcp.port == 3243",
        "SHA-256",
        "<svg",
    ] {
        assert!(page.contains(part), "missing: {part}");
    }
    let sum = Command::new("sha256sum").current_dir(root()).arg(UNKNOWN).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(page.contains(sum.split(' ').next().unwrap()), "the hash of sha256sum");
}

#[test]
fn framehawk_brings_the_questions_for_the_citrix_site() {
    let page = report(&[FRAMEHAWK]);
    for part in
        ["Get-BrokerMachine -IPAddress", "Framehawk display channel", "Graphics - Framehawk"]
    {
        assert!(page.contains(part), "missing: {part}");
    }
    assert!(page.contains("Compared with display remoting"));
    assert!(!report(&["fixtures/ssh-openssh/capture.pcap"]).contains("Get-BrokerMachine"));
}

#[test]
fn the_same_capture_gives_the_same_page() {
    let seeded = |seed| report(&[UNKNOWN, FRAMEHAWK, "--hash-seed", seed]);
    assert_eq!(seeded("1").replace("--hash-seed 1", ""), seeded("2").replace("--hash-seed 2", ""));
}

#[test]
fn a_run_writes_the_same_page_at_its_end() {
    let capture = incident();
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    let (capture, path) = (capture.to_str().unwrap(), page.to_str().unwrap());
    portstory(&["read", "--quiet", "--format", "csv", "--report", path, capture]);
    // What was asked for is told, and is another command.
    let told = |page: &str| -> Vec<String> {
        page.lines().filter(|line| !line.contains("portstory re")).map(str::to_owned).collect()
    };
    let page = std::fs::read_to_string(page).unwrap();
    assert!(told(&page).len() > 40, "{page}");
    assert_eq!(told(&page), told(&report(&[capture, "--format", "md"])));
}

/// Headings are words for people: a change of names in the code has once got into them.
#[test]
fn the_headings_of_all_tables_are_these() {
    let page = report(&[incident().to_str().unwrap()]);
    let cells = page.split("<th").skip(1).filter(|cell| cell.starts_with(['>', ' ']));
    let headings: BTreeSet<&str> =
        cells.map(|cell| cell.split(['>', '<']).nth(1).unwrap()).collect();
    let words = [
        "Bytes",
        "Client",
        "File",
        "Flows",
        "For",
        "From",
        "Protocols",
        "Label",
        "Length",
        "Rule",
        "SHA-256",
        "Seen (UTC)",
        "Service",
        "Shown by",
        "Weight",
        "Observation",
    ];
    assert_eq!(headings, words.into());
}

#[test]
fn a_page_loads_nothing_and_stays_small() {
    let page = report(&[incident().to_str().unwrap()]);
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'"));
    for loads in ["<script", "<link", "<img", "<iframe", "src=", "url(", "@import", "<object"] {
        assert!(!page.contains(loads), "{loads}");
    }
    for label in ["timelot-unknown", "citrix-framehawk", "other"] {
        assert!(page.contains(&format!("card {label}")), "no card for {label}");
    }
}

#[test]
fn the_ticket_says_the_same_without_markup_of_strangers() {
    let text = report(&[incident().to_str().unwrap(), "--format", "md"]);
    assert!(
        text.starts_with("# ") && text.contains("## Verdicts") && text.contains("## Next steps")
    );
    // Whatever they wrote is behind a backslash, and nothing acts on a terminal.
    for line in text.lines().filter(|line| !line.starts_with("    ")) {
        assert!(!line.replace("\\<", "").replace(" <= ", "").contains('<'), "{line}");
    }
    assert!(!text.replace("\\]", "").contains("](javascript"), "a link of theirs");
    assert!(!text.chars().any(|c| c != '\n' && portstory::internal::escape::is_hazard(c)));
}

/// The generator's strings that would like to be more than text, as they look once they are harmless.
const HOSTILE: [&str; 8] = [
    "<script>document.title='run'</script>",
    "\"><img src=x onerror=alert(1)>",
    "\\x1b[2J\\x1b[1;31mnothing to see\\x1b[0m",
    "=cmd|' /C calc'!A0",
    "invoice\\u{202e}gpj.exe",
    "</style><script>alert(1)</script>",
    "](javascript:alert(1)) **bold** | cell |",
    "a\\u{200b}b\\u{2028}c\\u{feff}d",
];

/// A flow for each of them, as names in TLS, hosts in HTTP or banners of SSH.
fn hostile(kind: &str) -> PathBuf {
    generated("incident.py", &["--hostile", kind], &format!("hostile-{kind}.pcap"))
}

fn without_hazards(text: &str) -> &str {
    let hazard = text.chars().find(|&c| c != '\n' && portstory::internal::escape::is_hazard(c));
    assert_eq!(hazard, None);
    text
}

#[test]
fn hostile_strings_are_shown_everywhere_and_do_nothing() {
    for kind in ["tls", "http"] {
        let file = hostile(kind);
        let file = file.to_str().unwrap();
        let page = report(&[file]);
        let (page, ticket) = (without_hazards(&page), report(&[file, "--format", "md"]));
        let read = |format: &str| {
            String::from_utf8(portstory(&["read", "--format", format, file]).stdout).unwrap()
        };
        let (text, eve, csv) = (read("text"), read("eve"), read("csv"));
        let ticket = without_hazards(&ticket);
        // Rows of CSV end in both.
        for lines in [&text, &eve, &csv.replace("\r\n", "\n")] {
            without_hazards(lines);
        }
        for string in HOSTILE {
            let html = string.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let html = html.replace('"', "&quot;");
            assert!(page.contains(&html), "{kind}: {html} is hidden in the page");
            assert!(!page.contains("<script") && !page.contains("<img"), "{kind}");
            let plain = portstory::internal::escape::markdown(string);
            let plain = plain.strip_prefix("\\=").map_or(plain.as_str(), |rest| rest);
            assert!(ticket.contains(plain), "{kind}: {plain} is hidden in the ticket");
            assert!(
                csv.contains(&string.replace('"', "\"\"")),
                "{kind}: {string} is hidden in CSV"
            );
        }
        for cell in csv.split([',', '\r', '\n']).map(|cell| cell.trim_start_matches('"')) {
            assert!(!cell.starts_with(['=', '@', '+']), "{kind}: {cell} is a formula");
        }
    }
}

/// Forty captures with three things that must not be missed among 2,000 ordinary flows.
fn haystack() -> PathBuf {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    MADE.get_or_init(|| {
        let folder = generated("haystack.py", &["--flows", "2000"], "haystack");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 40);
        folder
    })
    .clone()
}

/// The shell, the reversed connection and the beacon, in the order of the ranking.
const NEEDLES: [(&str, &str); 3] = [
    ("10.40.0.99:3243/tcp", "text shell"),
    ("198.51.100.23:3243/tcp", "reversed connection"),
    ("203.0.113.77:3243/tcp", "possible beacon"),
];

/// Where each of the needles first stands in a text.
fn places(text: &str) -> Vec<Option<usize>> {
    NEEDLES.iter().map(|(place, _)| text.find(place)).collect()
}

#[test]
fn what_must_not_be_missed_is_on_the_first_and_the_last_screen_of_a_terminal() {
    let folder = haystack();
    let program = program();
    let command = format!(
        "stty cols 80 rows 24; exec {program} read --quiet --color never {}",
        folder.display()
    );
    let output = Command::new("script").args(["-qec", &command, "/dev/null"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 200, "{text}");
    assert!(lines.iter().all(|line| line.len() <= 80 || line.contains(".port==")), "{text}");
    for screen in [&lines[..24], &lines[lines.len() - 23..]] {
        let screen = screen.join("\n");
        let places = places(&screen);
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{screen}");
    }
    let summary = &text[text.rfind("\nSUMMARY").unwrap()..];
    assert!(summary.contains("Attention  3 of 38 services, the worst first:"), "{summary}");
    for (place, title) in NEEDLES {
        assert!(summary.contains(&format!("{place}  {title}; ")), "{summary}");
    }
}

#[test]
fn what_must_not_be_missed_leads_the_ticket_and_every_notable_flow_is_counted() {
    let folder = haystack();
    let text = report(&[folder.to_str().unwrap(), "--format", "md"]);
    let plain = text.replace('\\', "");
    let first = plain.lines().next().unwrap();
    assert_eq!(
        first,
        "# 3 of 38 services need attention: the worst is 10.40.0.99:3243/tcp, text shell."
    );
    let start = &plain[..plain.find("\n## Verdicts").unwrap()];
    assert!(start.lines().count() < 60 && places(start).is_sorted(), "{start}");
    for (place, title) in NEEDLES {
        assert!(start.contains(&format!("**{place}** ")), "{start}");
        let title = format!("### {}{} on {place}", title[..1].to_uppercase(), &title[1..]);
        assert!(plain.contains(&title), "no card: {title}");
    }
    // Flows of one kind at many services share a card, and none is left out.
    let cards: Vec<&str> = plain.lines().filter(|line| line.starts_with("### ")).collect();
    for (name, services) in [("ssh", 15), ("tls", 9), ("http", 8)] {
        let more = format!(" and {services} more services: other");
        let more_or_less = |line: &&&str| line.starts_with(&format!("### {name} on "));
        let own: Vec<_> = cards.iter().filter(more_or_less).collect();
        assert!(own.len() == 1 && own[0].contains(&more), "{name}: {own:?}");
    }
    let counted: u64 = plain
        .lines()
        .filter_map(|line| line.split(" UTC; ").nth(1)?.split(" of this kind").next())
        .map(|flows| flows.split(' ').next().unwrap().replace(',', "").parse::<u64>().unwrap())
        .sum();
    let read = portstory(&["read", "--format", "csv", folder.to_str().unwrap()]);
    let flows = String::from_utf8(read.stdout).unwrap().lines().count() - 1;
    assert_eq!(counted, flows as u64, "{plain}");
}

/// The same captures without the first five frames of each, as when they were begun in the middle.
fn haystack_without_starts() -> PathBuf {
    let (whole, folder) = (haystack(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-starts"));
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(whole).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        // The others are recorded, and stay as they are.
        if bytes.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]) {
            let mut end = 24;
            for _ in 0..5 {
                let len = u32::from_le_bytes(bytes[end + 8..end + 12].try_into().unwrap());
                end += 16 + usize::try_from(len).unwrap();
            }
            bytes.drain(24..end);
        }
        std::fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
    }
    folder
}

#[test]
fn a_service_is_not_unidentified_for_a_flow_that_was_seen_from_its_middle() {
    let folder = haystack_without_starts();
    let folder = folder.to_str().unwrap();
    let text = String::from_utf8(portstory(&["read", folder]).stdout).unwrap();
    let rests = text.lines().filter(|line| line.contains("(unidentified)   10.30."));
    assert!(rests.count() > 6, "{text}");
    // No service of SSH, TLS or HTTP, and no flow of theirs above the others.
    let summary = &text[text.rfind("\nSUMMARY").unwrap()..];
    let attention = &summary[..summary.find("\nFlows ").unwrap()];
    let foremost = &text[..text.find("\nOTHERS").unwrap()];
    for part in [attention, foremost] {
        let services = ["10.40.0.", "10.41.0.", "10.42.0."];
        let count = services.iter().map(|service| part.matches(service).count()).sum::<usize>();
        assert!(count == 1 && part.contains("10.40.0.99:3243"), "{part}");
    }
    let page = report(&[folder, "--format", "md"]);
    let cards: Vec<_> = page.lines().filter(|line| line.starts_with("### ")).collect();
    let place = |title: &str| cards.iter().position(|line| line.starts_with(title)).unwrap();
    let [rest, known] = ["### Something unidentified on 10.40.", "### ssh on "].map(place);
    assert!(rest > known, "{cards:#?}");
}

#[test]
fn what_must_not_be_missed_is_on_the_first_screen_of_the_page() {
    let Some(program) = browser::installed() else { return };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&dir).unwrap();
    let page = dir.join("haystack.html");
    portstory(&["report", haystack().to_str().unwrap(), "-o", page.to_str().unwrap()]);
    let mut browser = Browser::start(program);
    for width in WIDTHS {
        for scheme in SCHEMES {
            browser.open(&page, width, scheme);
            let what = format!("haystack at {width}, {scheme}");
            assert_harmless(&mut browser, &what);
            assert_readable(&mut browser, &what, width, scheme);
            browser.picture(&dir.join(format!("haystack-{width}-{scheme}-first.png")), false);
            browser.picture(&dir.join(format!("haystack-{width}-{scheme}.png")), true);
            let bottom = |browser: &mut Browser, element: &str| {
                browser
                    .ask(&format!("{element}.getBoundingClientRect().bottom + scrollY"))
                    .as_f64()
                    .unwrap()
            };
            let headline = bottom(&mut browser, "document.querySelector('h1')");
            let timeline = bottom(&mut browser, "document.querySelector('.timeline svg')");
            assert!(0.0 < headline && headline < timeline, "{what}");
            let mut above = timeline;
            for (place, title) in NEEDLES {
                let row = format!(
                    "[...document.querySelectorAll('.attention li')].find(row => \
                     row.textContent.includes('{place}') && row.textContent.toLowerCase().includes('{title}'))"
                );
                let row_bottom = bottom(&mut browser, &row);
                assert!(above < row_bottom && row_bottom <= 900.0, "{what}: {place} {row_bottom}");
                above = row_bottom;
                // A row has the page's whole width, and few lines.
                let share = browser.ask(&format!("{row}.clientWidth / innerWidth"));
                assert!(share.as_f64().unwrap() > if width > 1000 { 0.7 } else { 0.88 }, "{what}");
                let height = browser.ask(&format!("{row}.clientHeight")).as_f64().unwrap();
                assert!(height < if width > 1000 { 90.0 } else { 150.0 }, "{what}: {height}");
            }
            let verdicts = bottom(&mut browser, "document.querySelector('#verdicts')");
            let table = browser
                .ask("document.querySelector('#endpoints').open || document.querySelector('#endpoints table').checkVisibility()");
            assert!(above < verdicts && table == false, "{what}: the table is in the way");
        }
    }
    // What is folded away is on paper.
    browser
        .call("Emulation.setEmulatedMedia", serde_json::json!({"media": "print", "features": []}));
    let folded = "[...document.querySelectorAll('details:not([open])')]";
    let hidden = format!(
        "{folded}.filter(part => !part.lastElementChild.checkVisibility() || \
         part.lastElementChild.getBoundingClientRect().height == 0).length"
    );
    assert!(browser.ask(&format!("{folded}.length")).as_u64().unwrap() > 3);
    assert_eq!(browser.ask(&hidden), 0);
}

#[test]
fn it_can_be_read_in_a_browser() {
    let Some(program) = browser::installed() else { return };
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&dir).unwrap();
    let mut browser = Browser::start(program);
    let (incident, hostile) = (incident(), ["tls", "http", "ssh"].map(hostile));
    let made =
        [&incident, &hostile[0], &hostile[1], &hostile[2]].map(|file| file.to_str().unwrap());
    let names = ["mixed", "hostile-tls", "hostile-http", "hostile-ssh", "unknown", "framehawk"];
    for (name, capture) in names.into_iter().zip(made.into_iter().chain([UNKNOWN, FRAMEHAWK])) {
        let page = dir.join(format!("{name}.html"));
        portstory(&["report", capture, "-o", page.to_str().unwrap()]);
        for width in WIDTHS {
            for scheme in SCHEMES {
                browser.open(&page, width, scheme);
                let what = format!("{name} at {width}, {scheme}");
                assert_harmless(&mut browser, &what);
                assert_readable(&mut browser, &what, width, scheme);
                browser.picture(&dir.join(format!("{name}-{width}-{scheme}.png")), true);
            }
        }
    }
}

/// Nothing is said on the console, nothing but the page itself is asked for, nothing ran.
fn assert_harmless(browser: &mut Browser, what: &str) {
    assert_eq!(browser.ask("document.scripts.length"), 0, "{what}");
    assert!(browser.ask("document.title").as_str().unwrap().starts_with("portstory: "), "{what}");
    let of = |method: &str| browser.events.iter().filter(|event| event["method"] == method).count();
    for method in ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"] {
        assert_eq!(of(method), 0, "{what}: {:?}", browser.events);
    }
    assert_eq!(of("Network.requestWillBeSent"), 1, "{what}");
    assert_eq!(of("Page.javascriptDialogOpening"), 0, "{what}");
}

/// No scrolling to the side, and every text stands out from what is behind it (WCAG 2.2, 1.4.3).
fn assert_readable(browser: &mut Browser, what: &str, width: u32, scheme: &str) {
    let wide = browser.ask("document.documentElement.scrollWidth").as_u64().unwrap();
    assert!(wide <= u64::from(width), "{what}: {wide} pixels wide");
    let overflowing = browser.ask(
        "[...document.querySelectorAll('body *:not(svg *)')].filter(e => e.getBoundingClientRect().right \
         > document.documentElement.clientWidth + 0.5).map(e => e.outerHTML.slice(0, 90))",
    );
    assert_eq!(overflowing.as_array().unwrap().len(), 0, "{what}: {overflowing}");
    let clipped = browser.ask(
        "[...document.querySelectorAll('pre')].filter(e => e.scrollWidth > e.clientWidth).length",
    );
    assert_eq!(clipped, 0, "{what}: a block scrolls");
    let is_dark =
        browser.ask("getComputedStyle(document.body).backgroundColor != 'rgb(255, 255, 255)'");
    assert_eq!(is_dark, scheme == "dark", "{what}");
    let faint = browser.ask(CONTRAST);
    assert_eq!(faint.as_array().unwrap().len(), 0, "{what}: {faint}");
}

/// Texts whose contrast with what is behind them is below 4.5 to 1.
const CONTRAST: &str = "(() => {
  const light = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => { v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; })
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
      if (c != 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
    if (!own || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const colour = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const [a, b] = [light(colour), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(e.outerHTML.slice(0, 120) + ' ' + ratio);
  }
  return faint.slice(0, 5);
})()";
