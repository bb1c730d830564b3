//! One flow as the judge sees it: its facts, turned by who is client and who is server.

use crate::config::{Config, KnownService};
use crate::event::{Direction, Visibility};
use crate::flow::correlation::{Companion, Drops, Gaps};
use crate::flow::{Correlation, Ended, FlowKey, FlowRecord, SideFacts};
use crate::frame::FrameRef;
use crate::identify::identifier::Recognised;
use crate::judge::roles::{self, Roles};
use crate::net::{Side, Socket, Transport};
use crate::time::Timestamp;

/// Everything that a rule may look at.
#[derive(Debug)]
pub(crate) struct FlowContext<'a> {
    /// The flow's key.
    pub key: FlowKey,
    /// Its facts.
    pub record: &'a FlowRecord,
    /// What other flows tell.
    pub ledgers: &'a Correlation,
    /// Whether what was asked of them may be more than they kept.
    pub gaps: Gaps,
    /// What became known later has no say.
    pub as_of: Timestamp,
    /// Who is client.
    pub roles: Roles,
    /// Settings.
    pub config: &'a Config,
}

impl<'a> FlowContext<'a> {
    /// The case of a flow that has ended.
    pub(crate) fn new(ended: &'a Ended, ledgers: &'a Correlation, config: &'a Config) -> Self {
        Self::running(ended.key, &ended.record, ended.closing, ledgers, config)
    }

    /// The case of a flow that is running at `as_of`.
    pub(crate) fn running(
        key: FlowKey,
        record: &'a FlowRecord,
        as_of: Timestamp,
        ledgers: &'a Correlation,
        config: &'a Config,
    ) -> Self {
        let gaps = Gaps::default();
        let roles = roles::decide(&key, record, ledgers, &gaps, as_of, config);
        Self { key, record, ledgers, gaps, as_of, roles, config }
    }

    /// Facts about the client's packets.
    pub(crate) fn client(&self) -> &'a SideFacts {
        self.record.side(self.roles.client)
    }

    /// Facts about the server's packets.
    pub(crate) fn server(&self) -> &'a SideFacts {
        self.record.side(self.roles.client.other())
    }

    /// The client's socket.
    pub(crate) fn client_socket(&self) -> Socket {
        self.key.socket(self.roles.client)
    }

    /// The server's socket.
    pub(crate) fn server_socket(&self) -> Socket {
        self.key.socket(self.roles.client.other())
    }

    /// Whether a port of the flow's transport is watched.
    pub(crate) fn is_watched(&self, port: u16) -> bool {
        self.config.watch.covers(self.key.transport, port)
    }

    /// The watched port that the flow is about: the server's where that is watched.
    pub(crate) fn service_port(&self) -> u16 {
        let server = self.server_socket().port;
        if self.is_watched(server) { server } else { self.client_socket().port }
    }

    /// Whether the server's port is one of those that a Framehawk display channel would use.
    pub(crate) fn may_be_framehawk(&self) -> bool {
        self.key.transport == Transport::Udp
            && self.config.watch.framehawk.contains(&self.server_socket().port)
    }

    /// Whether the server's port is one that is watched for itself: 3243, if nothing else is asked.
    pub(crate) fn is_on_named_port(&self) -> bool {
        self.config.watch.ports.contains(&self.server_socket().port)
    }

    /// The flow's protocols, outermost first.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = &'a Recognised> {
        let (outer, inner, _) = self.record.identifier.split(self.roles.client);
        outer.iter().chain(inner)
    }

    /// The innermost of them.
    pub(crate) fn protocol(&self) -> Option<&'a Recognised> {
        self.protocols().last()
    }

    /// What both ends agreed to go on in, where that was not seen.
    pub(crate) fn expected(&self) -> Option<&'static str> {
        let agreed = self.protocols().filter_map(Recognised::agreed).last()?;
        self.protocol().filter(|found| found.detector.id != agreed).map(|_| agreed)
    }

    /// What the client spoke, where the server answered in another protocol.
    pub(crate) fn tried(&self) -> Option<&'a Recognised> {
        self.record.identifier.split(self.roles.client).2
    }

    /// The service as the site names it, if it does.
    pub(crate) fn known(&self) -> Option<&'a KnownService> {
        let (server, transport) = (self.server_socket(), self.key.transport);
        self.config.known.iter().find(|known| known.is_at(server, transport))
    }

    /// The Citrix session that makes a recognised UDT flow one of EDT.
    pub(crate) fn edt_companion(&self) -> Option<&Companion> {
        self.protocol().filter(|found| found.detector.id == "udt")?;
        let (client, server) = (self.client_socket().addr, self.server_socket().addr);
        self.ledgers
            .companions(client, server, self.record.last, self.as_of, &self.gaps)
            .find(|session| session.kind.is_citrix() && session.server == server)
    }

    /// Which way packets of this side go.
    pub(crate) fn direction(&self, side: Side) -> Direction {
        if side == self.roles.client { Direction::ToServer } else { Direction::ToClient }
    }

    /// The first packet with payload of a side, or else the flow's first packet; with its direction.
    pub(crate) fn shown_by(&self, side: Side) -> (FrameRef, Direction) {
        match self.record.side(side).first_payload() {
            Some(frame) => (frame, self.direction(side)),
            None => (self.record.first, self.direction(self.record.first_sender)),
        }
    }

    /// What the capture lost while the flow was running, if anything.
    pub(crate) fn drops(&self) -> Option<Drops> {
        self.ledgers.drops(self.record.first.time, self.record.last)
    }

    /// How long the flow lasted, in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        self.record.last.since(self.record.first.time).as_secs()
    }

    /// Whether the beginning of the conversation is in the capture.
    pub(crate) fn saw_start(&self) -> bool {
        match self.key.transport {
            Transport::Tcp => {
                let (client, server) = (self.client(), self.server());
                let accepted = server.accepted().is_some()
                    // Opened from both ends.
                    || (server.opened().is_some() && client.accepted().is_some());
                client.opened().is_some() && accepted
            }
            // UDP has no handshake. A flow that was already running would have shown itself within
            // the span after which it counts as ended.
            Transport::Udp => self.ledgers.span.is_some_and(|(first, _)| {
                self.record.first.time.since(first) > self.config.timeouts.udp
            }),
        }
    }

    /// How well the flow could be seen. To be asked last, when it is known what was asked of the ledgers.
    pub(crate) fn visibility(&self) -> Visibility {
        let heads = &self.record.head_bytes;
        let missing =
            |side: &SideFacts| side.span().is_some_and(|span| span.missing_at_least() > 0);
        let directions = self.record.sides.iter().filter(|side| side.packets > 0).count();
        Visibility {
            handshake: self.saw_start(),
            directions: u8::try_from(directions).unwrap_or_default(),
            head_to_server: *self.roles.client.of(heads),
            head_to_client: *self.roles.client.other().of(heads),
            lost: self.record.sides.iter().any(missing),
            truncated: self.record.sides.iter().any(|side| side.cut().is_some()),
            snap_bytes: self.record.sides.iter().filter_map(SideFacts::snap_bytes).min(),
            duplicates: self.record.duplicates,
            context_cut: self.gaps.any(),
        }
    }
}
