//! HASSH: a name for what one end of SSH offers.
//!
//! HASSH (Salesforce, 2018) is the MD5 of key exchanges, ciphers, MACs and compressions in a KEXINIT,
//! in their order: of the client's those to the server, of the server's those to the client.

use super::fingerprint::hash_and_text;
use crate::identify::{Detail, DetailKey};
use crate::wire::{Cursor, index};

/// HASSH by its hash and its text, of the lists of names in a KEXINIT, as who offers them is the client or the
/// server. `None` if they are cut.
pub(in super::super) fn hassh(names: &[u8], by_client: bool) -> Option<Vec<Detail>> {
    Some(Offer::read(names)?.details(by_client))
}

/// The ten lists of names in a KEXINIT (RFC 4253 section 7.1), as many as HASSH asks for.
struct Offer<'a> {
    /// Key exchanges, host keys, then ciphers, MACs and compressions: each to the server, to the
    /// client.
    lists: [&'a [u8]; 8],
}

impl<'a> Offer<'a> {
    fn read(names: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(names);
        let mut offer = Self { lists: [&[]; 8] };
        for list in &mut offer.lists {
            let len = index(cursor.be32()?);
            *list = cursor.take(len)?;
        }
        Some(offer)
    }

    fn details(&self, by_client: bool) -> Vec<Detail> {
        let [exchanges, _, cipher_up, cipher_down, mac_up, mac_down, pack_up, pack_down] =
            self.lists;
        let (lists, hash, string) = if by_client {
            (
                [exchanges, cipher_up, mac_up, pack_up],
                DetailKey::SshClientHasshHash,
                DetailKey::SshClientHasshString,
            )
        } else {
            (
                [exchanges, cipher_down, mac_down, pack_down],
                DetailKey::SshServerHasshHash,
                DetailKey::SshServerHasshString,
            )
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
