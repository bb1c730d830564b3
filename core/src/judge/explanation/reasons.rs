//! Which fact made a notable, in a sentence with its values, and the packet that shows it.

use crate::event::{Notable, RoleBasis};
use crate::flow::SideFacts;
use crate::frame::FrameRef;
use crate::judge::FlowContext;
use crate::judge::notable::Openings;
use crate::judge::rules::{self, framehawk::percent};
use crate::judge::shell;
use crate::net::Side;
use crate::registry;

/// What made one notable.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Which.
    pub notable: Notable,
    /// What was seen.
    pub fact: String,
    /// The packet that shows it, or with which it begins.
    pub frame: FrameRef,
}

/// The reason for a notable that the flow has.
pub(super) fn reason(case: &FlowContext<'_>, notable: Notable) -> Reason {
    let first = case.record.first;
    let (fact, frame) = match notable {
        Notable::UnexpectedService => unexpected_service(case),
        Notable::EncryptedFromFirstByte => (encrypted(case), case.shown_by(case.roles.client).0),
        Notable::TextShell => shell(case),
        Notable::ExecutableTransfer => executable_transfer(case),
        Notable::Periodic => (periodic(case), first),
        Notable::UploadHeavy => (upload_heavy(case), first),
        Notable::InconsistentHandshake => inconsistent_handshake(case),
    };
    Reason { notable, fact, frame }
}

fn unexpected_service(case: &FlowContext<'_>) -> (String, FrameRef) {
    let port = case.server_socket().port;
    let registered = registry::name(port)
        .map_or("not registered for it".to_owned(), |name| format!("registered as {name}"));
    let protocol = case.protocol().map_or("a protocol", |found| found.detector.id);
    let frame = case.protocol().map_or(case.record.first, |found| found.quote.at);
    (format!("{protocol} on port {port}, which is {registered}"), frame)
}

/// What is said of the payload of each side.
fn of_both(case: &FlowContext<'_>, say: fn(&SideFacts) -> String) -> String {
    format!("from client {}; from server {}", say(case.client()), say(case.server()))
}

fn random(side: &SideFacts) -> String {
    let sample = &side.sample;
    let bits = u64::from(sample.bytes).saturating_mul(8);
    let ones = percent(sample.ones.into(), bits);
    let text = percent(sample.text.into(), sample.bytes.into());
    format!(
        "{ones} % of the bits are set and {text} % of {} sampled bytes are text (random bytes have 50 % \
         and 38 %)",
        sample.bytes
    )
}

fn encrypted(case: &FlowContext<'_>) -> String {
    let mut all = of_both(case, random);
    if let Some(Openings { count, shared }) = Openings::of(case) {
        all += &format!("; {count} messages share {shared} of the 32 bits that they begin with");
    }
    all
}

fn shell(case: &FlowContext<'_>) -> (String, FrameRef) {
    let all = of_both(case, text);
    let Some(mark) = shell::mark(case.record) else {
        return (all, case.shown_by(case.roles.client).0);
    };
    let whose = if mark.side == case.roles.client { "client" } else { "server" };
    (format!("{} from {whose}, `{}`; {all}", mark.what, mark.text), mark.frame)
}

fn text(side: &SideFacts) -> String {
    let sample = &side.sample;
    let text = percent(sample.text.into(), sample.bytes.into());
    format!("{text} % of {} sampled bytes are text", sample.bytes)
}

fn executable_transfer(case: &FlowContext<'_>) -> (String, FrameRef) {
    let sent = |side: &Side| Some((*side, case.record.side(*side).program()?));
    let Some((side, (frame, program))) = Side::BOTH.iter().find_map(sent) else {
        return ("an executable file".to_owned(), case.record.first);
    };
    let whose = if side == case.roles.client { "client" } else { "server" };
    (format!("{} begins in a packet from {whose}", program.name()), frame)
}

fn periodic(case: &FlowContext<'_>) -> String {
    if let Some(period) = case.record.pace.period() {
        let (messages, seconds) = (case.record.pace.messages, period.as_secs_f64());
        return format!(
            "{messages} messages of this flow, every {seconds:.1} s, with pauses that deviate by less \
             than a tenth"
        );
    }
    rules::pace(case).map_or("regular intervals".to_owned(), |(count, period)| {
        format!(
            "{count} connections of this client to the service, every {:.1} s",
            period.as_secs_f64()
        )
    })
}

fn upload_heavy(case: &FlowContext<'_>) -> String {
    let (up, down) = (case.client().payload_bytes, case.server().payload_bytes);
    format!("{up} bytes of payload from client, {down} from server")
}

fn inconsistent_handshake(case: &FlowContext<'_>) -> (String, FrameRef) {
    let (opener, other) = (case.client_socket(), case.server_socket());
    debug_assert!(case.roles.basis == RoleBasis::Handshake, "{:?}", case.roles.basis);
    let Some(found) = case.protocol() else {
        return ("the handshake does not fit the protocol".to_owned(), case.record.first);
    };
    let protocol = found.detector.id;
    let fact = format!(
        "{} port {} opened the TCP connection, and {} port {} speaks as the client of {protocol}",
        opener.addr, opener.port, other.addr, other.port
    );
    (fact, found.quote.at)
}
