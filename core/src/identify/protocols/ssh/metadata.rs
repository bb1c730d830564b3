//! What the first packets of SSH tell: who is who, and the HASSH of what each end offers.
//!
//! HASSH (Salesforce, 2018) is the MD5 of key exchanges, ciphers, MACs and compressions in a KEXINIT,
//! in their order: of the client's those to the server, of the server's those to the client.

use super::{BANNER_BYTES_MAX, Banner, KEXINIT, after_lines, banner, settle_roles, words};
use crate::identify::handshake::hash_and_text;
use crate::identify::prelude::*;

/// Waits until both ends have offered, and it is known which of them is the client.
pub(super) fn tell(view: &FlowView<'_>, _: &Finding) -> Metadata {
    let mut banners = Side::BOTH.map(|side| spoken(view.side(side)));
    settle_roles(&mut banners);
    let mut told = Metadata { done: true, ..Metadata::default() };
    for (side, banner) in Side::BOTH.into_iter().zip(&banners) {
        let head = view.side(side);
        let Some(banner) = banner else {
            told.done &= head.complete;
            continue;
        };
        told.details.extend(words(banner).details);
        let offer = Offer::read(head.stream, banner);
        told.done &= head.complete || (offer.is_some() && banner.role != Role::Either);
        told.details.extend(offer.map(|offer| offer.details(banner.role)).unwrap_or_default());
    }
    told
}

fn spoken<'a>(head: &SideView<'a>) -> Option<Banner<'a>> {
    if !head.stream.starts_with(b"SSH-") {
        return after_lines(head.stream);
    }
    banner(head.stream, 0, head.complete).ok()
}

/// The ten lists of names in a KEXINIT (RFC 4253 section 7.1), as many as HASSH asks for.
struct Offer<'a> {
    /// Key exchanges, host keys, then ciphers, MACs and compressions: each to the server, to the
    /// client.
    lists: [&'a [u8]; 8],
}

impl<'a> Offer<'a> {
    /// Reads the packet behind the banner. `None` if it is no KEXINIT, or cut.
    fn read(stream: &'a [u8], banner: &Banner<'_>) -> Option<Self> {
        let line = rest(stream, banner.at);
        let end = prefix(line, BANNER_BYTES_MAX).iter().position(|byte| *byte == b'\n')?;
        let mut cursor = Cursor::new(rest(line, end.checked_add(1)?));
        let len = index(cursor.be32()?);
        let packet = cursor.take(len)?;
        // Padding length, message, 16 bytes of cookie.
        if u8_at(packet, 1)? != KEXINIT {
            return None;
        }
        let mut cursor = Cursor::new(packet);
        cursor.skip(18)?;
        let mut offer = Self { lists: [&[]; 8] };
        for list in &mut offer.lists {
            let len = index(cursor.be32()?);
            *list = cursor.take(len)?;
        }
        Some(offer)
    }

    fn details(&self, role: Role) -> Vec<Detail> {
        let [exchanges, _, cipher_up, cipher_down, mac_up, mac_down, pack_up, pack_down] =
            self.lists;
        let (lists, hash, string) = match role {
            Role::Client => (
                [exchanges, cipher_up, mac_up, pack_up],
                DetailKey::SshClientHasshHash,
                DetailKey::SshClientHasshString,
            ),
            Role::Server => (
                [exchanges, cipher_down, mac_down, pack_down],
                DetailKey::SshServerHasshHash,
                DetailKey::SshServerHasshString,
            ),
            Role::Either => return Vec::new(),
        };
        // RFC 4251 section 6: names are printable ASCII. Others would not be the same in the text.
        let plain = |list: &&[u8]| list.iter().all(u8::is_ascii_graphic);
        if !lists.iter().all(plain) {
            return Vec::new();
        }
        let text = lists.map(|list| String::from_utf8_lossy(list)).join(";");
        hash_and_text(hash, string, text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::handshake::md5_hex;
    use crate::identify::protocols::ssh::DETECTOR;
    use crate::identify::testing::Talk;

    fn kexinit(lists: [&str; 10]) -> Vec<u8> {
        let mut body = vec![4, KEXINIT];
        body.extend([7; 16]);
        for list in lists {
            body.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            body.extend(list.as_bytes());
        }
        body.extend([0; 5 + 4]);
        [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
    }

    fn client() -> Vec<u8> {
        kexinit(["k1,ext-info-c", "h", "c1,c2", "c3", "m1", "m2", "none", "zlib", "", ""])
    }

    fn server() -> Vec<u8> {
        kexinit(["k1", "h", "c1,c2", "c3", "m1", "m2", "none", "zlib", "", ""])
    }

    fn value(told: &Metadata, key: DetailKey) -> Option<&str> {
        told.details.iter().find(|one| one.key == key).map(|one| &*one.value)
    }

    #[test]
    fn each_end_is_known_by_what_it_offers() {
        let talk = Talk::tcp().b("SSH-2.0-OpenSSH_9.6\r\n").a("SSH-2.0-dropbear\r\n");
        assert!(!talk.metadata_by(&DETECTOR, tell, false).done);
        let told = talk.a(client()).b(server()).metadata_by(&DETECTOR, tell, false);
        assert!(told.done);
        let text = "k1,ext-info-c;c1,c2;m1;none";
        assert_eq!(value(&told, DetailKey::SshClientHasshString), Some(text));
        assert_eq!(value(&told, DetailKey::SshClientHasshHash), Some(&*md5_hex(text)));
        assert_eq!(value(&told, DetailKey::SshServerHasshString), Some("k1;c3;m2;zlib"));
        assert_eq!(value(&told, DetailKey::SshServerSoftware), Some("OpenSSH_9.6"));
        assert_eq!(value(&told, DetailKey::SshClientSoftware), Some("dropbear"));
    }

    #[test]
    fn a_cut_or_strange_offer_has_no_hassh() {
        let talk = Talk::tcp().b("SSH-2.0-y\r\n").a("SSH-2.0-x\r\n");
        let cut = talk.clone().a(&client()[..60]).metadata_by(&DETECTOR, tell, true);
        assert!(cut.done && value(&cut, DetailKey::SshClientHasshHash).is_none());
        let lists = ["ext-info-c,\u{7}", "h", "c", "c", "m", "m", "n", "n", "", ""];
        let strange = talk.a(kexinit(lists)).metadata_by(&DETECTOR, tell, true);
        assert_eq!(value(&strange, DetailKey::SshClientHasshHash), None);
    }
}
