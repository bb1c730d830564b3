//! TDS, the protocol of Microsoft SQL Server and Sybase, over TCP.
//!
//! ```text
//!  type(1) status(1) length(2, with these 8) spid(2) packet(1) window(1, 0)  data
//!  PRELOGIN  12   token(1) offset(2) length(2) ... ff
//!  LOGIN7    10   length(4, little-endian) version(4) ...
//!  answer    04   tokens
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "tds",
    title: "TDS (Microsoft SQL Server, Sybase)",
    reference: "MS-TDS sections 2.2.3.1 (header), 2.2.6.5 (PRELOGIN), 2.2.6.4 (LOGIN7), 2.2.7 (tokens)",
    rests_on: "The packet header, and what it announces: a pre-login's table of options, a login's \
               length and version, a batch's headers, the first token of an answer.",
    blind_spots: "TLS is carried inside of TDS packets and is not followed; TDS 8.0 starts with TLS \
                  and is named so.",
    bits: 26.0,
    openings: Openings::Known(&[one_of(&[1, 3, 4, 7, 0x0e, 0x10, 0x11, 0x12])]),
    asks: over_tcp(|view| match_stream(view, |bytes, _| from_header(bytes, HEADER + 6, packet))),
};

const HEADER: usize = 8;

/// MS-TDS section 2.2.6.4: 7.0 to 7.4; written with the bytes in that order.
const VERSIONS: [u32; 13] = [
    0x7000_0000,
    0x7100_0000,
    0x7100_0001,
    0x7209_0002,
    0x730a_0003,
    0x730b_0003,
    0x7400_0004,
    0x0000_0070,
    0x0100_0071,
    0x0200_0972,
    0x0300_0a73,
    0x0300_0b73,
    0x0400_0074,
];

fn packet(bytes: &[u8]) -> Option<Said> {
    let [kind, status, _, _, spid_high, spid_low, number, window] =
        *bytes.first_chunk::<HEADER>()?;
    let len = usize::from(be16(bytes, 2)?);
    // MS-TDS section 2.2.3.1: 512 to 32,767 are negotiated; the first packets are short.
    if window != 0 || status & !0x1f != 0 || !(HEADER + 1..=0x7fff).contains(&len) {
        return None;
    }
    let data = prefix(rest(bytes, HEADER), len - HEADER);
    let first = number <= 1;
    // window, status, length, type
    let frame = 8.0 + 3.0 + 1.0 + 5.0;
    let (role, name, more) = match kind {
        0x12 => (Role::Client, "PRELOGIN", options(data, len).or_else(|| tls(data))?),
        0x10 => (Role::Client, "LOGIN7", login(data, len)?),
        0x01 if first => (Role::Client, "SQL batch", batch(data)?),
        0x03 if first => (Role::Client, "RPC", batch(data).or_else(|| procedure(data))?),
        0x0e if first => (Role::Client, "transaction request", batch(data)?),
        0x11 => (Role::Client, "SSPI", if data.starts_with(b"NTLMSSP\0") { 64.0 } else { 0.0 }),
        0x04 if first => (Role::Server, "answer", options(data, len).or_else(|| token(data, len))?),
        0x01 | 0x03 | 0x07 => (Role::Client, "packet", 0.0),
        0x04 => (Role::Server, "packet", 0.0),
        _ => return None,
    };
    // Clients leave the SPID zero.
    let spid = u16::from_be_bytes([spid_high, spid_low]);
    let more = more + if spid == 0 { 12.0 } else { 0.0 };
    let own = more >= 10.0;
    Some(Said::new(len, role, frame + more, format!("TDS {name}")).owned_if(own))
}

/// PRELOGIN's table: options that count up from VERSION, their data behind the table.
fn options(data: &[u8], len: usize) -> Option<f32> {
    let (mut at, mut bits, mut last) = (0_usize, 0.0, 0);
    loop {
        let token = u8_at(data, at)?;
        if token == 0xff {
            return (at >= 5).then_some(bits + 8.0);
        }
        let offset = usize::from(be16(data, at.saturating_add(1))?);
        let size = usize::from(be16(data, at.saturating_add(3))?);
        let version = at > 0 || (token == 0 && size == 6);
        let fits = offset.saturating_add(size).saturating_add(HEADER) <= len && offset > at;
        if !version || !fits || token > 9 || (at > 0 && token <= last) {
            return None;
        }
        last = token;
        bits += 10.0;
        at = at.saturating_add(5);
    }
}

/// During the handshake TLS records travel as PRELOGIN packets.
fn tls(data: &[u8]) -> Option<f32> {
    matches!(data, [0x14..=0x17, 3, 0..=4, ..]).then_some(14.0)
}

/// LOGIN7's own length is the packet's, unless it goes on in more packets; then its version.
fn login(data: &[u8], len: usize) -> Option<f32> {
    let whole = index(le32(data, 0)?) >= len - HEADER;
    let version = le32(data, 4)?;
    let known = VERSIONS.contains(&version);
    (whole && known).then_some(28.0)
}

/// ALL_HEADERS (section 2.2.5.3): lengths and types that fit; TDS before 7.2 starts with text.
fn batch(data: &[u8]) -> Option<f32> {
    let total = le32(data, 0)?;
    let header = le32(data, 4)?;
    let kind = le16(data, 8)?;
    if total < 0x200 && header <= total - total.min(4) && header >= 6 && (1..=3).contains(&kind) {
        return Some(50.0);
    }
    // UTF-16 letters
    let text = prefix(data, 12).chunks_exact(2);
    let plain = text.clone().count() >= 3
        && text.clone().all(|pair| matches!(pair, [b' '..=b'~' | b'\n' | b'\r' | b'\t', 0]));
    plain.then_some(28.0)
}

/// RPCRequest (section 2.2.6.6) without headers: a name in UTF-16, or a number of a known procedure.
fn procedure(data: &[u8]) -> Option<f32> {
    match le16(data, 0)? {
        0xffff => (1..=15).contains(&le16(data, 2)?).then_some(28.0),
        1..=128 => batch(rest(data, 2)).map(|bits| bits.min(28.0) + 9.0),
        _ => None,
    }
}

/// The first token of an answer (section 2.2.7), and the length that those have which have one.
fn token(data: &[u8], len: usize) -> Option<f32> {
    let left = len.saturating_sub(HEADER);
    let size = usize::from(le16(data, 1)?);
    match u8_at(data, 0)? {
        // ENVCHANGE: 21 types; the shortest acknowledge a connection's reset, which has no values
        0xe3 => {
            let kind = u8_at(data, 3)?;
            let fits = (1..=21).contains(&kind) && size >= 3 && size.saturating_add(3) <= left;
            fits.then_some(14.0)
        }
        // ERROR, INFO, LOGINACK
        0xaa | 0xab | 0xad => (size >= 4 && size.saturating_add(3) <= left).then_some(10.0),
        // TABNAME, COLINFO, ORDER, SSPI
        0xa4 | 0xa5 | 0xa9 | 0xed => (size.saturating_add(3) <= left).then_some(10.0),
        // SESSIONSTATE, FEDAUTHINFO: four bytes of length
        0xe4 | 0xee => {
            let size = index(le32(data, 1)?);
            (size.saturating_add(5) <= left).then_some(10.0)
        }
        // COLMETADATA: columns, or none
        0x81 => (size <= 4096 || size == 0xffff).then_some(11.0),
        // RETURNSTATUS
        0x79 => Some(8.0),
        // DONE, DONEPROC, DONEINPROC: flags
        0xfd..=0xff => {
            (size & !0x03f7 == 0 && (left == 13 || left == 9 || left > 13)).then_some(12.0)
        }
        // RETURNVALUE, FEATUREEXTACK
        0xac | 0xae => Some(6.0),
        _ => tls(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const PRELOGIN: &str = "12 01 0029 0000 00 00 00 0015 0006 01 001b 0001 02 001c 0001 03 001d 0004 ff \
                            0b000c380000 02 00 00000000";
    const ANSWER: &str =
        "04 01 0020 0000 01 00 00 0010 0006 01 0016 0001 02 0017 0001 ff 0c000fa00000 00 00";

    #[test]
    fn prelogins_are_named() {
        let talk = Talk::tcp().a(hex(PRELOGIN)).b(hex(ANSWER));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn batches_and_answers_in_the_middle_are_named() {
        let batch = hex(
            "01 01 0024 0000 01 00 16000000 12000000 0200 0000000000000000 01000000 7300 6500 7000",
        );
        let done = hex("04 01 0015 0034 01 00 fd 1000 c100 0100000000000000");
        let talk = Talk::tcp().midway().a(batch).b(done);
        assert_eq!(talk.named_by(&DETECTOR).strength, Strength::BothSides);
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        let mut window = hex(PRELOGIN);
        window[7] = 1;
        Talk::tcp().a(window).refused_by(&DETECTOR);
        let mut offset = hex(PRELOGIN);
        offset[9] = 9;
        Talk::tcp().a(offset).refused_by(&DETECTOR);
        // FastCGI, a DNS answer over TCP, zeros
        Talk::tcp().a(hex("0101 0001 0008 0000 0001 0000 0000 0000")).refused_by(&DETECTOR);
        Talk::tcp().a(hex("0400 0020 0000 0000 0000 0000 0000 0000")).refused_by(&DETECTOR);
        Talk::tcp().a([0; 64]).b([1; 64]).refused_by(&DETECTOR);
    }
}
