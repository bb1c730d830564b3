//! Opening an interface, and saying in one sentence why it could not be opened.

use std::os::fd::AsFd;

use pcap::{Active, Capture, Precision};

use super::effect::{self, FileHeader};
use super::filter::{self, Filter};
use super::interface_handle::InterfaceHandle;
use super::interfaces::{self, is_network, nearest};
use super::linktype::{carries_no_ip, link_type};
use super::{BLOCK_TIMEOUT, CaptureError, Notice, Options};

/// The device that libpcap makes up of all interfaces.
const ANY: &str = "any";

/// The names in their order, each once: an interface opened twice would show each frame twice.
pub(super) fn distinct(names: &[String]) -> Result<Vec<&str>, CaptureError> {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    if distinct.is_empty() {
        return Err(CaptureError::cannot_open(
            "live",
            format!("name an interface: there are {}", existing()),
        ));
    }
    Ok(distinct)
}

/// Opens one interface; returns with it which filter works on it, and what should be known of it.
pub(super) fn open(
    name: &str,
    options: &Options,
) -> Result<(InterfaceHandle, Filter, Vec<Notice>), CaptureError> {
    let mut notices = Vec::new();
    let mut notice = |message: String| notices.push(Notice { source: name.to_owned(), message });

    let promiscuous = options.promiscuous && name != ANY;
    if options.promiscuous && !promiscuous {
        // libpcap only warns, but a warning on opening reaches us as a failure.
        notice(
            "promiscuous mode is not available for all interfaces at once: name the interfaces on \
             which to see frames for other machines"
                .to_owned(),
        );
    }
    let (mut capture, head) = activate(name, promiscuous, options)?;
    if let Some(head) = &head
        && head.snap_bytes < options.snap_bytes
    {
        notice(format!("only {} bytes of each frame can be kept", head.snap_bytes));
    }
    if let Some(ring) = effect::ring_bytes(&capture)
        && ring < u64::from(options.ring_bytes) / 4 * 3
    {
        let mebibytes = ring >> 20;
        notice(format!(
            "low on memory: the ring buffer has only {mebibytes} MiB, more frames may be dropped"
        ));
    }

    let link = link_type(capture.get_datalink());
    if let Some(what) = carries_no_ip(link) {
        return Err(CaptureError::cannot_open(
            name,
            format!("it carries {what}, not IP: watch a network interface"),
        ));
    }
    let index = rustix::net::netdevice::name_to_index(capture.as_fd(), name).ok();
    let (filter, unfiltered) = filter::install(&mut capture, link, &options.filter)
        .map_err(|message| CaptureError::cannot_open(name, message))?;
    if let Some(message) = unfiltered {
        notice(message);
    }
    let capture = capture.setnonblock().map_err(|error| explain(name, &error))?;
    let nanos_per_tick = if head.is_some_and(|head| head.nanoseconds) { 1 } else { 1000 };
    Ok((InterfaceHandle::new(capture, link, nanos_per_tick, index), filter, notices))
}

/// Activates a handle, in nanoseconds where it then says that this took effect.
fn activate(
    name: &str,
    promiscuous: bool,
    options: &Options,
) -> Result<(Capture<Active>, Option<FileHeader>), CaptureError> {
    let activate = |precision| {
        Capture::from_device(name)?
            .promisc(promiscuous)
            .snaplen(i32::try_from(options.snap_bytes).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(options.ring_bytes).unwrap_or(i32::MAX))
            .timeout(i32::try_from(BLOCK_TIMEOUT.as_millis()).unwrap_or(i32::MAX))
            .precision(precision)
            .open()
    };
    let capture = activate(Precision::Nano).map_err(|error| explain(name, &error))?;
    let head = effect::head(&capture);
    if head.is_some() {
        return Ok((capture, head));
    }
    // Nothing tells which unit its times are in; microseconds are what every version gives.
    drop(capture);
    Ok((activate(Precision::Micro).map_err(|error| explain(name, &error))?, None))
}

/// Says what is wrong and what to do, as far as the error and the list of interfaces tell.
fn explain(name: &str, error: &pcap::Error) -> CaptureError {
    let known = interfaces::list().unwrap_or_default();
    let text = text(error);
    // A colon introduces a parameter of a special device, which no list shows.
    if !known.is_empty() && !name.contains(':') && known.iter().all(|known| known.name != name) {
        let suggestion = nearest(name, known.iter().map(|known| known.name.as_str()))
            .map_or(String::new(), |near| format!("; did you mean {near}?"));
        let message = format!("there is no such interface, there are {}{suggestion}", existing());
        return CaptureError::cannot_open(name, message);
    }
    let lower = text.to_lowercase();
    if ["permission", "not permitted", "cap_net_raw", "access denied"]
        .iter()
        .any(|sign| lower.contains(sign))
    {
        let message = "no permission to capture: run with sudo, or grant it permanently with \
             `sudo setcap cap_net_raw+ep $(command -v portstory)`";
        return CaptureError::cannot_open(name, message.to_owned());
    }
    if known.iter().any(|it| it.name == name && is_network(name) && !it.flags.is_up()) {
        let message = format!("the interface is down: `sudo ip link set {name} up` switches it on");
        return CaptureError::cannot_open(name, message);
    }
    CaptureError::cannot_open(name, format!("cannot capture from it: libpcap says \"{text}\""))
}

/// The names of all network interfaces, for a sentence.
fn existing() -> String {
    let mut known = interfaces::list().unwrap_or_default();
    known.retain(|known| is_network(&known.name));
    if known.is_empty() {
        return "none".to_owned();
    }
    known.into_iter().map(|known| known.name).collect::<Vec<_>>().join(", ")
}

/// libpcap's own words, without the crate's frame around them.
pub(super) fn text(error: &pcap::Error) -> String {
    if let pcap::Error::PcapError(text) = error { text.clone() } else { error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureErrorKind;

    #[test]
    fn a_name_counts_once_and_one_is_needed() {
        let names = ["lo", " eth0", "lo", ""].map(str::to_owned);
        assert_eq!(distinct(&names).unwrap(), ["lo", "eth0"]);
        let error = distinct(&[String::new()]).unwrap_err();
        assert_eq!(error.kind, CaptureErrorKind::CannotOpen);
        assert!(error.message.starts_with("name an interface"), "{error}");
    }

    #[test]
    fn says_which_interfaces_there_are() {
        let error = open("no-such-if0", &Options::new(Vec::new())).err().unwrap();
        assert_eq!(error.kind, CaptureErrorKind::CannotOpen);
        assert!(error.message.contains("no such interface, there are "), "{error}");
    }

    #[test]
    fn a_nul_byte_in_a_name_is_an_error_like_any_other() {
        assert!(open("lo\0", &Options::new(Vec::new())).is_err());
    }

    #[test]
    fn missing_rights_are_answered_with_what_to_do() {
        for said in [
            "Attempt to create packet socket failed - CAP_NET_RAW may be required",
            "You don't have permission to perform this capture on that device",
            "socket: Operation not permitted",
        ] {
            let error = explain("any:", &pcap::Error::PcapError(said.to_owned()));
            assert!(error.message.contains("sudo setcap cap_net_raw+ep"), "{error}");
        }
    }
}
