//! DOCSIS MAC frames (DOCSIS 3.1 MULPI section 6.2; `LINKTYPE_DOCSIS`) that carry Ethernet.
//!
//! ```text
//! | type 2 bits, parameter 5, extended header 1 | its length 1 | length 2 | extended header |
//! | header check 2 | Ethernet
//! ```

use super::{ETHERNET, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static LINK: Link = Link { name: "DOCSIS", types: &[143], open };

/// Types of extended header that say that what follows is encrypted: baseline privacy, up and down.
const PRIVACY: [u8; 2] = [3, 4];

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [control, parameter, _, _, extended] = part.array(0, "docsis.header_too_short")?;
    // All other types are timing, management, requests and isolated PDUs.
    if control >> 1 != 0 {
        return Ok(Opened::new(Next::Nothing, part));
    }
    let has_extended = control & 1 == 1;
    if has_extended && PRIVACY.contains(&(extended >> 4)) {
        return Err(part.stop("docsis.encrypted"));
    }
    let extended_len = if has_extended { usize::from(parameter) } else { 0 };
    Ok(Opened::new(Next::Link(ETHERNET), part.after(extended_len.saturating_add(6))))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, ethernet, opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(143, &[&[0, 0, 0, 60, 0xab, 0xcd], &ethernet(0x0800, &v4())[..]].concat());
        opens(143, &[&[1, 2, 0, 60, 0x61, 9, 0xab, 0xcd], &ethernet(0x86dd, &v6())[..]].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(143, &[0, 0, 0]), ["docsis.header_too_short"]);
        assert_eq!(stops(143, &[1, 5, 0, 60, 0x34, 1, 0, 0, 0]), ["docsis.encrypted"]);
        assert_eq!(stops(143, &[0xc2, 0, 0, 60, 0, 0]), NOTHING);
    }
}
