//! The bundle's key, and what is made with it: noise, other addresses, other names.
//!
//! Everything is HMAC-SHA-256 under a key of 256 random bits that is written nowhere: without it
//! nothing can be turned back, nor can a guess be tried. The same input gives the same replacement
//! within one bundle, and another one in the next.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hkdf::Hkdf;
use sha2::Sha256;

use super::craft;
use portstory_core::internal::wire;

/// A key that lives as long as one bundle is made.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A key of random bytes.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// HMAC of some parts, which cannot be mistaken for others that read the same; and what makes more
    /// of it.
    fn hash(&self, what: u8, parts: &[&[u8]]) -> ([u8; 32], Hkdf<Sha256>) {
        let mut input = vec![what];
        for part in parts {
            input.extend(wire::len32(part.len()).to_be_bytes());
            input.extend_from_slice(part);
        }
        let (hash, more) = Hkdf::extract(Some(&self.0), &input);
        (hash.into(), more)
    }

    /// Noise of any length.
    pub(super) fn noise(&self, what: u8, parts: &[&[u8]], len: usize) -> Vec<u8> {
        /// HKDF gives no more at a time (RFC 5869 section 2.3).
        const AT_ONCE: usize = 255 * 32;
        let (_, stream) = self.hash(what, parts);
        let mut noise = vec![0; len];
        for (piece, number) in noise.chunks_mut(AT_ONCE).zip(0u32..) {
            // No longer than it may be.
            let _ = stream.expand(&number.to_be_bytes(), piece);
        }
        noise
    }

    /// Noise that repeats itself after 32 bytes, so that it is packed to nearly nothing: for payload
    /// that no detector reads. Copies of a packet stay copies, and others are none.
    pub(super) fn filler(&self, payload: &[u8], len: usize) -> Vec<u8> {
        self.noise(b'f', &[payload], 32).into_iter().cycle().take(len).collect()
    }

    /// One bit of noise.
    fn bit(&self, what: u8, parts: &[&[u8]]) -> bool {
        self.hash(what, parts).0.first().is_some_and(|byte| byte & 1 == 1)
    }

    /// A word of a name with other letters and digits, each by one of its kind. Upper case does not
    /// count: it is the same word. Short words and numbers are others in every name, for there are
    /// few of them: who knew one name could read them in all.
    pub(super) fn word(&self, word: &[u8], name: &[u8]) -> Vec<u8> {
        let folded = word.to_ascii_lowercase();
        let few = word.len() < 3 || word.iter().all(u8::is_ascii_digit);
        let within = if few { name } else { &[] };
        (0u8..=u8::MAX)
            .map(|attempt| {
                let noise = self.noise(b'w', &[&folded, within, &[attempt]], word.len());
                word.iter().zip(noise).map(|(&byte, noise)| other(byte, noise)).collect()
            })
            // One in some thousand short words would be replaced by itself.
            .find(|made: &Vec<u8>| !made.eq_ignore_ascii_case(word))
            .unwrap_or_else(|| word.to_vec())
    }
}

/// Another letter for a letter, another digit for a digit; nothing else changes.
fn other(byte: u8, noise: u8) -> u8 {
    match byte {
        b'a'..=b'z' => b'a'.saturating_add(noise % 26),
        b'A'..=b'Z' => b'A'.saturating_add(noise % 26),
        b'0'..=b'9' => b'0'.saturating_add(noise % 10),
        _ => byte,
    }
}

/// Addresses and what they are replaced by.
///
/// They keep what they have in common, as Crypto-PAn does it (Xu, Fan, Ammar, Moon, "Prefix-preserving
/// IP address anonymization", 2002): a bit is flipped or not by a keyed function of the bits before it;
/// at few places the other way, where else an address would be another one's replacement.
/// The first byte of an IPv4 address and the first two of an IPv6 address stay, so that private
/// addresses are seen to be private; groups, broadcast and the unspecified address stay too. Whoever
/// knows some addresses and their replacements learns of others how much they have in common.
#[derive(Clone, Debug)]
pub struct Addresses {
    secret: Secret,
    /// Where a bit is flipped if the key says that it is not, and the reverse.
    reversed: BTreeSet<Node>,
    known: BTreeMap<IpAddr, IpAddr>,
}

/// A bit of an address: the version, the bit's number, and the bits before it.
type Node = (u8, u32, u128);

/// Nodes looked at for each address, on the average. More are needed only where addresses fill their
/// network by half, or were chosen to.
const NODES_OF_ADDRESS_MAX: usize = 256;

impl Addresses {
    /// The replacements under a key, such that none of these addresses is another one's replacement,
    /// or its own: as far as what stays of them leaves room for that, which it does but where they are
    /// half of all there are or were chosen to leave none.
    pub fn new(secret: &Secret, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut made =
            Self { secret: secret.clone(), reversed: BTreeSet::new(), known: BTreeMap::new() };
        let originals: BTreeSet<IpAddr> =
            addresses.into_iter().filter(|addr| !stays(*addr)).collect();
        let mut alike: BTreeMap<(u8, u128), Vec<u128>> = BTreeMap::new();
        for &addr in &originals {
            let (family, bits) = Family::of(addr);
            let kept = bits.checked_shr(family.place(family.kept)).unwrap_or_default() >> 1;
            alike.entry((family.version, kept)).or_default().push(bits);
        }
        for ((version, _), bits) in alike {
            let family = if version == V4.version { V4 } else { V6 };
            let mut nodes_left = bits.len().saturating_mul(NODES_OF_ADDRESS_MAX);
            made.keep_apart(family, family.kept, (&bits, &bits), &mut nodes_left);
        }
        made
    }

    /// Chooses from the `at`th bit on what becomes of the addresses `from`, which are equal before it, so
    /// that nothing becomes one of `to`, which are what these bits before become. Both are in order.
    /// False where that cannot be.
    fn keep_apart(
        &mut self,
        family: Family,
        at: u32,
        (from, to): (&[u128], &[u128]),
        nodes_left: &mut usize,
    ) -> bool {
        let (Some(&one), false) = (from.first(), to.is_empty()) else { return true };
        let room = 1u128.checked_shl(family.width.saturating_sub(at)).unwrap_or(u128::MAX);
        let wanted = u128::try_from(from.len().saturating_add(to.len())).unwrap_or(u128::MAX);
        if wanted > room || *nodes_left == 0 {
            return false;
        }
        *nodes_left = nodes_left.saturating_sub(1);
        let halves = |bits: &'_ [u128]| {
            bits.partition_point(|bits| {
                bits.checked_shr(family.place(at)).unwrap_or_default() & 1 == 0
            })
        };
        let (from, to) = (from.split_at(halves(from)), to.split_at(halves(to)));
        let node = family.node(at, one);
        let keyed = self.flips(node);
        for reversed in [false, true] {
            let to = if keyed != reversed { (to.1, to.0) } else { to };
            let next = at.saturating_add(1);
            if self.keep_apart(family, next, (from.0, to.0), nodes_left)
                && self.keep_apart(family, next, (from.1, to.1), nodes_left)
            {
                if reversed {
                    self.reversed.insert(node);
                }
                return true;
            }
        }
        false
    }

    /// Whether the key says that a bit is flipped.
    fn flips(&self, (version, at, before): Node) -> bool {
        self.secret.bit(b'a', &[&[version], &at.to_be_bytes(), &before.to_be_bytes()])
    }

    /// How many were replaced so far.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// The replacement of an address.
    pub fn replaced(&mut self, addr: IpAddr) -> IpAddr {
        if stays(addr) {
            return addr;
        }
        if let Some(&known) = self.known.get(&addr) {
            return known;
        }
        let (family, bits) = Family::of(addr);
        let made = (family.kept..family.width).fold(bits, |made, at| {
            let node = family.node(at, bits);
            let flips = self.flips(node) != self.reversed.contains(&node);
            made ^ u128::from(flips).checked_shl(family.place(at)).unwrap_or_default()
        });
        let made = match addr {
            IpAddr::V4(_) => Ipv4Addr::from_bits(u32::try_from(made).unwrap_or_default()).into(),
            IpAddr::V6(_) => Ipv6Addr::from_bits(made).into(),
        };
        self.known.insert(addr, made);
        made
    }

    /// Replaces the addresses that are written out in a text.
    pub fn replace_in(&mut self, text: &str) -> String {
        let (mut made, mut rest) = (String::with_capacity(text.len()), text);
        while !rest.is_empty() {
            let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
            let run = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (part, after) = rest.split_at(run);
            match written(part) {
                Some((from, len, addr)) => {
                    let end = from.saturating_add(len);
                    made.push_str(part.get(..from).unwrap_or_default());
                    made.push_str(&self.replaced(addr).to_string());
                    made.push_str(part.get(end..).unwrap_or_default());
                }
                None => made.push_str(part),
            }
            let other = after.chars().next();
            made.extend(other);
            rest = after.get(other.map_or(0, char::len_utf8)..).unwrap_or_default();
        }
        made
    }
}

/// Addresses of one kind: their bits, and how many of them stay.
#[derive(Clone, Copy, Debug)]
struct Family {
    version: u8,
    width: u32,
    kept: u32,
}

const V4: Family = Family { version: 4, width: 32, kept: 8 };
const V6: Family = Family { version: 6, width: 128, kept: 16 };

impl Family {
    fn of(addr: IpAddr) -> (Self, u128) {
        match addr {
            IpAddr::V4(addr) => (V4, u128::from(addr.to_bits())),
            IpAddr::V6(addr) => (V6, addr.to_bits()),
        }
    }

    /// How many bits are behind the `at`th one, which counts from 0.
    const fn place(self, at: u32) -> u32 {
        self.width.saturating_sub(1).saturating_sub(at)
    }

    /// The `at`th bit of addresses that are equal before it.
    fn node(self, at: u32, bits: u128) -> Node {
        let before = bits.checked_shr(self.place(at).saturating_add(1)).unwrap_or_default();
        (self.version, at, before)
    }
}

/// Whether an address names no host.
fn stays(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    }
}

/// Where in a run of digits, dots and colons an address is written: its start and length. A port may
/// stand behind an IPv4 address, a dot or colon around either.
pub(super) fn written(run: &str) -> Option<(usize, usize, IpAddr)> {
    let trimmed = run.trim_start_matches(['.', ':']);
    let from = run.len().saturating_sub(trimmed.len());
    let v4 = trimmed.split(':').next().unwrap_or_default().trim_end_matches('.');
    if let Ok(addr) = v4.parse::<Ipv4Addr>() {
        return Some((from, v4.len(), addr.into()));
    }
    let whole = run.trim_end_matches('.');
    let addr = whole.parse::<Ipv6Addr>().ok()?;
    // Shorter ones are in random payload, and name no host but one's own.
    (whole.len() >= 7).then_some((0, whole.len(), addr.into()))
}

/// Replaces addresses in payload: written out, whatever they are, by as many other digits; as four or
/// sixteen bytes where they are those of the flow's own ends: of all others some would be found in
/// random payload.
pub(super) fn replace_written(addresses: &mut Addresses, bytes: &mut [u8], ends: [IpAddr; 2]) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = wire::rest(bytes, at);
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        let run = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let text = str::from_utf8(wire::prefix(rest, run)).unwrap_or_default();
        if let Some((from, len, _)) = written(text) {
            let place = at.saturating_add(from);
            let place = bytes.get_mut(place..place.saturating_add(len)).unwrap_or_default();
            scramble(&addresses.secret, place);
        }
        at = at.saturating_add(run).saturating_add(1);
    }
    for end in ends {
        let (old, new) = (craft::bytes(end), craft::bytes(addresses.replaced(end)));
        for at in 0..bytes.len() {
            let place = bytes.get_mut(at..at.saturating_add(old.len()));
            if let Some(place) = place.filter(|place| **place == *old) {
                place.copy_from_slice(&new);
            }
        }
    }
}

/// Other digits, the same wherever the same are.
fn scramble(secret: &Secret, text: &mut [u8]) {
    let noise = secret.noise(b's', &[text], text.len());
    for (byte, noise) in text.iter_mut().zip(noise).filter(|(one, _)| one.is_ascii_hexdigit()) {
        *byte = b'1'.saturating_add(noise % 9);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; 32])
    }

    fn common(one: IpAddr, other: IpAddr) -> u32 {
        let bits = |addr| {
            craft::bytes(addr).iter().fold(0u128, |bits, &byte| bits << 8 | u128::from(byte))
        };
        (bits(one) ^ bits(other)).leading_zeros()
    }

    #[test]
    fn addresses_keep_what_they_have_in_common() {
        let names = [
            "10.1.2.3",
            "10.1.2.4",
            "10.1.99.4",
            "10.200.0.1",
            "192.168.1.1",
            "2001:db8::1",
            "2001:db8::2",
            "2001:db8:1::1",
        ];
        let addresses: Vec<IpAddr> = names.iter().map(|name| name.parse().unwrap()).collect();
        let mut made = Addresses::new(&secret(1), addresses.clone());
        for &one in &addresses {
            for &other in &addresses {
                let made = (made.replaced(one), made.replaced(other));
                if one.is_ipv4() == other.is_ipv4() {
                    assert_eq!(common(one, other), common(made.0, made.1), "{one} {other}");
                }
            }
        }
        let mut others = Addresses::new(&secret(2), addresses.clone());
        assert_ne!(made.replaced(addresses[0]), addresses[0]);
        assert_ne!(made.replaced(addresses[0]), others.replaced(addresses[0]));
        let group = "239.1.2.3".parse().unwrap();
        assert_eq!(made.replaced(group), group);
    }

    #[test]
    fn no_address_of_a_full_network_is_anothers_replacement() {
        let all: Vec<IpAddr> = (0..=u8::MAX).map(|host| [10, 9, 9, host].into()).collect();
        let mut made = Addresses::new(&secret(7), all.clone());
        assert!(all.iter().all(|&addr| !all.contains(&made.replaced(addr))));
    }

    /// Clashes: addresses that are another one's replacement, or their own.
    fn clashes(key: u8, all: &[IpAddr]) -> usize {
        let mut made = Addresses::new(&secret(key), all.iter().copied());
        let originals: BTreeSet<_> = all.iter().copied().collect();
        let replacements: BTreeSet<_> = all.iter().map(|&addr| made.replaced(addr)).collect();
        assert_eq!(replacements.len(), originals.len(), "two became one");
        originals.intersection(&replacements).count()
    }

    #[test]
    fn no_address_of_very_many_is_anothers_replacement() {
        // All over a network, in which chance alone would have some two dozen of them meet.
        let far = (0..20_000u32).map(|number| {
            let host = number.wrapping_mul(0x9e37_79b9) >> 8;
            IpAddr::from((0x0a00_0000 | host).to_be_bytes())
        });
        assert_eq!(clashes(7, &far.collect::<Vec<_>>()), 0);
        // One in each small network: all but the last bits meet, whatever is flipped.
        let near = (0..=u8::MAX).flat_map(|b| [7, 99, 200].map(|d| IpAddr::from([10, b, 1, d])));
        assert_eq!(clashes(7, &near.collect::<Vec<_>>()), 0);
        let long = (0..200u16).map(|host| IpAddr::from([0xfd00, 0, 0, host % 3, 0, 0, 0, host]));
        assert_eq!(clashes(7, &long.collect::<Vec<_>>()), 0);
    }

    #[test]
    fn addresses_without_room_are_replaced_all_the_same() {
        // A full network, and an address in each other one: whatever becomes of it meets one of them.
        let full = (0..=u8::MAX).map(|host| IpAddr::from([10, 0, 0, host]));
        let others = (0..=u8::MAX).flat_map(|b| (0..=u8::MAX).map(move |c| [10, b, c, 1].into()));
        let all: Vec<_> = full.chain(others.step_by(1)).collect();
        assert!(clashes(7, &all) > 0);
    }

    #[test]
    fn addresses_are_found_where_they_are_written() {
        let place = |text| written(text).map(|(from, len, _)| (from, len));
        assert_eq!(place("10.1.2.3:3243"), Some((0, 8)));
        assert_eq!(place("10.1.2.3."), Some((0, 8)));
        assert_eq!(place("2001:db8::1"), Some((0, 11)));
        for text in ["", "::1", "1.1", "9.2", "12:30:59", "abc", "1.2.3.4.5"] {
            assert_eq!(place(text), None, "{text}");
        }
        let mut made = Addresses::new(&secret(1), ["10.1.2.3".parse().unwrap()]);
        let other = made.replaced("10.1.2.3".parse().unwrap());
        assert_eq!(made.replace_in("host-10.1.2.3.pcap"), format!("host-{other}.pcap"));
    }

    #[test]
    fn a_word_keeps_its_kinds_of_characters_and_nothing_else() {
        let made = secret(3).word(b"Host-01.Example", b"");
        assert_eq!(made.len(), 15);
        for (old, new) in b"Host-01.Example".iter().zip(&made) {
            assert_eq!(old.is_ascii_uppercase(), new.is_ascii_uppercase());
            assert_eq!(old.is_ascii_digit(), new.is_ascii_digit());
            assert!(old.is_ascii_alphanumeric() || old == new);
        }
        assert!(made.eq_ignore_ascii_case(&secret(3).word(b"HOST-01.example", b"")));
        assert_ne!(made, secret(4).word(b"Host-01.Example", b""));
    }
}
