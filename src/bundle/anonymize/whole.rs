//! Payload that stays as far as detectors read it, for [`Strength::Full`](super::Strength::Full).

use portstory_core::{Config, FlowEvent, Socket, Status, Transport};

/// How much of a flow the detectors read: what its payload is cut to.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    client: Socket,
    /// Bytes read of each direction, and whether the verdict rests on how all of the head looks.
    bytes: [u64; 2],
    unnamed: bool,
    /// Whether all payload that a head can hold stays.
    pub(super) generous: bool,
    /// Packets and bytes passed on so far.
    spent: [(u64, u64); 2],
}

impl Whole {
    pub(super) fn of(flow: &FlowEvent) -> Self {
        let seen = flow.verdict.visibility;
        let named = [Status::Identified, Status::Attempted].contains(&flow.verdict.status);
        Self {
            client: flow.client,
            bytes: [u64::from(seen.head_to_server), u64::from(seen.head_to_client)],
            unnamed: !named,
            generous: false,
            spent: Default::default(),
        }
    }

    /// Begins anew.
    pub(super) fn rewind(&mut self) {
        self.spent = Default::default();
    }

    /// Whether the payload of the next packet is to stay.
    pub(super) fn takes(
        &mut self,
        transport: Transport,
        src: Socket,
        len: usize,
        config: &Config,
    ) -> bool {
        let way = usize::from(src != self.client);
        let (Some(spent), Some(&octets)) = (self.spent.get_mut(way), self.bytes.get(way)) else {
            return false;
        };
        let (packets, bytes) = *spent;
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        *spent = (packets.saturating_add(1), bytes.saturating_add(len));
        // A head takes in so many packets and bytes at most. Copies of packets count here, there not.
        let packets_max = u64::from(config.limits.head_packets_max).saturating_mul(2);
        let in_head = packets < packets_max
            && bytes < u64::from(config.limits.head_offered_bytes_max).saturating_mul(2);
        // Of datagrams only the first bytes are kept in a head: its length says little of them.
        let all = self.generous || self.unnamed || transport == Transport::Udp;
        in_head && (all || bytes < octets)
    }
}
