//! What nobody shall see: a password, or a URL that may hold one, from a file or from the environment.

use std::fmt;

use toml::Spanned;

use super::around::Around;
use super::problem::Notes;
use super::raw::{self, Text};

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// What it is, for whoever is asked for it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The password that `{ file = … }` or `{ env = … }` names.
pub(super) fn password(raw: Option<&Spanned<raw::Hidden>>, around: Around<'_>, notes: &mut Notes) -> Option<Hidden> {
    named(raw, "password", "{ file = \"password\" }, or { env = \"PM_PASSWORD\" }", around, notes)
}

/// `what` `{ file = … }` or `{ env = … }` names; `hint` says how that is written.
pub(super) fn named(
    raw: Option<&Spanned<raw::Hidden>>,
    what: &str,
    hint: &str,
    around: Around<'_>,
    notes: &mut Notes,
) -> Option<Hidden> {
    let table = raw?;
    match (&table.get_ref().file, &table.get_ref().env) {
        (Some(file), None) => from_file(file, what, around, notes),
        (None, Some(variable)) => from_env(variable, around, notes),
        (Some(_), Some(variable)) => {
            let message = format!("the {what} comes from a file or from the environment, not from both");
            notes.error(variable.span(), message).advise("leave one of them out");
            None
        }
        (None, None) => {
            notes.missing(table.span(), format!("the {what} has neither `file` nor `env`"), hint);
            None
        }
    }
}

/// What is in a file, without the space around it.
pub(super) fn from_file(path: &Text, what: &str, around: Around<'_>, notes: &mut Notes) -> Option<Hidden> {
    let content = around.read(path, what, notes)?;
    match String::from_utf8(content.trim_ascii().to_vec()) {
        Ok(text) if text.is_empty() => {
            notes.error(path.span(), format!("the file of the {what} is empty"));
            None
        }
        Ok(text) => Some(Hidden(text)),
        Err(_) => {
            notes.error(path.span(), format!("the {what} in the file is not UTF-8"));
            None
        }
    }
}

/// What a variable of the environment says, without the space around it.
pub(super) fn from_env(variable: &Text, around: Around<'_>, notes: &mut Notes) -> Option<Hidden> {
    let value = (around.env)(variable.get_ref()).map(|value| value.trim().to_owned());
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        return Some(Hidden(value));
    }
    notes
        .error(variable.span(), format!("the environment has no `{}`", variable.get_ref()))
        .advise("set it where `portalmeter` is started, and where `check` is run");
    None
}
