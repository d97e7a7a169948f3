//! Names of visitors and users that may leave the process: keyed hashes, never the thing itself.
//!
//! The key is derived from the configured secret, so nobody without it can go back from a stored
//! name to an address, a cookie or a user, nor tell whether a guess was right.

use std::fmt;

/// A keyed hash of 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name(pub [u8; 16]);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once: a commit shows a dozen of them.
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name is written as its bytes in one piece: the journal writes two for every page.
impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("16 bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Name, E> {
                bytes.try_into().map(Name).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl std::str::FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(NotAName);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAName)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAName)?;
        }
        Ok(Self(bytes))
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 32 hexadecimal digits")]
pub struct NotAName;

/// What a name stands for; the same bytes give different names in different roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// The meter's own cookie.
    Cookie = 1,
    /// The portal's session cookie.
    PortalCookie = 2,
    /// Address, User-Agent and Accept-Language.
    Fingerprint = 3,
    /// Address and User-Agent of a bot.
    Bot = 4,
    /// A signed-in user.
    User = 5,
    /// Anything derived from another name.
    Derived = 6,
    /// What a portal is asked about a request's cookies; never leaves the process.
    Probed = 7,
}

/// The key under which names are made.
#[derive(Clone)]
pub struct NameKey([u8; 32]);

impl NameKey {
    /// A key derived from the configured secret.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(blake3::derive_key("portalmeter 2026 names of visitors and users", secret))
    }

    /// The name of `parts` in `role`. Parts are kept apart: `["ab", "c"]` is not `["a", "bc"]`.
    pub fn name(&self, role: Role, parts: &[&[u8]]) -> Name {
        let mut text = [0; SHORT];
        let hash = match joined(role, parts, &mut text) {
            Some(text) => blake3::keyed_hash(&self.0, text),
            None => self.hash_by_parts(role, parts),
        };
        let mut name = [0; 16];
        name.copy_from_slice(&hash.as_bytes()[..16]);
        Name(name)
    }

    /// The hash of parts of any length.
    fn hash_by_parts(&self, role: Role, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[role as u8]);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }
}

/// What fits in here is hashed at once, at half the cost; a browser's fingerprint does.
const SHORT: usize = 512;

/// The very bytes that [`NameKey::hash_by_parts`] hashes, if they fit.
fn joined<'t>(role: Role, parts: &[&[u8]], text: &'t mut [u8; SHORT]) -> Option<&'t [u8]> {
    text[0] = role as u8;
    let mut end = 1;
    for part in parts {
        let start = end + size_of::<u64>();
        text.get_mut(end..start)?.copy_from_slice(&(part.len() as u64).to_le_bytes());
        end = start + part.len();
        text.get_mut(start..end)?.copy_from_slice(part);
    }
    text.get(..end)
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_shown() {
        let name = Name(std::array::from_fn(|at| (at * 17) as u8));
        assert_eq!(name.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn a_name_does_not_depend_on_how_it_is_hashed() {
        let key = NameKey::from_secret(b"secret");
        for length in [0, 1, 63, 64, 300, SHORT - 18, SHORT - 17, SHORT - 16, SHORT, 5_000] {
            let long = vec![b'x'; length];
            for parts in [&[&long[..], b"y"][..], &[b"", &long]] {
                let by_parts = key.hash_by_parts(Role::Fingerprint, parts);
                assert_eq!(key.name(Role::Fingerprint, parts).0, by_parts.as_bytes()[..16], "{length}");
            }
        }
    }
}
