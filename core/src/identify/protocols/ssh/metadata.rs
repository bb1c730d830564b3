//! What the banners and first packets of SSH tell: versions, and the HASSH of what each end offers.
//!
//! Where they do not say who is the client, both are told: what holds if it is the one side, and what if it
//! is the other. Who knows the flow's roles by other means then has a choice.

use super::{BANNER_BYTES_MAX, Banner, KEXINIT, after_lines, banner, settle_roles};
use crate::identify::details::hassh;
use crate::identify::prelude::*;

/// Waits until both ends have offered.
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
        let offer = kexinit(head.stream, banner);
        told.done &= head.complete || offer.is_some();
        let details = |by_client| details(banner, offer, by_client);
        match banner.role {
            Role::Client => told.details.extend(details(true)),
            Role::Server => told.details.extend(details(false)),
            Role::Either => {
                side.of_mut(&mut told.if_client).extend(details(true));
                side.other().of_mut(&mut told.if_client).extend(details(false));
            }
        }
    }
    told
}

/// What an end tells that is the client or the server.
fn details(banner: &Banner<'_>, offer: Option<&[u8]>, by_client: bool) -> Vec<Detail> {
    let (proto, software) = if by_client {
        (DetailKey::SshClientProto, DetailKey::SshClientSoftware)
    } else {
        (DetailKey::SshServerProto, DetailKey::SshServerSoftware)
    };
    let mut details = vec![
        Detail::new(proto, from_wire(banner.protocol)),
        Detail::new(software, from_wire(banner.software)),
    ];
    details.extend(offer.and_then(|names| hassh(names, by_client)).unwrap_or_default());
    details
}

fn spoken<'a>(head: &SideView<'a>) -> Option<Banner<'a>> {
    if !head.stream.starts_with(b"SSH-") {
        return after_lines(head.stream);
    }
    banner(head.stream, 0, head.complete).ok()
}

/// The lists of names in the KEXINIT behind the banner (RFC 4253 section 7.1). `None` if another packet stands
/// there, or it is cut.
fn kexinit<'a>(stream: &'a [u8], banner: &Banner<'_>) -> Option<&'a [u8]> {
    let line = rest(stream, banner.at);
    let end = prefix(line, BANNER_BYTES_MAX).iter().position(|byte| *byte == b'\n')?;
    let mut cursor = Cursor::new(rest(line, end.checked_add(1)?));
    let len = index(cursor.be32()?);
    let packet = cursor.take(len)?;
    // Padding length, message, 16 bytes of cookie.
    (u8_at(packet, 1)? == KEXINIT).then(|| rest(packet, 18))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::protocols::ssh::DETECTOR;
    use crate::identify::testing::Talk;

    pub(super) fn kexinit(lists: [&str; 10]) -> Vec<u8> {
        let mut body = vec![4, KEXINIT];
        body.extend([7; 16]);
        for list in lists {
            body.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            body.extend(list.as_bytes());
        }
        body.extend([0; 5 + 4]);
        [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
    }

    pub(super) fn client() -> Vec<u8> {
        kexinit(["k1,ext-info-c", "h", "c1,c2", "c3", "m1", "m2", "none", "zlib", "", ""])
    }

    pub(super) fn server() -> Vec<u8> {
        kexinit(["k1", "h", "c1,c2", "c3", "m1", "m2", "none", "zlib", "", ""])
    }

    pub(super) fn value(told: &Metadata, key: DetailKey) -> Option<&str> {
        told.details.iter().find(|one| one.key == key).map(|one| &*one.value)
    }

    #[test]
    fn banners_that_tell_no_role_are_told_for_either() {
        let talk = Talk::tcp().b("SSH-2.0-OpenSSH_9.6\r\n").a("SSH-1.99-dropbear\r\n");
        let told = talk.a(server()).b(server()).metadata_by(&DETECTOR, tell, false);
        assert!(told.done && told.details.is_empty(), "{told:?}");
        let [a, b] = told.if_client.map(|details| Metadata { details, ..Metadata::default() });
        assert_eq!(value(&a, DetailKey::SshClientSoftware), Some("dropbear"));
        assert_eq!(value(&a, DetailKey::SshClientProto), Some("1.99"));
        assert_eq!(value(&a, DetailKey::SshServerSoftware), Some("OpenSSH_9.6"));
        assert_eq!(value(&b, DetailKey::SshClientSoftware), Some("OpenSSH_9.6"));
        assert_eq!(value(&b, DetailKey::SshServerSoftware), Some("dropbear"));
        assert_eq!(value(&b, DetailKey::SshServerProto), Some("1.99"));
    }

    #[test]
    fn the_offers_tell_which_banner_is_whose() {
        let talk = Talk::tcp().b("SSH-2.0-OpenSSH_9.6\r\n").a("SSH-2.0-dropbear\r\n");
        assert!(!talk.metadata_by(&DETECTOR, tell, false).done);
        let told = talk.a(client()).b(server()).metadata_by(&DETECTOR, tell, false);
        assert!(told.done);
        assert_eq!(value(&told, DetailKey::SshServerSoftware), Some("OpenSSH_9.6"));
        assert_eq!(value(&told, DetailKey::SshClientSoftware), Some("dropbear"));
    }
}

#[cfg(test)]
#[cfg(feature = "details")]
mod details_tests {
    use super::tests::{client, kexinit, server, value};
    use super::*;
    use crate::identify::protocols::ssh::DETECTOR;
    use crate::identify::testing::Talk;

    #[test]
    fn each_end_is_known_by_what_it_offers() {
        let talk = Talk::tcp().b("SSH-2.0-OpenSSH_9.6\r\n").a("SSH-2.0-dropbear\r\n");
        let told = talk.a(client()).b(server()).metadata_by(&DETECTOR, tell, false);
        let text = "k1,ext-info-c;c1,c2;m1;none";
        assert_eq!(value(&told, DetailKey::SshClientHasshString), Some(text));
        let hash = "49914b89acc9c85684aeafffae856a26";
        assert_eq!(value(&told, DetailKey::SshClientHasshHash), Some(hash));
        assert_eq!(value(&told, DetailKey::SshServerHasshString), Some("k1;c3;m2;zlib"));
    }

    #[test]
    fn an_offer_of_an_unknown_end_has_the_hassh_of_either() {
        let talk = Talk::tcp().b("SSH-2.0-OpenSSH_9.6\r\n").b(server());
        let told = talk.metadata_by(&DETECTOR, tell, true);
        let [a, b] = told.if_client.map(|details| Metadata { details, ..Metadata::default() });
        // To the server c1 and c2, to the client c3.
        assert_eq!(value(&a, DetailKey::SshServerHasshString), Some("k1;c3;m2;zlib"));
        assert_eq!(value(&b, DetailKey::SshClientHasshString), Some("k1;c1,c2;m1;none"));
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
