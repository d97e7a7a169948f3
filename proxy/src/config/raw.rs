//! What a configuration file may say, as serde reads it: every key of the contract, nothing else.
//!
//! Everything may be absent here; what has to be there, and whether it makes sense, is for the
//! builders to say. Values keep their place in the text, so that an error can point at them. There
//! is no `flatten` and nothing untagged: both would lose the places.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

/// A text, and where it stands.
pub(super) type Text = Spanned<String>;
/// A duration or a size: any value at all, so that the builder can say what was meant.
pub(super) type Quantity = Spanned<Value>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    pub(super) data_dir: Option<Text>,
    pub(super) secret: Option<Spanned<Secret>>,
    pub(super) server: Server,
    pub(super) admin: Admin,
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) ledger: Ledger,
    pub(super) flush: Flush,
    pub(super) portal: Vec<Spanned<Portal>>,
    pub(super) accounts: Option<Spanned<Accounts>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Secret {
    pub(super) file: Option<Text>,
    pub(super) env: Option<Text>,
    pub(super) previous: Vec<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: Option<Spanned<Vec<Text>>>,
    pub(super) tls: Vec<Spanned<Tls>>,
    pub(super) threads: Option<Spanned<u64>>,
    pub(super) trusted_proxies: Vec<Text>,
    pub(super) drain: Option<Quantity>,
    pub(super) limits: Limits,
    pub(super) timeouts: ServerTimeouts,
    pub(super) resolver: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) uri: Option<Quantity>,
    pub(super) headers: Option<Quantity>,
    pub(super) header_count: Option<Spanned<u64>>,
    pub(super) body: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerTimeouts {
    pub(super) head: Option<Quantity>,
    pub(super) idle: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(dead_code, reason = "read so that its keys are checked; it comes with a later release")]
pub(super) struct Tls {
    listen: Option<Vec<String>>,
    certificates: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: Option<Text>,
    pub(super) metrics_open: bool,
    pub(super) session: Option<Quantity>,
    pub(super) sso: Option<Spanned<Sso>>,
    pub(super) user: Vec<Spanned<User>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sso {
    pub(super) user: Option<Text>,
    pub(super) trusted: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: Option<Text>,
    pub(super) role: Option<Text>,
    pub(super) account: Option<Text>,
    pub(super) password_hash: Option<Text>,
    pub(super) token_hash: Option<Text>,
    pub(super) totp: Option<Spanned<Hidden>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    pub(super) url: Option<Spanned<Url>>,
    pub(super) url_env: Option<Text>,
    pub(super) url_file: Option<Text>,
    pub(super) password: Option<Spanned<Hidden>>,
    pub(super) sentinel_user: Option<Text>,
    pub(super) sentinel_password: Option<Spanned<Hidden>>,
    pub(super) ca_file: Option<Text>,
    pub(super) prefix: Option<Text>,
    pub(super) timeouts: StoreTimeouts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoreTimeouts {
    pub(super) connect: Option<Quantity>,
    pub(super) answer: Option<Quantity>,
}

/// A URL that may hold a password.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Url(pub(super) String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where something is that nobody shall see.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Hidden {
    pub(super) file: Option<Text>,
    pub(super) env: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) keep: Option<Quantity>,
    pub(super) max_size: Option<Quantity>,
    pub(super) max_wait: Option<Quantity>,
    pub(super) archive: Option<Text>,
    pub(super) archive_keep: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ledger {
    pub(super) url: Option<Spanned<Url>>,
    pub(super) url_env: Option<Text>,
    pub(super) url_file: Option<Text>,
    pub(super) password: Option<Spanned<Hidden>>,
    pub(super) ca_file: Option<Text>,
    pub(super) seal_after: Option<Quantity>,
    pub(super) seal_wait: Option<Quantity>,
    pub(super) keep_sessions: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Flush {
    pub(super) interval: Option<Quantity>,
    pub(super) files: Option<Spanned<Files>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Files {
    pub(super) dir: Option<Text>,
    pub(super) formats: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Accounts {
    pub(super) file: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Portal {
    pub(super) name: Option<Text>,
    pub(super) experience: Option<Text>,
    pub(super) product: Option<Text>,
    pub(super) hosts: Option<Spanned<Vec<Text>>>,
    pub(super) paths: Option<Spanned<Vec<Text>>>,
    pub(super) default: Option<Spanned<bool>>,
    pub(super) upstream: Option<Spanned<Vec<Text>>>,
    pub(super) timeouts: PortalTimeouts,
    pub(super) timezone: Option<Text>,
    pub(super) metering: Option<Text>,
    pub(super) contracted_sessions: Option<Spanned<u64>>,
    pub(super) session: Session,
    pub(super) visitor: Visitor,
    pub(super) pages: Pages,
    pub(super) roles: Roles,
    pub(super) bots: Bots,
    pub(super) guard: Guard,
    pub(super) identity: Option<Vec<Spanned<Identity>>>,
    pub(super) engagement: Option<Spanned<Engagement>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PortalTimeouts {
    pub(super) connect: Option<Quantity>,
    pub(super) silence: Option<Quantity>,
    pub(super) idle: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Session {
    pub(super) idle_timeout: Option<Quantity>,
    pub(super) max_duration: Option<Quantity>,
    pub(super) day_rollover: Option<Text>,
    pub(super) login: Option<Text>,
    pub(super) min_pages: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Visitor {
    pub(super) mode: Option<Text>,
    pub(super) cookie_name: Option<Text>,
    pub(super) cookie_domain: Option<Text>,
    pub(super) secure: Option<Text>,
    pub(super) portal_cookie: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the contract calls the key `pages`")]
pub(super) struct Pages {
    pub(super) login: Option<Vec<Text>>,
    pub(super) logout: Option<Vec<Text>>,
    pub(super) pages: Option<Vec<Text>>,
    pub(super) background: Option<Vec<Text>>,
    pub(super) ignore: Vec<Text>,
    pub(super) module: Option<Text>,
    pub(super) modules: Option<Spanned<Vec<Text>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Roles {
    pub(super) preset: Option<Text>,
    pub(super) external: Vec<Text>,
    pub(super) internal: Vec<Text>,
    pub(super) guest: Vec<Text>,
    pub(super) unmapped: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Bots {
    pub(super) allow: Vec<Text>,
    pub(super) add: Vec<Text>,
    pub(super) categories: BTreeMap<Text, Text>,
    pub(super) signature_keys: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Guard {
    pub(super) starts_per_minute: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Engagement {
    pub(super) gather: Option<Spanned<bool>>,
    pub(super) rooms: BTreeMap<Text, Vec<Text>>,
    pub(super) resources: Resources,
    pub(super) id_patterns: Vec<Text>,
    pub(super) search: Option<Vec<Text>>,
    pub(super) records: Vec<Text>,
    pub(super) actions: Vec<Spanned<Action>>,
    /// `true`, `false` or a word.
    pub(super) beacon: Option<Spanned<Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Resources {
    pub(super) parameters: Option<Vec<Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Action {
    pub(super) name: Option<Text>,
    pub(super) path: Option<Text>,
    pub(super) method: Option<Text>,
}

/// A source of any kind: a table with a tag would lose the places of what is in it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) kind: Option<Text>,
    /// Networks; in a source that may not say so, whatever was written.
    pub(super) internal: Option<Spanned<Value>>,
    /// A header's value; in a probe, what to look for.
    pub(super) external: Option<Spanned<Value>>,
    /// A header's value; in a probe, what to look for.
    pub(super) guest: Option<Spanned<Value>>,
    pub(super) header: Option<Text>,
    pub(super) hide: Option<Spanned<bool>>,
    pub(super) user: Option<Text>,
    pub(super) roles: Option<Text>,
    pub(super) account: Option<Text>,
    pub(super) cookie: Option<Text>,
    pub(super) algorithms: Option<Spanned<Vec<Text>>>,
    pub(super) key: Option<Spanned<Key>>,
    pub(super) audience: Option<Spanned<Vec<Text>>>,
    pub(super) issuer: Option<Text>,
    pub(super) leeway: Option<Quantity>,
    pub(super) claims: Option<Spanned<Claims>>,
    pub(super) logged_in: Option<Spanned<Vec<Text>>>,
    pub(super) url: Option<Text>,
    pub(super) cookies: Option<Spanned<Vec<Text>>>,
    pub(super) timeout: Option<Quantity>,
    pub(super) keep: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Key {
    pub(super) public_key_file: Option<Text>,
    pub(super) secret_file: Option<Text>,
    pub(super) jwks_file: Option<Text>,
    pub(super) jwks_url: Option<Text>,
    pub(super) refresh: Option<Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) user: Option<Text>,
    pub(super) roles: Option<Text>,
    pub(super) account: Option<Text>,
}

impl Identity {
    /// The keys that were written, beside `kind`, and where.
    pub(super) fn given(&self) -> Vec<(&'static str, Range<usize>)> {
        let all = [
            ("internal", span(self.internal.as_ref())),
            ("external", span(self.external.as_ref())),
            ("guest", span(self.guest.as_ref())),
            ("header", span(self.header.as_ref())),
            ("hide", span(self.hide.as_ref())),
            ("user", span(self.user.as_ref())),
            ("roles", span(self.roles.as_ref())),
            ("account", span(self.account.as_ref())),
            ("cookie", span(self.cookie.as_ref())),
            ("algorithms", span(self.algorithms.as_ref())),
            ("key", span(self.key.as_ref())),
            ("audience", span(self.audience.as_ref())),
            ("issuer", span(self.issuer.as_ref())),
            ("leeway", span(self.leeway.as_ref())),
            ("claims", span(self.claims.as_ref())),
            ("logged_in", span(self.logged_in.as_ref())),
            ("url", span(self.url.as_ref())),
            ("cookies", span(self.cookies.as_ref())),
            ("timeout", span(self.timeout.as_ref())),
            ("keep", span(self.keep.as_ref())),
        ];
        all.into_iter().filter_map(|(name, span)| Some((name, span?))).collect()
    }
}

fn span<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
    value.map(Spanned::span)
}
