//! What the files of a day or month must be: their sizes and checksums, and what they come to.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::usage::{Counters, State};

/// A manifest: `support-2026-03-12.manifest.json`, beside the files that it vouches for, and written after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The portal.
    pub portal: String,
    /// The day, of a day's manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub day: Option<String>,
    /// The month, of a month's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub month: Option<String>,
    /// Whose midnight it is; several where the portal was moved to another zone, or a module was.
    pub timezone: String,
    /// Whether the files may still change.
    pub state: State,
    /// How many rows each file has.
    pub rows: u64,
    /// The sums over the rows.
    pub totals: Counters,
    /// The files.
    pub files: Vec<Written>,
    /// How often the ledger's figures had changed by then.
    pub revision: i64,
    /// When these files were written. It stays while they do.
    pub as_of: String,
}

/// A file, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// How the name of a manifest ends.
pub const SUFFIX: &str = "manifest.json";
/// No manifest is longer.
const LONGEST: u64 = 1 << 20;

impl Written {
    /// What is to be said of a file with this content.
    pub fn new(name: String, content: &[u8]) -> Self {
        Self { name, bytes: content.len() as u64, sha256: sha256(content) }
    }
}

/// A content's SHA-256, in hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Manifest {
    /// Reads the one of this name (`support-2026-03-12`); `None`: there is none.
    pub fn read(dir: &Path, stem: &str) -> io::Result<Option<Self>> {
        let path = dir.join(format!("{stem}.{SUFFIX}"));
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(about) if about.len() > LONGEST => return Err(io::Error::other("it is too long for a manifest")),
            about => about?,
        };
        serde_json::from_slice(&fs::read(&path)?).map(Some).map_err(io::Error::from)
    }

    /// As it is written: one field a line, for people.
    pub(super) fn to_text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Whether both say the same of the files, whenever that was.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let timeless = |one: &Self| Self { revision: 0, as_of: String::new(), ..one.clone() };
        timeless(self) == timeless(other)
    }
}
