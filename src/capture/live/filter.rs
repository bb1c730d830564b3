//! What the kernel lets through: BPF in the language of pcap-filter(7).
//!
//! A filter in the kernel saves copying what is surely not watched. It is blunter than the decoder:
//! it opens no tunnels and cannot tell whose fragment it sees. [`default_filter`] lets through all
//! that it cheaply can tell may be ours, and says what it misses.

use std::ops::RangeInclusive;

use pcap::{Activated, Capture};

use crate::config::Watch;
use crate::flow::ledger::COMPANION_PORTS;
use crate::frame::LinkType;
use crate::identify::Transport;

/// Which filter to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelFilter {
    /// [`default_filter`] for these ports.
    Watching(Watch),
    /// This expression, and nothing else.
    Expression(String),
    /// Everything is let through, and looked at here: the slow way that misses nothing.
    Everything,
}

impl Default for KernelFilter {
    fn default() -> Self {
        Self::Watching(Watch::default())
    }
}

/// A filter expression, and what a person should know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In the language of pcap-filter(7); empty lets everything through.
    pub expression: String,
    /// What it lets through, one phrase each; empty for a filter that the user wrote.
    pub covers: Vec<&'static str>,
    /// What may be ours and does not get through, one phrase each.
    pub misses: Vec<&'static str>,
}

/// More ranges than this make a program that the kernel may refuse; then the whole transport is let
/// through.
const RANGES_MAX: usize = 32;

/// VLAN tags that are looked behind: 802.1ad (QinQ) has two.
const VLAN_TAGS: usize = 2;

/// The filter for what is watched, for interfaces of this link type.
///
/// `vlan` moves all offsets behind it, whatever the parentheses say, so it comes last.
pub fn default_filter(watch: &Watch, link: LinkType) -> Filter {
    let untagged = untagged(watch);
    let mut expression = untagged.clone();
    let mut covers = vec![
        "TCP and UDP on the watched ports, over IPv4 and IPv6",
        "sessions that a Framehawk flow would run beside, or that speak against it: ICA 1494, CGP \
         2598, H.225 1720, SIP 5060",
        "ICMP and ICMPv6 errors: they quote what they refuse",
        "all later fragments of IPv4 packets, and all IPv6 packets with extension headers",
    ];
    let mut misses = vec![
        "whatever is inside a tunnel: GRE, VXLAN, Geneve, GTP, IP in IP, PPPoE, MPLS",
        "a Citrix gateway's sessions beside a Framehawk flow (TLS on TCP and UDP 443)",
    ];
    if has_vlan(link) {
        for _ in 0..VLAN_TAGS {
            expression = format!("{untagged} or (vlan and ({expression}))");
        }
        covers.push("the same behind one or two VLAN tags");
        misses.push("the same behind three or more VLAN tags");
    } else {
        covers.push("the same behind one VLAN tag where the system takes it off, as Linux does");
        misses.push("the same behind two or more VLAN tags");
    }
    Filter { expression, covers, misses }
}

/// Everything that is wanted of frames without a VLAN tag. `and` and `or` bind alike in this
/// language, hence the parentheses.
fn untagged(watch: &Watch) -> String {
    /// Unreachable, source quench, redirect, time exceeded, parameter problem: RFC 792.
    const ICMP_ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
    /// Hop-by-hop options, routing, fragment, authentication, destination options: RFC 8200
    /// section 4.1 and RFC 4302. `tcp` and `udp` do not look behind them.
    const IPV6_EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];

    let wanted = |wanted: Transport| {
        let companions = COMPANION_PORTS.iter().filter(move |row| row.0 == wanted);
        let named = watch.ports.iter().copied().chain(companions.map(|row| row.1));
        named.map(|port| port..=port)
    };
    let tcp = ranges(wanted(Transport::Tcp));
    let udp = ranges(wanted(Transport::Udp).chain(std::iter::once(watch.framehawk.clone())));
    let mut alternatives = ports("tcp", &tcp);
    alternatives.extend(ports("udp", &udp));
    alternatives.extend(ICMP_ERRORS.map(|kind| format!("icmp[0] = {kind}")));
    // RFC 4443 section 2.1: errors are the types below 128. 58 is ICMPv6.
    alternatives.push("(ip6[6] = 58 and ip6[40] < 128)".to_owned());
    alternatives.push("ip[6:2] & 0x1fff != 0".to_owned());
    alternatives.extend(IPV6_EXTENSIONS.map(|next| format!("ip6[6] = {next}")));
    alternatives.join(" or ")
}

/// The alternatives that let these ports through.
fn ports(transport: &str, ranges: &[RangeInclusive<u16>]) -> Vec<String> {
    if ranges.len() > RANGES_MAX {
        return vec![transport.to_owned()];
    }
    let expression = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
        (first, last) if first == last => format!("{transport} port {first}"),
        (first, last) => format!("{transport} portrange {first}-{last}"),
    };
    ranges.iter().map(expression).collect()
}

/// The same ports in as few ranges as possible, in order.
fn ranges(of: impl Iterator<Item = RangeInclusive<u16>>) -> Vec<RangeInclusive<u16>> {
    let mut sorted: Vec<_> = of.filter(|range| !range.is_empty()).collect();
    sorted.sort_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u16>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// Whether `vlan` compiles: Ethernet, and 802.11 with and without its radio headers.
fn has_vlan(link: LinkType) -> bool {
    matches!(link.0, 1 | 105 | 119 | 127 | 163)
}

/// Puts a filter to work on a handle. Returns it, and a notice where the default one is not possible.
///
/// # Errors
///
/// The user's expression does not compile, or the system refuses it: a sentence.
pub(super) fn install<T: Activated>(
    capture: &mut Capture<T>,
    link: LinkType,
    wanted: &KernelFilter,
) -> Result<(Filter, Option<String>), String> {
    match wanted {
        KernelFilter::Everything => Ok((Filter::default(), None)),
        KernelFilter::Expression(expression) => match capture.filter(expression, true) {
            Ok(()) => Ok((Filter { expression: expression.clone(), ..Filter::default() }, None)),
            Err(error) => Err(format!(
                "the filter \"{expression}\" does not work: libpcap says \"{}\"; filters are \
                 written as for tcpdump, see `man pcap-filter`, for example \"tcp port 3243\"",
                super::open::text(&error)
            )),
        },
        KernelFilter::Watching(watch) => {
            let filter = default_filter(watch, link);
            if capture.filter(&filter.expression, true).is_ok() {
                return Ok((filter, None));
            }
            let message = "the kernel cannot filter this kind of interface: \
                           every frame is looked at here, which costs more";
            Ok((Filter::default(), Some(message.to_owned())))
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
