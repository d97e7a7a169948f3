//! The secret that signs cookies and keys hashes: from a file, from the environment, or made once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use toml::Spanned;

use super::Config;
use super::around::Around;
use super::problem::Notes;
use super::raw::{self, Text};

/// The secret in use, and those before it, which still verify.
#[derive(Clone)]
pub(crate) struct Secret {
    /// Signs, verifies and keys hashes; empty if it is yet to be made.
    pub(crate) current: Vec<u8>,
    /// Still verify cookies that were handed out under them.
    pub(crate) previous: Vec<Vec<u8>>,
    /// Where it comes from.
    pub(crate) source: SecretSource,
    /// None is configured: it was made here, or will be.
    pub(crate) generated: bool,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// A file, be it a configured one or the one that was generated.
    File,
    /// A variable of the environment.
    Env,
    /// None is configured, and none was generated yet: [`load_or_generate`] does it.
    ToBeGenerated,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({:?}, {} previous)", self.source, self.previous.len())
    }
}

/// The generated secret's file, in `data_dir`.
const FILE: &str = "secret";
/// Fewer bytes than this can be guessed: 128 bits are what the signatures have.
const SHORTEST: usize = 16;
/// As many random bytes as the keys derived from them.
const GENERATED: usize = 32;

/// The configured secret, or the generated one, as far as it can be told by looking.
pub(super) fn build(
    raw: Option<&Spanned<raw::Secret>>,
    data_dir: &Path,
    around: Around<'_>,
    notes: &mut Notes,
) -> Secret {
    let Some(table) = raw else { return unconfigured(data_dir, notes) };
    let secret = table.get_ref();
    match (&secret.file, &secret.env) {
        (Some(file), None) => {
            let mut read = |text: &Text| from_file(text, around, notes);
            let current = read(file).unwrap_or_default();
            let previous = secret.previous.iter().filter_map(read).collect();
            Secret { current, previous, source: SecretSource::File, generated: false }
        }
        (None, Some(variable)) => {
            let mut read = |text: &Text| from_env(text, around, notes);
            let current = read(variable).unwrap_or_default();
            let previous = secret.previous.iter().filter_map(read).collect();
            Secret { current, previous, source: SecretSource::Env, generated: false }
        }
        (Some(_), Some(variable)) => {
            notes.error(variable.span(), "the secret comes from a file or from the environment, not from both");
            nothing()
        }
        (None, None) => {
            notes.missing(table.span(), "the secret has neither `file` nor `env`", "secret = { file = \"secret\" }");
            nothing()
        }
    }
}

fn nothing() -> Secret {
    Secret { current: Vec::new(), previous: Vec::new(), source: SecretSource::ToBeGenerated, generated: true }
}

fn unconfigured(data_dir: &Path, notes: &mut Notes) -> Secret {
    let path = data_dir.join(FILE);
    let hint = "`secret = { file = \"…\" }` names one of your own; keep it: without it, cookies and hashes change";
    match read_generated(&path) {
        Ok(current) => {
            notes
                .warn_at_large(format!("no `secret` is configured: the generated one in {} is used", path.display()))
                .advise(hint);
            Secret { current, previous: Vec::new(), source: SecretSource::File, generated: true }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            notes
                .warn_at_large(format!("no `secret` is configured: one will be generated in {}", path.display()))
                .advise(hint);
            nothing()
        }
        Err(error) => {
            notes.error_at_large(format!("the generated secret in {} is of no use: {error}", path.display()));
            nothing()
        }
    }
}

fn from_file(text: &Text, around: Around<'_>, notes: &mut Notes) -> Option<Vec<u8>> {
    let content = around.read(text, "secret", notes)?;
    long_enough(content.trim_ascii().to_vec(), text, notes)
}

fn from_env(text: &Text, around: Around<'_>, notes: &mut Notes) -> Option<Vec<u8>> {
    let Some(value) = (around.env)(text.get_ref()) else {
        notes
            .error(text.span(), format!("the environment has no `{}`", text.get_ref()))
            .advise("set it where `portalmeter` is started, and where `check` is run");
        return None;
    };
    long_enough(value.trim().as_bytes().to_vec(), text, notes)
}

fn long_enough(secret: Vec<u8>, text: &Text, notes: &mut Notes) -> Option<Vec<u8>> {
    if secret.len() < SHORTEST {
        notes
            .error(text.span(), format!("the secret has {} bytes, fewer than {SHORTEST}", secret.len()))
            .advise("make one: openssl rand -hex 32 > secret");
        return None;
    }
    Some(secret)
}

/// The secret to run with: the configured one, else the generated one, which is made if it is not there.
///
/// It is written whole or not at all; of two processes that start at once, both get the same one.
pub(crate) fn load_or_generate(config: &Config) -> io::Result<Vec<u8>> {
    if config.secret.source != SecretSource::ToBeGenerated {
        return Ok(config.secret.current.clone());
    }
    let path = config.data_dir.join(FILE);
    match read_generated(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        settled => return settled,
    }
    fs::create_dir_all(&config.data_dir)?;
    let draft = config.data_dir.join(format!("{FILE}.{}.new", std::process::id()));
    let written = write_new(&draft, random_hex()?.as_bytes());
    // A link, unlike a rename, does not replace what another process has put there meanwhile.
    let linked = written.and_then(|()| fs::hard_link(&draft, &path));
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => removed?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.exists() => {}
        Err(error) => return Err(error),
    }
    fs::File::open(&config.data_dir)?.sync_all()?;
    read_generated(&path)
}

/// Keeps the secret that all nodes share in place of the one made here, so that this node can start without them.
pub(crate) fn keep_shared_secret(config: &Config, secret: &[u8]) -> io::Result<()> {
    let draft = config.data_dir.join(format!("{FILE}.{}.new", std::process::id()));
    write_new(&draft, secret)?;
    fs::rename(draft, config.data_dir.join(FILE))
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn random_hex() -> io::Result<String> {
    let mut bytes = [0; GENERATED];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

fn read_generated(path: &Path) -> io::Result<Vec<u8>> {
    let secret = fs::read(path)?.trim_ascii().to_vec();
    if secret.len() < SHORTEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too short; remove it to have another made"));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data");
        let config = || Config::single("127.0.0.1:8080", "http://127.0.0.1:8000", Some(&data_dir)).unwrap();
        assert_eq!(config().secret.source, SecretSource::ToBeGenerated);
        assert!(!data_dir.exists(), "looking makes nothing");
        let made = load_or_generate(&config()).unwrap();
        assert_eq!(made.len(), 64);
        assert_eq!(fs::metadata(data_dir.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1, "no draft is left");
        assert_eq!(config().secret.current, made);
        assert_eq!(load_or_generate(&config()).unwrap(), made);
    }

    #[test]
    fn a_generated_secret_that_was_cut_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "abc").unwrap();
        let refused = Config::single("127.0.0.1:8080", "http://127.0.0.1:8000", Some(dir.path())).unwrap_err();
        assert!(refused.to_string().contains("too short"), "{refused}");
    }
}
