//! What a detector found, and what shows it.

use crate::net::Side;

/// How much a finding proves. There are no priorities: of two findings the stronger wins, then the
/// one that fewer random bytes would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Messages parse, but what follows the last of them in its stream does not: perhaps another
    /// protocol's bytes that happen to look so.
    Doubtful,
    /// The bytes have the protocol's shape (field ranges, counters that count), no magic.
    Shape,
    /// One side's messages parse as the protocol; the other side's were not seen or say nothing.
    OneSided,
    /// Both sides' messages parse, and fit each other.
    BothSides,
    /// A value that nothing else has, long enough not to be chance.
    Signature,
}

/// Where in the flow the proof stands, so that a person can look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Whose bytes.
    pub side: Side,
    /// TCP: 0. UDP: the index among the datagrams kept of that side.
    pub datagram: usize,
    /// Offset within the side's stream (TCP) or within the datagram's payload (UDP), in bytes.
    pub offset: usize,
    /// How many bytes; 1 to 16 are quoted.
    pub len: usize,
}

/// Whether a protocol carries another one, which is then looked for as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inside {
    /// It does not, or what it carries is its own business.
    #[default]
    Nothing,
    /// Another one may take over the flow (after STUN, STARTTLS, CONNECT): worth asking on.
    MayFollow,
    /// Both ends agreed to go on in another one, and nothing of it was seen yet.
    Agreed,
    /// By [`Side::index`]: after so many bytes of the stream (TCP) or datagrams (UDP) it has.
    StartsAt([usize; 2]),
}

/// One protocol, recognised in one flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What was proven.
    pub strength: Strength,
    /// -log2 of the chance that random bytes pass all checks that were made.
    pub bits: f32,
    /// Which sides were seen to speak it, by [`Side::index`].
    pub spoken_by: [bool; 2],
    /// The side that plays the client, where the messages tell.
    pub client: Option<Side>,
    /// One sentence for the evidence: what was seen, with its values, such as
    /// `TLS 1.2 ClientHello`.
    pub fact: String,
    /// Where it was seen.
    pub seen: Sighting,
    /// What an admin wants beside the name.
    pub details: Vec<Detail>,
    /// More of that, where the messages do not say who is the client: by [`Side::index`] what holds if
    /// that side is.
    pub if_client: Option<Box<[Vec<Detail>; 2]>>,
    /// What it carries.
    pub inside: Inside,
}

impl Finding {
    /// Whether this side was seen to speak it.
    pub fn is_spoken_by(&self, side: Side) -> bool {
        *side.of(&self.spoken_by)
    }

    /// All details, the client being this side where the messages don't tell.
    pub fn details(&self, client: Side) -> impl Iterator<Item = &Detail> {
        let client = self.client.unwrap_or(client);
        let depending = self.if_client.as_deref().map(|both| client.of(both));
        self.details.iter().chain(depending.into_iter().flatten())
    }

    /// The same; they are gone from here.
    pub fn take_details(&mut self, client: Side) -> Vec<Detail> {
        let client = self.client.unwrap_or(client);
        let mut all = std::mem::take(&mut self.details);
        if let Some(mut depending) = self.if_client.take() {
            all.append(client.of_mut(&mut depending));
        }
        all
    }
}

/// One more thing that the payload told: a name, a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub key: DetailKey,
    /// Its value; made by `wire::from_wire` where a stranger wrote it.
    pub value: Box<str>,
}

impl Detail {
    /// A detail.
    pub fn new(key: DetailKey, value: impl Into<Box<str>>) -> Self {
        Self { key, value: value.into() }
    }
}

/// A detail that one detector alone tells, declared in its own file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnDetail {
    /// The dotted path in the EVE object: `portstory.`, the protocol, the name. Its value is text.
    pub path: &'static str,
    /// The word before it in a flow's one line, where it is worth a place there.
    pub summary: Option<&'static str>,
    /// Whether it may name somebody, or something of a site: bundles for strangers rename those.
    pub names: bool,
}

macro_rules! detail_keys {
    ($($(#[$doc:meta])* $key:ident => $path:literal,)*) => {
        /// What a [`Detail`] is, and where EVE has a place for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DetailKey {
            $($(#[$doc])* $key,)*
            /// One that a detector declares itself.
            Own(&'static OwnDetail),
            /// Of a flow in a bundle for strangers: what became of its payload.
            SharedPayload,
        }

        impl DetailKey {
            /// All keys but those that a detector declares itself.
            pub(super) const SHARED: &'static [Self] = &[$(Self::$key,)* Self::SharedPayload];

            /// The dotted path in the EVE object: Suricata's own where it has the field, else one
            /// that starts with `portstory.`.
            pub const fn eve_path(self) -> &'static str {
                match self {
                    $(Self::$key => $path,)*
                    Self::Own(own) => own.path,
                    Self::SharedPayload => "portstory.shared.payload",
                }
            }
        }
    };
}

detail_keys! {
    /// Server name of a TLS ClientHello (RFC 6066 section 3).
    TlsSni => "tls.sni",
    /// TLS version that was negotiated, or offered where no answer was seen, such as `TLS 1.3`.
    TlsVersion => "tls.version",
    /// Protocols that the client offered (RFC 7301), comma-separated.
    TlsAlpn => "tls.client_alpns",
    /// JA3 of a TLS ClientHello: the MD5 of the next.
    TlsJa3Hash => "tls.ja3.hash",
    /// Version, ciphers, extensions, groups and point formats of a TLS ClientHello, in decimal.
    TlsJa3String => "tls.ja3.string",
    /// JA3S of a TLS ServerHello: the MD5 of the next.
    TlsJa3sHash => "tls.ja3s.hash",
    /// Version, cipher and extensions of a TLS ServerHello, in decimal.
    TlsJa3sString => "tls.ja3s.string",
    /// JA4 of a TLS ClientHello.
    TlsJa4 => "tls.ja4",
    /// Subject of the server's certificate, such as `C=DE, O=Test, CN=tls.example`.
    TlsSubject => "tls.subject",
    /// Issuer of the server's certificate.
    TlsIssuer => "tls.issuerdn",
    /// Serial number of the server's certificate, such as `0A:1B`.
    TlsSerial => "tls.serial",
    /// SHA-1 of the server's certificate, such as `0a:1b`.
    TlsFingerprint => "tls.fingerprint",
    /// When the server's certificate becomes valid, in UTC, such as `2026-01-02T03:04:05`.
    TlsNotBefore => "tls.notbefore",
    /// When the server's certificate is no longer valid.
    TlsNotAfter => "tls.notafter",
    /// Cipher suite that the TLS server chose, such as `0x1301` (IANA's TLS Cipher Suites).
    TlsCipher => "portstory.tls.cipher",
    /// Why nothing is told of a certificate that was seen.
    TlsCertificate => "portstory.tls.certificate",
    /// DTLS version.
    DtlsVersion => "portstory.dtls.version",
    /// Server name of a DTLS ClientHello.
    DtlsSni => "portstory.dtls.sni",
    /// JA3 of a DTLS ClientHello: the MD5 of the next.
    DtlsJa3Hash => "portstory.dtls.ja3.hash",
    /// The numbers that it is made of, as for TLS.
    DtlsJa3String => "portstory.dtls.ja3.string",
    /// JA4 of a DTLS ClientHello.
    DtlsJa4 => "portstory.dtls.ja4",
    /// `softwareversion` of the client's banner (RFC 4253 section 4.2).
    SshClientSoftware => "ssh.client.software_version",
    /// Protocol version of the client's banner.
    SshClientProto => "ssh.client.proto_version",
    /// HASSH of the client's KEXINIT: the MD5 of the next.
    SshClientHasshHash => "ssh.client.hassh.hash",
    /// What the client offers: key exchanges, then ciphers, MACs and compressions to the server.
    SshClientHasshString => "ssh.client.hassh.string",
    /// `softwareversion` of the server's banner.
    SshServerSoftware => "ssh.server.software_version",
    /// Protocol version of the server's banner.
    SshServerProto => "ssh.server.proto_version",
    /// HASSH of the server's KEXINIT: the MD5 of the next.
    SshServerHasshHash => "ssh.server.hassh.hash",
    /// What the server offers: key exchanges, then ciphers, MACs and compressions to the client.
    SshServerHasshString => "ssh.server.hassh.string",
    /// HTTP Host header.
    HttpHost => "http.hostname",
    /// HTTP request target.
    HttpUrl => "http.url",
    /// HTTP request method.
    HttpMethod => "http.http_method",
    /// HTTP User-Agent header.
    HttpUserAgent => "http.http_user_agent",
    /// HTTP version of the request or the answer.
    HttpProtocol => "http.protocol",
    /// HTTP status code of the answer.
    HttpStatus => "http.status",
    /// HTTP Server header.
    HttpServer => "portstory.http.server",
    /// First name asked for.
    DnsName => "dns.rrname",
    /// Type of the first question.
    DnsType => "dns.rrtype",
    /// Response code, such as `NOERROR` (IANA's DNS RCODEs).
    DnsRcode => "dns.rcode",
    /// Addresses in the first answer's A records, comma-separated.
    DnsA => "dns.grouped.A",
    /// Addresses in its AAAA records, comma-separated.
    DnsAaaa => "dns.grouped.AAAA",
    /// QUIC version.
    QuicVersion => "quic.version",
    /// Server name in a QUIC Initial's ClientHello.
    QuicSni => "quic.sni",
    /// JA3 of a QUIC Initial's ClientHello: the MD5 of the next.
    QuicJa3Hash => "quic.ja3.hash",
    /// The numbers that it is made of, as for TLS.
    QuicJa3String => "quic.ja3.string",
    /// JA3S of a QUIC Initial's ServerHello: the MD5 of the next.
    QuicJa3sHash => "quic.ja3s.hash",
    /// The numbers that it is made of, as for TLS.
    QuicJa3sString => "quic.ja3s.string",
    /// JA4 of a QUIC Initial's ClientHello.
    QuicJa4 => "quic.ja4",
    /// Protocols that the client offered, comma-separated.
    QuicAlpn => "portstory.quic.alpn",
    /// RTP payload type of the first packet.
    RtpPayloadType => "portstory.rtp.payload_type",
    /// RTP synchronisation source.
    RtpSsrc => "portstory.rtp.ssrc",
    /// Name the SMTP client gives for itself.
    SmtpHelo => "smtp.helo",
    /// User or token of an RDP connection request's cookie, without blanks at its end.
    RdpCookie => "rdp.cookie",
    /// Security that the RDP server chose, in Zeek's words: `rdp`, `ssl`, `hybrid` and the like.
    RdpProtocol => "portstory.rdp.protocol",
    /// Method of the first SIP request.
    SipMethod => "sip.method",
}
