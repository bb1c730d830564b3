//! Link types that are not opened, by number and name, so that what was not looked at is told.
//!
//! Names are those of <https://www.tcpdump.org/linktypes.html> and libpcap's list, in lower case.

use crate::frame::LinkType;

/// Why frames of a link type are not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It carries no IP: nothing of interest can be in it. Told for the record, no fault.
    NoIp(&'static str),
    /// There may be IP in it, and this program does not know how to get at it.
    NotSupported(&'static str),
}

impl Unopened {
    /// What the frames are counted under, with the link type's number and name in it.
    pub const fn event(self) -> &'static str {
        match self {
            Self::NoIp(event) | Self::NotSupported(event) => event,
        }
    }
}

/// Why frames of this link type, which is not in [`super::LINKS`], are not opened.
pub const fn unopened(link: LinkType) -> Unopened {
    match no_ip(link.0) {
        Some(event) => Unopened::NoIp(event),
        None => Unopened::NotSupported(not_supported(link.0)),
    }
}

const fn no_ip(number: u16) -> Option<&'static str> {
    macro_rules! name {
        ($number:literal, $name:literal) => {
            concat!("link_type_carries_no_ip.", $number, "_", $name)
        };
    }
    Some(match number {
        114 => name!("114", "ltalk"),
        139 => name!("139", "mtp2_with_phdr"),
        140 => name!("140", "mtp2"),
        141 => name!("141", "mtp3"),
        142 => name!("142", "sccp"),
        144 => name!("144", "linux_irda"),
        165 => name!("165", "bacnet_ms_tp"),
        184 => name!("184", "a429"),
        185 => name!("185", "a653_icm"),
        186 => name!("186", "usb_freebsd"),
        187 => name!("187", "bluetooth_hci_h4"),
        189 => name!("189", "usb_linux"),
        190 => name!("190", "can20b"),
        199 => name!("199", "ipmb_kontron"),
        201 => name!("201", "bluetooth_hci_h4_with_phdr"),
        209 => name!("209", "ipmb_linux"),
        210 => name!("210", "flexray"),
        211 => name!("211", "most"),
        212 => name!("212", "lin"),
        213 => name!("213", "x2e_serial"),
        214 => name!("214", "x2e_xoraya"),
        216 => name!("216", "linux_evdev"),
        220 => name!("220", "usb_linux_mmapped"),
        221 => name!("221", "dect"),
        222 => name!("222", "aos"),
        223 => name!("223", "wihart"),
        227 => name!("227", "can_socketcan"),
        231 => name!("231", "dbus"),
        235 => name!("235", "dvb_ci"),
        236 => name!("236", "mux27010"),
        245 => name!("245", "nfc_llcp"),
        248 => name!("248", "sctp"),
        249 => name!("249", "usbpcap"),
        250 => name!("250", "rtac_serial"),
        251 => name!("251", "bluetooth_le_ll"),
        253 => name!("253", "netlink"),
        254 => name!("254", "bluetooth_linux_monitor"),
        255 => name!("255", "bluetooth_bredr_bb"),
        256 => name!("256", "bluetooth_le_ll_with_phdr"),
        257 => name!("257", "profibus_dl"),
        260 => name!("260", "ipmi_hpm_2"),
        261 => name!("261", "zwave_r1_r2"),
        262 => name!("262", "zwave_r3"),
        263 => name!("263", "wattstopper_dlm"),
        264 => name!("264", "iso_14443"),
        265 => name!("265", "rds"),
        266 => name!("266", "usb_darwin"),
        268 => name!("268", "sdlc"),
        270 => name!("270", "loratap"),
        271 => name!("271", "vsock"),
        272 => name!("272", "nordic_ble"),
        275 => name!("275", "displayport_aux"),
        277 => name!("277", "sercos_monitor"),
        278 => name!("278", "openvizsla"),
        279 => name!("279", "ebhscr"),
        287 => name!("287", "z_wave_serial"),
        288 => name!("288", "usb_2_0"),
        290 => name!("290", "etw"),
        292 => name!("292", "zboss_ncp"),
        293 => name!("293", "usb_2_0_low_speed"),
        294 => name!("294", "usb_2_0_full_speed"),
        295 => name!("295", "usb_2_0_high_speed"),
        _ => return None,
    })
}

const fn not_supported(number: u16) -> &'static str {
    macro_rules! name {
        ($number:literal, $name:literal) => {
            concat!("link_type_not_supported.", $number, "_", $name)
        };
    }
    match number {
        2 => name!("2", "exp_ethernet"),
        3 => name!("3", "ax25"),
        4 => name!("4", "pronet"),
        5 => name!("5", "chaos"),
        13 => name!("13", "enc_of_freebsd"),
        15 => name!("15", "hippi"),
        18 => name!("18", "pfsync_of_openbsd"),
        32 => name!("32", "redback_smartedge"),
        99 => name!("99", "symantec_firewall"),
        102 => name!("102", "slip_bsdos"),
        103 => name!("103", "ppp_bsdos"),
        112 => name!("112", "hdlc"),
        115 => name!("115", "econet"),
        116 => name!("116", "ipfilter"),
        118 => name!("118", "cisco_ios"),
        120 => name!("120", "aironet"),
        121 => name!("121", "hhdlc"),
        124 => name!("124", "rio"),
        125 => name!("125", "pci_exp"),
        126 => name!("126", "aurora"),
        128 => name!("128", "tzsp"),
        130 => name!("130", "juniper_mlppp"),
        131 => name!("131", "juniper_mlfr"),
        132 => name!("132", "juniper_es"),
        133 => name!("133", "juniper_ggsn"),
        134 => name!("134", "juniper_mfr"),
        135 => name!("135", "juniper_atm2"),
        136 => name!("136", "juniper_services"),
        137 => name!("137", "juniper_atm1"),
        145 => name!("145", "ibm_sp"),
        146 => name!("146", "ibm_sn"),
        147 => name!("147", "user0"),
        148 => name!("148", "user1"),
        149 => name!("149", "user2"),
        150 => name!("150", "user3"),
        151 => name!("151", "user4"),
        152 => name!("152", "user5"),
        153 => name!("153", "user6"),
        154 => name!("154", "user7"),
        155 => name!("155", "user8"),
        156 => name!("156", "user9"),
        157 => name!("157", "user10"),
        158 => name!("158", "user11"),
        159 => name!("159", "user12"),
        160 => name!("160", "user13"),
        161 => name!("161", "user14"),
        162 => name!("162", "user15"),
        164 => name!("164", "juniper_monitor"),
        167 => name!("167", "juniper_pppoe"),
        168 => name!("168", "juniper_pppoe_atm"),
        169 => name!("169", "gprs_llc"),
        170 => name!("170", "gpf_t"),
        171 => name!("171", "gpf_f"),
        172 => name!("172", "gcom_t1e1"),
        173 => name!("173", "gcom_serial"),
        174 => name!("174", "juniper_pic_peer"),
        175 => name!("175", "erf_eth"),
        176 => name!("176", "erf_pos"),
        177 => name!("177", "linux_lapd"),
        178 => name!("178", "juniper_ether"),
        179 => name!("179", "juniper_ppp"),
        180 => name!("180", "juniper_frelay"),
        181 => name!("181", "juniper_chdlc"),
        183 => name!("183", "juniper_vp"),
        188 => name!("188", "ieee802_16_mac_cps"),
        191 => name!("191", "ieee802_15_4_linux"),
        193 => name!("193", "ieee802_16_mac_cps_radio"),
        194 => name!("194", "juniper_ism"),
        195 => name!("195", "ieee802_15_4_withfcs"),
        196 => name!("196", "sita"),
        198 => name!("198", "raif1"),
        200 => name!("200", "juniper_st"),
        202 => name!("202", "ax25_kiss"),
        203 => name!("203", "lapd"),
        207 => name!("207", "lapb_with_dir"),
        215 => name!("215", "ieee802_15_4_nonask_phy"),
        217 => name!("217", "gsmtap_um"),
        218 => name!("218", "gsmtap_abis"),
        224 => name!("224", "fc_2"),
        225 => name!("225", "fc_2_with_frame_delims"),
        230 => name!("230", "ieee802_15_4_nofcs"),
        232 => name!("232", "juniper_vs"),
        233 => name!("233", "juniper_srx_e2e"),
        234 => name!("234", "juniper_fibrechannel"),
        237 => name!("237", "stanag_5066_d_pdu"),
        238 => name!("238", "juniper_atm_cemic"),
        243 => name!("243", "mpeg_2_ts"),
        244 => name!("244", "ng40"),
        246 => name!("246", "pfsync"),
        247 => name!("247", "infiniband"),
        252 => name!("252", "wireshark_upper_pdu"),
        259 => name!("259", "epon"),
        267 => name!("267", "openflow"),
        269 => name!("269", "ti_lln_sniffer"),
        273 => name!("273", "docsis31_xra31"),
        274 => name!("274", "ethernet_mpacket"),
        280 => name!("280", "vpp_dispatch"),
        283 => name!("283", "ieee802_15_4_tap"),
        286 => name!("286", "elee"),
        289 => name!("289", "atsc_alp"),
        // Numbers that nobody had assigned when this list was made.
        _ => "link_type_not_supported.unassigned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::CARRIES_NO_IP;
    use crate::decode::link;
    use crate::decode::testing::stops;

    #[test]
    fn every_link_type_is_opened_or_named_once() {
        let assigned = 0..=295_u16;
        let mut opened = 0;
        for number in assigned {
            let rows = link::LINKS.iter().filter(|row| row.types.contains(&number)).count();
            let named = no_ip(number).is_some()
                || not_supported(number) != "link_type_not_supported.unassigned";
            assert!(rows <= 1, "link type {number} has {rows} rows");
            assert!(!(rows == 1 && named), "link type {number} is opened and named");
            opened += rows;
        }
        assert!(opened > 45, "only {opened}");
    }

    #[test]
    fn frames_are_counted_by_number_and_name() {
        assert_eq!(stops(147, &[0; 60]), ["link_type_not_supported.147_user0"]);
        assert_eq!(stops(195, &[0; 60]), ["link_type_not_supported.195_ieee802_15_4_withfcs"]);
        assert_eq!(stops(189, &[0; 60]), ["link_type_carries_no_ip.189_usb_linux"]);
        assert_eq!(stops(60_000, &[]), ["link_type_not_supported.unassigned"]);
        assert!((0..=295).all(|number| no_ip(number).is_none_or(|e| e.starts_with(CARRIES_NO_IP))));
        assert_eq!(unopened(LinkType(253)), Unopened::NoIp("link_type_carries_no_ip.253_netlink"));
    }
}
