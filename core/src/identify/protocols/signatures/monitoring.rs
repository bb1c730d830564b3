//! Signatures of metrics, logs and measurements.

use super::Condition::{Any, Check, Counts, Datagram, Holds, In, Is, Len, LenIn, Text, Zeros};
use super::Width::Be32;
use super::{behind, client, either, server};
use crate::identify::openings::word;
use crate::wire::{be16, be32, rest, u8_at};

signatures! {
    {
        id: "collectd",
        title: "collectd",
        over: Udp,
        reference: "collectd wiki, Binary protocol (UDP 25826)",
        rests_on: "A host's name as the first part and a time as the second; or a signature or encryption \
                   of its size.",
        blind_spots: "Nothing known.",
        bits: 40.0,
        says: [
            either("collectd values", &[Zeros(0, 3), Check(is_collectd, 40.0)]),
            either("collectd, signed", &[Is(0, b"\x02\0\0"), Check(|bytes| u8_at(bytes, 3) >= Some(36), 0.2), Check(is_collectd_signed, 40.0)]),
        ],
    }
    {
        id: "ganglia",
        title: "Ganglia",
        over: Both,
        reference: "Ganglia 3.1, gm_protocol.x (UDP 8649); gmond's XML (TCP)",
        rests_on: "A known message number and a printable host or metric name in XDR; in TCP, XML \
                   that names GANGLIA_XML.",
        blind_spots: "Messages of versions before 3.1.",
        bits: 60.0,
        says: [
            either("Ganglia metric", &[
                Zeros(0, 3), In(3, 0x80, 0x88), Zeros(4, 3), In(7, 1, 64), Check(is_xdr_name, 8.0),
                LenIn(16, 1500), Datagram,
            ]),
            server("Ganglia XML", &[Is(0, b"<?xml "), Holds(b"GANGLIA_XML"), Text]),
        ],
    }
    {
        id: "gelf",
        title: "Graylog GELF",
        over: Udp,
        reference: "Graylog documentation, GELF payload specification 1.1",
        rests_on: "A JSON object that starts with GELF's version or host and has both; or chunks whose \
                   number is below their count, several of them.",
        blind_spots: "Compressed messages that fit one datagram.",
        bits: 24.0,
        says: [
            either("GELF message", &[
                Is(0, b"{\""), Holds(b"\"version\""), Holds(b"\"short_message\""), Holds(b"\"host\""),
            ]),
            either("GELF chunk", &[
                Is(0, b"\x1e\x0f"), In(10, 0, 127), In(11, 2, 128), Check(is_below_count, 1.0),
            ]),
        ],
    }
    {
        id: "lumberjack",
        title: "Lumberjack (Elastic Beats to Logstash)",
        over: Tcp,
        reference: "Lumberjack protocol versions 1 and 2 (logstash-forwarder, PROTOCOL.md)",
        rests_on: "The size of a window below 65,536 and behind it a frame of events in the same version; \
                   or an acknowledgement of a sequence number below that.",
        blind_spots: "Inside TLS, as it mostly is.",
        bits: 31.0,
        says: [
            client("Lumberjack 2 window", &[
                Is(0, b"2W"), Zeros(2, 2), Is(6, b"2"), Any(7, b"CJ"), Len(6),
            ]),
            client("Lumberjack 1 window", &[
                Is(0, b"1W"), Zeros(2, 2), Is(6, b"1"), Any(7, b"CD"), Len(6),
            ]),
            server("Lumberjack acknowledgement", &[Any(0, b"12"), Is(1, b"A"), Zeros(2, 2), Len(6)]),
            behind("Lumberjack compressed frame", &[Any(0, b"12"), Is(1, b"C"), Counts(Be32, 2, 6)]),
            behind("Lumberjack JSON frame", &[Is(0, b"2J"), Counts(Be32, 6, 10)]),
            behind("Lumberjack data frame", &[Is(0, b"1D"), Zeros(6, 2), Check(|bytes| be32(bytes, 10).is_none_or(|len| len < 4096), 0.0)]),
        ],
    }
    {
        id: "ripe-atlas",
        title: "RIPE Atlas and Magellan probes",
        over: Both,
        reference: "SANS Internet Storm Center diary 28382 (2022), the MGLNDD_ scans",
        rests_on: "The text MGLNDD_ with an address and a port.",
        blind_spots: "Nothing known.",
        bits: 56.0,
        says: [client("MGLNDD probe", &[Is(0, b"MGLNDD_"), In(7, b'0', b'9'), Holds(b"."), Text])],
    }
    {
        id: "statsd",
        title: "StatsD",
        over: Udp,
        reference: "StatsD, docs/metric_types.md; Datadog's DogStatsD datagrams",
        rests_on: "Lines of a name, a colon, a number, a bar and a known type, and nothing else.",
        blind_spots: "Events and checks.",
        bits: 30.0,
        says: [either("StatsD metrics", &[LenIn(8, 9000), Check(is_statsd, 30.0)])],
        openings: [
            word(b"
._-/").required(),
            word(b"
._-/").at(1).required(),
            word(b"
._-/:").at(2).required(),
        ],
    }
}

/// Fewer bytes are left than the name has where the datagram was cut.
fn is_xdr_name(bytes: &[u8]) -> bool {
    let len = u8_at(bytes, 7).map_or(0, usize::from);
    rest(bytes, 8).get(..len).is_some_and(|name| name.iter().all(u8::is_ascii_graphic))
}

fn is_below_count(bytes: &[u8]) -> bool {
    u8_at(bytes, 10) < u8_at(bytes, 11)
}

/// A string's zero is counted; then a time, as seconds (1) or finer (8).
fn is_collectd(bytes: &[u8]) -> bool {
    let Some(len) = be16(bytes, 2).map(usize::from).filter(|len| *len >= 6) else { return false };
    let Some((zero, name)) = bytes.get(4..len).and_then(<[u8]>::split_last) else { return false };
    let time = matches!(be32(bytes, len), Some(0x0001_000c | 0x0008_000c));
    *zero == 0 && name.iter().all(u8::is_ascii_graphic) && time
}

/// An HMAC of 32 bytes and a user's name, then the values.
fn is_collectd_signed(bytes: &[u8]) -> bool {
    let Some(len) = be16(bytes, 2).map(usize::from) else { return false };
    let user = bytes.get(36..len).is_some_and(|user| user.iter().all(u8::is_ascii_graphic));
    user && be16(bytes, len) == Some(0) && is_collectd(rest(bytes, len))
}

/// `name:value|type`, sometimes with a rate and tags.
fn is_statsd(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(is_statsd_line)
}

fn is_statsd_line(line: &[u8]) -> bool {
    let mut fields = line.split(|byte| *byte == b'|');
    let Some(first) = fields.next() else { return false };
    let Some(colon) = first.iter().position(|byte| *byte == b':') else { return false };
    let (name, value) = first.split_at(colon);
    let name = name.len() >= 3
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte));
    let value = rest(value, 1);
    let number = !value.is_empty()
        && value.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE:".contains(byte));
    let kind = matches!(fields.next(), Some(b"c" | b"g" | b"ms" | b"h" | b"s" | b"d" | b"m"));
    name && number
        && kind
        && fields.all(|field| matches!(field.first(), Some(b'@' | b'#' | b'c' | b'T')))
}
