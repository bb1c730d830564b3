//! `portstory explain`: what is known, from the rows that the program itself works by.

use std::fmt::Write as _;
use std::io::Write;

use clap::Args;

use super::exit::stdout_exit;
use super::{Outcome, fail_on, log};
use crate::human::wrap;
use portstory_core::internal::judge::rules::RULES;
use portstory_core::internal::registry;
use portstory_core::internal::watch::{FRAMEHAWK_PORTS, TIMELOT_PORT};
use portstory_core::{DETECTORS, Detector, Label};

mod words;

use words::Word;

/// What is known of a port or a protocol, or what a word of a verdict means.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// A port, protocol, label, status, notable or reason to look; without one, all are listed
    what: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  portstory explain 3243                       a page to send to whoever asks
  portstory explain timelot-unknown            what the label rests on, rule by rule
  portstory explain text_shell                 what a notable means, and how it misleads
  portstory explain no_payload                 a status
  portstory explain ssh                        how a protocol is recognised
  portstory explain                            everything that can be explained";

impl Explain {
    pub(super) fn run(&self) -> Outcome {
        let Some(what) = &self.what else { return print(&list()) };
        match about(what) {
            Some(text) => print(&text),
            None => {
                log::say(&format!(
                    "'{}' is not a known port, label, status, notable, reason to look or \
                     protocol; `portstory explain` lists them",
                    what
                ));
                Outcome::Usage
            }
        }
    }
}

fn about(what: &str) -> Option<String> {
    if let Ok(port) = what.parse::<u16>() {
        return Some(of_port(port));
    }
    // As the table shows it, too: (no_payload).
    let what = what.trim_matches(['(', ')']);
    if let Some(label) = Label::ALL.into_iter().find(|label| label.name() == what) {
        return Some(of_label(label));
    }
    if let Some((_, kind, word)) = words::all().find(|(name, ..)| *name == what) {
        return Some(of_word(what, kind, &word));
    }
    let detector = DETECTORS.iter().find(|detector| detector.id == what);
    detector.map(|detector| of_detector(detector))
}

fn print(text: &str) -> Outcome {
    stdout_exit(std::io::stdout().write_all(text.as_bytes()))
}

fn list() -> String {
    let mut text = "What a verdict says:\n\n".to_owned();
    for kind in ["label", "status", "notable", "reason to look"] {
        let of_kind = words::all().filter(|(_, of, _)| *of == kind);
        let names: Vec<_> = of_kind.map(|(name, ..)| name).collect();
        let mut word = kind;
        for line in wrap(&names.join(", "), 72) {
            let _ = writeln!(text, "  {word:16}{line}");
            word = "";
        }
    }
    let width = DETECTORS.iter().map(|detector| detector.id.len()).max().unwrap_or_default();
    let _ = writeln!(text, "\n{} protocols are recognised, from payload alone:\n", DETECTORS.len());
    for detector in DETECTORS.iter() {
        let _ = writeln!(text, "  {:width$}  {}", detector.id, detector.title);
    }
    text.push_str(
        "\n`portstory explain WORD` tells what a word means, what it rests on and how it misleads.\n",
    );
    text
}

/// Columns of a page.
const PAGE_COLUMNS: usize = 90;

fn of_word(name: &str, kind: &str, word: &Word) -> String {
    let mut text = format!("{name} ({kind})\n\n");
    push_paragraphs(&mut text, word);
    if fail_on::takes(name) {
        let _ = writeln!(
            text,
            "\nIn a capture: portstory read --fail-on {name} CAPTURE ends with exit code 3"
        );
    }
    text
}

fn push_paragraphs(text: &mut String, word: &Word) {
    for (title, said) in
        [("Means", word.means), ("Decided", word.decided), ("Misleads", word.misleads)]
    {
        let mut title = title;
        for line in wrap(said, PAGE_COLUMNS - 12) {
            let _ = writeln!(text, "  {title:10}{line}");
            title = "";
        }
    }
}

fn of_detector(detector: &Detector) -> String {
    let Detector { id, title, reference, rests_on, blind_spots, bits, .. } = detector;
    format!(
        "{title} ({id})\n\n  Rests on     {rests_on}\n  Blind spots  {blind_spots}\n  Reference    {reference}\n  \
         By chance    one random flow in 2^{bits:.0} would pass\n"
    )
}

fn of_label(label: Label) -> String {
    let mut text = of_word(label.name(), "label", &words::label(label));
    text.push_str("\nRules that speak for it, or against it where the weight is negative:\n");
    for rule in RULES.iter().filter(|rule| rule.speaks_for == label) {
        let _ = writeln!(
            text,
            "\n  {} ({:+.1})\n    sees      {}\n    rests on  {}\n    misleads  {}",
            rule.id, rule.weight, rule.observes, rule.source, rule.misleads
        );
    }
    text.push_str("\nWeights are log-odds by judgement, not calibrated: no public capture of Framehawk exists.\n");
    text
}

/// A page to send to whoever asks: what is known, from where, and what to do.
pub(super) fn of_port(port: u16) -> String {
    let (is_timelot, in_range) = (port == TIMELOT_PORT, FRAMEHAWK_PORTS.contains(&port));
    let mut text = format!("Port {port}\n\n");
    match registry::name(port) {
        Some(name) => {
            let _ = writeln!(
                text,
                "In short\n  Port tables print \"{name}\" for it. That is a name on a list, not an observation: what runs\n  \
                 there can only be told from its packets, or by asking the machine which process it is.\n\n\
                 What is known\n  Registered   {name} with IANA [1]"
            );
        }
        None => text.push_str(
            "What is known\n  Registered   not in the range that this program knows, 3224-3324 [1]\n",
        ),
    }
    if is_timelot {
        text.push_str(TIMELOT);
    }
    if in_range {
        text.push_str(RANGE);
    }
    let port_word = if is_timelot { String::new() } else { format!(" --port {port}") };
    let _ = write!(
        text,
        "\nWhat to do\n  \
         1. Which process?   sudo portstory who{port_word}\n                      \
         Windows: netstat -abno | findstr :{port}\n  \
         2. Which packets?   portstory capture-guide --host linux|windows|citrix-gateway{port_word}\n                      \
         prints the commands that capture, and their pitfalls\n  \
         3. What is it?      portstory read{port_word} CAPTURE\n                      \
         portstory why{port_word} CAPTURE 3           why row 3 has its label\n"
    );
    if in_range {
        text.push_str(LABELS);
    }
    text.push_str("\nSources\n  [1] IANA, Service Name and Transport Protocol Port Number Registry, copy of 2026-08-17\n");
    if in_range {
        text.push_str(SOURCES);
    }
    text
}

const TIMELOT: &str = "  \
  Timelot      registered in February 2002 for TCP and UDP, contact at xtralot.com [1]. No product,
               protocol, specification or program of that name is public
";

const RANGE: &str = "  \
  Framehawk    UDP 3224-3324 was the default range of Citrix's Framehawk display channel [2]: off by
               default, shipped from June 2015 [3], no longer supported as of Virtual Apps and
               Desktops 7 1903 [4]. UDP only; a VDA takes the lowest free port first [2]. No public
               payload signature or capture exists, and Citrix's own traffic classification reports
               it as unknown [5]
  Polycom      media ports of H.323 and SIP systems start at 3230 [6]: check for call signalling
               (TCP 1720, SIP 5060) between the same hosts
  Old Windows  XP and 2003 took client ports from 1025 to 5000 [7]: the other end is the service
  Anything     whoever installs a service may choose this port: SSH, a proxy, a database, malware
";

const LABELS: &str = "
How this program answers
  timelot-unknown   a conversation on 3243 that nothing identifies
  citrix-framehawk  UDP in the range, recognised as nothing else, and circumstances speak for it
  other             anything that was recognised, or a client's ephemeral port, a scan, a refusal
  `portstory explain LABEL` tells what each rests on. No label says safe or malicious.
";

const SOURCES: &str = "  \
  [2] Citrix, XenApp and XenDesktop 7.15 LTSR, \"Framehawk policy settings\" (docs.citrix.com)
  [3] Citrix blog of June 2015; version in 7.6 FP3: support.citrix.com/article/CTX205257
  [4] Citrix, Virtual Apps and Desktops, graphics/framehawk.html (docs.citrix.com)
  [5] docs.netscaler.com/en-us/citrix-sd-wan/11-5/quality-of-service/app-classification-sd-wan
  [6] Polycom HDX administrator's guide, fixed ports, page 2-23
  [7] Microsoft KB929851 on the default dynamic port range
";
