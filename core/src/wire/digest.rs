//! One number for many bytes: equal for equal bytes, and hardly ever for others.
//!
//! It is the same everywhere and always, as what it is compared with may come from another piece of a
//! capture. So it is not keyed: who sets out to can find bytes of one number. It is for comparisons by
//! which nothing is decided but that, never for tables.

/// Odd numbers without any pattern (digits of pi, from behind the point).
const PI: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// The number of these bytes, which stand behind those of another number: as many a step as a product of
/// two words takes.
pub(crate) fn digest(before: u64, bytes: &[u8]) -> u64 {
    let [first, second, third] = PI;
    let mut number = before ^ first;
    let (steps, rest) = bytes.as_chunks::<16>();
    for step in steps {
        let [one, other] = words(step);
        number = folded(one ^ second, other ^ number);
    }
    let mut last = [0; 16];
    last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    let [one, other] = words(&last);
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    folded(folded(one ^ second, other ^ number), len ^ third)
}

fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes(rest)]
}

/// Both halves of the product, one on the other: every bit of it hangs on every bit of both.
fn folded(one: u64, other: u64) -> u64 {
    let [low, high] = words(&(u128::from(one) * u128::from(other)).to_le_bytes());
    low ^ high
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_bit_and_the_length_count() {
        for len in 0..50 {
            let mut bytes = vec![0; len];
            let mut numbers = BTreeSet::from([digest(7, &bytes), digest(8, &bytes)]);
            for bit in 0..len * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(numbers.insert(digest(7, &bytes)), "bit {bit} of {len} bytes");
                // A second bit does not take back what the first one did.
                for other in bit + 1..len * 8 {
                    bytes[other / 8] ^= 1 << (other % 8);
                    assert!(numbers.insert(digest(7, &bytes)), "bits {bit}, {other} of {len}");
                    bytes[other / 8] ^= 1 << (other % 8);
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(numbers.insert(digest(7, &vec![0; len + 1])));
        }
    }

    #[test]
    fn it_is_the_same_everywhere() {
        assert_eq!(digest(0, b"The same bytes have the same number."), 5_646_745_025_024_620_837);
    }
}
