//! HTTP/1.0 and 1.1 (RFC 9112), over TCP.
//!
//! ```text
//!  method SP request-target SP HTTP/1.x CRLF      request line, section 3
//!  HTTP/1.x SP 3DIGIT SP reason CRLF              status line, section 4
//!  name ":" value CRLF ... CRLF                   fields, section 5
//! ```
//!
//! Behind an answered CONNECT or an upgrade another protocol follows ([`Inside`]). HTTP/2 is another protocol.

use crate::identify::lines::field_value;
use crate::identify::messages::contradicted;
use crate::identify::prelude::*;

pub(super) static DETECTOR: Detector = Detector {
    id: "http",
    title: "HTTP/1",
    reference: "RFC 9112 sections 3 to 5, RFC 9110 section 9",
    rests_on: "A request line that ends in HTTP/1.0 or HTTP/1.1, or a status line that starts with \
               it; of HTTP/0.9, GET of a path that is answered by a page.",
    blind_spots: "A connection captured from the middle of a message's body. A request line that is \
                  longer than the head is taken by its method and target alone.",
    bits: 60.0,
    openings: Openings::Known(&[
        mixed(&[(b'A', b'Z')], b"\r-_"),
        mixed(&[(b'A', b'Z')], b"\n-_").at(1),
        mixed(&[(b'A', b'Z')], b"-_").at(2),
        mixed(&[(b'A', b'Z')], b" -_").at(3),
        // A line of HTTP is longer than this: every second place sees other lines end.
        within(&[(b' ', b'~'), (0x80, 0xff)]).at(4),
        // One of HTTP/0.9 may end there.
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\r\n").at(6),
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\r\n").at(8),
        mixed(&[(b' ', b'~'), (0x80, 0xff)], b"\r\n").at(10),
    ]),
    asks: over_tcp(probe),
};

/// Request methods that stand for HTTP even where the line's end is not seen (IANA's HTTP Method
/// Registry; those that RTSP and SIP share are left out).
const METHODS: &[&[u8]] = &[
    b"CONNECT",
    b"COPY",
    b"DELETE",
    b"GET",
    b"HEAD",
    b"LOCK",
    b"MKCOL",
    b"MOVE",
    b"PATCH",
    b"POST",
    b"PROPFIND",
    b"PUT",
    b"REPORT",
    b"TRACE",
];

/// The longest method: RPC-over-HTTP's and WebDAV's have up to 17 characters.
const METHOD_BYTES_MAX: usize = 24;

/// A target of a request line that isn't seen to its end must go on for so long.
const CUT_TARGET_BYTES_MIN: usize = 16;

/// What stands at the head of a side.
struct Message<'a> {
    said: Said,
    /// The request's method.
    method: Option<&'a [u8]>,
    /// The answer's status.
    status: Option<u16>,
    /// Bytes of the head section, once its empty line is there.
    len: Option<usize>,
    /// It is HTTP/0.9's: one side's proves nothing.
    simple: bool,
}

fn probe(view: &FlowView<'_>) -> Probe {
    let mut said = match match_both(view, match_side) {
        Ok(said) => said,
        Err(answer) => return answer,
    };
    let fit = match &said {
        [Some(one), Some(other)] => one.method.is_some() != other.method.is_some(),
        [_, _] => false,
    };
    if !fit && said.iter().flatten().any(|message| message.simple) {
        for message in &mut said {
            *message = message.take().filter(|message| !message.simple);
        }
        if said.iter().all(Option::is_none) {
            return unproven(view);
        }
    }
    let inside = tunnel(&said);
    let found = join(said.map(|message| message.map(|message| message.said)));
    yes(found.map(|found| Finding { inside, ..found }))
}

/// RFC 9110 sections 7.8 and 9.3.6: after 101 to an upgrade, and after 2xx to CONNECT, both sides
/// carry something else.
fn tunnel(said: &[Option<Message<'_>>; 2]) -> Inside {
    let asked =
        |message: &Option<Message<'_>>| message.as_ref().is_some_and(|one| one.method.is_some());
    let (question, answer, a_asks) = match said {
        [a, b] if asked(a) => (a, b, true),
        [a, b] if asked(b) => (b, a, false),
        [_, _] => return Inside::Nothing,
    };
    let Some(question) = question else { return Inside::Nothing };
    let connects = question.method == Some(b"CONNECT");
    let Some(answer) = answer else {
        return if connects { Inside::MayFollow } else { Inside::Nothing };
    };
    let switches = match answer.status {
        Some(101) => true,
        Some(200..=299) => connects,
        Some(_) | None => false,
    };
    match (switches, question.len, answer.len) {
        (true, Some(question), Some(answer)) => {
            Inside::StartsAt(if a_asks { [question, answer] } else { [answer, question] })
        }
        (true, _, _) => Inside::MayFollow,
        (false, _, _) => Inside::Nothing,
    }
}

fn match_side<'a>(head: &SideView<'a>) -> SideMatch<Message<'a>> {
    // RFC 9112 section 2.2: an empty line before the request line is to be ignored.
    let at = if head.stream.starts_with(b"\r\n") { 2 } else { 0 };
    let stream = rest(head.stream, at);
    match starts_with(stream, b"HTTP/1.") {
        Some(true) => status_line(head, stream, at),
        None => Err(Short),
        Some(false) if stream.starts_with(b"<") => simple_answer(stream),
        Some(false) => request_line(head, stream, at),
    }
}

fn status_line<'a>(head: &SideView<'a>, stream: &'a [u8], at: usize) -> SideMatch<Message<'a>> {
    let Some(line) = stream.get(7..12) else { return Err(Short) };
    let [minor, b' ', digits @ ..] = line else { return Err(Not) };
    let Some(status) = digits.iter().try_fold(0_u16, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add((byte - b'0').into()))
    }) else {
        return Err(Not);
    };
    let behind = stream.get(12).is_none_or(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    if !matches!(minor, b'0' | b'1') || !(100..600).contains(&status) || !behind {
        return Err(Not);
    }
    let protocol = from_wire(prefix(stream, 8));
    let fact = format!("{protocol} answer {status}");
    // "HTTP/1.", 0 or 1, space, three digits below 600
    let bits = 56.0 + 7.0 + 8.0 + 15.0;
    let (fields, len) = head_section(stream);
    let said = Said::at(Role::Server, bits, fact, Spot::stream(at, 12))
        .with(DetailKey::HttpProtocol, protocol)
        .with(DetailKey::HttpStatus, status.to_string())
        .with_some(DetailKey::HttpServer, field_value(fields, "server").map(from_wire));
    let len = len.map(|len| len.saturating_add(at));
    // 1xx, 204 and 304 have no body (RFC 9112 section 6.3), nor has what answers HEAD.
    let bare = matches!(status, 100..=199 | 204 | 304);
    let body = if bare { Some(0) } else { content_length(fields) };
    let next = |behind: &[u8]| {
        status == 101 || starts_with(behind, b"HTTP/1.") != Some(false) || may_be_chunk(behind)
    };
    let ends = body.is_some() || is_chunked(fields);
    let said = follow(head, (said, fields), len.filter(|_| ends), body, next)?;
    Ok(Message { said, method: None, status: Some(status), len, simple: false })
}

/// RFC 1945 section 6: a Simple-Response is the entity alone, which here must be a page.
fn simple_answer<'a>(stream: &[u8]) -> SideMatch<Message<'a>> {
    let begins = |word: &&[u8]| {
        stream.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
    };
    let Some(word) = PAGES.iter().find(|word| begins(word)) else {
        return Err(short_if(stream.len() < SIMPLE_ANSWER_MIN));
    };
    let said = Said::at(Role::Server, 40.0, "HTTP/0.9 answer, a page", Spot::stream(0, word.len()));
    Ok(Message { said, method: None, status: None, len: None, simple: true })
}

/// How a page begins, whatever its case.
const PAGES: &[&[u8]] = &[b"<html", b"<!doctype html", b"<head", b"<title", b"<body"];

/// Bytes that tell whether a page begins.
const SIMPLE_ANSWER_MIN: usize = 14;

/// RFC 1945 section 5: a Simple-Request is GET and a path, and nothing behind its line.
fn simple_request<'a>(
    stream: &[u8],
    at: usize,
    method: &'a [u8],
    target: &[u8],
) -> SideMatch<Message<'a>> {
    let target = target.strip_suffix(b"\r").unwrap_or(target);
    let path = target.starts_with(b"/") || target.starts_with(b"http://");
    let alone = stream.len() <= method.len().saturating_add(target.len()).saturating_add(3);
    let plain = target.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80);
    if method != b"GET" || !path || !alone || !plain {
        return Err(Not);
    }
    let (name, url) = (from_wire(method), from_wire(target));
    let spot = Spot::stream(at, method.len().saturating_add(1).saturating_add(target.len()));
    let said = Said::at(Role::Client, 40.0, format!("HTTP/0.9 request {name} {url}"), spot)
        .with(DetailKey::HttpMethod, name)
        .with(DetailKey::HttpUrl, url)
        .with(DetailKey::HttpProtocol, "HTTP/0.9");
    Ok(Message { said, method: Some(method), status: None, len: None, simple: true })
}

/// What a message comes to with what is behind it: its fields are text, and where it ends is known or not.
fn follow(
    head: &SideView<'_>,
    (said, fields): (Said, &[u8]),
    len: Option<usize>,
    body: Option<usize>,
    next: impl FnOnce(&[u8]) -> bool,
) -> SideMatch<Said> {
    if !are_fields(fields) {
        let said = contradicted(said);
        return Ok(said);
    }
    let Some(len) = len else { return Ok(said) };
    let end = len.saturating_add(body.unwrap_or(0));
    // A body that is longer than the head proves nothing more, and takes nothing away.
    if end > head.stream.len() {
        return Ok(said);
    }
    followed(head, Said { len: end, ..said }, next)
}

/// Fields are lines of text (RFC 9110 section 5.5). Scanners try a control character in one, and servers bear
/// it; bytes of something else have more.
fn are_fields(section: &[u8]) -> bool {
    let control = |byte: &&u8| !is_plain(**byte) && **byte != b'\r';
    section.split(|byte| *byte == b'\n').all(|line| line.iter().filter(control).count() < 2)
}

/// RFC 9112 section 6.2.
fn content_length(fields: &[u8]) -> Option<usize> {
    field_value(fields, "content-length").and_then(number).map(index)
}

/// RFC 9112 section 6.1: the body is in parts, each behind its size.
fn is_chunked(fields: &[u8]) -> bool {
    field_value(fields, "transfer-encoding").is_some()
}

/// A chunk's size in hexadecimal digits, and what may stand behind it (RFC 9112 section 7.1).
fn may_be_chunk(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (1..=16).contains(&digits)
        && bytes.get(digits).is_none_or(|byte| matches!(byte, b'\r' | b';' | b' '))
}

fn request_line<'a>(head: &SideView<'a>, stream: &'a [u8], at: usize) -> SideMatch<Message<'a>> {
    let word = prefix(stream, METHOD_BYTES_MAX + 1);
    let token = word.iter().take_while(|byte| is_method_byte(**byte)).count();
    let method = prefix(stream, token);
    match stream.get(token) {
        None if token <= METHOD_BYTES_MAX => return Err(Short),
        Some(b' ') if (3..=METHOD_BYTES_MAX).contains(&token) => {}
        None | Some(_) => return Err(Not),
    }
    let line = rest(stream, token.saturating_add(1));
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = prefix(line, end.unwrap_or(line.len()));
    let (target, version, bits) = match (end, head.complete) {
        (Some(_), _) => match split_version(line) {
            Some((target, version)) => (target, Some(version), 24.0 + 8.0 + 64.0),
            None => return simple_request(stream, at, method, line),
        },
        // Every byte of the target is printable: 1.4 bits each.
        (None, true) if may_be_http(method, line) => (line, None, 38.0 + 22.0),
        (None, true) => return Err(Not),
        (None, false) => return Err(Short),
    };
    let said = request(stream, at, method, target, version, bits);
    let (fields, len) = head_section(stream);
    let len = len.map(|len| len.saturating_add(at));
    // Without a length or parts a request has no body, and another one follows (RFC 9112 section 6.3).
    let tunnel = method == b"CONNECT" || field_value(fields, "upgrade").is_some();
    let next = |behind: &[u8]| {
        let word = behind.iter().take_while(|byte| is_method_byte(**byte)).count();
        let method = behind.get(word).is_none_or(|byte| *byte == b' ') && word <= METHOD_BYTES_MAX;
        tunnel || method || behind.starts_with(b"\r\n") || may_be_chunk(behind)
    };
    let said = follow(head, (said, fields), len, content_length(fields), next)?;
    Ok(Message { said, method: Some(method), status: None, len, simple: false })
}

/// RFC 9110 section 5.6.2 allows more, but nobody names methods so.
const fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')
}

/// Splits the version off the end of a request line. Some clients leave spaces in the target
/// (RFC 9112 section 3.2 says what servers make of that).
fn split_version(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (target, version) = line.split_at_checked(line.len().checked_sub(9)?)?;
    let version = version.strip_prefix(b" ")?;
    let fits = matches!(version, b"HTTP/1.0" | b"HTTP/1.1") && !target.is_empty();
    (fits && target.iter().all(|byte| !byte.is_ascii_control())).then_some((target, version))
}

/// Whether a request line that isn't seen to its end can only be HTTP's.
fn may_be_http(method: &[u8], target: &[u8]) -> bool {
    let whole = target.starts_with(b"/") || target.starts_with(b"http://");
    let plain = target.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80);
    METHODS.contains(&method) && whole && plain && target.len() >= CUT_TARGET_BYTES_MIN
}

fn request(
    stream: &[u8],
    at: usize,
    method: &[u8],
    target: &[u8],
    version: Option<&[u8]>,
    bits: f32,
) -> Said {
    let (name, url) = (from_wire(method), from_wire(target));
    let fact = match version {
        Some(version) => format!("{} request {name} {url}", from_wire(version)),
        None => format!("HTTP request {name} {url}, its line not seen to the end"),
    };
    let spot = Spot::stream(at, method.len().saturating_add(1).saturating_add(target.len()));
    let fields = head_section(stream).0;
    Said::at(Role::Client, bits, fact, spot)
        .with(DetailKey::HttpMethod, name)
        .with(DetailKey::HttpUrl, url)
        .with_some(DetailKey::HttpProtocol, version.map(from_wire))
        .with_some(DetailKey::HttpHost, field_value(fields, "host").map(from_wire))
        .with_some(DetailKey::HttpUserAgent, field_value(fields, "user-agent").map(from_wire))
}

/// The start line and fields, and how long they are with their empty line, where that is there.
fn head_section(stream: &[u8]) -> (&[u8], Option<usize>) {
    let end = position_of(stream, b"\r\n\r\n");
    let len = end.map(|end| end.saturating_add(4));
    (prefix(stream, len.unwrap_or(stream.len())), len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::Talk;
    use crate::identify::{Finding, Strength};
    use crate::net::Side;

    const REQUEST: &str =
        "GET /a?b=c HTTP/1.1\r\nHost: www.example\r\nuser-agent:  test/1 \r\n\r\n";
    const ANSWER: &str = "HTTP/1.1 404 Not Found\r\nServer: nginx\r\n\r\nno";

    fn detail(found: &Finding, key: DetailKey) -> Option<&str> {
        found.details.iter().find(|detail| detail.key == key).map(|detail| &*detail.value)
    }

    #[test]
    fn request_and_answer_are_named() {
        let talk = Talk::tcp().a(REQUEST).b(ANSWER);
        let found = talk.named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
        assert_eq!(detail(&found, DetailKey::HttpHost), Some("www.example"));
        assert_eq!(detail(&found, DetailKey::HttpUserAgent), Some("test/1"));
        assert_eq!(detail(&found, DetailKey::HttpStatus), Some("404"));
        assert_eq!(detail(&found, DetailKey::HttpServer), Some("nginx"));
        for side in Side::BOTH {
            let found = talk.clone().only(side).named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::OneSided, Some(Side::A)));
        }
    }

    #[test]
    fn odd_but_valid_requests_are_named() {
        for line in [
            "\r\nPOST http://proxy.example/ HTTP/1.0\r\n",
            "RPC_IN_DATA /rpc/rpcproxy.dll?x:593 HTTP/1.1\r\n",
            "OPTIONS * HTTP/1.1\n",
            "GET /a;b c|?d=e HTTP/1.0\r\n",
            "VERSION-CONTROL /x HTTP/1.1\r\n",
        ] {
            Talk::tcp().a(line).named_by(&DETECTOR);
        }
    }

    #[test]
    fn a_request_in_pieces_and_a_cut_one_are_named() {
        Talk::tcp().a("GE").a("T /x").a(" HTTP/1").a(".1\r\n").named_by(&DETECTOR);
        let long = format!("GET /{}", "x".repeat(5000));
        let found = Talk::tcp().a(long).named_by(&DETECTOR);
        assert!(found.fact.ends_with("not seen to the end"));
    }

    #[test]
    fn behind_connect_another_protocol_starts() {
        let talk = Talk::tcp()
            .b("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            .a("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n")
            .b("SSH-2.0-x\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([27, 34]));
        let refused = Talk::tcp()
            .b("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            .a("HTTP/1.0 403 Forbidden\r\n\r\n");
        assert_eq!(refused.named_by(&DETECTOR).inside, Inside::Nothing);
    }

    #[test]
    fn behind_an_upgrade_another_protocol_starts() {
        let talk = Talk::tcp()
            .a("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n")
            .b("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
        assert_eq!(talk.named_by(&DETECTOR).inside, Inside::StartsAt([32, 50]));
    }

    #[test]
    fn look_alikes_are_refused() {
        Talk::tcp()
            .a("OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n")
            .b("SIP/2.0 200 OK\r\n\r\n")
            .refused_by(&DETECTOR);
        Talk::tcp()
            .a("DESCRIBE rtsp://a/b RTSP/1.0\r\n\r\n")
            .b("RTSP/1.0 200 OK\r\n\r\n")
            .refused_by(&DETECTOR);
        Talk::tcp().a("SOURCE /live ICE/1.0\r\n").b("ICY 200 OK\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").refused_by(&DETECTOR);
        Talk::tcp()
            .a("GNUTELLA CONNECT/0.6\r\n")
            .b("GNUTELLA/0.6 200 OK\r\n")
            .refused_by(&DETECTOR);
        Talk::tcp().b("220 ready\r\n").a("HELP\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GET key\r\n").b("HTTP/1.1 is spoken elsewhere\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GET k").refused_by(&DETECTOR);
        Talk::tcp().b("HTTP/1.1 999 No\r\n").refused_by(&DETECTOR);
    }

    #[test]
    fn a_simple_request_is_named_by_its_answer() {
        for request in ["GET /bad.html\r\n", "GET /\r\n", "GET /\n", "GET /ab\r\n", "GET /abcd\r\n"]
        {
            let talk = Talk::tcp().a(request).b("<HTML>\n<head><title>Bad!</title>");
            let found = talk.named_by(&DETECTOR);
            assert_eq!((found.strength, found.client), (Strength::BothSides, Some(Side::A)));
            talk.clone().only(Side::A).refused_by(&DETECTOR);
            talk.only(Side::B).refused_by(&DETECTOR);
        }
        Talk::tcp().a("GET /\r\n").b("END\r\n").refused_by(&DETECTOR);
        Talk::tcp().a("GET key\r\n").b("<html>").refused_by(&DETECTOR);
        Talk::tcp().a("GET /\r\nGET /\r\n").b("<html>").refused_by(&DETECTOR);
        Talk::tcp().a("PUT /\r\n").b("<html>").refused_by(&DETECTOR);
    }

    #[test]
    fn two_requests_do_not_fit_each_other() {
        let found = Talk::tcp().a(REQUEST).b(REQUEST).named_by(&DETECTOR);
        assert_eq!((found.strength, found.client), (Strength::OneSided, None));
    }
}
