//! Which detectors are worth asking, by the first octet of each side.
//!
//! Most protocols begin with one of a few octets, or have one of a few octets at another place of
//! their first message. A row of [`OPENINGS`] says which: where neither side has one of them there,
//! the detector says no once both have spoken, and does not say yes before. So it need not be asked.
//! The rows of `magic` say it themselves. A detector without a row is always asked, and so is one of
//! a side that does not reach so far: a row saves time and changes no answer. In debug builds those
//! that are left out are asked all the same, and none of them may say yes ([`super::inquiry`]), so
//! every test of the project is a test of this table.
//!
//! Places are counted in a side's stream, or in its first datagram. A side may begin with a message
//! that proves nothing yet, because other protocols share it: a row has the octets of those, too.

use std::sync::LazyLock;

use super::{DETECTORS, FlowView, Over, Side, SideView, Transport, protocols};

/// Words of a [`Set`].
const WORDS: usize = 6;

/// A set of detectors, by index into [`DETECTORS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    pub(super) fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn meet(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn without(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The members and their indices, in order.
    pub(super) fn detectors(self) -> impl Iterator<Item = (usize, &'static super::Detector)> {
        self.0.into_iter().zip((0..).step_by(64)).flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
                word &= word.wrapping_sub(1);
                let index: usize = bit.saturating_add(base);
                Some((index, *DETECTORS.get(index)?))
            })
        })
    }
}

/// What there is to ask, and when.
#[derive(Debug)]
pub(super) struct Index {
    of: [OfTransport; 2],
}

#[derive(Debug)]
struct OfTransport {
    all: Set,
    /// Those that are asked whatever was said.
    always: Set,
    marks: Vec<Mark>,
}

/// A place where an octet tells.
#[derive(Debug)]
struct Mark {
    at: usize,
    /// Whoever looks there.
    all: Set,
    by_octet: Box<[Set; 256]>,
}

/// The index of [`DETECTORS`].
pub(super) static INDEX: LazyLock<Index> = LazyLock::new(|| Index {
    of: [OfTransport::new(Transport::Tcp), OfTransport::new(Transport::Udp)],
});

impl Index {
    /// All detectors for a transport.
    pub(super) fn all(&self, transport: Transport) -> Set {
        self.of(transport).all
    }

    /// Those that may say yes of this view, and whether all others will say no for good.
    pub(super) fn worth_asking(&self, view: &FlowView<'_>) -> (Set, bool) {
        let index = self.of(view.transport);
        let mut set = index.always;
        for (_, head) in view.each().filter(|(_, head)| head.has_spoken()) {
            let message = first_message(head);
            for mark in &index.marks {
                let octet = message.get(mark.at);
                let fit = octet.and_then(|octet| mark.by_octet.get(usize::from(*octet)));
                set.join(fit.unwrap_or(&mark.all));
            }
        }
        (set, Side::BOTH.iter().all(|side| view.side(*side).has_spoken()))
    }

    fn of(&self, transport: Transport) -> &OfTransport {
        let [tcp, udp] = &self.of;
        match transport {
            Transport::Tcp => tcp,
            Transport::Udp => udp,
        }
    }
}

fn first_message<'a>(head: &SideView<'a>) -> &'a [u8] {
    head.datagrams.first().map_or(head.stream, |datagram| datagram.bytes)
}

impl OfTransport {
    fn new(transport: Transport) -> Self {
        let mut new = Self { all: Set::default(), always: Set::default(), marks: Vec::new() };
        let fits = |over| match over {
            Over::Both => true,
            Over::Tcp => transport == Transport::Tcp,
            Over::Udp => transport == Transport::Udp,
        };
        for (index, row) in DETECTORS.iter().enumerate().filter(|(_, row)| fits(row.over)) {
            new.all.insert(index);
            // One row, or one for each transport.
            let first = OPENINGS.partition_point(|opening| opening.id < row.id);
            let mut own = OPENINGS.iter().skip(first).take(2);
            let own = own.find(|opening| opening.id == row.id && fits(opening.over));
            let own = own.map(|opening| (opening.at, opening.octets()));
            match own.or_else(|| protocols::magic_opening(row.id)) {
                Some((at, octets)) => new.mark(at).insert(index, octets),
                None => new.always.insert(index),
            }
        }
        new
    }

    fn mark(&mut self, at: usize) -> &mut Mark {
        let known = self.marks.iter().position(|mark| mark.at == at);
        let place = known.unwrap_or(self.marks.len());
        if known.is_none() {
            let by_octet = Box::new([Set::default(); 256]);
            self.marks.push(Mark { at, all: Set::default(), by_octet });
        }
        #[expect(clippy::indexing_slicing, reason = "it is there, or was pushed just now")]
        &mut self.marks[place]
    }
}

impl Mark {
    fn insert(&mut self, index: usize, octets: Octets) {
        self.all.insert(index);
        let fit = self.by_octet.iter_mut().zip(0_u8..=255);
        fit.filter(|(_, octet)| octets.has(*octet)).for_each(|(set, _)| set.insert(index));
    }
}

/// A set of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Octets([u128; 2]);

impl Octets {
    /// None.
    pub(super) const NONE: Self = Self([0; 2]);

    /// Those for which `holds`.
    pub(super) fn that(holds: impl Fn(u8) -> bool) -> Self {
        let mut octets = Self::NONE;
        for octet in (0..=255).filter(|octet| holds(*octet)) {
            let [low, high] = &mut octets.0;
            *(if octet < 128 { low } else { high }) |= 1 << (octet % 128);
        }
        octets
    }

    /// Whether an octet is in the set.
    pub(super) fn has(&self, octet: u8) -> bool {
        let [low, high] = self.0;
        (if octet < 128 { low } else { high }) >> (octet % 128) & 1 == 1
    }
}

/// What one side at least has in its first message, where a protocol is recognised.
struct Opening {
    id: &'static str,
    over: Over,
    /// Where, counted from the first octet.
    at: usize,
    /// From, to; both are in.
    ranges: &'static [(u8, u8)],
    /// And these.
    octets: &'static [u8],
}

impl Opening {
    fn octets(&self) -> Octets {
        Octets::that(|octet| {
            self.octets.contains(&octet)
                || self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&octet))
        })
    }
}

/// One of these octets.
const fn of(id: &'static str, over: Over, octets: &'static [u8]) -> Opening {
    Opening { id, over, at: 0, ranges: &[], octets }
}

/// An octet of these ranges.
const fn within(id: &'static str, over: Over, ranges: &'static [(u8, u8)]) -> Opening {
    Opening { id, over, at: 0, ranges, octets: &[] }
}

/// A word or a number, and one of these octets.
const fn word(id: &'static str, over: Over, octets: &'static [u8]) -> Opening {
    Opening { id, over, at: 0, ranges: &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')], octets }
}

impl Opening {
    /// The same, further on.
    const fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }
}

/// Rows of detectors of their own files, sorted by id: what each file checks of these octets.
static OPENINGS: &[Opening] = {
    use Over::{Both, Tcp, Udp};
    &[
        of("ads", Tcp, &[0]),
        of("afp", Tcp, &[0, 1]),
        of("ajp", Tcp, &[0x12, b'A']),
        of("amqp", Tcp, &[b'A', 0, 1, 2, 3, 8]),
        of("atg", Tcp, &[1]),
        within("bfcp", Both, &[(0x20, 0x5f)]),
        of("bgp", Tcp, &[0xff]),
        of("bitcoin", Tcp, &[0xf9, 0x0b, 0xfa, 0x0a, 0x1c, 0xe3, 0xfb, 0xc0, 0xbf]),
        of("bittorrent", Tcp, &[19]),
        of("capwap", Udp, &[0, 1]),
        within("cassandra", Tcp, &[(1, 5), (0x81, 0x85), (0xca, 0xca)]),
        of("ceph", Tcp, b"c"),
        of("checkmk", Tcp, b"<"),
        within("clamd", Tcp, &[(b' ', b'~')]),
        within("coap", Udp, &[(0x40, 0x7f)]),
        of("cops", Tcp, &[0x10, 0x11]),
        of("dcerpc", Tcp, &[5]),
        of("dcerpc", Udp, &[4]),
        of("dhcp", Udp, &[1, 2]),
        within("dhcpv6", Udp, &[(1, 13)]),
        of("diameter", Tcp, &[1]),
        within("dicom", Tcp, &[(1, 7)]),
        of("dnp3", Both, &[5]),
        of("dns", Tcp, &[0]).at(6),
        of("dns", Udp, &[0]).at(4),
        of("drda", Tcp, &[0xd0]).at(2),
        of("edonkey", Tcp, &[0xe3, 0xc5, 0xd4]),
        of("elasticsearch", Tcp, b"E"),
        within("enet", Udp, &[(0, 0x3f), (0x80, 0xbf)]),
        of("enip", Both, &[4, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73]),
        of("fastcgi", Tcp, &[1]),
        of("fcip", Tcp, &[1, 2]),
        of("fins", Tcp, b"F"),
        of("fins", Udp, &[0x80, 0x81, 0xc0, 0xc1]),
        of("fix", Tcp, b"8"),
        word("ftp", Tcp, &[]),
        of("gearman", Tcp, &[0]),
        of("giop", Tcp, b"G"),
        of("giop", Udp, b"GM"),
        within("git", Tcp, &[(b'0', b'9'), (b'a', b'f')]),
        of("gnutella", Tcp, b"G"),
        within("gtp", Udp, &[(0x0e, 0x0f), (0x2e, 0x37), (0x40, 0x5f)]),
        of("h323", Tcp, &[3]),
        of("hart-ip", Both, &[1, 2]),
        of("hislip", Tcp, b"H"),
        of("hl7", Tcp, &[0x0b]),
        word("http", Tcp, b"\r-_"),
        of("http2", Tcp, b"P\0"),
        within("iax", Udp, &[(0x80, 0xff)]),
        of("ica", Tcp, &[0x7f]),
        of("icap", Tcp, b"IRO"),
        of("iec104", Tcp, &[0x68]),
        of("iec62056", Tcp, &[0, 0x7e]),
        word("imap", Tcp, b"*+.-_"),
        of("ipfix", Udp, &[0]),
        of("irc", Tcp, b":CEJMNPQUW"),
        within("iscsi", Tcp, &[(0, 6), (0x20, 0x26), (0x31, 0x31), (0x3f, 0x46)]),
        of("json-rpc", Tcp, b"{["),
        of("kad", Udp, &[0xe3, 0xe4, 0xe5]),
        of("kafka", Tcp, &[0]),
        within("kcp", Udp, &[(0x51, 0x54)]).at(4),
        within("krb5", Udp, &[(0x6a, 0x6f), (0x7e, 0x7e)]),
        of("l2tp", Udp, &[0xc8]),
        of("ldap", Both, &[0x30]),
        within("lisp", Udp, &[(0x10, 0x8f)]),
        of("llmnr", Udp, &[0]).at(4),
        of("lustre", Tcp, &[0, 0x63, 0xed, 0xc0, 0xc1]),
        of("mdns", Udp, &[0, 1]).at(4),
        of("megaco", Tcp, b"M!\x03"),
        of("megaco", Udp, b"M!"),
        word("memcached", Tcp, &[0x80, 0x81]),
        of("memcached", Udp, &[0]).at(6),
        of("mgcp", Both, b" 0123456789ACDEMNRacdemnr"),
        of("mms", Tcp, &[3]),
        of("modbus", Tcp, &[0]).at(2),
        of("monero", Tcp, &[1]),
        of("mongodb", Tcp, &[0, 7]).at(13),
        of("mpegts", Udp, &[0x47]),
        Opening {
            id: "mqtt",
            over: Tcp,
            at: 0,
            ranges: &[(0x30, 0x3f)],
            octets: &[
                0x10, 0x20, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0,
            ],
        },
        of("msdp", Tcp, &[1, 4]),
        of("munin", Tcp, b"#cflnqv"),
        of("mysql", Tcp, &[0, 1]).at(3),
        of("nat-pmp", Udp, &[0, 2]),
        of("nats", Tcp, b"CIPS+-"),
        within("netbios-dgm", Udp, &[(0x10, 0x16)]),
        of("netbios-ns", Udp, &[0x20]).at(12),
        within("netbios-ssn", Tcp, &[(0x81, 0x84)]),
        of("netflow", Udp, &[0]),
        of("nfs", Tcp, &[0, 0x80]),
        of("nfs", Udp, &[0]).at(4),
        of("nmdc", Tcp, b"$"),
        word("nntp", Tcp, &[]),
        of("nomachine", Tcp, b"N"),
        of("nrpe", Tcp, &[0]),
        within("ntp", Udp, &[(0x08, 0x27), (0x48, 0x67), (0x88, 0xa7), (0xc8, 0xe7)]),
        of("oftp", Tcp, &[0x10]),
        of("opc-ua", Tcp, b"HAEROMC"),
        within("openflow", Tcp, &[(1, 6)]),
        of("openvpn", Tcp, &[0x08, 0x10, 0x38, 0x40, 0x50]).at(2),
        within("oracle-tns", Tcp, &[(1, 14)]).at(4),
        word("pgsql", Tcp, &[0]),
        word("pop3", Tcp, b"+-"),
        of("proxy-protocol", Tcp, b"\rP"),
        within("radius", Both, &[(1, 5), (11, 12), (40, 45)]),
        of("raft", Tcp, &[1]),
        of("rdp", Tcp, &[3]),
        within("redis", Tcp, &[(b'!', b'~')]),
        of("rfb", Tcp, b"R"),
        of("rip", Udp, &[1, 2]),
        of("rlogin", Tcp, &[0]),
        of("rmi", Tcp, b"JNPQ"),
        of("rpki-rtr", Tcp, &[0, 1, 2]),
        within("rsh", Tcp, &[(b'0', b'9')]),
        of("rsync", Tcp, b"@"),
        within("rtcp", Udp, &[(0x80, 0x9f)]),
        of("rtmp", Tcp, &[3]),
        word("rtsp", Tcp, b"_"),
        within("rx", Udp, &[(1, 8), (13, 13)]).at(20),
        of("s7comm", Tcp, &[3]),
        of("sap-ni", Tcp, &[0]),
        of("sflow", Udp, &[0]),
        word("sip", Both, b"\r\n \0"),
        of("skinny", Tcp, &[0]).at(5),
        of("slp", Both, &[1, 2]),
        of("smb", Tcp, &[0, 0x85]),
        of("smpp", Tcp, &[0]),
        word("smtp", Tcp, &[]),
        of("snmp", Both, &[0x30]),
        of("socks", Tcp, &[0, 4, 5]),
        of("someip", Both, &[1]).at(12),
        of("spice", Tcp, b"R"),
        of("ssh", Tcp, b"S"),
        of("stomp", Tcp, b"ACEMRSU"),
        of("stratum", Tcp, b"{"),
        within("stun", Both, &[(0, 0x3f)]),
        of("sunrpc", Tcp, &[0, 0x80]),
        of("sunrpc", Udp, &[0]).at(4),
        of("svn", Tcp, b"("),
        word("syslog", Tcp, b"<"),
        of("syslog", Udp, b"<"),
        of("tacacs-plus", Tcp, &[0xc0, 0xc1]),
        of("tarantool", Tcp, b"T"),
        of("tds", Tcp, &[1, 3, 4, 7, 0x0e, 0x10, 0x11, 0x12]),
        of("teamviewer", Tcp, &[0x17]),
        of("telegram", Tcp, &[0xef, 0xee]),
        of("telnet", Tcp, &[0xff]),
        of("tftp", Udp, &[0]),
        of("thrift", Tcp, &[0, 0x80, 0x82]),
        of("thrift", Udp, &[0x80, 0x82]),
        of("utp", Udp, &[0x01, 0x11, 0x21, 0x31, 0x41]),
        of("websocket", Tcp, &[b'G', b'H', 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0xc2]),
        of("whatsapp", Tcp, b"WE\0\x80"),
        of("whois", Tcp, b"%#Dd \t"),
        within("wireguard", Udp, &[(1, 4)]),
        of("x11", Tcp, b"lB\0\x01\x02"),
        of("xmpp", Tcp, b"\t\n\x0b\x0c\r <"),
        within("z3950", Tcp, &[(0xb4, 0xbf)]),
        of("zabbix", Tcp, b"Z"),
        of("zmtp", Tcp, &[0xff]),
        within("zookeeper", Tcp, &[(0, 0), (b'a', b'z'), (b'Z', b'Z')]),
        within("zoom", Udp, &[(1, 8)]),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_name_detectors_over_their_transport() {
        let order = |opening: &Opening| (opening.id, opening.over == Over::Udp);
        assert!(OPENINGS.is_sorted_by_key(order));
        for opening in OPENINGS {
            let row = DETECTORS.iter().find(|row| row.id == opening.id);
            let over = row.map(|row| row.over);
            assert!(over == Some(opening.over) || over == Some(Over::Both), "{}", opening.id);
            assert_eq!(protocols::magic_opening(opening.id), None, "{}", opening.id);
        }
    }

    #[test]
    fn few_detectors_are_left_to_ask() {
        let count = |set: Set| set.detectors().count();
        for transport in [Transport::Tcp, Transport::Udp] {
            let index = INDEX.of(transport);
            let means = index.marks.iter().map(|mark| {
                let sizes = mark.by_octet.iter().map(|set| count(*set));
                sizes.sum::<usize>() / 256
            });
            let (all, always) = (count(index.all), count(index.always));
            let mean = always + means.sum::<usize>();
            println!("{transport:?}: of random octets {mean} of {all} are asked, {always} always");
            assert!(mean * 4 < all, "{mean} of {all}");
        }
    }
}
