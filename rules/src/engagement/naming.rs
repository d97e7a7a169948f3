//! What a room or a resource is called: a path without ids, in letters that anybody may look at, and not without end.

use std::borrow::Cow;

use super::template::Template;

/// Longest name of a room or a resource, in bytes.
pub const LONGEST: usize = 200;

/// What stands for an id.
const ID: &[u8] = b"{id}";
/// So many letters and digits without a break are no word.
const TOKEN: usize = 16;
/// More segments than this say nothing more in [`LONGEST`] bytes.
const MOST: usize = 64;

/// A path by its segments, ids taken out.
pub(super) struct Path<'p>(Vec<Cow<'p, [u8]>>);

impl<'p> Path<'p> {
    /// The segments of a path; `templates` say where ids stand that do not look like any.
    pub(super) fn of(path: &'p [u8], templates: &[Template]) -> Self {
        let mut segments: Vec<Cow<'p, [u8]>> = Vec::new();
        for segment in path.split(|&byte| byte == b'/') {
            // Path parameters are no part of a name; a session's id may be one.
            let name = segment.split(|&byte| byte == b';').next().unwrap_or_default();
            if !name.is_empty() && segments.len() < MOST {
                segments.push(Cow::Borrowed(name));
            }
        }
        let said = templates.iter().find(|template| template.matches(path));
        for (at, segment) in segments.iter_mut().enumerate() {
            if said.is_some_and(|template| template.is_id(at)) {
                *segment = Cow::Borrowed(ID);
            } else if let Some(plain) = without_id(segment) {
                *segment = Cow::Owned(plain);
            }
        }
        Self(segments)
    }

    /// The first segment, if there is one.
    pub(super) fn first(&self) -> Option<&[u8]> {
        self.0.first().map(AsRef::as_ref)
    }

    /// All of it.
    pub(super) fn resource(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return b"/".to_vec();
        }
        let mut resource = Vec::new();
        for segment in &self.0 {
            resource.push(b'/');
            resource.extend_from_slice(segment);
        }
        resource
    }
}

/// The value of a query's parameter.
pub(super) fn value<'q>(query: &'q [u8], name: &str) -> Option<&'q [u8]> {
    let pairs = query.split(|byte| matches!(byte, b'&' | b';'));
    pairs.into_iter().find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// A name as it is stored: text of at most [`LONGEST`] bytes, with nothing in it that moves what is around it.
pub fn legible(name: &[u8]) -> String {
    let name = &name[..name.len().min(LONGEST * 3)];
    let decoded = undone(name);
    let mut text = String::new();
    for char in String::from_utf8_lossy(&decoded).chars() {
        let moves =
            matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        let char = if char.is_control() || moves { char::REPLACEMENT_CHARACTER } else { char };
        if text.len() + char.len_utf8() > LONGEST {
            break;
        }
        text.push(char);
    }
    text
}

/// With each `%XX` undone that is part of a letter beyond ASCII; the others may stand for something else.
fn undone(name: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', name).is_none() {
        return Cow::Borrowed(name);
    }
    let mut undone = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, after @ ..] = rest {
        let byte = match after {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if let Some(byte) = byte.filter(|byte| *byte >= 0x80) {
            undone.push(byte);
            rest = &rest[3..];
        } else {
            undone.push(*first);
            rest = after;
        }
    }
    Cow::Owned(undone)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|value| value as u8)
}

/// The segment without its id, if it has one.
fn without_id(segment: &[u8]) -> Option<Vec<u8>> {
    if is_id(segment) {
        return Some(ID.to_vec());
    }
    // `4711.pdf`
    let dot = memchr::memrchr(b'.', segment)?;
    let (stem, extension) = segment.split_at(dot);
    let plain = (2..=12).contains(&extension.len()) && extension[1..].iter().all(u8::is_ascii_alphanumeric);
    (plain && is_id(stem)).then(|| [ID, extension].concat())
}

/// Whether a segment looks like an id: a number, a UUID, an address of somebody's mail, or a long run of letters and digits.
fn is_id(segment: &[u8]) -> bool {
    if segment.is_empty() {
        return false;
    }
    let number = segment.iter().all(u8::is_ascii_digit);
    let mail =
        memchr::memchr(b'@', segment).is_some() || segment.windows(3).any(|part| part.eq_ignore_ascii_case(b"%40"));
    number || mail || is_uuid(segment) || segment.split(|byte| !byte.is_ascii_alphanumeric()).any(is_token)
}

fn is_uuid(segment: &[u8]) -> bool {
    let dashes = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    segment.len() == 36
        && segment
            .iter()
            .enumerate()
            .all(|(at, byte)| if dashes(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// A run of letters and digits that no slug has: `how-to-upgrade-to-2026` is none.
fn is_token(run: &[u8]) -> bool {
    run.len() >= TOKEN && run.iter().any(u8::is_ascii_digit)
}
