//! What a configuration is read in: its folder, the environment, the files it names. It looks, and changes nothing.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problem::Notes;
use super::raw::Text;

/// The folder that paths are relative to, and the environment.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) dir: &'a Path,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// No key, certificate or list of ours is larger.
const LARGEST: u64 = 16 << 20;

impl Around<'_> {
    /// A path as the file means it.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.dir.join(text)
    }

    /// What is in a file, `what` by name; noted if it cannot be read.
    pub(super) fn read(&self, text: &Text, what: &str, notes: &mut Notes) -> Option<Vec<u8>> {
        let path = self.path(text.get_ref());
        match read(&path) {
            Ok(content) => Some(content),
            Err(error) => {
                notes
                    .error(text.span(), format!("cannot read the {what} `{}`: {error}", text.get_ref()))
                    .advise(format!("paths are relative to the configuration: this is {}", path.display()));
                None
            }
        }
    }

    /// A folder that will be written to: noted if it could not be made or written.
    pub(super) fn folder(&self, text: &Text, notes: &mut Notes) -> PathBuf {
        let path = self.path(text.get_ref());
        if let Some((stone, why)) = in_the_way(&path) {
            notes
                .error(text.span(), format!("`{}` cannot be a folder to write to: {why}", text.get_ref()))
                .advise(format!("look at {}", stone.display()));
        }
        path
    }
}

/// What keeps a folder from being there and written to, as far as one can see without trying.
pub(super) fn in_the_way(path: &Path) -> Option<(PathBuf, &'static str)> {
    let nearest = path.ancestors().find(|path| !path.as_os_str().is_empty() && path.symlink_metadata().is_ok())?;
    let found = |why| Some((nearest.to_owned(), why));
    match nearest.metadata() {
        Err(_) => found("it is a link that leads nowhere, or may not be looked at"),
        Ok(is) if !is.is_dir() => found("a file is in its place"),
        Ok(is) if is.permissions().readonly() => found("it may not be written to"),
        Ok(_) => None,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(content)
}
