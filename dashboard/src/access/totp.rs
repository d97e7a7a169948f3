//! A second proof: the six digits that an authenticator app shows for half a minute (RFC 6238).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use portalmeter_rules::time::Millis;
use totp_rs::{Builder, Secret, Totp};

/// What the app and we share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Box<[u8]>);

/// Why a text is no such secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableSecret {
    /// It has other letters.
    #[error("not base32: the letters A to Z and the digits 2 to 7")]
    NotBase32,
    /// It could be guessed.
    #[error("shorter than 128 bits, which are 26 letters")]
    Short,
}

/// RFC 6238, 5.2: the time-step, and how many to either side are taken for clocks that differ.
const STEP_SECONDS: u64 = 30;
const SKEW: u16 = 1;

impl TotpSecret {
    /// In base32, as apps want it; spaces, padding and small letters are taken as well.
    pub fn parse(text: &str) -> Result<Self, UnusableSecret> {
        let letters: String = text
            .chars()
            .filter(|char| !char.is_whitespace() && *char != '-')
            .map(|char| char.to_ascii_uppercase())
            .collect();
        let secret = Secret::try_from_base32(letters.trim_end_matches('=')).map_err(|_| UnusableSecret::NotBase32)?;
        let secret = Self(secret.as_bytes().into());
        if secret.totp().is_none() { Err(UnusableSecret::Short) } else { Ok(secret) }
    }

    fn totp(&self) -> Option<Totp> {
        let builder = Builder::new().with_digits(6).with_skew(SKEW).with_step_duration(STEP_SECONDS);
        builder.with_secret(self.0.to_vec()).build().ok()
    }

    /// The step that a code is of, if it is one of now.
    fn step(&self, code: &str, now: Millis) -> Option<u64> {
        let digits: String = code.chars().filter(|char| *char != ' ').take(7).collect();
        self.totp()?.check(&digits, u64::try_from(now / 1_000).ok()?)
    }

    /// The code of now.
    #[cfg(test)]
    pub(super) fn code(&self, now: Millis) -> String {
        self.totp().unwrap().generate(now.unsigned_abs() / 1_000).to_string()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whose code of which step was used last: whoever looks over a shoulder, or takes one from the wire, comes too late.
///
/// It is as large as there are users. A restart forgets it; a code is of use for a minute and a half.
#[derive(Default)]
pub(super) struct UsedCodes {
    last: Mutex<HashMap<String, u64>>,
}

impl UsedCodes {
    /// Whether a user's code is one of now, and later than the last that was taken. It is then taken.
    pub(super) fn take(&self, user: &str, secret: &TotpSecret, code: &str, now: Millis) -> bool {
        let Some(step) = secret.step(code, now) else { return false };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(user).is_some_and(|last| step <= *last) {
            return false;
        }
        last.insert(user.to_owned(), step);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, Appendix B: the secret `12345678901234567890`.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn secret() -> TotpSecret {
        TotpSecret::parse(SECRET).unwrap()
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // The RFC shows eight digits; apps show the last six.
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(secret().step(code, second * 1_000), Some(second.unsigned_abs() / 30), "{code}");
        }
    }

    #[test]
    fn a_code_of_the_step_before_or_after_is_taken_and_no_other() {
        let now = 1_790_000_000_000;
        let taken = |off: i64| secret().step(&secret().code(now + off * 30_000), now).is_some();
        assert_eq!([-2, -1, 0, 1, 2].map(taken), [false, true, true, true, false]);
    }

    #[test]
    fn a_code_is_taken_once_and_none_before_it_any_more() {
        let (used, now) = (UsedCodes::default(), 1_790_000_000_000);
        let (before, code) = (secret().code(now - 30_000), secret().code(now));
        assert!(used.take("ann", &secret(), &code, now));
        assert!(!used.take("ann", &secret(), &code, now));
        assert!(!used.take("ann", &secret(), &before, now));
        assert!(used.take("bob", &secret(), &code, now), "bob has used none");
        assert!(used.take("ann", &secret(), &secret().code(now + 30_000), now + 30_000));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let long = "1".repeat(100_000);
        for code in ["", "12345", "abcdef", "١٢٣٤٥٦", "-12345", "+12345", "1234567", long.as_str(), "\0\0\0\0\0\0"]
        {
            assert_eq!(secret().step(code, 59_000), None, "{code}");
        }
        assert_eq!(secret().step("287 082", 59_000), Some(1), "as apps show it");
        assert_eq!(secret().step("287082", -59_000), None);
    }

    #[test]
    fn secrets_are_read_as_apps_write_them() {
        assert_eq!(TotpSecret::parse("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), Ok(secret()));
        assert_eq!(TotpSecret::parse("GEZDGNBVGY3TQOJQ"), Err(UnusableSecret::Short));
        assert_eq!(TotpSecret::parse(""), Err(UnusableSecret::Short));
        assert_eq!(TotpSecret::parse("hunter2!"), Err(UnusableSecret::NotBase32));
    }
}
