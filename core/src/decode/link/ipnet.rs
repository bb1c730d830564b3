//! Solaris' observability devices (`LINKTYPE_IPNET`).
//!
//! ```text
//! | version 1: 2 | family 1: 2 IPv4, 26 IPv6 | hook 2 | length 4 | interfaces 8 | zones 8 | IP
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "Solaris ipnet", types: &[226], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [_, family, ..]: [u8; 24] = part.array(0, "ipnet.header_too_short")?;
    let next = if matches!(family, 2 | 26) { Next::Ip } else { Next::Nothing };
    Ok(Opened::new(next, part.after(24)))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(226, &[&[2, 2], &[0; 22][..], &v4()].concat());
        opens(226, &[&[2, 26], &[0; 22][..], &v6()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(226, &[2; 23]), ["ipnet.header_too_short"]);
    }
}
