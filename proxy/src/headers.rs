//! Pingora's header maps as the rules read them.

use http::HeaderMap;
use portalmeter_rules::facts::Headers;

/// A borrowed header map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'m>(pub(crate) &'m HeaderMap);

impl Headers for Fields<'_> {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.0.get_all(name).into_iter().for_each(|value| visit(value.as_bytes()));
    }

    fn first<'a>(&'a self, name: &str) -> Option<&'a [u8]> {
        self.0.get(name).map(http::HeaderValue::as_bytes)
    }
}
