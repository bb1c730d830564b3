//! One file a protocol. A new one is that file, its `mod` line and its line in [`ALL`].

use super::Detector;

mod cgp;
mod citrix_edt;
mod dns;
mod dtls;
mod http;
mod ica;
mod magic;
mod mysql;
mod quic;
mod rtp;
mod ssh;
mod stun;
mod tls;
mod udt;

/// All detectors, sorted by id.
pub(super) static ALL: &[&Detector] = &[
    &magic::ABLETON_LINK,
    &magic::ARD,
    &magic::ARTNET,
    &magic::BABEL,
    &magic::BACNET,
    &magic::BFD,
    &magic::C1222,
    &magic::CAN,
    &cgp::DETECTOR,
    &magic::CIP_IO,
    &citrix_edt::DETECTOR,
    &magic::CNP_IP,
    &magic::CPHA,
    &magic::CRESTRON,
    &magic::DAHUA,
    &magic::DISCORD,
    &magic::DLEP,
    &dns::DETECTOR,
    &magic::DNSCRYPT,
    &magic::DOIP,
    &magic::DROPBOX,
    &dtls::DETECTOR,
    &magic::EGD,
    &magic::ENPC,
    &magic::SBUS,
    &magic::ETHERSIO,
    &magic::GANGLIA,
    &magic::GELF,
    &magic::GENEVE,
    &magic::GLBP,
    &magic::GVCP,
    &magic::HICP,
    &magic::HSRP,
    &http::DETECTOR,
    &ica::DETECTOR,
    &magic::ICA_BROWSER,
    &magic::KNX,
    &magic::LDP,
    &magic::LIFX,
    &magic::MNDP,
    &magic::MUMBLE,
    &mysql::DETECTOR,
    &magic::NANO,
    &magic::OSC,
    &magic::PPTP,
    &magic::QUAKE,
    &quic::DETECTOR,
    &magic::RAKNET,
    &magic::RDP_UDP,
    &magic::RMCP,
    &magic::ROUGHTIME,
    &rtp::DETECTOR,
    &magic::RTPS,
    &magic::SACN,
    &magic::SAP_ANNOUNCEMENT,
    &magic::SOFTETHER,
    &magic::SOURCE_ENGINE,
    &magic::SPOTIFY,
    &magic::SSDP,
    &ssh::DETECTOR,
    &magic::STEAM,
    &stun::DETECTOR,
    &magic::SYNCTHING,
    &magic::TAILSCALE,
    &magic::TEAMSPEAK,
    &magic::TEREDO,
    &tls::DETECTOR,
    &magic::TPLINK,
    &magic::TRDP,
    &magic::TURN,
    &magic::TUYA,
    &magic::UBNT,
    &udt::DETECTOR,
    &magic::VBAN,
    &magic::VXLAN,
    &magic::WCCP,
    &magic::WOL,
    &magic::WSD,
    &magic::XDMCP,
    &magic::ZEROTIER,
    &magic::ZRTP,
];
