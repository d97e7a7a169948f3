//! The scripts: each short, sent by its hash, loaded where a server does not have it.

use std::sync::LazyLock;

/// A script and its hash.
pub(super) struct Script {
    pub(super) text: &'static str,
    pub(super) sha: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, sha: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// One step of a commit.
pub(super) static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("commit.lua")));
/// A key of ours that holds another type is renamed.
pub(super) static ASIDE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("aside.lua")));
