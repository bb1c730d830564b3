//! Linux "cooked" capture, version 2 (`LINKTYPE_LINUX_SLL2`): says the interface too.
//!
//! ```text
//! | protocol 2 | reserved 2 | interface 4 | ARPHRD 2 | packet type 1 | address length 1 | address 8 | ...
//! ```

use super::{Link, sll::protocol_behind};
use crate::decode::{DecodeEnd, Opened, Slice};

pub(super) static LINK: Link = Link { name: "Linux cooked v2", types: &[276], open };

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    const SHORT: &str = "sll2.header_too_short";
    let (protocol, arphrd) = (part.be16(0, SHORT)?, part.be16(8, SHORT)?);
    Ok(Opened::new(protocol_behind(arphrd, protocol), part.behind(20, SHORT)?))
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{opens, stops, v4, v6};

    #[test]
    fn leads_to_the_datagram() {
        let header = [0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 2, 2];
        opens(276, &[&[8, 0][..], &header[..], &v4()].concat());
        opens(276, &[&[0x86, 0xdd][..], &header[..], &v6()].concat());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(276, &[0; 19]), ["sll2.header_too_short"]);
    }
}
