//! Words that belong to protocols and not to those who speak them.

/// Words of this length are words; shorter ones tell little, and stand in random bytes, too.
const WORD_BYTES_MIN: usize = 4;

/// Digits in a row that are no version and no code any more.
const DIGITS_MAX: usize = 4;

/// Characters that may stand beside a keyword without a gap: a length or a flag that happens to be one.
const BESIDE_MAX: usize = 1;

/// Whether a run of letters and digits may stay: it is too short to be a word, a number of up to four
/// digits, a part of a keyword, or hardly more than one.
pub(super) fn is_known(word: &str) -> bool {
    if word.len() < WORD_BYTES_MIN || (word.len() <= DIGITS_MAX && is_number(word)) {
        return true;
    }
    let word = word.to_ascii_lowercase();
    KEYWORDS.split_ascii_whitespace().any(|known| {
        let more = word.len().saturating_sub(known.len());
        known.contains(&*word) || (more <= BESIDE_MAX && word.contains(known))
    })
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Verbs, answers, field names and magic words from the specifications of what is recognised, in lower
/// case. Names of anything else have no place here.
const KEYWORDS: &str = "\
    http host server useragent agent get post head put delete options trace patch connect propfind \
    proppatch mkcol move copy lock unlock rtsp sip sips invite register subscribe notify publish \
    message refer cancel bye ack update info describe setup play teardown search msearch upgrade \
    websocket smtp esmtp ehlo helo lmtp ftp user pass auth authinfo reader nntp mode capa capability \
    capabilities stls starttls imap imap4rev1 login list noop quit stat uidl pop pop3 preauth nick \
    privmsg notice ping pong join irc cap telnet rsyncd git upload receive pack archive proxy tcp4 \
    tcp6 unknown xml stream streams presence jabber type envelope version value stored set end error \
    err redis hello memcached stomp connected receipt subscribed mining submitlogin submitwork \
    submithashrate getwork authorize method params jsonrpc mpd mgcp rqnt ntfy auep aucx crcx mdcx \
    dlcx epcf rsip megaco syslog fix fixt ssh teamspeak icap respmod reqmod dict gnutella gopher \
    finger check checkmk ceph citrix cookie local byte netascii blksize tsize timeout lustre rtmp \
    port challengeresponse getchallenge getinfo getstatus getservers statusresponse inforesponse \
    getserversresponse connectresponse mynick key hubname validatenick location smb ntlmssp amqp \
    mqtt mqisdp jrmi giop miop nbdmagic ihaveopt nbdmagicihaveopt ajp13 dnp3 dlep esio spotudp0 \
    iso11898 mglndd bittorrent protocol id20 find node announce peer displayname raknet lpmud rfb \
    spice redq chlo rej shlo q024 q025 q030 q033 q035 q037 q038 q039 q043 q044 q046 q048 q050 q051 \
    t050 t051 pathsrepcertindx noncpad nonc roughtim r6fnvwj8 openvpn hislip i20100 i20200 odette \
    skynet urn uuid bacnet hart iscsi initiatorname targetname cql tns drda zookeeper kafka x11 mit \
    magic nxproxy nxagent rtpproxy";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_keywords() {
        for known in ["HTTP", "Agen", "Q046P", "220", "PathSrep", "2026", "vInfo"] {
            assert!(is_known(known), "{known}");
        }
        for name in ["example", "alice", "root", "passwd", "Blue", "CKFDEN", "47110", "OpenSSH"] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn each_stands_once_and_in_lower_case() {
        let words: Vec<&str> = KEYWORDS.split_ascii_whitespace().collect();
        for (at, word) in words.iter().enumerate() {
            assert!(!words[..at].contains(word), "{word} twice");
            assert_eq!(word.to_ascii_lowercase(), **word);
            assert!(word.len() >= 3);
        }
    }
}
