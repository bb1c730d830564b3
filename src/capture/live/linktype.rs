//! libpcap's `DLT_` numbers, which differ by platform, as `LINKTYPE_` numbers, which do not.
//!
//! The list is that of <https://www.tcpdump.org/linktypes.html> and libpcap's own mapping; all
//! numbers that are not in it are the same on both sides.

use pcap::Linktype;

use portstory_core::LinkType;

/// What `LINKTYPE_` a handle's `DLT_` stands for.
pub(super) fn link_type(dlt: Linktype) -> LinkType {
    LinkType(match dlt.0 {
        11 => 100,                                   // ATM_RFC1483
        14 if cfg!(target_os = "openbsd") => 101,    // RAW
        12 if cfg!(target_os = "openbsd") => 108,    // LOOP
        13 if cfg!(target_os = "openbsd") => 109,    // ENC
        12 => 101,                                   // RAW
        15 if !cfg!(target_os = "openbsd") => 102,   // SLIP_BSDOS
        16 if !cfg!(target_os = "openbsd") => 103,   // PPP_BSDOS
        19 => 106,                                   // ATM_CLIP
        18 if cfg!(not(target_os = "linux")) => 246, // PFSYNC
        same => u16::try_from(same).unwrap_or(u16::MAX),
    })
}

/// The `DLT_` number of a link type: the other way round.
pub(crate) fn dlt(link: LinkType) -> Linktype {
    let renumbered = (11..=19).map(Linktype).find(|&dlt| link_type(dlt) == link);
    renumbered.unwrap_or(Linktype(i32::from(link.0)))
}

/// Names the link types that no IP packet can be found in, with what they carry.
///
/// libpcap lists such devices beside real interfaces, and some of them have no descriptor to wait
/// for.
pub(super) fn carries_no_ip(link: LinkType) -> Option<&'static str> {
    Some(match link.0 {
        186 | 189 | 220 | 249 | 266 => "USB",
        187 | 201 | 254 | 255 | 256 => "Bluetooth",
        190 | 227 => "CAN bus",
        231 | 232 => "D-Bus",
        253 => "netlink messages",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libpcap itself writes into the head of a capture file is its own mapping.
    #[test]
    fn agrees_with_what_libpcap_writes_into_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head.pcap");
        let mut known = 0;
        for number in 0..=300 {
            let handle = pcap::Capture::dead(Linktype(number)).unwrap();
            let Ok(mut file) = handle.savefile(&path) else { continue };
            file.flush().unwrap();
            let head = std::fs::read(&path).unwrap();
            let written = u32::from_ne_bytes(head[20..24].try_into().unwrap());
            assert_eq!(u32::from(link_type(Linktype(number)).0), written, "DLT {number}");
            assert_eq!(link_type(dlt(link_type(Linktype(number)))), link_type(Linktype(number)));
            known += 1;
        }
        assert!(known > 150, "only {known} were compared");
    }

    #[test]
    fn a_number_out_of_range_is_no_known_link_type() {
        assert_eq!(link_type(Linktype(-1)), LinkType(u16::MAX));
        assert_eq!(link_type(Linktype(1 << 20)), LinkType(u16::MAX));
    }
}
