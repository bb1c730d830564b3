//! 802.11 (IEEE 802.11 section 9.2; `LINKTYPE_IEEE802_11`): data frames lead to LLC.
//!
//! ```text
//! | version 2 bits, type 2, subtype 4 | flags 1 | duration 2 | addresses 18 | sequence 2 |
//! | (address 6) | (QoS 2) | (HT control 4) | LLC
//! ```
//!
//! Encrypted frames and fragments are named and left. Of several packets in one frame (A-MSDU) the
//! first is opened.

use super::{LLC, Link};
use crate::decode::{DecodeEnd, Next, Opened, Slice};
use crate::wire;

pub(super) static LINK: Link = Link { name: "802.11", types: &[105], open };

const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// Subtypes of data: with QoS control, and without data.
const QOS: u8 = 0x80;
const NO_DATA: u8 = 0x40;

/// In the first byte of QoS control: several packets follow, each behind addresses and a length.
const AGGREGATE: u8 = 0x80;

const SHORT: &str = "ieee802_11.header_too_short";

fn open(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    let [control, flags] = part.array(0, SHORT)?;
    data_frame(part, control, flags)
}

/// The same with the two bytes of frame control the other way round, as some access points send it
/// in CAPWAP; told by the type, which must be data either way.
pub(in crate::decode) fn open_either_way(part: Slice<'_>) -> Result<Opened<'_>, DecodeEnd> {
    match wire::array(part.bytes, 0) {
        Some([flags, control]) if is_data(control) && !is_data(flags) => {
            data_frame(part, control, flags)
        }
        Some([_, _]) | None => open(part),
    }
}

/// IEEE 802.11 section 9.2.4.8: bytes that the frames of one packet can carry together.
const MSDU_LEN_MAX: usize = 7935;

/// Version 0, type 2.
fn is_data(control: u8) -> bool {
    control & 0x0f == 0x08
}

fn data_frame(part: Slice<'_>, control: u8, flags: u8) -> Result<Opened<'_>, DecodeEnd> {
    if !is_data(control) || control & NO_DATA != 0 {
        return Ok(Opened::new(Next::Nothing, part));
    }
    let sequence = part.le16(22, SHORT)?;
    if flags & PROTECTED != 0 {
        return Err(part.stop("ieee802_11.encrypted"));
    }
    // The low four bits number fragments. The first one has the headers that are looked for.
    if sequence & 0x0f != 0 {
        return Err(part.stop("ieee802_11.fragment"));
    }
    let mut len = 24_usize;
    if flags & (TO_DS | FROM_DS) == TO_DS | FROM_DS {
        len = len.saturating_add(6);
    }
    let mut aggregate = false;
    if control & QOS != 0 {
        let qos = part.u8(len, SHORT)?;
        aggregate = qos & AGGREGATE != 0;
        len = len.saturating_add(if flags & ORDER != 0 { 6 } else { 2 });
    }
    let mut rest = part.after(len);
    if flags & MORE_FRAGMENTS != 0 {
        // How much follows in other frames is not known: what is missing is not malformed.
        rest.wire_len = rest.wire_len.max(MSDU_LEN_MAX);
    }
    if aggregate {
        let inside = rest.be16(12, SHORT)?;
        return Ok(Opened::new(Next::Link(LLC), rest.after(14).limited(usize::from(inside))));
    }
    Ok(Opened::new(Next::Link(LLC), unpadded(rest, len)))
}

/// Some hardware pads the header to a multiple of four bytes; radiotap may say so, Prism cannot. It
/// shows where the LLC header stands.
fn unpadded(rest: Slice<'_>, header_len: usize) -> Slice<'_> {
    const SNAP: [u8; 3] = [0xaa, 0xaa, 3];
    let padded = rest.after(header_len.next_multiple_of(4).saturating_sub(header_len));
    let starts = |part: &Slice<'_>| part.bytes.starts_with(&SNAP);
    if !starts(&rest) && starts(&padded) { padded } else { rest }
}

#[cfg(test)]
mod tests {
    use crate::decode::tests::support::{NOTHING, opens, snap, stops, v4, v6, wifi};

    /// A data frame with these first bytes, `more` bytes of header, and `inside`.
    fn data(control: u8, flags: u8, more: &[u8], inside: &[u8]) -> Vec<u8> {
        [&[control, flags, 0, 0], &[2; 18][..], &[0x10, 0], more, inside].concat()
    }

    #[test]
    fn leads_to_the_datagram() {
        let inside = snap(0x0800, &v4());
        opens(105, &wifi());
        opens(105, &data(0x08, 0, &[], &snap(0x86dd, &v6())));
        opens(105, &data(0x08, 3, &[3; 6], &inside));
        opens(105, &data(0x88, 1, &[0, 0], &inside));
        opens(105, &data(0x88, 0x81, &[0; 6], &inside));
        opens(105, &data(0x88, 1, &[0, 0, 0, 0], &inside));
    }

    #[test]
    fn the_first_of_an_aggregate_is_opened() {
        let inside = snap(0x0800, &v4());
        let len = u16::try_from(inside.len()).unwrap().to_be_bytes();
        let first = [&[2; 12][..], &len, &inside].concat();
        opens(105, &data(0x88, 1, &[0x80, 0], &[&first[..], &[0, 0], &first].concat()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(stops(105, &[8]), ["ieee802_11.header_too_short"]);
        assert_eq!(stops(105, &[8; 23]), ["ieee802_11.header_too_short"]);
        assert_eq!(stops(105, &data(0x08, 0x41, &[], &[0; 40])), ["ieee802_11.encrypted"]);
        let mut later = data(0x08, 1, &[], &[0; 40]);
        later[22] = 0x11;
        assert_eq!(stops(105, &later), ["ieee802_11.fragment"]);
        // A beacon, an acknowledgement, a frame without data.
        assert_eq!(stops(105, &[0x80; 60]), NOTHING);
        assert_eq!(stops(105, &[0xd4, 0, 0, 0, 1, 1, 1, 1, 1, 1]), NOTHING);
        assert_eq!(stops(105, &data(0x48, 1, &[], &[])), NOTHING);
    }
}
