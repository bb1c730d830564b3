//! Checksums that frames have.

/// A cyclic redundancy check that shifts to the right, as most do: `polynomial` with its lowest power
/// in the highest bit, `start` what the register begins with.
pub(super) fn reflected(bytes: &[u8], start: u16, polynomial: u16) -> u16 {
    bytes.iter().fold(start, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ polynomial }
        })
    })
}

/// x^16 + x^12 + x^5 + 1 (ITU-T V.41), shifting to the left; `start` is what the register begins with.
pub(super) fn ccitt(bytes: &[u8], start: u16) -> u16 {
    bytes.iter().fold(start, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

/// CRC-32 of IEEE 802.3.
pub(super) fn ethernet(bytes: impl IntoIterator<Item = u8>) -> u32 {
    !bytes.into_iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values that are published for `123456789`: CCITT-FALSE, XMODEM, X-25, DNP, ISO-HDLC.
    #[test]
    fn checksums_are_the_published_ones() {
        assert_eq!(ccitt(b"123456789", 0xffff), 0x29b1);
        assert_eq!(ccitt(b"123456789", 0), 0x31c3);
        assert_eq!(ethernet(*b"123456789"), 0xcbf4_3926);
        assert_eq!(!reflected(b"123456789", 0xffff, 0x8408), 0x906e);
        assert_eq!(!reflected(b"123456789", 0, 0xa6bc), 0xea82);
    }
}
