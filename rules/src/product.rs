//! Well-known portals: how each shows who is signed in, and where one signs in and out. Plain data.
//!
//! Whatever a guest may have is no proof, and neither is a cookie that outlives its session: a marker
//! that could be wrong is left out, or the count would be. Cookies are never trusted, so that no
//! preset makes anybody internal by one.

use crate::identity::{HeaderNames, ResponseHeader, SourceKind};
use crate::pattern::Pattern;

mod atlassian;
mod discourse;
mod django;
mod drupal;
mod joomla;
mod liferay;
mod oidc;
mod power_pages;
mod rails;
mod salesforce;
mod servicenow;
mod wordpress;
mod zendesk;

/// Every product, in the order in which they are told.
pub static ALL: [&Product; 16] = [
    &servicenow::SERVICENOW,
    &salesforce::SALESFORCE,
    &zendesk::ZENDESK,
    &liferay::LIFERAY,
    &drupal::DRUPAL,
    &wordpress::WORDPRESS,
    &django::DJANGO,
    &rails::RAILS,
    &power_pages::POWER_PAGES,
    &atlassian::JIRA,
    &atlassian::CONFLUENCE,
    &discourse::DISCOURSE,
    &joomla::JOOMLA,
    &oidc::KEYCLOAK,
    &oidc::OAUTH2_PROXY,
    &oidc::OIDC,
];

/// A portal software as it comes.
#[derive(Debug)]
pub struct Product {
    /// Its name in configurations.
    pub name: &'static str,
    /// Its name among people.
    pub title: &'static str,
    /// How it shows who is signed in, in the order to ask; none where nothing on the wire proves it.
    pub signs: &'static [Sign],
    /// Addresses for signing in.
    pub login: &'static [Marker],
    /// Addresses that sign out at once. Those that ask back first are left out: whoever stays would count again.
    pub logout: &'static [Marker],
    /// The first call of a view, where a script draws it.
    pub pages: &'static [Marker],
    /// What its scripts ask again and again.
    pub background: &'static [Marker],
    /// Its session cookies, as far as their name is fixed and their value is.
    pub session_cookies: &'static [Marker],
    /// What looks like a proof of a sign-in, and is none.
    pub no_proof: &'static [Marker],
    /// Whether `ServiceNow`'s roles are its own.
    pub servicenow_roles: bool,
    /// What to configure where nothing on the wire proves a sign-in.
    pub instead: Option<&'static str>,
    /// An address that answers who is signed in, for a source that asks.
    pub probe: Option<Marker>,
    /// What an operator should know beside.
    pub note: &'static str,
}

/// What a product shows, where that is written, and whether anybody looked it up.
#[derive(Debug, Clone, Copy)]
pub struct Marker {
    /// A pattern, a cookie's name, or a field and its value.
    pub text: &'static str,
    /// Where it is written, or what it was taken from.
    pub source: &'static str,
    /// Whether it was looked up there; else it is common knowledge.
    pub verified: bool,
}

/// Looked up at `source`.
const fn verified(text: &'static str, source: &'static str) -> Marker {
    Marker { text, source, verified: true }
}

/// Common knowledge, as far as `source` tells.
const fn unverified(text: &'static str, source: &'static str) -> Marker {
    Marker { text, source, verified: false }
}

/// One way in which a product shows who is signed in.
#[derive(Debug)]
pub struct Sign {
    /// Where it is seen.
    pub shown: Shown,
    /// What a signed-in user's exchange shows.
    pub signed_in: Marker,
    /// What a guest's shows; none where it only lacks the other.
    pub guest: Option<Marker>,
}

/// Where a sign is seen. Names of fields are in lower case.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// In a field of the answer. The client sees it too: scripts of the product may read it.
    ResponseHeader {
        /// The field.
        header: &'static str,
        /// Its value for a signed-in user; none: any that is not the guest's.
        external: Option<&'static str>,
        /// Its value for a guest.
        guest: Option<&'static str>,
        /// The field that names the user.
        user: Option<&'static str>,
    },
    /// In a field that an auth proxy sets.
    Header {
        /// Names the user.
        user: &'static str,
        /// Lists the roles.
        roles: &'static str,
    },
    /// In the presence of a cookie.
    Cookie {
        /// Names of cookies that only the signed-in have.
        logged_in: &'static [&'static str],
    },
}

impl Product {
    /// The product that configurations call by this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|product| product.name == name)
    }
}

impl Sign {
    /// The identity source that reads it.
    pub fn source(&self) -> SourceKind {
        let owned = |name: &'static str| name.to_owned();
        match self.shown {
            Shown::ResponseHeader { header, external, guest, user } => SourceKind::ResponseHeader(ResponseHeader {
                header: header.to_owned(),
                external: external.map(owned),
                guest: guest.map(owned),
                names: HeaderNames { user: user.map(owned), ..HeaderNames::default() },
                hide: false,
            }),
            Shown::Header { user, roles } => SourceKind::Header(HeaderNames {
                user: Some(user.to_owned()),
                roles: Some(roles.to_owned()),
                account: None,
            }),
            Shown::Cookie { logged_in } => SourceKind::Cookie {
                logged_in: logged_in.iter().filter_map(|name| Pattern::name(name).ok()).collect(),
                user: None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
