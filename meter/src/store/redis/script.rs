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

/// A script of these files, one after the other.
macro_rules! script {
    ($($file:literal),+) => {
        LazyLock::new(|| Script::new(concat!($(include_str!($file)),+)))
    };
}

/// Steps of a commit that go together.
pub(super) static COMMIT: LazyLock<Script> = script!("prelude.lua", "commit.lua");
/// Counters are set right.
pub(super) static SETTLE: LazyLock<Script> = script!("prelude.lua", "lowest.lua", "settle.lua");
/// Visitors leave the live index.
pub(super) static LEAVE: LazyLock<Script> = script!("prelude.lua", "leave.lua");
/// The stream lets go of what every ledger has.
pub(super) static TRIM: LazyLock<Script> = script!("lowest.lua", "trim.lua");
/// A key of ours that holds another type is renamed.
pub(super) static ASIDE: LazyLock<Script> = script!("aside.lua");
/// An epoch that another server brought is renewed.
pub(super) static RENEW: LazyLock<Script> = script!("renew.lua");
