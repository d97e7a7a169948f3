//! Is it a page, an activity, a logout, or nothing to the meter? (`metering.md`, What is a page.)

use std::sync::Arc;

use crate::facts::{Request, Response};
use crate::pattern::Pattern;
use crate::target;
use crate::verdict::Kind;

/// A portal's own patterns.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// Sign-in pages: activity, whoever sees them. They hold for the whole host.
    pub login: Vec<Pattern>,
    /// Sign-out addresses. They hold for the whole host.
    pub logout: Vec<Pattern>,
    /// Pages whatever their content type.
    pub pages: Vec<Pattern>,
    /// Polling: ignored, and keeps no session alive.
    pub background: Vec<Pattern>,
    /// Health checks and the like: ignored.
    pub ignore: Vec<Pattern>,
    /// Documents in frames are pages too: components embedded in other sites.
    pub frames: bool,
}

/// What a request is to the meter, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// Page, activity or logout; `None` is ignored.
    pub kind: Option<Kind>,
    /// The rule that said so.
    pub rule: Arc<str>,
}

fn sort(kind: Option<Kind>, rule: &str) -> Sort {
    Sort { kind, rule: rule.into() }
}

/// Whether a sign-out or sign-in address of the host was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// A sign-out address, and its pattern.
    Logout(String),
    /// A sign-in address, and its pattern.
    Login(String),
}

impl Pages {
    /// Whether the target is one of this portal's sign-out or sign-in addresses.
    pub fn door(&self, target: &[u8]) -> Option<Door> {
        let hit = |patterns: &[Pattern], target: &[u8]| matching(patterns, target).map(|hit| hit.as_str().to_owned());
        in_both(target, |target| {
            hit(&self.logout, target).map(Door::Logout).or_else(|| hit(&self.login, target).map(Door::Login))
        })
    }

    /// Whether a pattern of this portal's own says that the target is nothing to the meter.
    fn ignored(&self, target: &[u8]) -> Option<Sort> {
        in_both(target, |target| {
            if let Some(pattern) = matching(&self.ignore, target) {
                return Some(sort(None, &format!("ignore {pattern}")));
            }
            matching(&self.background, target).map(|pattern| sort(None, &format!("background {pattern}")))
        })
    }

    /// Whether a request that passes no door may turn out to be a page, by all that is known before its answer.
    pub fn may_be_page(&self, request: &Request<'_>) -> bool {
        if self.ignored(request.target).is_some() || not_a_visit(request).is_some() {
            return false;
        }
        if matching(&self.pages, request.target).is_some() {
            return true;
        }
        let asset = extension(request.path()).is_some_and(|extension| listed(ASSETS, extension));
        request.method == b"GET" && !asset && self.is_for_a_page(request)
    }

    fn is_for_a_page(&self, request: &Request<'_>) -> bool {
        match request.headers.first("sec-fetch-dest") {
            Some(dest) => dest == b"document" || (self.frames && matches!(dest, b"iframe" | b"frame")),
            None => !is_scripted(request),
        }
    }

    /// Sorts a request and its response. `door` is what any portal of the host says of the target.
    pub fn sort(&self, request: &Request<'_>, response: &Response<'_>, door: Option<&Door>) -> Sort {
        let quiet = self.ignored(request.target).or_else(|| not_a_visit(request));
        if let Some(ignored) = quiet {
            return ignored;
        }
        let fine = matches!(response.status, 200..=299 | 304);
        let named = fine.then(|| matching(&self.pages, request.target)).flatten();
        // `/logout-icon.svg` signs nobody out: an asset is one whatever sign-in pattern it falls under.
        if named.is_none() && extension(request.path()).is_some_and(|extension| listed(ASSETS, extension)) {
            return ASSET.with(Clone::clone);
        }
        match door {
            Some(Door::Logout(pattern)) if response.status < 400 => {
                return sort(Some(Kind::Logout), &format!("logout {pattern}"));
            }
            Some(Door::Logout(pattern)) => return sort(Some(Kind::Activity), &format!("failed logout {pattern}")),
            Some(Door::Login(pattern)) => return sort(Some(Kind::Activity), &format!("login {pattern}")),
            None => {}
        }
        if let Some(pattern) = named {
            return sort(Some(Kind::Page), &format!("pages {pattern}"));
        }
        if fine && request.method == b"GET" { self.document(request, response) } else { ACTIVITY.with(Clone::clone) }
    }

    fn document(&self, request: &Request<'_>, response: &Response<'_>) -> Sort {
        let asked_as_page = self.is_for_a_page(request);
        if request.headers.has("sec-fetch-dest") {
            return if asked_as_page { DOCUMENT.with(Clone::clone) } else { ACTIVITY.with(Clone::clone) };
        }
        let page = asked_as_page
            && match response.headers.first("content-type") {
                Some(content) => is_html(content),
                None => extension(request.path()).is_none_or(|extension| listed(PAGES, extension)),
            };
        if page { HTML.with(Clone::clone) } else { ACTIVITY.with(Clone::clone) }
    }
}

/// What a rule says of a target, if it says something of each way to read it.
fn in_both<T>(target: &[u8], says: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let said = says(target).filter(|_| !target::is_doubtful(target))?;
    target::other(target).is_none_or(|other| says(&other).is_some()).then_some(said)
}

fn is_scripted(request: &Request<'_>) -> bool {
    request.headers.first("x-requested-with").is_some_and(|by| by.eq_ignore_ascii_case(b"XMLHttpRequest"))
}

// The rules that need no text of their own, made once a thread: a verdict costs no allocation.
thread_local! {
    static ASSET: Sort = sort(None, "asset");
    static ACTIVITY: Sort = sort(Some(Kind::Activity), "activity");
    static DOCUMENT: Sort = sort(Some(Kind::Page), "document");
    static HTML: Sort = sort(Some(Kind::Page), "html");
}

/// Requests that are no visit whatever they ask for.
fn not_a_visit(request: &Request<'_>) -> Option<Sort> {
    if matches!(request.method, b"HEAD" | b"OPTIONS") {
        return Some(sort(None, "method"));
    }
    let ahead = ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().any(|name| {
        let value = request.headers.first(name).unwrap_or_default();
        [&b"prefetch"[..], b"prerender", b"preview"].iter().any(|&word| contains(value, word))
    });
    ahead.then(|| sort(None, "prefetch"))
}

fn matching<'p>(patterns: &'p [Pattern], target: &[u8]) -> Option<&'p Pattern> {
    patterns.iter().find(|pattern| pattern.matches_target(target))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether a content type is a page's.
pub fn is_html(content_type: &[u8]) -> bool {
    let end = memchr::memchr(b';', content_type).unwrap_or(content_type.len());
    let kind = content_type[..end].trim_ascii();
    kind.eq_ignore_ascii_case(b"text/html") || kind.eq_ignore_ascii_case(b"application/xhtml+xml")
}

/// The extension of a path's last segment: one to eleven letters and digits behind its last dot.
fn extension(path: &[u8]) -> Option<&[u8]> {
    let segment = path.rsplit(|&byte| byte == b'/').next()?;
    // Path parameters, such as `;jsessionid=…`, are no part of the name.
    let segment = segment.split(|&byte| byte == b';').next()?;
    let dot = memchr::memrchr(b'.', segment)?;
    let extension = &segment[dot + 1..];
    let plain = (1..=11).contains(&extension.len()) && extension.iter().all(u8::is_ascii_alphanumeric);
    plain.then_some(extension)
}

fn listed(names: &[&str], extension: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(extension))
}

const ASSETS: &[&str] = &[
    "css",
    "js",
    "mjs",
    "map",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "avif",
    "bmp",
    "ico",
    "cur",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp3",
    "mp4",
    "m4a",
    "m4s",
    "ogg",
    "wav",
    "webm",
    "ts",
    "m3u8",
    "vtt",
    "wasm",
    "webmanifest",
];

const PAGES: &[&str] = &[
    "html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "jspx", "jspa", "jsf", "faces", "do", "action",
    "cfm", "cgi", "pl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_parameters_are_no_part_of_an_extension() {
        assert_eq!(extension(b"/logo.png;jsessionid=A"), Some(&b"png"[..]));
        assert_eq!(extension(b"/index.jsp;jsessionid=ABC.node1"), Some(&b"jsp"[..]));
        assert_eq!(extension(b"/home;jsessionid=a.b"), None);
    }
}
