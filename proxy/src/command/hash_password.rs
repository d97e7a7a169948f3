//! `portalmeter hash-password`: what the configuration holds of a password, or of a new token.

use std::io::{self, BufRead, IsTerminal, Read};
use std::process::ExitCode;

use portalmeter_dashboard::access::{PasswordHash, Token};

use crate::output::{say, say_aside};

/// A line of this length is no password.
const LONGEST: u64 = 4_096;
/// The least that NIST asks for (SP 800-63B, 3.1.1.2), where there is no second proof.
const FEW: usize = 15;

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
enum Unmade {
    #[error("the password cannot be read: {0}")]
    Unread(#[from] io::Error),
    #[error("there is no password")]
    Empty,
    #[error("the two are not the same")]
    Differ,
    #[error("the system has no randomness")]
    NoRandomness,
}

/// Prints the hash of a password that is typed, or comes in as a line; or a new token, and its hash below it.
pub(crate) fn hash_password(token: bool) -> ExitCode {
    let made = if token { new_token() } else { password().and_then(|password| hash(&password)) };
    match made {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(why) => {
            say_aside(&format!("nothing was made: {why}\n"));
            ExitCode::FAILURE
        }
    }
}

fn new_token() -> Result<String, Unmade> {
    let token = Token::random().ok_or(Unmade::NoRandomness)?;
    say_aside("The token, for the machine, shown this once; below it, for the configuration, its token_hash:\n");
    Ok(format!("{}\n{}\n", token.reveal(), token.hash()))
}

fn password() -> Result<String, Unmade> {
    if !io::stdin().is_terminal() {
        return line(&mut io::stdin().lock());
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Once more: ")? == password { Ok(password) } else { Err(Unmade::Differ) }
}

fn line(input: &mut impl BufRead) -> Result<String, Unmade> {
    let mut line = String::new();
    input.take(LONGEST).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn hash(password: &str) -> Result<String, Unmade> {
    if password.is_empty() {
        return Err(Unmade::Empty);
    }
    if password.chars().count() < FEW {
        say_aside(&format!("A longer password is harder to guess: {FEW} characters or more.\n"));
    }
    let hash = PasswordHash::of(password).ok_or(Unmade::NoRandomness)?;
    Ok(format!("{hash}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_password_without_its_end() {
        for (written, read) in [("open sesame\r\nmore", "open sesame"), (" a ", " a "), ("\n", ""), ("", "")] {
            assert_eq!(line(&mut written.as_bytes()).unwrap(), read);
        }
        assert!(line(&mut &b"\xff\xfe\n"[..]).is_err());
        assert_eq!(line(&mut io::BufReader::new(io::repeat(b'x'))).unwrap().len(), 4_096);
    }

    #[test]
    fn what_is_printed_is_what_the_configuration_takes() {
        let text = hash("a password that is long enough").unwrap();
        assert!(!PasswordHash::parse(text.trim()).unwrap().is_weak());
        assert!(matches!(hash(""), Err(Unmade::Empty)));
    }
}
