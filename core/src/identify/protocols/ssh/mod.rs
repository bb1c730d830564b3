//! SSH (RFC 4253 section 4.2), over TCP.
//!
//! ```text
//!  SSH-protoversion-softwareversion SP comments CR LF      at most 255 bytes
//!  packet_length(4) padding_length(1) message(1) ...       until the keys are there, in clear
//! ```
//!
//! A server may say other lines before its banner. Neither banner says who is the client; the first
//! packets do: the algorithm names `ext-info-c` and `ext-info-s` (RFC 8308 section 2.1), and which
//! end starts the key exchange.

use crate::identify::lines::is_text;
use crate::identify::messages::contradicted;
use crate::identify::prelude::*;

mod metadata;

pub(super) static DETECTOR: Detector = Detector {
    id: "ssh",
    title: "SSH",
    reference: "RFC 4253 sections 4.2 and 7, RFC 8308 section 2.1",
    rests_on: "The identification string `SSH-` with version 1.x or 2.0; the first packets behind it \
               tell client and server apart.",
    blind_spots: "A connection captured without its start: everything after the key exchange is \
                  encrypted, packet lengths too.",
    bits: 54.0,
    openings: Openings::Known(&[one_of(b"S")]),
    asks: over_tcp(probe).telling(Extras {
        metadata: Some(metadata::tell),
        client_later: true,
        ..Extras::NONE
    }),
};

/// RFC 4253 section 4.2, with CR LF.
const BANNER_BYTES_MAX: usize = 255;

/// The longest packet: version 1 allows more than the 35,000 bytes of RFC 4253 section 6.1.
const PACKET_BYTES_MAX: u32 = 262_144;

/// SSH_MSG_KEXINIT (RFC 4253 section 12).
const KEXINIT: u8 = 20;
/// SSH_MSG_NEWKEYS: what follows is encrypted.
const NEWKEYS: u8 = 21;

/// A banner, and what the packets behind it say of its sender.
struct Banner<'a> {
    at: usize,
    protocol: &'a [u8],
    software: &'a [u8],
    role: Role,
    /// Bits of what stands behind it, where that may be SSH's.
    packets: Option<f32>,
}

fn probe(view: &FlowView<'_>) -> Probe {
    probe_found(view, match_side, |mut said| {
        // Lines before the banner prove nothing; behind the other side's banner they may stand.
        for side in Side::BOTH {
            if side.of(&said).is_none() && side.other().of(&said).is_some() {
                *side.of_mut(&mut said) = after_lines(view.side(side).stream);
            }
        }
        settle_roles(&mut said);
        join(said.map(|banner| banner.map(|banner| words(&banner))))
    })
}

fn match_side<'a>(head: &SideView<'a>) -> SideMatch<Banner<'a>> {
    match starts_with(head.stream, b"SSH-") {
        Some(true) => {
            let banner = banner(head.stream, 0, head.complete)?;
            let end = head.stream.iter().position(|byte| *byte == b'\n');
            let behind = end.map_or(&[][..], |end| rest(head.stream, end.saturating_add(1)));
            Ok(Banner { packets: packets_bits(behind), ..banner })
        }
        Some(false) => Err(Not),
        None => Err(Short),
    }
}

/// The banner at `at`; where its line doesn't end, what there is of it if nothing more will come.
fn banner(stream: &[u8], at: usize, complete: bool) -> SideMatch<Banner<'_>> {
    let line = rest(stream, at);
    let Some(end) = prefix(line, BANNER_BYTES_MAX).iter().position(|byte| *byte == b'\n') else {
        let cut = complete && line.len() < BANNER_BYTES_MAX;
        return match (cut, line.len() < BANNER_BYTES_MAX) {
            (true, _) => read_banner(line, at).ok_or(Not),
            (false, true) => Err(Short),
            (false, false) => Err(Not),
        };
    };
    let text = prefix(line, end);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let packets = rest(line, end.saturating_add(1));
    read_banner(text, at)
        .map(|banner| Banner { role: role_by_packets(packets), ..banner })
        .ok_or(Not)
}

fn read_banner(text: &[u8], at: usize) -> Option<Banner<'_>> {
    let versions = text.strip_prefix(b"SSH-")?;
    let dash = versions.iter().position(|byte| *byte == b'-')?;
    let protocol = prefix(versions, dash);
    let known = matches!(protocol, b"2.0" | b"1.99" | b"1.5" | b"1.3");
    let comment = rest(versions, dash.saturating_add(1));
    let printable = comment.iter().all(|byte| !byte.is_ascii_control());
    let software = comment.split(|byte| *byte == b' ').next().unwrap_or_default();
    (known && printable).then_some(Banner {
        at,
        protocol,
        software,
        role: Role::Either,
        packets: Some(0.0),
    })
}

/// A server's banner behind other lines of text.
fn after_lines(stream: &[u8]) -> Option<Banner<'_>> {
    let at = position_of(stream, b"\nSSH-")?.saturating_add(1);
    let text = prefix(stream, at).iter().all(|byte| *byte >= b' ' || byte.is_ascii_whitespace());
    let banner = banner(stream, at, false).ok().filter(|_| text)?;
    Some(Banner { role: Role::Server, ..banner })
}

/// What stands behind a banner: packets (RFC 4253 section 6; version 1 has no message's number in clear), or
/// the words of a server that wants no more of this. The bits of the packets that others follow, up to the
/// new keys; `None` where it is none of these.
fn packets_bits(behind: &[u8]) -> Option<f32> {
    if is_text(behind) {
        return Some(0.0);
    }
    let mut cursor = Cursor::new(behind);
    let mut bits = None;
    let mut last = 0.0;
    while let Some(len) = cursor.be32() {
        let packet = prefix(cursor.rest(), index(len));
        if !(4..=PACKET_BYTES_MAX).contains(&len) {
            return bits;
        }
        bits = Some(bits.unwrap_or_default() + last);
        last = if u8_at(packet, 1) == Some(KEXINIT) { 16.0 + 8.0 } else { 0.0 };
        if u8_at(packet, 1) == Some(NEWKEYS) || cursor.skip(index(len)).is_none() {
            break;
        }
    }
    Some(bits.unwrap_or_default() + last)
}

/// Who sends such packets. Key exchange messages differ by method (RFC 4253 section 8, RFC 4419
/// section 5, RFC 5656 section 7.1), but 30, 32 and 34 always come from the client.
fn role_by_packets(packets: &[u8]) -> Role {
    let mut cursor = Cursor::new(packets);
    while let Some(len) = cursor.be32() {
        // RFC 4253 section 6.1: 35,000 bytes must be handled.
        if !(5..=35_000).contains(&len) {
            break;
        }
        let body = prefix(cursor.rest(), index(len));
        let role = match u8_at(body, 1) {
            Some(KEXINIT) => role_by_names(body),
            Some(30 | 32 | 34) => Role::Client,
            Some(31 | 33) => Role::Server,
            Some(NEWKEYS) | None => break,
            Some(_) => Role::Either,
        };
        if role != Role::Either {
            return role;
        }
        if cursor.skip(index(len)).is_none() {
            break;
        }
    }
    Role::Either
}

/// KEXINIT: padding length, message, 16 bytes of cookie, then the names of key exchanges.
fn role_by_names(kexinit: &[u8]) -> Role {
    let mut cursor = Cursor::new(rest(kexinit, 18));
    let len = cursor.be32().map_or(0, index);
    let names = prefix(cursor.rest(), len);
    for name in names.split(|byte| *byte == b',') {
        match name {
            b"ext-info-c" | b"kex-strict-c-v00@openssh.com" => return Role::Client,
            b"ext-info-s" | b"kex-strict-s-v00@openssh.com" => return Role::Server,
            _ => {}
        }
    }
    Role::Either
}

/// Where one side's role is known, the other's is too.
fn settle_roles(said: &mut [Option<Banner<'_>>; 2]) {
    let [Some(a), Some(b)] = said else { return };
    let opposite = |role| match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
        Role::Either => Role::Either,
    };
    if a.role == Role::Either {
        a.role = opposite(b.role);
    } else if b.role == Role::Either {
        b.role = opposite(a.role);
    }
}

fn words(banner: &Banner<'_>) -> Said {
    let protocol = from_wire(banner.protocol);
    let software = from_wire(banner.software);
    let fact = format!("SSH banner SSH-{protocol}-{software}");
    let len = 4_usize.saturating_add(banner.protocol.len()).saturating_add(1);
    // "SSH-", one of four versions, the dash
    let bits = 32.0 + 22.0 + banner.packets.unwrap_or_default();
    let said = Said::at(banner.role, bits, fact, Spot::stream(banner.at, len));
    if banner.packets.is_some() { said } else { contradicted(said) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Strength;
    use crate::identify::testing::Talk;

    fn packet(message: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = u32::try_from(body.len() + 2 + 4).unwrap().to_be_bytes().to_vec();
        packet.extend([4, message]);
        packet.extend(body);
        packet.extend([0; 4]);
        packet
    }

    fn kexinit(names: &str) -> Vec<u8> {
        let mut body = vec![7; 16];
        body.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
        body.extend(names.as_bytes());
        packet(KEXINIT, &body)
    }

    #[test]
    fn banners_are_named_and_the_packets_tell_the_client() {
        let talk = Talk::tcp()
            .b("SSH-2.0-OpenSSH_9.6 Debian-1\r\n")
            .a("SSH-2.0-dropbear\r\n")
            .a(kexinit("curve25519-sha256,ext-info-c"));
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(talk.clone().only(Side::A).named_by(&DETECTOR).client, Some(Side::A));
        assert_eq!(talk.only(Side::B).named_by(&DETECTOR).client, None);
    }

    #[test]
    fn the_start_of_the_key_exchange_tells_the_client() {
        let talk = Talk::tcp()
            .a("SSH-2.0-x\r\n")
            .a(kexinit("curve25519-sha256"))
            .b("SSH-1.99-y\n")
            .b(kexinit("curve25519-sha256"))
            .b(packet(30, &[1; 36]));
        assert_eq!(talk.named_by(&DETECTOR).client, Some(Side::B));
    }

    #[test]
    fn a_server_may_talk_before_its_banner() {
        let talk = Talk::tcp().a("SSH-2.0-x\r\n").b("Welcome.\r\nBe quiet.\r\nSSH-2.0-y\r\n");
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(found.seen.offset, 21);
        talk.only(Side::B).refused_by(&DETECTOR);
    }

    #[test]
    fn a_cut_banner_is_named() {
        Talk::tcp().a("SSH-2.0-OpenSSH_9.6p1\r\n").snapped(12).named_by(&DETECTOR);
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp().b("220 mail.example ESMTP SSH-2.0-\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("SSH-7.3-x\r\n").refused_by(&DETECTOR);
        Talk::tcp().b("SSH is not offered here.\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("ls\n").b("notes\nSSH-2.0-OpenSSH\n").refused_by(&DETECTOR);
        Talk::tcp().b("SSH-2.0-\x01\x02\r\n").refused_by(&DETECTOR);
        Talk::tcp().b(["SSH-2.0-", &"x".repeat(300), "\r\n"].concat()).refused_by(&DETECTOR);
    }
}
