//! Who may come in at the admin listener: names, roles, and how they prove who they are.

use portalmeter_dashboard::access::{PasswordHash, Role, TokenHash, TotpSecret, UnusableHash, User};
use toml::Spanned;

use super::around::Around;
use super::hidden;
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw::{self, Text};

const ROLES: [&str; 3] = ["admin", "viewer", "partner"];
/// Longer than any e-mail address that people have.
const LONGEST: usize = 128;

/// The users, as far as they make sense. `sso` speaks for those who have no proof of their own.
pub(super) fn build(raw: &[Spanned<raw::User>], sso: bool, around: Around<'_>, notes: &mut Notes) -> Vec<User> {
    let mut names: Vec<&Text> = Vec::new();
    for name in raw.iter().filter_map(|user| user.get_ref().name.as_ref()) {
        match names.iter().find(|one| one.get_ref() == name.get_ref()) {
            Some(first) => {
                let first = first.span();
                notes
                    .error(name.span(), format!("there are two users `{}`", name.get_ref()))
                    .also(first, "the first")
                    .advise("one user may have both, `password_hash` and `token_hash`");
            }
            None => names.push(name),
        }
    }
    raw.iter().filter_map(|raw| user(raw, sso, around, notes)).collect()
}

fn user(raw: &Spanned<raw::User>, sso: bool, around: Around<'_>, notes: &mut Notes) -> Option<User> {
    let (at, raw) = (raw.span(), raw.get_ref());
    if raw.name.is_none() {
        notes.missing(at.clone(), "a user has no `name`", "name = \"ann\"");
    }
    if raw.password_hash.is_none() && raw.token_hash.is_none() && !sso {
        let hint = "`portalmeter hash-password` prints the one, with --token the other";
        notes.missing(at.clone(), "a user has neither a `password_hash` nor a `token_hash`", hint);
    }
    let name = raw.name.as_ref().and_then(|name| named(name, notes));
    let role = role(raw, at, notes);
    let password = raw.password_hash.as_ref().and_then(|text| password(text, notes));
    let token = raw.token_hash.as_ref().and_then(|text| token(text, notes));
    let totp = totp(raw, around, notes);
    Some(User { name: name?, role: role?, password, token, totp })
}

fn named(text: &Text, notes: &mut Notes) -> Option<String> {
    let name = text.get_ref();
    let is_name = !name.is_empty() && name.len() <= LONGEST && name.trim() == name && !name.contains(char::is_control);
    if !is_name {
        notes
            .error(text.span(), format!("`{}` is not a name for a user", name.escape_debug()))
            .advise(format!("1 to {LONGEST} bytes without space around them, such as \"ann\" or \"ann@example.com\""));
    }
    is_name.then(|| name.clone())
}

fn role(raw: &raw::User, at: std::ops::Range<usize>, notes: &mut Notes) -> Option<Role> {
    let Some(text) = &raw.role else {
        notes.missing(at, "a user has no `role`", suggestion("", &ROLES));
        return None;
    };
    let role = match (text.get_ref().as_str(), &raw.account) {
        ("admin", _) => Role::Admin,
        ("viewer", _) => Role::Viewer,
        ("partner", Some(account)) if !account.get_ref().is_empty() => {
            return Some(Role::Partner { account: account.get_ref().clone() });
        }
        ("partner", _) => {
            let hint = "account = \"acme\": what the partner gets to see";
            notes.missing(at, "a partner has no `account`", hint);
            return None;
        }
        (other, _) => {
            notes.error(text.span(), format!("`{other}` is not a role")).advise(suggestion(other, &ROLES));
            return None;
        }
    };
    if let Some(account) = &raw.account {
        let message = format!("the role `{}` sees every account", text.get_ref());
        notes.error(account.span(), message).advise("role = \"partner\", or leave `account` out");
    }
    Some(role)
}

fn password(text: &Text, notes: &mut Notes) -> Option<PasswordHash> {
    let hint = "write what `portalmeter hash-password` prints";
    match PasswordHash::parse(text.get_ref()) {
        Ok(hash) => {
            if hash.is_weak() {
                notes
                    .warn(text.span(), "whoever gets to see this hash can guess the password fast")
                    .advise("make another with `portalmeter hash-password`: at least 19 MiB of memory and 2 rounds");
            }
            Some(hash)
        }
        // What was written may be the password itself: it is not repeated.
        Err(UnusableHash::NotPhc) => {
            notes.error(text.span(), "not the hash of a password").advise(hint);
            None
        }
        Err(other) => {
            notes.error(text.span(), format!("this hash cannot be used: {other}")).advise(hint);
            None
        }
    }
}

fn token(text: &Text, notes: &mut Notes) -> Option<TokenHash> {
    let hash = TokenHash::parse(text.get_ref());
    if let Err(wrong) = hash {
        let hint = "`portalmeter hash-password --token` prints a token and, below it, its hash";
        notes.error(text.span(), wrong.to_string()).advise(hint);
    }
    hash.ok()
}

fn totp(raw: &raw::User, around: Around<'_>, notes: &mut Notes) -> Option<TotpSecret> {
    let table = raw.totp.as_ref()?;
    if raw.password_hash.is_none() {
        notes.warn(table.span(), "does nothing without a `password_hash`").advise("codes are asked for at a login");
    }
    let hint = "{ file = \"ann.totp\" }, or { env = \"PM_ANN_TOTP\" }";
    let secret = hidden::named(Some(table), "TOTP secret", hint, around, notes)?;
    match TotpSecret::parse(secret.reveal()) {
        Ok(secret) => Some(secret),
        Err(wrong) => {
            let hint = "make one: head -c 20 /dev/urandom | base32";
            notes.error(table.span(), format!("the TOTP secret is {wrong}")).advise(hint);
            None
        }
    }
}
