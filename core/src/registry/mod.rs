//! IANA's service names for the watched range: what port tables print, and the lowest tier of
//! evidence. A name here never names a protocol (invariant 5).
//!
//! Source: IANA Service Name and Transport Protocol Port Number Registry, copy of 2026-08-17.

mod services;

pub use services::is_registered;

/// The name that is registered for a port of 3224 to 3324, whatever the transport.
pub fn name(port: u16) -> Option<&'static str> {
    let row = NAMES.binary_search_by_key(&port, |&(port, _)| port).ok()?;
    NAMES.get(row).map(|&(_, name)| name)
}

/// Sorted by port.
static NAMES: &[(u16, &str)] = &[
    (3224, "aes-discovery"),
    (3225, "fcip-port"),
    (3226, "isi-irp"),
    (3227, "dwnmshttp"),
    (3228, "dwmsgserver"),
    (3229, "global-cd-port"),
    (3230, "sftdst-port"),
    (3231, "vidigo"),
    (3232, "mdtp"),
    (3233, "whisker"),
    (3234, "alchemy"),
    (3235, "mdap-port"),
    (3236, "apparenet-ts"),
    (3237, "apparenet-tps"),
    (3238, "apparenet-as"),
    (3239, "apparenet-ui"),
    (3240, "triomotion"),
    (3241, "sysorb"),
    (3242, "sdp-id-port"),
    (3243, "timelot"),
    (3244, "onesaf"),
    (3245, "vieo-fe"),
    (3246, "dvt-system"),
    (3247, "dvt-data"),
    (3248, "procos-lm"),
    (3249, "ssp"),
    (3250, "hicp"),
    (3251, "sysscanner"),
    (3252, "dhe"),
    (3253, "pda-data"),
    (3254, "pda-sys"),
    (3255, "semaphore"),
    (3256, "cpqrpm-agent"),
    (3257, "cpqrpm-server"),
    (3258, "ivecon-port"),
    (3259, "epncdp2"),
    (3260, "iscsi-target"),
    (3261, "winshadow"),
    (3262, "necp"),
    (3263, "ecolor-imager"),
    (3264, "ccmail"),
    (3265, "altav-tunnel"),
    (3266, "ns-cfg-server"),
    (3267, "ibm-dial-out"),
    (3268, "msft-gc"),
    (3269, "msft-gc-ssl"),
    (3270, "verismart"),
    (3271, "csoft-prev"),
    (3272, "user-manager"),
    (3273, "sxmp"),
    (3274, "ordinox-server"),
    (3275, "samd"),
    (3276, "maxim-asics"),
    (3277, "awg-proxy"),
    (3278, "lkcmserver"),
    (3279, "admind"),
    (3280, "vs-server"),
    (3281, "sysopt"),
    (3282, "datusorb"),
    (3283, "net-assistant"),
    (3284, "4talk"),
    (3285, "plato"),
    (3286, "e-net"),
    (3287, "directvdata"),
    (3288, "cops"),
    (3289, "enpc"),
    (3290, "caps-lm"),
    (3291, "sah-lm"),
    (3292, "cart-o-rama"),
    (3293, "fg-fps"),
    (3294, "fg-gip"),
    (3295, "dyniplookup"),
    (3296, "rib-slm"),
    (3297, "cytel-lm"),
    (3298, "deskview"),
    (3299, "pdrncs"),
    (3300, "ceph"),
    (3301, "tarantool"),
    (3302, "mcs-fastmail"),
    (3303, "opsession-clnt"),
    (3304, "opsession-srvr"),
    (3305, "odette-ftp"),
    (3306, "mysql"),
    (3307, "opsession-prxy"),
    (3308, "tns-server"),
    (3309, "tns-adv"),
    (3310, "dyna-access"),
    (3311, "mcns-tel-ret"),
    (3312, "appman-server"),
    (3313, "uorb"),
    (3314, "uohost"),
    (3315, "cdid"),
    (3316, "aicc-cmi"),
    (3317, "vsaiport"),
    (3318, "ssrip"),
    (3319, "sdt-lmd"),
    (3320, "officelink2000"),
    (3321, "vnsstr"),
    (3322, "active-net"),
    (3323, "active-net"),
    (3324, "active-net"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_knows_timelot() {
        assert!(NAMES.is_sorted_by(|(one, _), (other, _)| one < other));
        assert_eq!(name(3243), Some("timelot"));
        assert_eq!(name(443), None);
    }
}
