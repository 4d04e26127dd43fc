//! Arithmetic modulo 2^255 - 19, as much as the conversion between the two forms of a public key needs.
//!
//! libsodium converts in one direction only and offers no field operations. The inputs here are public keys, so
//! nothing depends on constant time.

use std::ops::{Add, Mul, Sub};

const MASK: u64 = (1 << 51) - 1;

/// A number modulo 2^255 - 19 in five limbs of 51 bits, each below 2^52 between operations.
#[derive(Clone, Copy)]
pub(crate) struct Field([u64; 5]);

impl Field {
    pub(crate) const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// Reads 32 little-endian bytes; bit 255 is ignored and numbers from p up are reduced.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut limbs = [0; 5];
        for (word, bits) in words.iter().zip([0_u32, 64, 128, 192]) {
            let word = u128::from(u64::from_le_bytes(*word));
            for (limb, start) in limbs.iter_mut().zip([0_u32, 51, 102, 153, 204]) {
                // The part of this word that falls into the 51 bits from `start`.
                let part = if bits >= start {
                    word.checked_shl(bits - start)
                } else {
                    word.checked_shr(start - bits)
                };
                *limb |= low_limb(part.unwrap_or(0));
            }
        }
        Self(limbs)
    }

    /// The canonical 32 little-endian bytes; bit 255 is clear.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let [a, b, c, d, e] = self.carried().canonical();
        let words = [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12];
        let mut out = [0; 32];
        for (chunk, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        out
    }

    /// `1 / self`, where the inverse of zero is zero: the power p - 2.
    pub(crate) fn invert(self) -> Self {
        // p - 2 = 2^255 - 21, in binary 250 ones followed by 01011.
        let mut power = Self::ONE;
        for bit in (0..255).rev() {
            power = power * power;
            if bit > 4 || matches!(bit, 3 | 1 | 0) {
                power = power * self;
            }
        }
        power
    }

    /// Brings every limb below 2^52 again.
    fn carried(self) -> Self {
        let mut carry = 0;
        let [first, rest @ ..] = self.0.map(|limb| {
            let sum = limb + carry;
            carry = sum >> 51;
            sum & MASK
        });
        let [b, c, d, e] = rest;
        Self([first + carry * 19, b, c, d, e])
    }

    /// The limbs of the one representative below p, of a carried number.
    fn canonical(self) -> [u64; 5] {
        // Adding 19 carries out of bit 255 exactly when the number is p or more.
        let mut over = 19;
        for limb in self.0 {
            over = (limb + over) >> 51;
        }
        let mut carry = over * 19;
        self.0.map(|limb| {
            let sum = limb + carry;
            carry = sum >> 51;
            sum & MASK
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "masked to 51 bits")]
fn low_limb(wide: u128) -> u64 {
    wide as u64 & MASK
}

impl Add for Field {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        Self([a + v, b + w, c + x, d + y, e + z]).carried()
    }
}

impl Sub for Field {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        // Four times p is added first so that no limb goes below zero.
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        let (first, rest) = (4 * (MASK - 18), 4 * MASK);
        Self([a + first - v, b + rest - w, c + rest - x, d + rest - y, e + rest - z]).carried()
    }
}

impl Mul for Field {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let [a, b, c, d, e] = self.0.map(u128::from);
        let [v, w, x, y, z] = other.0.map(u128::from);
        // 2^255 is 19, so what would stand above the fifth limb comes back times 19.
        let columns = [
            a * v + 19 * (b * z + c * y + d * x + e * w),
            a * w + b * v + 19 * (c * z + d * y + e * x),
            a * x + b * w + c * v + 19 * (d * z + e * y),
            a * y + b * x + c * w + d * v + 19 * (e * z),
            a * z + b * y + c * x + d * w + e * v,
        ];
        let mut carry = 0;
        let mut limbs = columns.map(|column| {
            let sum = column + carry;
            carry = sum >> 51;
            low_limb(sum)
        });
        // The last carry is below 2^58, so its product with 19 still fits beside a limb.
        let fold = carry * 19;
        let [first, second, ..] = &mut limbs;
        let sum = u128::from(*first) + fold;
        *first = low_limb(sum);
        *second += low_limb(sum >> 51);
        Self(limbs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(small: u8) -> Field {
        let mut bytes = [0; 32];
        bytes[0] = small;
        Field::from_bytes(&bytes)
    }

    #[test]
    fn numbers_from_p_up_are_reduced() {
        let mut p = [0xff; 32];
        p[0] = 0xed;
        p[31] = 0x7f;
        assert_eq!(Field::from_bytes(&p).to_bytes(), [0; 32]);
        p[0] = 0xff;
        assert_eq!(Field::from_bytes(&p).to_bytes(), number(18).to_bytes());
    }

    #[test]
    fn the_inverse_of_zero_is_zero() {
        assert_eq!(number(0).invert().to_bytes(), [0; 32]);
    }

    #[test]
    fn minus_one_is_p_minus_one() {
        let mut expected = [0xff; 32];
        expected[0] = 0xec;
        expected[31] = 0x7f;
        assert_eq!((number(0) - Field::ONE).to_bytes(), expected);
        assert_eq!((number(0) - Field::ONE + Field::ONE).to_bytes(), [0; 32]);
    }

    proptest! {
        #[test]
        fn a_number_times_its_inverse_is_one(bytes: [u8; 32]) {
            let number = Field::from_bytes(&bytes);
            prop_assume!(number.to_bytes() != [0; 32]);
            prop_assert_eq!((number * number.invert()).to_bytes(), Field::ONE.to_bytes());
        }

        #[test]
        fn canonical_bytes_survive_the_round_trip(mut bytes: [u8; 32]) {
            bytes[31] &= 0x3f;
            prop_assert_eq!(Field::from_bytes(&bytes).to_bytes(), bytes);
        }

        #[test]
        fn multiplication_distributes_over_sums_and_differences(a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
            let (a, b, c) = (Field::from_bytes(&a), Field::from_bytes(&b), Field::from_bytes(&c));
            prop_assert_eq!((a * (b + c)).to_bytes(), (a * b + a * c).to_bytes());
            prop_assert_eq!((a * (b - c)).to_bytes(), (a * b - a * c).to_bytes());
        }
    }
}
