//! `portstory explain`: what is known, from the rows that the program itself works by.

use std::fmt::Write as _;
use std::io::Write;

use clap::Args;

use super::run::stdout_exit;
use super::{Exit, log};
use crate::config::{FRAMEHAWK_PORTS, TIMELOT_PORT};
use crate::event::Label;
use crate::identify::{DETECTORS, Detector};
use crate::judge::rules::RULES;
use crate::registry;

/// What is known of a port, a label or a protocol.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A port, a label or a protocol; without one, all protocols are listed
    what: Option<String>,
}

impl Explain {
    pub(super) fn run(&self) -> Exit {
        let Some(what) = &self.what else { return print(&list()) };
        let text = if let Ok(port) = what.parse::<u16>() {
            Some(of_port(port))
        } else if let Some(label) = Label::ALL.into_iter().find(|label| label.name() == what) {
            Some(of_label(label))
        } else {
            DETECTORS
                .iter()
                .find(|detector| detector.id == what)
                .map(|detector| of_detector(detector))
        };
        match text {
            Some(text) => print(&text),
            None => {
                log::say(&format!(
                    "'{what}' is no port, label or protocol that is known; `portstory explain` lists the protocols"
                ));
                Exit::Usage
            }
        }
    }
}

fn print(text: &str) -> Exit {
    stdout_exit(std::io::stdout().write_all(text.as_bytes()))
}

fn list() -> String {
    let width = DETECTORS.iter().map(|detector| detector.id.len()).max().unwrap_or_default();
    let mut text = format!("{} protocols are recognised, from payload alone:\n\n", DETECTORS.len());
    for detector in DETECTORS {
        let _ = writeln!(text, "  {:width$}  {}", detector.id, detector.title);
    }
    text.push_str(
        "\n`portstory explain PROTOCOL` tells what each rests on and what it cannot see.\n",
    );
    text
}

fn of_detector(detector: &Detector) -> String {
    let Detector { id, title, reference, rests_on, blind_spots, bits, .. } = detector;
    format!(
        "{title} ({id})\n\n  Rests on     {rests_on}\n  Blind spots  {blind_spots}\n  Reference    {reference}\n  \
         By chance    one random flow in 2^{bits:.0} would pass\n"
    )
}

fn of_label(label: Label) -> String {
    let mut text = format!(
        "{}\n\n{}\n\nRules that speak for it, or against it where the weight is negative:\n",
        label.name(),
        meaning(label)
    );
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

fn meaning(label: Label) -> &'static str {
    match label {
        Label::TimelotUnknown => {
            "A conversation with a service on 3243 that nothing identifies: the registered name, timelot, \
             is all there is. It does not mean that a program called Timelot runs there; nothing public is \
             known of one."
        }
        Label::CitrixFramehawk => {
            "UDP in Framehawk's range, not recognised as anything else, and shape, companion sessions or \
             sibling flows speak for Framehawk. Always circumstantial: no public payload signature exists, \
             and Citrix's own DPI reports the traffic as unknown."
        }
        Label::Other => {
            "Anything else, named where it can be named, or said plainly: a client's own port, a scan, a \
             refused connection."
        }
    }
}

pub(super) fn of_port(port: u16) -> String {
    let mut text = format!("Port {port}\n\n");
    match registry::name(port) {
        Some(name) => {
            let _ = writeln!(
                text,
                "  Registered   {name} (IANA); the name says nothing about what really runs there"
            );
        }
        None => text.push_str("  Registered   not in the range that this program knows\n"),
    }
    if port == TIMELOT_PORT {
        text.push_str(
            "  Timelot      registered in February 2002 for TCP and UDP, contact at xtralot.com; no\n               \
             product, protocol or specification of that name is public\n",
        );
    }
    if FRAMEHAWK_PORTS.contains(&port) {
        text.push_str(
            "  Framehawk    UDP 3224-3324 was the default range of Citrix's Framehawk display channel: off\n               \
             by default, shipped from June 2015, no longer supported as of Virtual Apps and\n               \
             Desktops 7 1903 (docs.citrix.com, Framehawk policy settings). A VDA takes the\n               \
             lowest free port first. No public payload signature or capture exists.\n  \
             Polycom      media ports of H.323 and SIP systems start at UDP 3230: check for call\n               \
             signalling (TCP 1720, SIP 5060) between the same hosts\n  \
             Old Windows  XP and 2003 took client ports from 1025 to 5000: then the service is the\n               \
             other end\n",
        );
    }
    text.push_str("\nLook at the packets: portstory read CAPTURE\n");
    text
}
