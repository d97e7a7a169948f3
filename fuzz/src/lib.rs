//! What the fuzz targets share: how an input is written.
//!
//! Inputs are text, so that seeds are written by hand, a dictionary helps, and a finding can be read:
//! `> name: value` is a field of a request, `< name: value` one of its answer.

use http::{HeaderName, HeaderValue};
use portalmeter_rules::facts::Headers;

/// The lines of an input.
pub fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split(|&byte| byte == b'\n')
}

/// A field `name: value`, the name in lower case.
pub fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}

/// Header fields of any bytes.
#[derive(Debug, Default)]
pub struct Fields<'a>(pub Vec<(&'a str, &'a [u8])>);

impl Headers for Fields<'_> {
    fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.0.iter().filter(|(field, _)| *field == name).for_each(|(_, value)| visit(value));
    }
}
