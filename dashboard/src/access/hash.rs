//! Random values that nobody guesses, and their hashes, in hexadecimal.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a value with 256 bits of chance. A slow hash would add nothing: there are too many values to try.
#[derive(Clone, Eq)]
pub(super) struct Hashed([u8; 32]);

impl Hashed {
    pub(super) fn of(value: &[u8]) -> Self {
        Self(Sha256::digest(value).into())
    }

    /// From 64 hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(*pair.first()?)? << 4 | digit(*pair.last()?)?;
        }
        Some(Self(bytes))
    }

    pub(super) fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

/// How long it takes says nothing about where two differ.
impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::hash::Hash for Hashed {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// 256 random bits as [`RANDOM`] digits; nothing if the system has no randomness.
pub(super) fn random() -> Option<String> {
    let mut bytes = [0; RANDOM / 2];
    getrandom::fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

/// Digits in a random value.
pub(super) const RANDOM: usize = 64;

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back() {
        let hash = Hashed::of(b"abc");
        assert_eq!(
            hash.to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "FIPS 180-2, B.1"
        );
        assert!(Hashed::from_hex(&hash.to_hex()) == Some(hash));
    }

    #[test]
    fn what_is_no_hash_is_none() {
        for text in ["", "ba78", &"x".repeat(64), &"é".repeat(32), &"a".repeat(65), &format!("+1{}", "0".repeat(62))] {
            assert!(Hashed::from_hex(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_two_random_values_are_the_same() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), RANDOM);
    }
}
