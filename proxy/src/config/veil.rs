//! Passwords are never shown: what may be one has stars in its place, byte for byte, so that places stay where they are.

use std::ops::Range;

/// A text as it may be shown: without what stands before the `@` of a URL, and without what is given to a key such as
/// `password`.
pub(super) fn veiled(text: &str) -> String {
    let mut hidden: Vec<Range<usize>> = text.match_indices("://").filter_map(|(at, _)| in_url(text, at)).collect();
    hidden.extend(KEYS.iter().flat_map(|key| text.match_indices(key).filter_map(|(at, _)| given_to(text, at, key))));
    if hidden.is_empty() {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for (at, char) in text.char_indices() {
        if hidden.iter().any(|range| range.contains(&at)) && !matches!(char, '\n' | '\r') {
            (0..char.len_utf8()).for_each(|_| shown.push('*'));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// A URL as it may be shown.
pub(super) fn veiled_url(url: &str) -> String {
    veiled(url.lines().next().unwrap_or_default())
}

/// How the names of keys end that hold what nobody shall see.
const KEYS: [&str; 5] = ["password", "secret", "password_hash", "token_hash", "totp"];

/// The password of the URL whose scheme ends at `at`: from the first colon to the last `@`. What stands there alone for
/// a Redis is more often a password than a user.
fn in_url(text: &str, at: usize) -> Option<Range<usize>> {
    let start = at + "://".len();
    let in_scheme = |char: char| char.is_ascii_alphanumeric() || "+-.".contains(char);
    let before = text.get(..at)?.trim_end_matches(in_scheme);
    let scheme = text.get(before.len()..at)?;
    let rest = text.get(start..)?;
    let rest = match before.chars().next_back().filter(|char| "\"'`".contains(*char)) {
        Some(quote) => rest.get(..closing(rest, quote))?,
        None => rest.lines().next()?,
    };
    let is_store = ["redis", "postgres"].iter().any(|store| scheme.to_ascii_lowercase().starts_with(store));
    let Some(end) = rest.rfind('@') else { return if is_store { without_host(rest, start) } else { None } };
    let user = rest.get(..end)?;
    let from = match user.find(':') {
        Some(colon) => colon + 1,
        None if scheme.to_ascii_lowercase().starts_with("redis") => 0,
        None => return None,
    };
    Some(start + from..start + user.len())
}

/// Somebody forgot the host: what stands where a port should be, and is none, is the password.
fn without_host(rest: &str, start: usize) -> Option<Range<usize>> {
    let (_, port) = rest.rsplit_once(':')?;
    let is_port = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = port.split(['/', '?', '#', ',']).next().unwrap_or(port);
    (!is_port(number) && !port.contains(']')).then(|| start + rest.len() - port.len()..start + rest.len())
}

/// What is given to the key that ends with `key` at `at`, if it is text.
fn given_to(text: &str, at: usize, key: &str) -> Option<Range<usize>> {
    let rest = text.get(at + key.len()..)?;
    let value = rest.trim_start_matches([' ', '\t', '"', '\'']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let start = text.len() - value.len();
    let length = match value.chars().next()? {
        '{' | '[' => return None,
        _ if value.starts_with("\"\"\"") => value.get(3..)?.find("\"\"\"").map_or(value.len(), |end| end + 3),
        _ if value.starts_with("'''") => value.get(3..)?.find("'''").map_or(value.len(), |end| end + 3),
        quote @ ('"' | '\'') => {
            let inner = value.get(1..)?;
            return Some(start + 1..start + 1 + closing(inner, quote));
        }
        _ => value.find(['&', '"', '\'', '`', ' ', '\t', '\r', '\n']).unwrap_or(value.len()),
    };
    Some(start..start + length)
}

/// Where the text ends that began with `quote`: there, or with its line.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            '\n' | '\r' => return at,
            '\\' if quote == '"' => escaped = !escaped,
            char if char == quote && !escaped => return at,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_stars_wherever_they_stand() {
        for (text, shown) in [
            ("url = \"redis://pm:hunter2@db:6379/2\"", "url = \"redis://pm:*******@db:6379/2\""),
            ("url = \"redis://:a@b:c@db\" # ann@example", "url = \"redis://:*****@db\" # ann@example"),
            ("url = \"redis://:a\\\"b@db\"", "url = \"redis://:****@db\""),
            ("url = \"redis://:a'b@db\"", "url = \"redis://:***@db\""),
            ("url = 'redis://:a\\'@x'", "url = 'redis://:**'@x'"),
            ("url = \"redis://:hunter2@db", "url = \"redis://:*******@db"),
            ("url = redis://:hunter2@db/1", "url = redis://:*******@db/1"),
            ("`postgres://u:p@h/d` is", "`postgres://u:*@h/d` is"),
            ("redis://token@db", "redis://*****@db"),
            ("\"redis://:hunter2\" #", "\"redis://:*******\" #"),
            ("redis://pm:hunter2/0 x", "redis://pm:***********"),
            ("redis://a:6379,b:6380/0?x#y", "redis://a:6379,b:6380/0?x#y"),
            ("rediss://[::1]/0", "rediss://[::1]/0"),
            ("postgres://pm@db/usage", "postgres://pm@db/usage"),
            ("postgres:///d?user=u&password=pw&x=1", "postgres:///d?user=u&password=**&x=1"),
            ("password = \"hunter2\"\nx = 1", "password = \"*******\"\nx = 1"),
            ("password = \"\"\"a\nb\"\"\"\nx = 1", "password = ****\n*\"\"\"\nx = 1"),
            ("password = hünter", "password = *******"),
            ("\"password\"='x'", "\"password\"='*'"),
            ("sentinel_password = \"a\"", "sentinel_password = \"*\""),
            ("secret = { file = \"secret\" }", "secret = { file = \"secret\" }"),
            ("secret_file = \"hs\"", "secret_file = \"hs\""),
            ("upstream = [\"http://10.0.0.5:8000\"]", "upstream = [\"http://10.0.0.5:8000\"]"),
        ] {
            assert_eq!(veiled(text), shown);
            assert_eq!(veiled(text).len(), text.len());
        }
    }
}
