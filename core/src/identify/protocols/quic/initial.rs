//! Opens QUIC's Initial packets, whose keys anybody can derive (RFC 9001 section 5.2, RFC 9369 section
//! 3.3).
//!
//! ```text
//!  1 1 type(2) .. len(2)  version(32)  len(8) DCID  len(8) SCID  length(varint) token  length(varint)
//!  packet number(8 to 32)  AES-128-GCM of frames, 16 bytes of tag
//! ```
//!
//! Only what an authentic tag vouches for is handed out. That is not to say who made it: the keys are
//! no secret.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::AeadInOut as _;
use hkdf::Hkdf;
use sha2::Sha256;

use super::{read_ids, varint};
use crate::wire::{Cursor, array, prefix};

/// Bytes of AES-GCM's tag.
const TAG: usize = 16;

/// Bytes of the longest packet number (RFC 9000 section 17.1).
const NUMBER_MAX: usize = 4;

/// More bytes than an Initial has on most links.
const FEW_BYTES: usize = 1536;

/// How a version makes and marks its Initials.
struct VersionKeys {
    /// The long packet type of an Initial.
    number: u8,
    /// Of a version that is made up nobody can say: the tag tells which of them it was.
    salts: &'static [[u8; 20]],
    labels: [&'static str; 3],
}

const LABELS_1: [&str; 3] = ["quic key", "quic iv", "quic hp"];
const LABELS_2: [&str; 3] = ["quicv2 key", "quicv2 iv", "quicv2 hp"];

/// RFC 9001 section 5.2.
const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
/// RFC 9369 section 3.3.1.
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
    0xf9, 0xbd, 0x2e, 0xd9,
];
/// draft-ietf-quic-tls-29 section 5.2.
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0,
    0x43, 0x90, 0xa8, 0x99,
];
/// draft-ietf-quic-tls-21 section 5.2.
const SALT_DRAFT_21: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd,
    0x7a, 0x02, 0x64, 0x4a,
];
/// draft-ietf-quic-tls-23 section 5.2.
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65,
    0xbe, 0xf9, 0xf5, 0x02,
];

impl VersionKeys {
    /// Those versions whose salt is published; Meta's have those of the drafts they came from, and what
    /// is made up to provoke a negotiation (RFC 9000 section 15) those of what the client speaks.
    fn of(version: u32) -> Option<Self> {
        let (number, salts, labels): (_, &[_], _) = match version {
            1 | 0xff00_0021 | 0xff00_0022 => (0, &[SALT_1], LABELS_1),
            0x6b33_43cf => (1, &[SALT_2], LABELS_2),
            0xff00_001d..=0xff00_0020 => (0, &[SALT_DRAFT_29], LABELS_1),
            0xff00_0017..=0xff00_001c | 0xface_b002 => (0, &[SALT_DRAFT_23], LABELS_1),
            0xff00_0016 | 0xface_b001 => (0, &[SALT_DRAFT_21], LABELS_1),
            _ if version & 0x0f0f_0f0f == 0x0a0a_0a0a => (0, &[SALT_1, SALT_DRAFT_29], LABELS_1),
            _ => return None,
        };
        Some(Self { number, salts, labels })
    }
}

/// Whose Initials the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// The keys of one end's Initials.
#[derive(PartialEq, Eq)]
struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

impl Keys {
    /// Of the connection whose client first sent to `id`.
    fn derive(kind: &VersionKeys, salt: &[u8], id: &[u8], sender: Sender) -> Option<Self> {
        let initial = Hkdf::<Sha256>::new(Some(salt), id);
        let label = match sender {
            Sender::Client => "client in",
            Sender::Server => "server in",
        };
        let secret: [u8; 32] = expand(&initial, label)?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let [key, iv, header] = kind.labels;
        Some(Self {
            key: expand(&secret, key)?,
            iv: expand(&secret, iv)?,
            header: expand(&secret, header)?,
        })
    }
}

/// HKDF-Expand-Label without a context (RFC 8446 section 7.1).
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; N]> {
    let len = u16::try_from(N).ok()?.to_be_bytes();
    let label_len = u8::try_from(label.len()).ok()?.checked_add(6)?;
    let mut bytes = [0; N];
    let info: [&[u8]; 5] = [&len, &[label_len], b"tls13 ", label.as_bytes(), &[0]];
    secret.expand_multi_info(&info, &mut bytes).ok()?;
    Some(bytes)
}

/// Where the parts of an Initial are.
pub(super) struct Initial<'a> {
    kind: VersionKeys,
    pub(super) destination: &'a [u8],
    /// Bytes up to the packet number.
    header_len: usize,
    /// All of the packet, as far as it was seen.
    packet: &'a [u8],
    /// Bytes of the packet.
    len: usize,
}

impl<'a> Initial<'a> {
    /// Reads the header of the Initial at the front of some bytes. `None` if there is none of a
    /// version that can be opened.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8()?;
        let kind = VersionKeys::of(cursor.be32()?)?;
        if first & 0xc0 != 0xc0 || first >> 4 & 3 != kind.number {
            return None;
        }
        let (destination, _) = read_ids(&mut cursor)?;
        let token = usize::try_from(varint(&mut cursor)?).ok()?;
        cursor.skip(token)?;
        let rest = usize::try_from(varint(&mut cursor)?).ok()?;
        let header_len = cursor.position();
        let len = header_len.checked_add(rest)?;
        Some(Self { kind, destination, header_len, packet: prefix(bytes, len), len })
    }

    /// Bytes on the wire.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Shows the frames in the clear. `id` is where the client sent its first packet. `None` where the tag
    /// does not vouch for them, or the packet was cut.
    pub(super) fn open<R>(
        &self,
        id: &[u8],
        sender: Sender,
        show: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        if self.packet.len() < self.len {
            return None;
        }
        // Nearly all are small: a flood of them asks for no memory.
        let (mut few, mut many) = ([0; FEW_BYTES], Vec::new());
        let room = match few.get_mut(..self.packet.len()) {
            Some(room) => room,
            None => {
                many.resize(self.packet.len(), 0);
                &mut many
            }
        };
        let mut keys =
            self.kind.salts.iter().filter_map(|salt| Keys::derive(&self.kind, salt, id, sender));
        let len = keys.find_map(|keys| self.open_with(&keys, room))?;
        Some(show(prefix(room, len)))
    }

    /// Puts the frames into `room`; says how many bytes they are.
    fn open_with(&self, keys: &Keys, room: &mut [u8]) -> Option<usize> {
        // RFC 9001 section 5.4.2: the sample starts as if the packet number had four bytes.
        let sample = array::<16>(self.packet, self.header_len.checked_add(NUMBER_MAX)?)?;
        let mut mask = sample.into();
        aes::Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
        let [bits, mask @ ..]: [u8; 16] = mask.into();

        let mut header = Vec::with_capacity(self.header_len.checked_add(NUMBER_MAX)?);
        header.extend_from_slice(self.packet.get(..self.header_len)?);
        let first = header.first_mut()?;
        *first ^= bits & 0x0f;
        let number_len = usize::from(*first & 3).saturating_add(1);
        let mut nonce = keys.iv;
        let number = self.packet.get(self.header_len..)?.get(..number_len)?;
        for (byte, mask) in number.iter().zip(mask) {
            header.push(byte ^ mask);
        }
        // The packet number, as long as it would be with its leading zeros.
        for (byte, number) in nonce.iter_mut().rev().zip(header.iter().rev().take(number_len)) {
            *byte ^= number;
        }
        let sealed = self.packet.get(header.len()..)?;
        let (frames, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = tag.try_into().ok()?;
        let room = room.get_mut(..frames.len())?;
        room.copy_from_slice(frames);
        aes_gcm::Aes128Gcm::new(&keys.key.into())
            .decrypt_inout_detached(&nonce.into(), &header, room.into(), &tag.into())
            .ok()?;
        Some(frames.len())
    }
}

/// What CRYPTO frames carry, put in order.
#[derive(Default)]
pub(super) struct Stream {
    pieces: Vec<(usize, Vec<u8>)>,
}

impl Stream {
    /// Whether nothing was carried.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Takes the CRYPTO frames of an Initial (RFC 9000 section 12.5 says which others may be there).
    pub(super) fn take(&mut self, frames: &[u8]) {
        let mut cursor = Cursor::new(frames);
        while self.take_frame(&mut cursor).is_some() {}
    }

    fn take_frame(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        match cursor.u8()? {
            // PADDING, PING
            0 | 1 => {}
            kind @ (2 | 3) => skip_ack(cursor, kind == 3)?,
            6 => {
                let offset = usize::try_from(varint(cursor)?).ok()?;
                let len = usize::try_from(varint(cursor)?).ok()?;
                self.pieces.push((offset, cursor.take(len)?.to_vec()));
            }
            // CONNECTION_CLOSE, or nothing that an Initial may hold
            _ => return None,
        }
        Some(())
    }

    /// The bytes from the first on, up to the first that is missing.
    pub(super) fn bytes(mut self) -> Vec<u8> {
        self.pieces.sort_by_key(|(offset, _)| *offset);
        let mut pieces = self.pieces.into_iter();
        let Some((0, mut joined)) = pieces.next() else { return Vec::new() };
        for (offset, piece) in pieces {
            let Some(known) = joined.len().checked_sub(offset) else { break };
            joined.extend_from_slice(crate::wire::rest(&piece, known));
        }
        joined
    }
}

/// RFC 9000 section 19.3: largest, delay, count, first range, ranges of two numbers, ECN's counts.
fn skip_ack(cursor: &mut Cursor<'_>, ecn: bool) -> Option<()> {
    varint(cursor)?;
    varint(cursor)?;
    let ranges = varint(cursor)?;
    varint(cursor)?;
    let more = ranges.checked_mul(2)?.checked_add(if ecn { 3 } else { 0 })?;
    for _ in 0..more {
        varint(cursor)?;
    }
    Some(())
}

#[cfg(test)]
pub(super) mod samples {
    //! The samples of RFC 9001 appendix A and RFC 9369 appendix A.

    use super::*;
    use crate::identify::testing::hex;

    /// Where the samples' client sends first.
    pub(in super::super) const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

    /// The frame of RFC 9001 A.2 and RFC 9369 A.2: a ClientHello for example.com.
    pub(in super::super) fn client_frame() -> Vec<u8> {
        hex("060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
             04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578
             616d706c652e636f6dff01000100000a00080006001d00170018001000070005
             04616c706e000500050100000000003300260024001d00209370b2c9caa47fba
             baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400
             0d0010000e0403050306030203080408050806002d00020101001c0002400100
             3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
             75300901100f088394c8f03e51570806048000ffff")
    }

    /// The server's packet of RFC 9001 A.3.
    pub(in super::super) fn server_packet() -> Vec<u8> {
        hex("cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a
             5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3
             dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
             022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4
             2158407dd074ee")
    }

    /// A client's Initial number 2 of `version` to [`ID`], which fills 1200 bytes.
    pub(in super::super) fn client_packet(version: u32, frames: &[u8]) -> Vec<u8> {
        let kind = VersionKeys::of(version).unwrap();
        let mut header = vec![0xc3 | kind.number << 4];
        header.extend(version.to_be_bytes());
        header.push(8);
        header.extend(ID);
        header.extend(hex("00 00 449e 00000002"));
        let mut frames = frames.to_vec();
        frames.resize(1162, 0);
        let keys = Keys::derive(&kind, &kind.salts[0], &ID, Sender::Client).unwrap();
        let mut nonce = keys.iv;
        nonce[11] ^= 2;
        let tag = aes_gcm::Aes128Gcm::new(&keys.key.into())
            .encrypt_inout_detached(&nonce.into(), &header, frames.as_mut_slice().into())
            .unwrap();
        let mut mask = <[u8; 16]>::try_from(&frames[..16]).unwrap().into();
        aes::Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
        header[0] ^= mask[0] & 0x0f;
        for (byte, mask) in header[18..].iter_mut().zip(&mask[1..5]) {
            *byte ^= mask;
        }
        [&header[..], &frames, tag.as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{ID, client_frame, client_packet, server_packet};
    use super::*;
    use crate::identify::testing::hex;

    #[test]
    fn keys_of_the_specifications() {
        for (version, sender, key, iv, header) in [
            (
                1,
                Sender::Client,
                "1f369613dd76d5467730efcbe3b1a22d",
                "fa044b2f42a3fd3b46fb255c",
                "9f50449e04a0e810283a1e9933adedd2",
            ),
            (
                1,
                Sender::Server,
                "cf3a5331653c364c88f0f379b6067e37",
                "0ac1493ca1905853b0bba03e",
                "c206b8d9b9f0f37644430b490eeaa314",
            ),
            (
                0x6b33_43cf,
                Sender::Client,
                "8b1a0bc121284290a29e0971b5cd045d",
                "91f73e2351d8fa91660e909f",
                "45b95e15235d6f45a6b19cbcb0294ba9",
            ),
            (
                0x6b33_43cf,
                Sender::Server,
                "82db637861d55e1d011f19ea71d5d2a7",
                "dd13c276499c0249d3310652",
                "edf6d05c83121201b436e16877593c3a",
            ),
        ] {
            let kind = VersionKeys::of(version).unwrap();
            let keys = Keys::derive(&kind, &kind.salts[0], &ID, sender).unwrap();
            assert_eq!(keys.key.to_vec(), hex(key));
            assert_eq!(keys.iv.to_vec(), hex(iv));
            assert_eq!(keys.header.to_vec(), hex(header));
        }
    }

    #[test]
    fn packets_of_the_specifications_are_opened() {
        for (version, starts) in [
            (1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"),
            (0x6b33_43cf, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"),
        ] {
            let packet = client_packet(version, &client_frame());
            assert_eq!(packet[..32], hex(starts));
            let initial = Initial::read(&packet).unwrap();
            let frames = initial.open(initial.destination, Sender::Client, <[u8]>::to_vec).unwrap();
            assert_eq!(frames[..245], client_frame());
        }
        // The end of RFC 9001's: its tag.
        let packet = client_packet(1, &client_frame());
        assert_eq!(packet[1184..], hex("e221af44860018ab0856972e194cd934"));
        let packet = server_packet();
        let frames =
            Initial::read(&packet).unwrap().open(&ID, Sender::Server, <[u8]>::to_vec).unwrap();
        assert!(frames.starts_with(&hex("02000000000600405a020000560303")));
    }

    #[test]
    fn what_no_tag_vouches_for_stays_shut() {
        let packet = client_packet(1, &client_frame());
        for at in [0, 7, 18, 40, 1199] {
            let mut bad = packet.clone();
            bad[at] ^= 1;
            let opened =
                Initial::read(&bad).and_then(|one| one.open(&ID, Sender::Client, <[u8]>::to_vec));
            assert_eq!(opened, None, "{at}");
        }
        for len in 0..packet.len() {
            let cut = Initial::read(&packet[..len]);
            assert_eq!(cut.and_then(|one| one.open(&ID, Sender::Client, <[u8]>::to_vec)), None);
        }
        let initial = Initial::read(&packet).unwrap();
        assert_eq!(initial.open(&ID, Sender::Server, <[u8]>::to_vec), None);
        assert_eq!(initial.open(b"other id", Sender::Client, <[u8]>::to_vec), None);
    }

    #[test]
    fn crypto_frames_are_put_in_order() {
        let mut stream = Stream::default();
        stream.take(&hex("00 01 06 03 02 6465 0200000000 06 00 03 616263"));
        stream.take(&hex("06 02 02 6364 06 08 01 7a"));
        assert_eq!(stream.bytes(), b"abcde");
        let mut cut = Stream::default();
        cut.take(&hex("06 00 05 6162"));
        assert!(cut.is_empty());
    }
}
