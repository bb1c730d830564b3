//! TPKT (RFC 1006) and the transport protocol of class 0 in it (X.224, RFC 905): what RDP, S7, MMS
//! and H.323 travel in. Knows none of them.
//!
//! ```text
//!  03 00 length(2, with these 4)   header length(1)  code(1)  ...
//! ```

use crate::wire::{Cursor, array, be16, prefix, rest, u8_at};

/// Bytes of TPKT's header.
pub(super) const HEADER: usize = 4;

/// What X.224 message a packet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TpduType {
    /// Connection request.
    Request,
    /// Connection confirm.
    Confirm,
    /// Data, the last part of a message or not.
    Data,
}

/// One packet: what stands behind the fixed part of X.224's header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tpkt<'a> {
    /// Bytes on the wire.
    pub(super) len: usize,
    pub(super) kind: TpduType,
    /// Variable part of a request or a confirm; user data of data.
    pub(super) body: &'a [u8],
    /// -log2 of the chance that random bytes pass.
    pub(super) bits: f32,
}

/// The packet at the front.
pub(super) fn read(bytes: &[u8]) -> Option<Tpkt<'_>> {
    let [3, 0] = array::<2>(bytes, 0)? else { return None };
    let len = usize::from(be16(bytes, 2)?);
    let packet = prefix(rest(bytes, HEADER), len.checked_sub(HEADER)?);
    let indicator = usize::from(u8_at(packet, 0)?);
    // X.224 section 13.3 and 13.7: destination, source, class; 13.7.1: the end mark.
    match u8_at(packet, 1)? {
        // RDP puts its cookie where parameters belong; both fill the packet.
        code @ (0xe0 | 0xd0) => {
            let kind = if code == 0xe0 { TpduType::Request } else { TpduType::Confirm };
            let fits = indicator.checked_add(5)? == len && indicator >= 6;
            let destination = be16(packet, 2)?;
            let class = u8_at(packet, 6)?;
            let right =
                fits && (kind == TpduType::Confirm || destination == 0) && class & 0xf0 <= 0x40;
            right.then_some(Tpkt { len, kind, body: rest(packet, 7), bits: 16.0 + 16.0 + 8.0 })
        }
        0xf0 if indicator == 2 && len >= 7 && u8_at(packet, 2)? & 0x7f == 0 => {
            Some(Tpkt { len, kind: TpduType::Data, body: rest(packet, 3), bits: 16.0 + 16.0 + 7.0 })
        }
        _ => None,
    }
}

/// Parameters of a request or a confirm: code, length, value (X.224 section 13.2.3). `None` where
/// they don't end with the packet.
pub(super) fn parameters(body: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    let mut cursor = Cursor::new(body);
    while let Some(code) = cursor.u8() {
        found.push((code, cursor.block8()?));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::hex;

    #[test]
    fn requests_and_data_are_read() {
        let request = hex("0300 0016 11 e0 0000 0001 00 c00109 c1020100 c2020102");
        let packet = read(&request).unwrap();
        assert_eq!((packet.kind, packet.len), (TpduType::Request, 22));
        assert_eq!(parameters(packet.body).unwrap()[2], (0xc2, &[1_u8, 2][..]));
        assert_eq!(read(&hex("0300 0008 02 f0 80 32")).unwrap().body, [0x32]);
        assert_eq!(read(&hex("0300 0008 03 f0 80 32")), None);
        assert_eq!(read(&hex("0300 0016 10 e0 0000 0001 00")), None);
        assert_eq!(parameters(&[0xc0, 3, 1]), None);
    }
}
