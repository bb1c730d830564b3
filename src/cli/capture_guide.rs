//! `portstory capture-guide`: the commands that capture on another machine, and their pitfalls.
//!
//! Sources: tcpdump(1); Microsoft Learn, "pktmon start", "pktmon filter add", "pktmon etl2pcap",
//! "netsh trace"; NetScaler documentation, "How to record a packet trace".

use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::exit::stdout_exit;
use super::{Outcome, Ports};
use crate::capture::live::default_filter;
use portstory_core::{LinkType, Watch};

/// The commands that capture on another machine, and their pitfalls.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CaptureGuide {
    /// The system to capture on
    #[arg(long, value_enum)]
    host: Host,

    /// The interface on that system (Linux)
    #[arg(short, long, value_name = "IFACE", default_value = "eth0")]
    interface: String,

    #[command(flatten)]
    ports: Ports,
}

const EXAMPLES: &str = "\
Examples:
  portstory capture-guide --host windows                for a VDA or another Windows machine
  portstory capture-guide --host citrix-gateway --framehawk-range 3300-3400
  portstory capture-guide --host linux -i ens192 --port 3243 --port 8443

Nothing is run: the commands are printed.";

/// The systems that there are commands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Host {
    /// tcpdump
    Linux,
    /// pktmon
    Windows,
    /// nstrace on a NetScaler
    CitrixGateway,
}

impl CaptureGuide {
    pub(super) fn run(&self) -> Outcome {
        let watch = self.ports.watch(None);
        let text = match self.host {
            Host::Linux => linux(&watch, &shell_word(&self.interface)),
            Host::Windows => windows(&watch),
            Host::CitrixGateway => gateway(&watch),
        };
        stdout_exit(std::io::stdout().write_all(text.as_bytes()))
    }
}

/// What every capture needs.
const EVERYWHERE: &str = "
Everywhere
  - Start before the connection does: the first packets name a protocol, later ones seldom do. Restart
    the client or the service while the capture runs.
  - Capture for some minutes: a display protocol shows by its shape, and a beacon by its period.
  - Capture at both ends where you can: `portstory read` takes both files at once.
  - Payload is needed, so captures hold whatever was said: treat them as secrets.

Then
  portstory read incident.pcapng
";

fn linux(watch: &Watch, interface: &str) -> String {
    // VLAN tags change a filter's offsets, so the filter that allows for them is given.
    let filter = default_filter(watch, LinkType(1)).expression;
    format!(
        "Capture on Linux, as root

  tcpdump -D
  sudo tcpdump -i {interface} -s 0 -B 65536 -C 200 -W 20 -Z root -w incident.pcap \\
    '{filter}'
  # Ctrl-C ends it; \"packets dropped by kernel\" should be 0
  sudo ss -tuanp              # which process it is, while it runs; or: sudo portstory who

Or without tcpdump: sudo portstory live -i {interface} -w incident.pcapng

Pitfalls
  - The filter misses what is inside tunnels: leave it out where there are any (`portstory live
    --show-filter` lists what it lets through and what it misses).
  - `-i any` shows a packet once for each interface that it crosses, and without its link header.
  - -W 20 with -C 200 keeps the last 4 GB: older files are overwritten. -Z root, as tcpdump else gives up
    the right to open the next file.
  - Receive offload joins packets: sizes are then not those on the wire. If you may, while you
    capture: sudo ethtool -K {interface} gro off lro off
  - In a container or network namespace: sudo nsenter -t PID -n tcpdump ...
{EVERYWHERE}"
    )
}

fn windows(watch: &Watch) -> String {
    let filters: String = watch
        .ports
        .iter()
        .flat_map(|port| ["TCP", "UDP"].map(|transport| (port, transport)))
        .map(|(port, transport)| {
            format!("  pktmon filter add watched-{port}-{transport} -t {transport} -p {port}\n")
        })
        .collect();
    let (low, high) = (watch.framehawk.start(), watch.framehawk.end());
    let ports: Vec<_> = watch.ports.iter().map(u16::to_string).collect();
    let ports = ports.join(",");
    format!(
        "Capture on Windows (Server 2022, Windows 10 2004 and later), in a prompt started as administrator

  pktmon filter remove
{filters}  rem for UDP {low}-{high}: pktmon filters by single ports, so take all UDP of the other end
  pktmon filter add watched-range -t UDP -i ADDRESS-OF-THE-OTHER-END
  pktmon start --capture --comp nics --pkt-size 0 --file-size 2048 --file-name C:\\incident.etl
  rem let it happen again, then:
  pktmon stop
  pktmon etl2pcap C:\\incident.etl --out C:\\incident.pcapng

Which process it is, while it runs (PowerShell):
  Get-NetTCPConnection -LocalPort {ports} | Select-Object *Address,*Port,State,OwningProcess,CreationTime
  Get-NetUDPEndpoint | Where-Object LocalPort -in ({low}..{high}) | Select-Object Local*,OwningProcess
  tasklist /svc /fi \"PID eq PID-FROM-ABOVE\"
  netsh interface portproxy show all
  netsh http show servicestate

Pitfalls
  - Without --pkt-size 0 only the first 128 bytes of each packet are kept: too few for most protocols.
  - Without --comp nics each packet is kept once for every component of the network stack that it
    passes: copies, which portstory leaves out only where they follow each other closely.
  - Two filters are joined by \"or\", the conditions inside one by \"and\"; at most 32 filters.
  - `pktmon etl2pcap` was `pktmon pcapng` in early versions.
  - Older systems, Server 2016 and 2019 among them, have no such pktmon:
    netsh trace start capture=yes report=disabled maxSize=2048 traceFile=C:\\incident.etl
    netsh trace stop
    and then Microsoft's etl2pcapng C:\\incident.etl incident.pcapng
  - Loopback traffic is not seen this way.
{EVERYWHERE}"
    )
}

fn gateway(watch: &Watch) -> String {
    let ports: Vec<_> =
        watch.ports.iter().map(|port| format!("CONNECTION.PORT.EQ({port})")).collect();
    let (low, high) = (watch.framehawk.start(), watch.framehawk.end());
    format!(
        "Capture on a Citrix Gateway (NetScaler), in its command line

  start nstrace -size 0 -traceformat PCAP -filter \"{ports} || CONNECTION.DSTPORT.BETWEEN({low},{high}) || CONNECTION.SRCPORT.BETWEEN({low},{high})\" -link ENABLED
  show nstrace
  # let it happen again, then:
  stop nstrace
  # files are in /var/nstrace, in a folder named by date and time; fetch them by scp

Pitfalls
  - The default format is nstrace's own (.cap), which only Wireshark reads: -traceformat PCAP. It leaves
    out what connects the two sides of a session; take a second trace in the default format for Citrix'
    support.
  - Without -size 0 only the first 164 bytes of each packet are kept.
  - -link ENABLED takes in the other side of the proxied connection (client to gateway, gateway to VDA).
  - Framehawk and ICA come in from outside through the gateway's own port, 443: on that side they are
    inside DTLS or TLS. UDP {low}-{high} is seen between the gateway and the VDAs.
  - A trace costs processor time: on a busy appliance keep it short.
{EVERYWHERE}",
        ports = ports.join(" || ")
    )
}

/// A word that a shell takes for itself alone.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", crate::escape::terminal(word).replace('\'', "'\\''"))
    }
}
