//! What the kernel lets through: BPF in the language of pcap-filter(7).
//!
//! A filter in the kernel saves copying what is surely not watched. It is blunter than the decoder:
//! it opens no tunnels and cannot tell whose fragment it sees. `default_filter` lets through all
//! that it cheaply can tell may be ours; what a filter covers and misses, [`coverage`] finds out.

use std::ops::RangeInclusive;

use pcap::{Activated, Capture};

use super::coverage;
use super::linktype::dlt;
use super::probes::Ends;
use portstory_core::internal::watch::COMPANION_PORTS;
use portstory_core::{LinkType, Transport, Watch};

/// Which filter to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelFilter {
    /// `default_filter` for these ports.
    Watching(Watch),
    /// This expression, and nothing else; what of these ports it covers is told.
    Expression(String, Watch),
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
    /// What it lets through, one phrase each.
    pub covers: Vec<&'static str>,
    /// What may be ours and does not get through, one phrase each.
    pub misses: Vec<&'static str>,
}

/// More ranges than this make a program that the kernel may refuse; then the whole transport is let
/// through.
const RANGES_MAX: usize = 32;

/// VLAN tags that are looked behind: 802.1ad (QinQ) has two.
const VLAN_TAGS: usize = 2;

/// The filter for what is watched, for interfaces of this link type, and what it covers there.
pub(crate) fn default_filter(watch: &Watch, link: LinkType) -> Filter {
    described(default_expression(watch, link), link, watch, Ends::default())
}

/// A filter of the user's own, on interfaces of this link type.
pub(crate) fn own_filter(expression: &str, watch: &Watch, link: LinkType) -> Filter {
    described(expression.to_owned(), link, watch, coverage::ends_in(expression))
}

fn described(expression: String, link: LinkType, watch: &Watch, ends: Ends) -> Filter {
    let program = Capture::dead(dlt(link)).and_then(|dead| dead.compile(&expression, true));
    // Where it does not compile it is not put to work either, and that is said.
    let rows = program.map(|program| coverage::coverage(&program, link, watch, ends));
    let mut filter = Filter { expression, ..Filter::default() };
    for (phrase, covered) in rows.unwrap_or_default() {
        if covered { filter.covers.push(phrase) } else { filter.misses.push(phrase) }
    }
    filter
}

/// `vlan` moves all offsets behind it, whatever the parentheses say, so it comes last.
fn default_expression(watch: &Watch, link: LinkType) -> String {
    let untagged = untagged(watch);
    let mut expression = untagged.clone();
    if has_vlan(link) {
        for _ in 0..VLAN_TAGS {
            expression = format!("{untagged} or (vlan and ({expression}))");
        }
    }
    expression
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
        KernelFilter::Expression(expression, watch) => match capture.filter(expression, true) {
            Ok(()) => Ok((own_filter(expression, watch, link), None)),
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
