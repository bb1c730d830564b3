//! What IPsec and the packet filter of the BSDs hand to a tap: OpenBSD's enc(4) (`LINKTYPE_ENC`) and
//! pflog(4) (`LINKTYPE_PFLOG`). Their headers are the host's own structures; where the packet starts
//! is the same in all of them.
//!
//! ```text
//! enc    | address family 4 | SPI 4 | flags 4 | IP
//! pflog  | length of the header 1 | address family 1 | ... | up to a multiple of 4 | IP
//! ```

use super::Link;
use crate::decode::{DecodeEnd, Next, Opened, Slice};

pub(super) static ENC: Link = Link { name: "OpenBSD enc", types: &[109], open: enc };
pub(super) static PFLOG: Link = Link { name: "BSD pflog", types: &[117], open: pflog };

fn enc(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    Ok(Opened::new(Next::Ip, part.behind(12, "enc.header_too_short")?))
}

fn pflog(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let len = usize::from(part.u8(0, "pflog.header_too_short")?);
    // OpenBSD 3.4 had 45 bytes in it, and no system fewer.
    if len < 45 {
        return Err(part.stop("pflog.length_invalid"));
    }
    Ok(Opened::new(Next::Ip, part.after(len.next_multiple_of(4))))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        opens(109, &[&[2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], &v4()[..]].concat());
        opens(117, &[&[61, 24], &[0; 62][..], &v6()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(109, &[0; 11]), ["enc.header_too_short"]);
        assert_eq!(stops(117, &[12; 80]), ["pflog.length_invalid"]);
        assert_eq!(stops(117, &[]), ["pflog.header_too_short"]);
    }
}
