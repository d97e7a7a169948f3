//! A portal with sessions: pages for everybody, and `/api/me` for whoever asks who a cookie is.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::faults::origin::{Asked, Origin, page};

/// How a portal reads its session out of a request's cookies.
pub(crate) type Reading = fn(&str) -> Option<String>;

/// Answers about cookies wait as long as this is set.
pub(crate) type Held = Arc<AtomicBool>;

/// A portal that reads cookies in this way.
pub(crate) fn knowing(reading: Reading) -> Origin {
    holding(reading, Held::default())
}

/// One whose answers to the probe can be held back.
pub(crate) fn holding(reading: Reading, held: Held) -> Origin {
    Origin::new(move |asked, stream| {
        let session = session(asked, reading);
        if asked.path() != "/api/me" {
            return answer_page(asked, session.as_deref(), stream);
        }
        while held.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        me(session.as_deref(), stream)
    })
}

/// The session of a request, as the portal sees it.
fn session(asked: &Asked, reading: Reading) -> Option<String> {
    reading(&asked.texts("cookie").join("; "))
}

fn answer_page(asked: &Asked, session: Option<&str>, stream: &mut TcpStream) -> io::Result<bool> {
    let person = session.and_then(|session| session.split('-').next());
    let sees = person.filter(|person| ["ann", "bob"].contains(person)).unwrap_or("nobody");
    let more = match asked.path().as_str() {
        "/renew" => "Set-Cookie: sessionid=fresh; Path=/\r\n",
        _ => "",
    };
    page(stream, &format!("X-Sees: {sees}\r\n{more}"))
}

/// Sessions are called after what the portal says of them.
fn me(session: Option<&str>, stream: &mut TcpStream) -> io::Result<bool> {
    let json = |status: &str, more: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n{body}",
            body.len()
        )
    };
    let ann = r#"{"id":"ann","roles":["customer"],"company":"acme"}"#;
    let answer = match session.unwrap_or_default() {
        session if session.starts_with("ann") => json("200 OK", "", ann),
        session if session.starts_with("bob") => json("200 OK", "", r#"{"id":"bob","roles":["staff"]}"#),
        "number" => json("200 OK", "", r#"{"id":7,"roles":"customer, x"}"#),
        "null" => json("200 OK", "", r#"{"id":null,"roles":["staff"]}"#),
        "odd" => json("200 OK", "", r#"{"error":"busy","roles":["staff"]}"#),
        "html" => json("200 OK", "", "<html>staff</html>"),
        "huge" => json("200 OK", "", &format!("{{\"id\":\"bob\",\"x\":\"{}\"}}", "x".repeat(70_000))),
        "public" => json("200 OK", "Cache-Control: public, max-age=60\r\n", r#"{"id":"bob","roles":["staff"]}"#),
        "aged" => json("200 OK", "Age: 3\r\n", r#"{"id":"bob","roles":["staff"]}"#),
        "login" => json("302 Found", "Location: /api/me?as=bob\r\n", ""),
        "moved" => json("301 Moved Permanently", "Location: /api/me/\r\n", ""),
        "broken" => json("500 Internal Server Error", "", r#"{"id":"bob","roles":["staff"]}"#),
        "busy" => json("429 Too Many Requests", "", r#"{"id":"bob","roles":["staff"]}"#),
        "away" => json("404 Not Found", "", r#"{"id":"bob","roles":["staff"]}"#),
        "closed" => return Ok(false),
        "cut" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"id\":\"bob\"")?;
            return Ok(false);
        }
        "garbage" => "nonsense and more nonsense\r\n\r\n".to_owned(),
        _ => json("401 Unauthorized", "", "{}"),
    };
    stream.write_all(answer.as_bytes())?;
    Ok(true)
}

/// Pairs separated by semicolons, the first of a name counts.
pub(crate) fn first(cookies: &str) -> Option<String> {
    pairs(cookies).find(|(name, _)| name == "sessionid").map(|(_, value)| value)
}

/// The last of a name counts.
pub(crate) fn last(cookies: &str) -> Option<String> {
    pairs(cookies).filter(|(name, _)| name == "sessionid").last().map(|(_, value)| value)
}

/// Names in any case, with `_` for what PHP would not have in them; the last counts.
pub(crate) fn sloppy(cookies: &str) -> Option<String> {
    let same = |name: &str| name.to_lowercase().replace("%69", "i") == "sessionid" || name.starts_with("sessionid[");
    pairs(cookies).filter(|(name, _)| same(name)).last().map(|(_, value)| value)
}

/// Commas and blanks separate cookies as well.
pub(crate) fn by_commas(cookies: &str) -> Option<String> {
    first(&cookies.replace([',', ' '], ";"))
}

/// Semicolons within quotes are part of a value.
pub(crate) fn by_quotes(cookies: &str) -> Option<String> {
    let (mut plain, mut quoted, mut escaped) = (String::new(), false, false);
    for char in cookies.chars() {
        quoted ^= char == '"' && !escaped;
        escaped = char == '\\' && quoted && !escaped;
        plain.push(if quoted && char == ';' { '_' } else { char });
    }
    first(&plain)
}

fn pairs(cookies: &str) -> impl Iterator<Item = (String, String)> {
    cookies.split(';').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        Some((name.trim().to_owned(), value.trim_matches('"').to_owned()))
    })
}
