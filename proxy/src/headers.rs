//! Pingora's header maps as the rules read them.

use std::sync::LazyLock;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use portalmeter_rules::facts::Headers;

/// A borrowed header map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'m>(pub(crate) &'m HeaderMap);

impl Headers for Fields<'_> {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        match known(name) {
            Some(name) => self.0.get_all(name).into_iter().for_each(|value| visit(value.as_bytes())),
            None => self.0.get_all(name).into_iter().for_each(|value| visit(value.as_bytes())),
        }
    }

    fn first<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        let value = match known(name) {
            Some(name) => self.0.get(name),
            None => self.0.get(name),
        };
        value.map(HeaderValue::as_bytes)
    }
}

/// The fields that every request is asked for, so that their names need not be read each time.
fn known(name: &str) -> Option<&HeaderName> {
    static FETCH_DEST: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("sec-fetch-dest"));
    static SEC_PURPOSE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("sec-purpose"));
    static PURPOSE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("purpose"));
    static X_PURPOSE: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("x-purpose"));
    static X_MOZ: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("x-moz"));
    static BRANDS: LazyLock<HeaderName> = LazyLock::new(|| HeaderName::from_static("sec-ch-ua"));
    Some(match name {
        "cookie" => &header::COOKIE,
        "set-cookie" => &header::SET_COOKIE,
        "user-agent" => &header::USER_AGENT,
        "accept-language" => &header::ACCEPT_LANGUAGE,
        "content-type" => &header::CONTENT_TYPE,
        "content-disposition" => &header::CONTENT_DISPOSITION,
        "cache-control" => &header::CACHE_CONTROL,
        "age" => &header::AGE,
        "sec-fetch-dest" => &FETCH_DEST,
        "sec-purpose" => &SEC_PURPOSE,
        "purpose" => &PURPOSE,
        "x-purpose" => &X_PURPOSE,
        "x-moz" => &X_MOZ,
        "sec-ch-ua" => &BRANDS,
        _ => return None,
    })
}
