//! What a run amounts to: counted while it goes, written by every format at its end.
//!
//! Losses are not here: they stand in the sources' own [`crate::capture::SourceInfo`].

use std::time::Duration;

use crate::human::counted;
use portstory_core::internal::shortfall::{Shortfall, Shortfalls};
use portstory_core::{AnomalyEvent, Event, Label, Socket, Status, Timestamp, Transport, Watch};

/// Totals of one run. Whoever reads the frames fills it; [`RunSummary::count`] counts the events.
#[derive(Clone, Debug, Default)]
pub struct RunSummary {
    /// What was watched.
    pub watch: Watch,
    /// Time of the first frame.
    pub first: Option<Timestamp>,
    /// Time of the last frame; of a live run: when it ended.
    pub last: Option<Timestamp>,
    /// Frames read.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames that belong to a flow in range.
    pub frames_in_range: u64,
    /// Flows by label, in [`Label::ALL`]'s order.
    pub flows_by_label: [u64; 3],
    /// Flows by status, in [`Status::ALL`]'s order.
    pub flows_by_status: [u64; 9],
    /// TCP flows.
    pub flows_tcp: u64,
    /// UDP flows.
    pub flows_udp: u64,
    /// What stopped the decoder, in the order of the events.
    pub anomalies: Vec<AnomalyCount>,
    /// Files that are not captures.
    pub skipped: Vec<String>,
    /// What limits left out.
    pub shortfalls: Shortfalls,
    /// Live: how looking for the processes behind the flows went.
    pub processes: Option<ProcessLookups>,
    /// Flows of whose payload the snap length left too little, if there are any.
    pub unkept: Option<Unkept>,
    /// What else a reader has to know to take the result right, a sentence each.
    pub notices: Vec<String>,
    /// Notices that found no room.
    pub notices_left_out: u64,
}

/// Notices kept. An interface that flaps for months must not fill the memory; all of them are in the log.
const NOTICES_MAX: usize = 256;

const NOTICES_LEFT_OUT: &str = "beyond the first 256: the log on standard error has them";

/// Flows of whose payload too little was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// How many.
    pub flows: u64,
    /// The first one's server.
    pub server: Socket,
    /// Its transport.
    pub transport: Transport,
    /// Bytes that were captured of its frames, where that is known.
    pub snap_bytes: Option<u32>,
}

impl Unkept {
    /// Why to record again, without a full stop.
    pub fn reason(&self) -> String {
        let kept = match self.snap_bytes {
            Some(bytes) => format!("{} of each", counted(bytes.into(), "byte")),
            None => "only the beginning of each".to_owned(),
        };
        let flows = counted(self.flows, "flow");
        format!("the capture kept {kept}, too little payload to identify {flows}")
    }

    /// The command that records it again, whole.
    pub fn command(&self) -> String {
        let Self { server: Socket { addr, port }, transport, .. } = self;
        let transport = transport.keyword();
        format!("sudo tcpdump -i any -s 0 -w again.pcap 'host {addr} and {transport} port {port}'")
    }
}

/// How looking for the processes behind flows went: flows, and what it cost. The names are EVE's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessLookups {
    /// Flows with an end on this machine that were looked up.
    pub asked: u64,
    /// Of them: the process was found.
    pub with_process: u64,
    /// Nobody listened there.
    pub nobody: u64,
    /// Whoever holds the socket is not visible with the rights at hand.
    pub not_visible: u64,
    /// The socket was gone already.
    pub gone: u64,
    /// There was no answer before the flow ended.
    pub unanswered: u64,
    /// Flows that were not looked up.
    pub not_asked: u64,
    /// Milliseconds of processor time that looking took.
    pub cpu_ms: u64,
    /// Milliseconds in which there was more to look at than the budget allowed.
    pub over_budget_ms: u64,
}

/// One kind of anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyCount {
    /// The kind and its first instance.
    pub first: AnomalyEvent,
    /// Frames.
    pub count: u64,
}

impl RunSummary {
    /// Counts one event.
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::Flow(flow) => {
                let (label, status) = (flow.verdict.label, flow.verdict.status);
                bump(&mut self.flows_by_label, Label::ALL.iter().position(|&one| one == label));
                bump(&mut self.flows_by_status, Status::ALL.iter().position(|&one| one == status));
                if status == Status::Insufficient && flow.verdict.visibility.kept_too_little() {
                    let (server, transport) = (flow.server, flow.transport);
                    let snap_bytes = flow.verdict.visibility.snap_bytes;
                    let none = Unkept { flows: 0, server, transport, snap_bytes };
                    self.unkept.get_or_insert(none).flows += 1;
                }
                match flow.transport {
                    Transport::Tcp => self.flows_tcp += 1,
                    Transport::Udp => self.flows_udp += 1,
                }
            }
            Event::Anomaly(anomaly) => self.count_anomaly(*anomaly),
            Event::Endpoint(_) | Event::Verdict(_) => {}
        }
    }

    /// Adds a notice.
    pub fn note(&mut self, sentence: String) {
        if self.notices.len() < NOTICES_MAX {
            self.notices.push(sentence);
        } else {
            self.notices_left_out += 1;
        }
    }

    /// The limits that left something out.
    pub fn limits(&self) -> impl Iterator<Item = Shortfall> {
        let notices = Shortfall {
            limit: "notices",
            not_kept: self.notices_left_out,
            unit: "notice",
            what: NOTICES_LEFT_OUT,
            flag: None,
        };
        self.shortfalls.reached().chain((notices.not_kept > 0).then_some(notices))
    }

    /// The same, a sentence each with the option that raises the limit.
    pub fn limit_notices(&self) -> impl Iterator<Item = String> {
        self.limits().map(|Shortfall { not_kept, unit, what, flag, .. }| {
            let raise = flag.map_or(String::new(), |flag| format!("; a larger {flag} makes room"));
            format!("{} {what}{raise}", counted(not_kept, unit))
        })
    }

    /// All flows in range.
    pub fn flows(&self) -> u64 {
        self.flows_by_label.iter().sum()
    }

    /// Frames that anomalies stopped. Those that carry no IP, or what is not opened, are none of them.
    pub fn anomalous_frames(&self) -> u64 {
        self.frames_stopped(|anomaly| {
            anomaly.link_without_ip().is_none() && anomaly.unopened().is_none()
        })
    }

    /// Frames of link types that carry no IP.
    pub fn frames_without_ip(&self) -> u64 {
        self.frames_stopped(|anomaly| anomaly.link_without_ip().is_some())
    }

    fn frames_stopped(&self, by: fn(&AnomalyEvent) -> bool) -> u64 {
        self.anomalies.iter().filter(|row| by(&row.first)).map(|row| row.count).sum()
    }

    /// The time that the capture covers.
    pub fn elapsed(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.since(first),
            (None, _) | (_, None) => Duration::ZERO,
        }
    }

    fn count_anomaly(&mut self, anomaly: AnomalyEvent) {
        let same = |known: &&mut AnomalyCount| {
            let of = |one: &AnomalyEvent| (one.event, one.number, one.layer);
            of(&known.first) == of(&anomaly)
        };
        match self.anomalies.iter_mut().find(same) {
            Some(known) => known.count += anomaly.count,
            None => self.anomalies.push(AnomalyCount { first: anomaly, count: anomaly.count }),
        }
    }
}

fn bump(counts: &mut [u64], at: Option<usize>) {
    if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portstory_core::{FrameRef, Layer};

    #[test]
    fn notices_beyond_the_limit_are_counted_as_what_other_limits_leave_out() {
        let mut summary = RunSummary::default();
        (0..NOTICES_MAX).for_each(|number| summary.note(number.to_string()));
        assert_eq!(summary.limits().count(), 0);
        summary.note("one more".to_owned());
        let limits: Vec<_> = summary.limits().map(|one| (one.limit, one.not_kept)).collect();
        assert_eq!(limits, [("notices", 1)]);
        let told: Vec<_> = summary.limit_notices().collect();
        assert!(
            told[0].starts_with(&format!("1 notice beyond the first {NOTICES_MAX}: ")),
            "{told:?}"
        );
    }

    #[test]
    fn anomalies_of_one_kind_are_added_up() {
        let one = AnomalyEvent {
            event: "ipv4.header_too_short",
            number: None,
            layer: Layer::Network,
            offset: 14,
            frame: FrameRef::default(),
            count: 2,
        };
        let mut summary = RunSummary::default();
        summary.count(&Event::Anomaly(one));
        summary.count(&Event::Anomaly(AnomalyEvent { count: 3, ..one }));
        summary.count(&Event::Anomaly(AnomalyEvent { event: "vlan.too_many", ..one }));
        assert_eq!(summary.anomalies.len(), 2);
        assert_eq!((summary.anomalous_frames(), summary.frames_without_ip()), (7, 0));
        let usb = "link_type_carries_no_ip.189_usb_linux";
        summary.count(&Event::Anomaly(AnomalyEvent { event: usb, ..one }));
        assert_eq!((summary.anomalous_frames(), summary.frames_without_ip()), (7, 2));
        for number in [50, 132, 50] {
            let event = "not_opened.ip_protocol";
            let one = AnomalyEvent { event, number: Some(number), ..one };
            summary.count(&Event::Anomaly(one));
        }
        let named: Vec<_> =
            summary.anomalies.iter().map(|row| (row.first.name(), row.count)).collect();
        let expected = ["not_opened.ip_protocol_50_esp", "not_opened.ip_protocol_132_sctp"];
        assert_eq!(named[3..], [(expected[0].into(), 4), (expected[1].into(), 2)]);
        assert_eq!((summary.anomalous_frames(), summary.frames_without_ip()), (7, 2));
    }
}
