//! Names: of portals and modules, of header fields, of cookies.

use http::HeaderName;

use super::problem::Notes;
use super::raw::Text;

/// Longest name of a portal or module: it is part of keys, labels and file names.
const LONGEST: usize = 64;

/// A name that may stand in keys, labels and file names; `what` it is the name of.
pub(super) fn plain_name(text: &Text, what: &str, notes: &mut Notes) -> Option<String> {
    let name = text.get_ref();
    let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=LONGEST).contains(&name.len()) && name.bytes().all(legal) {
        return Some(name.clone());
    }
    let mended: String =
        name.to_lowercase().chars().map(|char| if char.is_ascii() && legal(char as u8) { char } else { '-' }).collect();
    let mended = mended.get(..mended.len().min(LONGEST)).unwrap_or_default().trim_matches('-');
    let hint = if mended.is_empty() { String::new() } else { format!(", such as \"{mended}\"") };
    notes
        .error(text.span(), format!("`{name}` is not a name for a {what}"))
        .advise(format!("1 to {LONGEST} of a-z, 0-9, _ and -{hint}"));
    None
}

/// The name of a header field, in lower case.
pub(super) fn header_name(text: &Text, notes: &mut Notes) -> Option<String> {
    if let Ok(name) = HeaderName::from_bytes(text.get_ref().as_bytes()) {
        return Some(name.as_str().to_owned());
    }
    notes
        .error(text.span(), format!("`{}` is not the name of a header", text.get_ref()))
        .advise("letters, digits and -, such as \"X-Auth-Request-User\"");
    None
}

/// The name of a cookie: a token (RFC 6265, 4.1.1).
pub(super) fn cookie_name(text: &Text, notes: &mut Notes) -> Option<String> {
    let name = text.get_ref();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.len() <= LONGEST_COOKIE && name.bytes().all(legal) {
        return Some(name.clone());
    }
    notes
        .error(text.span(), format!("`{name}` is not the name of a cookie"))
        .advise("letters, digits, - and _, such as \"pm_visitor\"");
    None
}

/// Far below the 4,096 bytes that browsers grant name and value together.
const LONGEST_COOKIE: usize = 256;
