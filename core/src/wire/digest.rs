//! One number for many bytes: equal for equal bytes, and hardly ever for others.
//!
//! It hangs on a key. Where nobody outside knows that, nobody can choose bytes of one number; with a key that
//! is known, such as 0, whoever sets out to can: a step of chosen bytes makes all that stood before it
//! forgotten.

/// Odd numbers without any pattern (digits of pi, from behind the point).
const PI: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// The number of these bytes, which stand behind those of another number: as many a step as a product of
/// two words takes.
pub(crate) fn digest(key: u64, before: u64, bytes: &[u8]) -> u64 {
    let [first, second, third] = PI;
    // Two secrets of one: what is multiplied by the bytes, and what the first of them meet.
    let (first, second) = (folded(key ^ first, third), folded(key ^ second, third));
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
            let mut numbers = BTreeSet::from([digest(1, 7, &bytes), digest(1, 8, &bytes)]);
            for bit in 0..len * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(numbers.insert(digest(1, 7, &bytes)), "bit {bit} of {len} bytes");
                // A second bit does not take back what the first one did.
                for other in bit + 1..len * 8 {
                    bytes[other / 8] ^= 1 << (other % 8);
                    assert!(numbers.insert(digest(1, 7, &bytes)), "bits {bit}, {other} of {len}");
                    bytes[other / 8] ^= 1 << (other % 8);
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(numbers.insert(digest(1, 7, &vec![0; len + 1])));
        }
    }

    #[test]
    fn it_is_the_same_everywhere() {
        let told = digest(0, 0, b"The same bytes have the same number.");
        assert_eq!(told, 4_247_463_891_144_288_461);
    }

    /// Who knows the key multiplies by nothing, and all that stood before is forgotten.
    #[test]
    fn bytes_chosen_for_one_key_are_nothing_to_another() {
        let [_, second, third] = PI;
        let chosen = folded(second, third).to_le_bytes();
        let number = |key, before: u8| {
            digest(key, 7, &[&[before; 16][..], &chosen, &[1; 8], &[2; 16]].concat())
        };
        assert_eq!(number(0, 1), number(0, 2));
        assert_ne!(number(9, 1), number(9, 2));
    }
}
