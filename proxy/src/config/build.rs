//! From the raw structure to the checked configuration; every builder goes on after an error, so that all are told.

use std::path::PathBuf;
use std::sync::Arc;

use portalmeter_meter::accounts::Directory;
use toml::Spanned;

use super::around::{Around, in_the_way};
use super::problem::Notes;
use super::written::Written;
use super::{Config, Portal, admin, keeping, ledger, overlap, portal, raw, secret, server, store};

/// Where nothing else is configured.
const DATA_DIR: &str = "data";

/// The configuration; of use only if no error was noted.
pub(super) fn build(raw: &raw::Config, written: Written, around: Around<'_>, notes: &mut Notes) -> Config {
    let data_dir = data_dir(raw, around, notes);
    let secret = secret::build(raw.secret.as_ref(), &data_dir, around, notes);
    let server = server::server(&raw.server, notes);
    let admin = admin::build(&raw.admin, &server, around, notes);
    let store = store::build(&raw.store, around, notes);
    let context = portal::Context { around, trusted_proxies: &server.trusted_proxies, listen: &server.listen };
    let portals = portals(&raw.portal, context, notes);
    let longest_idle = portals.iter().map(|portal| portal.stamp.policy.idle_timeout).max().unwrap_or_default();
    Config {
        data_dir,
        secret,
        server,
        admin,
        journal: keeping::journal(&raw.journal, longest_idle, around, notes),
        ledger: ledger::build(&raw.ledger, &store, around, notes),
        store,
        flush: keeping::flush(&raw.flush, around, notes),
        portals,
        accounts: Arc::new(accounts(raw.accounts.as_ref(), around, notes)),
        written,
    }
}

fn data_dir(raw: &raw::Config, around: Around<'_>, notes: &mut Notes) -> PathBuf {
    if let Some(text) = &raw.data_dir {
        return around.folder(text, notes);
    }
    let path = around.path(DATA_DIR);
    if let Some((stone, why)) = in_the_way(&path) {
        let message = format!("{} cannot be the folder for data: {why}", path.display());
        notes.error_at_large(message).advise(format!("look at {}, or name another `data_dir`", stone.display()));
    }
    path
}

fn portals(raw: &[Spanned<raw::Portal>], context: portal::Context<'_>, notes: &mut Notes) -> Vec<Portal> {
    if raw.is_empty() {
        notes.missing(0..0, "no portal is configured", "[[portal]] with name, hosts and upstream");
    }
    let (portals, claims): (Vec<_>, Vec<_>) = raw.iter().map(|raw| portal::build(raw, context, notes)).unzip();
    overlap::check(&claims, notes);
    portals
}

fn accounts(raw: Option<&Spanned<raw::Accounts>>, around: Around<'_>, notes: &mut Notes) -> Directory {
    let Some(accounts) = raw else { return Directory::default() };
    let Some(file) = &accounts.get_ref().file else {
        notes.missing(accounts.span(), "accounts without a `file`", "file = \"accounts.csv\"");
        return Directory::default();
    };
    let Some(text) = around.read(file, "list of accounts", notes) else { return Directory::default() };
    Directory::read(&text).unwrap_or_else(|error| {
        let list = file.get_ref();
        notes
            .error(file.span(), format!("the list of accounts `{list}`: {error}"))
            .advise("CSV; the first line is: id,name,type,logo,since");
        Directory::default()
    })
}
