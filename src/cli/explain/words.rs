//! What the words of a verdict mean, how each is decided, and how it misleads.
//!
//! The numbers are those of the core's `judge`; a new word has to be explained before it compiles.

use portstory_core::event::Concern;
use portstory_core::{Label, Notable, Status};

/// What is to be said of one word.
pub(super) struct Word {
    /// What it means.
    pub(super) means: &'static str,
    /// What has to be seen for it.
    pub(super) decided: &'static str,
    /// How it can be wrong, or be taken wrongly.
    pub(super) misleads: &'static str,
}

/// Every label, status, notable and reason to look, and what it is one of.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, Word)> {
    let labels = Label::ALL.map(|one| (one.name(), "label", label(one)));
    let statuses = Status::ALL.map(|one| (one.name(), "status", status(one)));
    let notables = Notable::ALL.map(|one| (one.name(), "notable", notable(one)));
    let concerns = Concern::ALL.map(|one| (one.name(), "reason to look", concern(one)));
    labels.into_iter().chain(statuses).chain(notables).chain(concerns)
}

pub(super) const fn label(label: Label) -> Word {
    match label {
        Label::TimelotUnknown => Word {
            means: "A conversation with a service on 3243 that nothing identifies: the registered name, timelot, \
                    is all there is. It does not mean that a program called Timelot runs there; nothing public is \
                    known of one.",
            decided: "The server's port is one that --port names, both sides spoke, and no detector recognised \
                      the payload; no stronger circumstance speaks for another label.",
            misleads: "What is encrypted or proprietary looks unknown however harmless it is. A capture that \
                       misses the beginning of a session hides what would have identified it.",
        },
        Label::CitrixFramehawk => Word {
            means: "UDP in Framehawk's range, not recognised as anything else, and shape, companion sessions or \
                    sibling flows speak for Framehawk. Always circumstantial: no public payload signature exists, \
                    and Citrix's own DPI reports the traffic as unknown.",
            decided: "UDP with the server's port in --framehawk-range, no protocol recognised, and the rules below \
                      weigh more than those for the other labels. From packets alone the confidence is at most \
                      medium.",
            misleads: "Remote desktops of other makers, and video inside a VPN, have the same shape. No capture of \
                       Framehawk is public, so nothing of this was measured on one.",
        },
        Label::Other => Word {
            means: "Anything else, named where it can be named, or said plainly: a client's ephemeral port, a scan, a \
                    refused connection.",
            decided: "A detector recognised the payload, or there was no conversation that could have been \
                      anything. The status says which.",
            misleads: "It does not say harmless: a shell, a tunnel or malware is `other` too. Look at the \
                       notables.",
        },
    }
}

const fn status(status: Status) -> Word {
    match status {
        Status::Identified => Word {
            means: "The protocol of the service was recognised.",
            decided: "A detector recognised the payload and both sides spoke the protocol, or the server did, or \
                      the protocol has no sides; or --known names the service.",
            misleads: "A program can imitate a protocol, and what is inside an encrypted one stays unseen.",
        },
        Status::Attempted => Word {
            means: "Only the client spoke the protocol; the server did not answer in it.",
            decided: "A detector recognised what the client sent, and nothing that the server sent belongs to it.",
            misleads: "Scanners try protocols on every port: it says what the client wanted, not what the service \
                       is. If the server's packets were not captured, the service may well speak it.",
        },
        Status::Unidentified => Word {
            means: "A conversation in no known protocol.",
            decided: "The server sent payload, at least four packets carried payload, and every \
                      detector ruled its protocol out or ran out of payload.",
            misleads: "A session whose beginning is not in the capture is often unidentified for that reason \
                       alone: the first bytes tell most.",
        },
        Status::ClientPort => Word {
            means: "The watched port is only the client's ephemeral port; the service is at the other end, on another port.",
            decided: "Who is client follows from the TCP handshake, from the protocol's messages, or else from who \
                      talks to many; and the server's port is not watched.",
            misleads: "Without a handshake the roles may be guessed: the summary says `may be` then.",
        },
        Status::Refused => Word {
            means: "The service refused: nothing listens there, or a filter says so.",
            decided: "TCP RST or an ICMP unreachable error came back before the server accepted or sent payload.",
            misleads: "A firewall can send either for a service that runs.",
        },
        Status::Unanswered => Word {
            means: "No answer.",
            decided: "No packet came from the server, and nothing in the client's packets shows that there was \
                      one.",
            misleads: "A capture of one direction looks the same where the client sent little.",
        },
        Status::Scan => Word {
            means: "One of many connection attempts by one host.",
            decided: "Nobody answered or spoke, and the client tried ten or more watched sockets until then.",
            misleads: "A client that looks for its server in a list of addresses, or a monitoring system, does the \
                       same.",
        },
        Status::NoPayload => Word {
            means: "A handshake and no payload: a check whether the port is open.",
            decided: "The connection was accepted, and neither side sent payload.",
            misleads: "A session that was idle during the capture looks the same.",
        },
        Status::Insufficient => Word {
            means: "Too little was seen to say anything.",
            decided: "There is payload, but the server sent none, fewer than four packets carried any, or the snap \
                      length cut it off, and no detector recognised them.",
            misleads: "This says more about the capture than about the service: a longer capture, or one \
                       of whole frames (tcpdump -s 0), may tell.",
        },
    }
}

const fn notable(notable: Notable) -> Word {
    match notable {
        Notable::UnexpectedService => Word {
            means: "A recognised service on an unexpected port.",
            decided: "The status is identified, the server's port is one that --port names, IANA's registry does \
                      not give that port to any protocol of the flow (443 and 8443 are TLS's, 22 is SSH's), and \
                      --known does not name the service.",
            misleads: "Administrators move services on purpose, and only the registry's rows of recognised \
                       protocols are known here. Name what is meant to be there with --known.",
        },
        Notable::EncryptedFromFirstByte => Word {
            means: "The payload looks random from the first byte, with no known handshake.",
            decided: "The status is unidentified, in the sampled bytes of both sides 47 to 53 % of the bits are set \
                      and less than half of the bytes are text, and four messages or more have no more of their \
                      first 32 bits in common than chance gives them, and four.",
            misleads: "Compressed data looks the same. A session whose handshake is not in the capture looks \
                       encrypted from its first byte when it only looks so from the first captured one.",
        },
        Notable::TextShell => Word {
            means: "A shell: text in both directions, with what systems print where commands are typed.",
            decided: "The status is unidentified, at least 128 bytes were sampled, nine of ten bytes of each side are \
                      printable text, and the first 4096 of a side (64 of each of the first 8 datagrams) hold a prompt, \
                      three different commands, or what id, uname, ls or dir print.",
            misleads: "Whoever pastes a shell's output into a chat looks the same; a shell whose first bytes hold none \
                       of these marks is not told.",
        },
        Notable::ExecutableTransfer => Word {
            means: "An executable file was transferred.",
            decided: "A packet has the header of a Windows (MZ and PE), Linux (ELF) or macOS (Mach-O) program, or \
                      the first line of a script (#! and an interpreter), where a file can begin in it: at its \
                      start, behind the empty line of an HTTP header or of a form's part, behind the size of a \
                      chunk, behind the header of TFTP's first block.",
            misleads: "Updates and file shares move programs all day. In an encrypted or compressed session it \
                       cannot be seen, nor where two packets share the program's header.",
        },
        Notable::Periodic => Word {
            means: "Messages or connections at regular intervals, like a beacon, a poll or a \
                    health check.",
            decided: "At least five pauses between messages of the flow deviate by less than a tenth from their \
                      mean; or of at least six connections from one client to the service, the longest pause is \
                      less than twice the shortest, and where payload was sent they are a second or more apart.",
            misleads: "Keep-alives and monitoring are periodic too, and a beacon may vary its pace on purpose.",
        },
        Notable::UploadHeavy => Word {
            means: "Much more data to the server than to the client.",
            decided: "At least 1 MiB of payload to the server, and at least four times as much as back.",
            misleads: "Backups and uploads do that. Where client and server are guessed, it may be a download.",
        },
        Notable::InconsistentHandshake => Word {
            means: "The side that opened the TCP connection plays the protocol's server, as in a connection that \
                    calls back from inside.",
            decided: "The TCP handshake was seen, and the protocol's messages name the other side as its client.",
            misleads: "Some protocols have their server call the client on purpose: FTP's active mode, reversed VNC \
                       and SSH call home (RFC 8071).",
        },
    }
}

/// The words for reasons to look, where they are no notables or statuses.
const fn concern(concern: Concern) -> Word {
    match concern {
        Concern::ExecutableTransfer => notable(Notable::ExecutableTransfer),
        Concern::UnexpectedService => notable(Notable::UnexpectedService),
        Concern::UploadHeavy => notable(Notable::UploadHeavy),
        Concern::Unidentified => status(Status::Unidentified),
        Concern::Shell => Word {
            means: "Possibly an interactive shell: text in both directions.",
            decided: "The flow has the notable text_shell.",
            misleads: "Whatever misleads text_shell: line-based protocols that no detector knows.",
        },
        Concern::ReversedConnection => Word {
            means: "The side that opened the connection acts as the server, as when a machine \
                    inside calls out to receive commands.",
            decided: "The flow has the notable inconsistent_handshake; or it has text_shell, its handshake was seen, \
                      and the end that opened it sends at least twice as much as it gets, as answers to commands do.",
            misleads: "Whatever misleads these notables; and a client that pastes long text into a service that says \
                       little.",
        },
        Concern::Beacon => Word {
            means: "Unidentified or encrypted traffic at regular intervals.",
            decided: "The flow has the notable periodic, and it is unidentified, too short to tell, or only \
                      recognised as TLS, DTLS or QUIC.",
            misleads: "Telemetry, polls and keep-alives of harmless programs are encrypted and periodic, too.",
        },
        Concern::ListenerWithoutOwner => Word {
            means: "A service of this machine answered, and no process was seen to listen there.",
            decided: "Live only, of the sockets and processes of this machine.",
            misleads: "Without the rights to look into all processes some stay unseen, and a short-lived one is gone \
                       before anybody looks.",
        },
        Concern::Unclear => Word {
            means: "Not identified from what was captured.",
            decided: "The status is unidentified, the label is not citrix-framehawk, and the confidence is not high.",
            misleads: "A better capture, from the session's start and without losses, may identify it.",
        },
        Concern::Framehawk => label(Label::CitrixFramehawk),
        Concern::TooShort => Word {
            means: "A conversation on a named port of which too little was seen.",
            decided: "The label is timelot-unknown and the status insufficient.",
            misleads: "This says more about the capture than about the service: a longer capture \
                       may tell.",
        },
    }
}
