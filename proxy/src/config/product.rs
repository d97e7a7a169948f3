//! What the preset of a well-known portal fills in, where the configuration says nothing of it.

use std::ops::Range;
use std::sync::Arc;

use portalmeter_rules::identity::{Source, SourceKind};
use portalmeter_rules::product::{ALL, Marker, Product, Sign};

use super::identity;
use super::nearest::suggestion;
use super::problem::Notes;
use super::raw;

/// A product's markers, as far as the portal says nothing in their place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preset {
    product: Option<&'static Product>,
    signs: &'static [Sign],
    pub(super) login: &'static [Marker],
    pub(super) logout: &'static [Marker],
    pub(super) pages: &'static [Marker],
    pub(super) background: &'static [Marker],
    pub(super) session_cookies: &'static [Marker],
    pub(super) servicenow_roles: bool,
    own: Vec<&'static str>,
}

/// One thing that a preset filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    /// The key it stands for.
    pub(crate) key: &'static str,
    /// What is in it, and where that is from.
    pub(crate) marker: Marker,
}

/// What `roles.preset` is where a product sets it.
const ROLES: Marker =
    Marker { text: "servicenow", source: "ServiceNow's own rules for what a session counts as", verified: true };

/// The preset that a portal names, without what the portal sets itself.
pub(super) fn build(raw: &raw::Portal, notes: &mut Notes) -> Preset {
    let Some(text) = &raw.product else { return Preset::default() };
    let Some(product) = Product::named(text.get_ref()) else {
        let names = ALL.map(|product| product.name);
        let message = format!("`{}` is not a product with a preset", text.get_ref());
        notes.error(text.span(), message).advise(suggestion(text.get_ref(), &names));
        return Preset::default();
    };
    let preset = Preset::over(raw, product);
    preset.warn(raw.identity.is_none(), &text.span(), notes);
    preset
}

impl Preset {
    /// What is set in the file replaces the product's, key by key; a list is replaced as a whole.
    fn over(raw: &raw::Portal, product: &'static Product) -> Self {
        let mut own = Vec::new();
        let mut unless = |set: bool, key: &'static str, markers: &'static [Marker]| -> &'static [Marker] {
            if !set {
                return markers;
            }
            if !markers.is_empty() {
                own.push(key);
            }
            &[]
        };
        let pages = &raw.pages;
        let login = unless(pages.login.is_some(), "pages.login", product.login);
        let logout = unless(pages.logout.is_some(), "pages.logout", product.logout);
        let views = unless(pages.pages.is_some(), "pages.pages", product.pages);
        let background = unless(pages.background.is_some(), "pages.background", product.background);
        let cookies = unless(raw.visitor.portal_cookie.is_some(), "visitor.portal_cookie", product.session_cookies);
        let by_cookie = raw.visitor.mode.as_ref().is_some_and(|mode| mode.get_ref() == "portal_cookie");
        let roles = &raw.roles;
        let said = roles.preset.is_some()
            || [&roles.internal, &roles.external, &roles.guest].iter().any(|list| !list.is_empty());
        if said && product.servicenow_roles {
            own.push("roles");
        }
        if raw.identity.is_some() && !product.signs.is_empty() {
            own.push("identity");
        }
        Self {
            product: Some(product),
            signs: if raw.identity.is_some() { &[] } else { product.signs },
            login,
            logout,
            pages: views,
            background,
            session_cookies: if by_cookie { cookies } else { &[] },
            servicenow_roles: product.servicenow_roles && !said,
            own,
        }
    }

    fn warn(&self, relies_on_it: bool, at: &Range<usize>, notes: &mut Notes) {
        let Some(product) = self.product else { return };
        if let Some(instead) = product.instead.filter(|_| relies_on_it) {
            let message =
                format!("nothing on the wire shows who is signed in to {}: all visitors are guests", product.title);
            notes.warn(at.clone(), message).advise(instead);
        }
        let doubtful: Vec<String> = self
            .filled()
            .iter()
            .filter(|filled| !filled.marker.verified)
            .map(|filled| format!("`{}`", filled.marker.text))
            .collect();
        if !doubtful.is_empty() {
            let message = format!("nobody has verified these of {}: {}", product.title, doubtful.join(", "));
            notes.warn(at.clone(), message).advise(
                "sign in and out once, and ask `portalmeter explain` what each request counts as; what you set replaces them",
            );
        }
    }

    /// The product's sources, in the order to ask.
    pub(super) fn sources(&self, at: &Range<usize>, context: &identity::Context<'_>, notes: &mut Notes) -> Vec<Source> {
        let name = self.product.map_or("", |product| product.name);
        let source = |sign: &Sign| {
            let kind = sign.source();
            if let SourceKind::Header(_) = kind {
                identity::auth_proxy(at, context, notes);
            }
            Source { rule: Arc::from(format!("product {name}: {}", kind.name())), kind }
        };
        self.signs.iter().map(source).collect()
    }

    /// The product's name among people.
    pub(crate) fn title(&self) -> Option<&'static str> {
        self.product.map(|product| product.title)
    }

    /// Keys that the product knows, and the portal sets itself.
    pub(crate) fn own(&self) -> &[&'static str] {
        &self.own
    }

    /// All that was filled in, in the order of the keys.
    pub(crate) fn filled(&self) -> Vec<Filled> {
        let mut filled = Vec::new();
        for sign in self.signs {
            filled.push(Filled { key: "identity, signed in", marker: sign.signed_in });
            filled.extend(sign.guest.map(|marker| Filled { key: "identity, guest", marker }));
        }
        let lists = [
            ("pages.login", self.login),
            ("pages.logout", self.logout),
            ("pages.pages", self.pages),
            ("pages.background", self.background),
            ("visitor.portal_cookie", self.session_cookies),
        ];
        for (key, markers) in lists {
            filled.extend(markers.iter().map(|&marker| Filled { key, marker }));
        }
        filled.extend(self.servicenow_roles.then_some(Filled { key: "roles.preset", marker: ROLES }));
        filled
    }
}
