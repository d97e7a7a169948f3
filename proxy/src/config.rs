//! The configuration: read, checked, and complete, or refused with all that is wrong with it.
//!
//! A [`Config`] that exists is right. `raw` takes the file as serde sees it, the builders make of
//! it what the rest of the program works with, and whatever they object to becomes a [`Problem`]
//! that points at its place in the file and says what to write instead. Reading looks at files and
//! the environment; it changes nothing and binds nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portalmeter_meter::accounts::Directory;
use portalmeter_meter::guard::Guard;
use portalmeter_rules::id::NameKey;
use portalmeter_rules::judge::Rules;
use portalmeter_rules::visitor::VisitorKeys;
use portalmeter_rules::visitor::ticket::TicketKeys;

mod admin;
mod around;
mod bots;
mod build;
mod certificates;
mod engagement;
mod hidden;
mod identity;
mod keeping;
mod ledger;
mod limits;
mod location;
mod names;
mod nearest;
mod overlap;
mod pages;
mod policy;
mod portal;
mod probe;
mod problem;
mod product;
mod raw;
mod read;
mod roles;
mod secret;
mod server;
mod sso;
mod store;
mod token;
mod units;
mod upstream;
mod users;
mod veil;
mod visitor;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use admin::Admin;
pub(crate) use engagement::Beacon;
pub(crate) use keeping::{Flush, Journal};
pub(crate) use ledger::{Ledger, Place};
pub(crate) use limits::Patience;
pub(crate) use portal::{Portal, shown_host};
pub(crate) use problem::{Problem, Problems};
pub(crate) use product::Preset;
pub(crate) use secret::{Secret, SecretSource, keep_shared_secret, load_or_generate};
pub(crate) use server::Server;
pub(crate) use store::Store;
pub(crate) use units::in_words;
pub(crate) use upstream::{Upstream, address};

use around::Around;
use problem::Notes;
use written::Written;

/// Where a configuration is looked for when none is named.
pub(crate) const DEFAULT_FILE: &str = "portalmeter.toml";

/// All that `run` needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Journal, embedded store, generated secret.
    pub(crate) data_dir: PathBuf,
    /// Signs cookies, keys hashes.
    pub(crate) secret: Secret,
    /// Where visitors come in.
    pub(crate) server: Server,
    /// Where operators come in.
    pub(crate) admin: Admin,
    /// What is written before a page goes out.
    pub(crate) journal: Journal,
    /// Where live state and counters are kept.
    pub(crate) store: Store,
    /// Where records rest.
    pub(crate) ledger: Ledger,
    /// How usage gets out.
    pub(crate) flush: Flush,
    /// The portals, in the order of the file; at least one.
    pub(crate) portals: Vec<Portal>,
    /// What the companies of signed-in users are called.
    pub(crate) accounts: Arc<Directory>,
    /// The file's keys, for a reload to compare.
    pub(crate) written: Written,
}

impl Config {
    /// One portal `default` on any host, for `run --listen --upstream`.
    pub(crate) fn single(listen: &str, upstream: &str, data_dir: Option<&Path>) -> Result<Self, Problems> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let data_dir =
            data_dir.map(|dir| format!("data_dir = {}\n", quoted(&dir.to_string_lossy()))).unwrap_or_default();
        let text = format!(
            "{data_dir}server.listen = [{}]\n[[portal]]\nname = \"default\"\nhosts = [\"*\"]\nupstream = [{}]\n",
            quoted(listen),
            quoted(upstream),
        );
        checked(&text, "command line", Path::new(""), &|_| None).map(|(config, _)| config)
    }

    /// The rules of all portals under the secret in use, such as [`load_or_generate`] gives it.
    pub(crate) fn rules(&self, secret: &[u8]) -> Rules {
        let previous = self.secret.previous.iter().map(Vec::as_slice);
        let keys =
            VisitorKeys { names: NameKey::from_secret(secret), tickets: TicketKeys::from_secrets(secret, previous) };
        Rules::new(self.portals.iter().map(|portal| portal.rules.clone()).collect(), keys)
    }
}

impl Config {
    /// The portals' guards, in their order.
    pub(crate) fn guards(&self) -> impl Iterator<Item = Option<Guard>> {
        self.portals.iter().map(|portal| portal.starts_per_minute.map(Guard::new))
    }
}

/// Reads and checks a file. The warnings come with the configuration, or among the problems.
pub(crate) fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<(Config, Vec<Problem>), Problems> {
    let name = path.display().to_string();
    let text = match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let at = error.utf8_error().valid_up_to();
            let mut notes = Notes::new(&name, &text);
            notes.error(at..at, "not UTF-8 from here on").advise("save the file as UTF-8");
            return Err(notes.refuse());
        }
        Err(error) => {
            let mut notes = Notes::new(&name, "");
            let problem = notes.error_at_large(format!("cannot read {name}: {error}"));
            if error.kind() == io::ErrorKind::NotFound {
                problem.advise("name it with --config, or start without one: run --listen ADDR --upstream URL");
            }
            return Err(notes.refuse());
        }
    };
    checked(&text, &name, path.parent().unwrap_or(Path::new("")), env)
}

/// Checks a text as if it were a file in `dir`.
#[cfg(any(test, fuzzing))]
pub(crate) fn parse(
    text: &str,
    dir: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Vec<Problem>), Problems> {
    checked(text, DEFAULT_FILE, dir, env)
}

fn checked(
    text: &str,
    name: &str,
    dir: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Vec<Problem>), Problems> {
    let mut notes = Notes::new(name, text);
    let Some(raw) = read::read(text, &mut notes) else { return Err(notes.refuse()) };
    let config = build::build(&raw, Written::new(text), Around { dir, env }, &mut notes);
    notes.conclude(config)
}
