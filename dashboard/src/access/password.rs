//! Passwords, as argon2id strings in the form that PHC agreed on: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.

use std::fmt;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// What the configuration holds of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    phc: phc::PasswordHash,
    params: Params,
}

/// Why a text is no hash of a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// It has not the form.
    #[error("not the hash of a password")]
    NotPhc,
    /// Another function made it.
    #[error("made by `{0}`, not by argon2id")]
    NotArgon2id(String),
    /// A login would take all there is.
    #[error("a check of it takes more than 1 GiB of memory, 64 rounds or 64 lanes")]
    TooDear,
}

/// OWASP's least for argon2id (Password Storage Cheat Sheet): 19 MiB and two rounds. A check takes some 20 ms.
const ENOUGH: (u32, u32) = (19 * 1024, 2);
/// The other settings that OWASP holds for equal, as memory in KiB and rounds.
const AS_GOOD: [(u32, u32); 5] = [(47_104, 1), ENOUGH, (12_288, 3), (9_216, 4), (7_168, 5)];
/// Most memory in KiB, rounds and lanes.
const DEAREST: (u32, u32, u32) = (1 << 20, 64, 64);

impl PasswordHash {
    /// As the configuration has it.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        let phc = phc::PasswordHash::new(text).map_err(|_| UnusableHash::NotPhc)?;
        if phc.algorithm != Algorithm::Argon2id.ident() {
            return Err(UnusableHash::NotArgon2id(phc.algorithm.as_str().to_owned()));
        }
        let params = Params::try_from(&phc).map_err(|_| UnusableHash::NotPhc)?;
        let known = phc.version.is_none_or(|version| Version::try_from(version).is_ok());
        if phc.salt.is_none() || phc.hash.is_none() || !known {
            return Err(UnusableHash::NotPhc);
        }
        let (memory, rounds, lanes) = DEAREST;
        if params.m_cost() > memory || params.t_cost() > rounds || params.p_cost() > lanes {
            return Err(UnusableHash::TooDear);
        }
        Ok(Self { phc, params })
    }

    /// Of a new password, with a random salt; nothing if the system has no randomness.
    pub fn of(password: &str) -> Option<Self> {
        let hasher = Argon2::new(Algorithm::Argon2id, Version::default(), enough());
        let phc = hasher.hash_password(password.as_bytes()).ok()?;
        Some(Self { phc, params: enough() })
    }

    /// Whether it takes less to check than OWASP holds for enough.
    pub fn is_weak(&self) -> bool {
        let (memory, rounds) = (self.params.m_cost(), self.params.t_cost());
        !AS_GOOD.iter().any(|enough| memory >= enough.0 && rounds >= enough.1)
    }

    /// A hash that takes as long to check as `like`, and is nobody's.
    pub(super) fn decoy(like: Option<&Self>) -> Self {
        let params = like.map_or_else(enough, |like| like.params.clone());
        let phc = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(&params).unwrap_or_default(),
            salt: Salt::new(&[0; 16]).ok(),
            // No check finds it: nobody knows a password whose hash is all zeros, and the caller has no user for it.
            hash: Output::new(&[0; 32]).ok(),
        };
        Self { phc, params }
    }

    /// Whether this is the password. It computes for as long as the hash says.
    pub(super) fn is_of(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), &self.phc).is_ok()
    }
}

fn enough() -> Params {
    Params::new(ENOUGH.0, ENOUGH.1, 1, None).unwrap_or_default()
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phc.fmt(f)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As little work as there can be.
    const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$1Fuq5ZjTSwMhKK2nv4qPkUmJYGtCUXsb2NWeyP4ABEk";

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = PasswordHash::of("hunter2").unwrap();
        let read = PasswordHash::parse(&hash.to_string()).unwrap();
        assert!(read.is_of("hunter2") && !read.is_of("hunter3") && !read.is_of(""));
        assert!(!read.is_weak());
        assert_ne!(hash, PasswordHash::of("hunter2").unwrap(), "the salt is random");
    }

    #[test]
    fn what_is_checked_too_fast_is_weak() {
        assert!(PasswordHash::parse(CHEAP).unwrap().is_weak());
        for (memory, rounds, weak) in [(65_536, 1, false), (7_168, 5, false), (7_168, 4, true), (19_455, 2, true)] {
            let text = CHEAP.replace("m=8,t=1", &format!("m={memory},t={rounds}"));
            assert_eq!(PasswordHash::parse(&text).unwrap().is_weak(), weak, "{text}");
        }
    }

    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        for text in [
            "",
            "hunter2",
            "$argon2id$",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=1,t=0,p=1$c29tZXNhbHQ$AAAA",
        ] {
            assert_eq!(PasswordHash::parse(text), Err(UnusableHash::NotPhc), "{text}");
        }
        assert_eq!(PasswordHash::parse(&CHEAP.replace("v=19", "v=20")), Err(UnusableHash::NotPhc));
        let other = PasswordHash::parse(&CHEAP.replace("argon2id", "argon2i"));
        assert_eq!(other, Err(UnusableHash::NotArgon2id("argon2i".to_owned())));
        for dear in ["m=1048577,t=1,p=1", "m=65536,t=65,p=1", "m=65536,t=1,p=65"] {
            let text = CHEAP.replace("m=8,t=1,p=1", dear);
            assert_eq!(PasswordHash::parse(&text), Err(UnusableHash::TooDear), "{text}");
        }
    }

    #[test]
    fn a_decoy_costs_what_it_stands_for_and_is_nobodys() {
        let cheap = PasswordHash::parse(CHEAP).unwrap();
        let decoy = PasswordHash::decoy(Some(&cheap));
        assert_eq!((decoy.params.m_cost(), decoy.params.t_cost()), (8, 1));
        assert_eq!(PasswordHash::parse(&decoy.to_string()).unwrap().params.m_cost(), 8);
        assert!(!decoy.is_of("") && !decoy.is_of("hunter2"));
    }

    #[test]
    fn a_hash_is_never_shown_by_accident() {
        assert_eq!(format!("{:?}", PasswordHash::parse(CHEAP).unwrap()), "***");
    }
}
