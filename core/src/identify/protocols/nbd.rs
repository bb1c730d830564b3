//! Network block devices, over TCP.
//!
//! ```text
//!  server  'NBDMAGIC' 'IHAVEOPT' flags(16)         or, old style, a number(64) for the second
//!  client  flags(32), then 'IHAVEOPT' option(32) length(32) data
//!  server  0003e889045565a9 option(32) type(32) length(32) data
//!  client  25609513 flags(16) type(16) cookie(64) offset(64) length(32) [data]
//!  server  67446698 error(32) cookie(64)           668e33ef flags(16) type(16) cookie(64) length(32)
//! ```

use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "nbd",
    title: "Network block device",
    reference: "The NBD protocol (NetworkBlockDevice/nbd, doc/proto.md)",
    rests_on: "The greeting NBDMAGIC; options and their answers, requests and replies, by the number \
               each starts with.",
    blind_spots: "Simple replies to reads: how long they are only the request tells. Options over \
                  TLS are only seen as that.",
    bits: 40.0,
    openings: Openings::Known(&[
        one_of(b"%INfg\0"),
        one_of(&[0, 3, b'B', b'H', 0x44, 0x60, 0x8e]).at(1),
        one_of(&[0, b'A', b'D', 0x33, 0x66, 0x95, 0xe8]).at(2),
        mixed(&[(0, 3)], &[b'M', b'V', 0x13, 0x89, 0x98, 0xef]).at(3),
        one_of(b"\0\x04AEI").at(4),
    ]),
    asks: over_tcp(probe),
};

const GREETING: &[u8] = b"NBDMAGIC";
const OPTION: u64 = u64::from_be_bytes(*b"IHAVEOPT");
/// What follows the greeting in the old style.
const OLD: u64 = 0x0000_4202_8186_1253;
const ANSWER: u64 = 0x0003_e889_0455_65a9;

/// No option is as long: names have up to 4096 bytes.
const OPTION_MAX: u32 = 1 << 16;

fn probe(view: &FlowView<'_>) -> Probe {
    match_stream(view, |bytes, _| match bytes {
        [b'N', ..] => from_header(bytes, 18, greeting),
        [b'I', ..] => from_header(bytes, 16, option),
        // The client's flags: two bits are known, and an option follows.
        [0, 0, 0, 0..=3, b'I', ..] => from_header(bytes, 20, flags_and_option),
        [0, 3, ..] => from_header(bytes, 20, answer),
        [0x25, ..] => from_header(bytes, 28, request),
        [0x66, ..] => from_header(bytes, 20, chunk),
        [0x67, ..] => from_header(bytes, 16, reply),
        [] | [0] | [0, 0] | [0, 0, 0] | [0, 0, 0, 0..=3] => Err(Short),
        [_, ..] => Err(Not),
    })
}

fn greeting(bytes: &[u8]) -> Option<Said> {
    let style = be64(bytes, 8)?;
    let new = style == OPTION;
    if !bytes.starts_with(GREETING) || (!new && style != OLD) {
        return None;
    }
    // Old style: size, flags, 124 bytes of zero.
    let len = if new { 18 } else { 152 };
    Some(Said::new(len, Role::Server, 128.0, "NBD greeting"))
}

fn flags_and_option(bytes: &[u8]) -> Option<Said> {
    let mut message = option(bytes.get(4..)?)?;
    message.len = message.len.checked_add(4)?;
    Some(message)
}

fn option(bytes: &[u8]) -> Option<Said> {
    let (kind, len) = (be32(bytes, 8)?, be32(bytes, 12)?);
    let fits = be64(bytes, 0)? == OPTION && (1..=255).contains(&kind) && len <= OPTION_MAX;
    let len = index(len).saturating_add(16);
    fits.then(|| Said::new(len, Role::Client, 64.0 + 24.0, format!("NBD option {kind}")))
}

fn answer(bytes: &[u8]) -> Option<Said> {
    let (kind, reply, len) = (be32(bytes, 8)?, be32(bytes, 12)?, be32(bytes, 16)?);
    // Errors have the highest bit.
    let known = (1..=255).contains(&kind) && reply & 0x7fff_ff00 == 0;
    let fits = be64(bytes, 0)? == ANSWER && known && len <= OPTION_MAX;
    let len = index(len).saturating_add(20);
    fits.then(|| Said::new(len, Role::Server, 64.0 + 24.0, format!("NBD answer to option {kind}")))
}

fn request(bytes: &[u8]) -> Option<Said> {
    let (flags, kind, len) = (be16(bytes, 4)?, be16(bytes, 6)?, be32(bytes, 24)?);
    let fits = be32(bytes, 0)? == 0x2560_9513 && flags <= 0x3f && kind <= 8;
    // Only a write has data.
    let data = if kind == 1 { index(len) } else { 0 };
    let len = data.saturating_add(28);
    fits.then(|| Said::new(len, Role::Client, 32.0 + 10.0 + 12.8, format!("NBD request {kind}")))
}

/// A structured reply.
fn chunk(bytes: &[u8]) -> Option<Said> {
    let (flags, kind, len) = (be16(bytes, 4)?, be16(bytes, 6)?, be32(bytes, 16)?);
    let known = flags <= 1 && matches!(kind, 0 | 1 | 2 | 5 | 6 | 0x8001 | 0x8002);
    let fits = be32(bytes, 0)? == 0x668e_33ef && known;
    let len = index(len).saturating_add(20);
    fits.then(|| Said::new(len, Role::Server, 32.0 + 15.0 + 13.0, format!("NBD chunk {kind}")))
}

/// A simple reply: to anything but a read it ends here.
fn reply(bytes: &[u8]) -> Option<Said> {
    let errors = [0, 1, 5, 12, 22, 28, 75, 95, 108];
    let error = be32(bytes, 4)?;
    let fits =
        be32(bytes, 0)? == 0x6744_6698 && errors.contains(&error) && u8_at(bytes, 15).is_some();
    fits.then(|| Said::new(16, Role::Server, 32.0 + 28.8, "NBD reply"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::{Talk, hex};
    use crate::net::Side;

    const HELLO: &str = "4e42444d41474943 49484156454f5054 0003";
    const GO: &str = "49484156454f5054 00000007 0000000c 000000000003000100020003";
    const ACK: &str = "0003e889045565a9 00000007 00000001 00000000";

    #[test]
    fn handshakes_are_named_from_each_side() {
        let talk = Talk::tcp().b(hex(HELLO)).a(hex(&format!("00000003 {GO}"))).b(hex(ACK));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        talk.clone().only(Side::A).named_by(&DETECTOR);
        talk.only(Side::B).named_by(&DETECTOR);
    }

    #[test]
    fn transmission_is_named_midway() {
        let read = hex("25609513 0000 0000 0000000000000001 0000000000001000 00000200");
        let chunk = hex("668e33ef 0001 0002 0000000000000001 0000000c 0000000000001000 00000200");
        let talk = Talk::tcp().midway().a(read).b(chunk);
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::A));
        Talk::tcp().midway().b(hex("67446698 00000000 0000000000000001")).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b(hex(&HELLO.replace("49484156", "49484157"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex(&GO.replace("00000007", "00000700"))).refused_by(&DETECTOR);
        Talk::tcp().b(hex(&ACK.replace("0003e889", "0003e888"))).refused_by(&DETECTOR);
        Talk::tcp().a(hex("25609513 0000 0009").repeat(4)).refused_by(&DETECTOR);
        Talk::tcp().b(hex("67446698 00000003 0000000000000001")).refused_by(&DETECTOR);
        Talk::tcp().a("IHAVEOPTIONS for you all\r\n").refused_by(&DETECTOR);
    }
}
