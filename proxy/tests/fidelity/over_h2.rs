//! What a portal of HTTP/1.1 and a browser of HTTP/2 see of each other.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};

use super::compare;
use super::h2c::{Browser, Whole};
use super::message::Connection;
use super::origin::{CASE, Seen, Step};
use super::stage::Stage;

/// A portal, the proxy, and a browser's connection to it.
struct Over {
    stage: Stage,
    browser: Browser,
}

impl Over {
    fn new() -> Self {
        let stage = Stage::new();
        let browser = Browser::to(stage.proxy);
        Self { stage, browser }
    }

    /// What the portal saw of a case's only request.
    fn seen(&self, case: &str) -> Seen {
        let mut seen = self.stage.origin.take(case);
        assert_eq!(seen.len(), 1, "requests of {case} that reached the portal: {seen:?}");
        seen.remove(0)
    }
}

fn request(method: &str, case: &str, fields: &[(&str, &[u8])]) -> Request<()> {
    let mut request = Request::builder().method(method).uri("http://portal.test/a?b=%2F").body(()).unwrap();
    request.headers_mut().insert("x-case", HeaderValue::from_str(case).unwrap());
    for (name, value) in fields {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

fn all<'a>(whole: &'a Whole, name: &str) -> Vec<&'a [u8]> {
    whole.head.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

#[test]
fn the_portal_sees_the_same_fields() {
    let over = Over::new();
    let fields: [(&str, &[u8]); 9] = [
        ("accept", b"text/html"),
        ("accept", b"*/*"),
        ("x-empty", b""),
        ("x-latin", b"caf\xe9 \xff"),
        ("cookie", b"a=1; b=\"x y\""),
        ("x-r", b"b"),
        ("x-r", b"a"),
        ("authorization", b"Basic YTpi"),
        ("x_under", b"1"),
    ];
    over.browser.get(request("GET", "fields", &fields));
    let proxied = over.seen("fields");
    let mut connection = Connection::to(over.stage.origin.address);
    let mut bytes = format!("GET /a?b=%2F HTTP/1.1\r\nHost: portal.test\r\n{CASE}: fields\r\n").into_bytes();
    for (name, value) in fields {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    connection.send(&bytes).unwrap();
    connection.answer("GET").unwrap().unwrap();
    let mut differences = Vec::new();
    compare::requests(&over.seen("fields"), &proxied, &mut differences);
    // Fields have no capitals in HTTP/2; only this one was written with some.
    differences.retain(|(what, _)| what != "request.name x-case");
    assert!(differences.is_empty(), "{differences:?}");
}

#[test]
fn crumbs_of_a_cookie_are_one_line() {
    let over = Over::new();
    let fields: [(&str, &[u8]); 4] =
        [("cookie", b"a=1"), ("cookie", b"b=\"2 3\""), ("cookie", b"pm_visitor=x"), ("cookie", b"c=\xe9; d=4")];
    over.browser.get(request("GET", "crumbs", &fields));
    assert_eq!(over.seen("crumbs").head.all("cookie"), [b"a=1; b=\"2 3\"; c=\xe9; d=4"]);
}

#[test]
fn the_browser_sees_the_same_answer() {
    let over = Over::new();
    let answer = "HTTP/1.1 404 Odd\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nLink: </b>\r\nSet-Cookie: b=2; Odd\r\n\
                  Link: </a>\r\nX-Empty:\r\nVia: 1.1 x\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\
                  Keep-Alive: timeout=5\r\n\r\nok";
    over.stage.origin.answers("answer", answer);
    let whole = over.browser.get(request("GET", "answer", &[]));
    assert_eq!((whole.head.status().as_u16(), whole.body.as_slice()), (404, &b"ok"[..]));
    assert_eq!(all(&whole, "set-cookie"), [&b"a=1"[..], b"b=2; Odd"]);
    assert_eq!(all(&whole, "link"), [b"</b>", b"</a>"]);
    assert_eq!(all(&whole, "x-empty"), [b""]);
    assert_eq!(all(&whole, "via"), [b"1.1 x"]);
    assert_eq!(all(&whole, "content-length"), [b"2"]);
    for name in ["connection", "keep-alive", "transfer-encoding"] {
        assert!(all(&whole, name).is_empty(), "{name} is no field of HTTP/2");
    }
}

#[test]
fn answers_without_a_body_have_none() {
    let over = Over::new();
    over.stage.origin.answers("head", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nETag: \"a\"\r\n\r\n");
    let whole = over.browser.get(request("HEAD", "head", &[]));
    assert_eq!((whole.body.len(), all(&whole, "content-length")), (0, vec![&b"5000"[..]]));
    over.stage.origin.answers("204", "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(over.browser.get(request("DELETE", "204", &[])).head.status(), 204);
    over.stage.origin.answers("304", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
    let whole = over.browser.get(request("GET", "304", &[("if-none-match", b"\"a\"")]));
    assert_eq!((whole.head.status().as_u16(), whole.body.len()), (304, 0));
    over.stage
        .origin
        .answers("103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(over.browser.get(request("GET", "103", &[])).body, b"ok");
}

#[test]
fn our_cookie_comes_after_the_portals() {
    let over = Over::new();
    over.stage.origin.answers(
        "page",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
    );
    let firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let whole = over.browser.get(request("GET", "page", &[("sec-fetch-dest", b"document"), ("user-agent", firefox)]));
    let cookies = all(&whole, "set-cookie");
    assert_eq!(cookies[..2], [b"a=1", b"b=2"]);
    assert!(cookies.len() == 3 && cookies[2].starts_with(b"pm_visitor="), "{cookies:?}");
}

#[test]
fn bodies_pass_whole_each_way() {
    const SIZE: usize = 3 << 20;
    let over = Over::new();
    let body: Bytes = (0..SIZE).map(|at| (at * 31 + at / 251) as u8).collect();
    for (case, length) in [("length", true), ("no-length", false)] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
        over.stage.origin.on(case, vec![Step::Body, Step::Send([head.as_bytes(), &body].concat())]);
        let length = length.then(|| ("content-length", SIZE.to_string()));
        let fields: Vec<(&str, &[u8])> = length.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let whole = over.browser.ask(request("POST", case, &fields), body.clone(), None).unwrap();
        assert!(whole.body == body, "{case}: the browser got other bytes");
        let seen = over.seen(case);
        assert!(seen.body.whole && seen.body.bytes == body, "{case}: the portal got other bytes");
    }
}

#[test]
fn trailers() {
    let over = Over::new();
    over.stage.origin.answers(
        "trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n",
    );
    let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("x-more"), HeaderValue::from_static("1"))]);
    let request = request("POST", "trailers", &[("te", b"trailers")]);
    let whole = over.browser.ask(request, Bytes::from_static(b"hello"), Some(trailers)).unwrap();
    assert_eq!(whole.body, b"hello");
    let seen = over.seen("trailers");
    assert_eq!((seen.body.bytes.as_slice(), seen.body.whole), (&b"hello"[..], true));
    // Pingora carries none between HTTP/2 and HTTP/1.1, either way.
    assert!(seen.body.trailers.is_empty() && whole.trailers.is_none(), "{:?} {:?}", seen.body, whole.trailers);
}

#[test]
fn streams_at_once_get_their_own_answers() {
    let over = Over::new();
    let cases: Vec<String> = (0..60).map(|number| format!("stream-{number}")).collect();
    let requests = cases.iter().map(|case| (request("POST", case, &[]), Bytes::from(case.clone()), None)).collect();
    for (case, answer) in cases.iter().zip(over.browser.ask_all(requests)) {
        assert_eq!(answer.unwrap().body, case.as_bytes());
        assert_eq!(over.seen(case).body.bytes, case.as_bytes());
    }
}

#[test]
fn a_torn_answer_is_no_clean_end() {
    let over = Over::new();
    let send = |text: &str| vec![Step::Body, Step::Send(text.as_bytes().to_vec()), Step::Close];
    for (case, answer) in [
        ("length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
        ("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ] {
        over.stage.origin.on(case, send(answer));
        let torn = over.browser.ask(request("GET", case, &[]), Bytes::new(), None);
        assert!(torn.is_err(), "{case}: {torn:?}");
    }
    // The connection and its other streams live on.
    assert_eq!(over.browser.get(request("GET", "after", &[])).body, b"after");
}
