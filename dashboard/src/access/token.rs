//! Bearer tokens, for machines: the configuration holds the hash, the machine the token.

use std::fmt;

use super::hash::{Hashed, random};

/// A new token. It is shown once, to whoever made it.
pub struct Token(String);

/// What the configuration holds of a token: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash(Hashed);

/// Something else where the hash of a token should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of a token: `sha256:` and 64 hexadecimal digits")]
pub struct NotATokenHash;

/// How tokens begin, so that whoever finds one knows what it is.
const PREFIX: &str = "pmt_";
/// How hashes begin.
const ALGORITHM: &str = "sha256:";

impl Token {
    /// A new one; nothing if the system has no randomness.
    pub fn random() -> Option<Self> {
        random().map(|random| Self(format!("{PREFIX}{random}")))
    }

    /// What the machine sends.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the configuration holds of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

impl TokenHash {
    /// As the configuration has it.
    pub fn parse(text: &str) -> Result<Self, NotATokenHash> {
        text.strip_prefix(ALGORITHM).and_then(Hashed::from_hex).map(Self).ok_or(NotATokenHash)
    }

    /// Of what a request brings.
    pub(super) fn of(token: &[u8]) -> Self {
        Self(Hashed::of(token))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.0.to_hex())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_hash_is_written_and_read() {
        let token = Token::random().unwrap();
        assert!(token.reveal().starts_with("pmt_"));
        assert_eq!(TokenHash::parse(&token.hash().to_string()), Ok(token.hash()));
    }

    #[test]
    fn a_token_is_no_hash() {
        let token = Token::random().unwrap();
        for text in [token.reveal(), "sha256:", "", &token.hash().to_string().replace("sha256", "md5")] {
            assert_eq!(TokenHash::parse(text), Err(NotATokenHash), "{text}");
        }
    }
}
