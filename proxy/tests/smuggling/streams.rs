//! The attacks over HTTP/2, as a table.

/// A request of frames, and what must come out of it.
pub(crate) struct Stream {
    pub(crate) title: &'static str,
    pub(crate) fields: Vec<(&'static [u8], Vec<u8>)>,
    /// The body, frame by frame; none: the header ends the stream.
    pub(crate) data: Vec<&'static [u8]>,
    pub(crate) trailers: Vec<(&'static [u8], &'static [u8])>,
    /// What the portal reads, as line and body; else the request is refused.
    pub(crate) read: Option<(&'static str, &'static str)>,
    /// Whether its header is good, so that the portal may have read it all when the rest shows that it is not.
    /// It is not answered then, and not metered.
    pub(crate) late: bool,
}

type Fields<'f> = &'f [(&'static [u8], &'static [u8])];

const SMUGGLED: &[u8] = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: portal.test\r\n\r\n";

fn stream(title: &'static str, fields: Fields<'_>, data: &[&'static [u8]]) -> Stream {
    Stream {
        title,
        fields: fields.iter().map(|(name, value)| (*name, value.to_vec())).collect(),
        data: data.to_vec(),
        trailers: Vec::new(),
        read: None,
        late: false,
    }
}

/// A GET, and more fields.
fn get(title: &'static str, more: Fields<'_>) -> Stream {
    let plain: Fields<'_> =
        &[(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"portal.test"), (b":path", b"/a")];
    stream(title, &[plain, more].concat(), &[])
}

/// A POST with a body, and more fields.
fn post(title: &'static str, more: Fields<'_>, data: &[&'static [u8]]) -> Stream {
    let plain: Fields<'_> =
        &[(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"portal.test"), (b":path", b"/a")];
    stream(title, &[plain, more].concat(), data)
}

/// A GET for this target.
fn target(title: &'static str, path: &'static [u8]) -> Stream {
    let fields: Fields<'_> =
        &[(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"portal.test"), (b":path", path)];
    stream(title, fields, &[])
}

impl Stream {
    fn reads(self, line: &'static str, body: &'static str) -> Self {
        Self { read: Some((line, body)), ..self }
    }
}

pub(crate) fn all() -> Vec<Stream> {
    [pseudo_fields(), targets(), fields(), bodies()].into_iter().flatten().collect()
}

fn pseudo_fields() -> Vec<Stream> {
    let method: (&[u8], &[u8]) = (b":method", b"GET");
    let scheme: (&[u8], &[u8]) = (b":scheme", b"http");
    let authority: (&[u8], &[u8]) = (b":authority", b"portal.test");
    let path: (&[u8], &[u8]) = (b":path", b"/a");
    vec![
        get("an honest request", &[]).reads("GET /a", ""),
        get("Host beside :authority, the same", &[(b"host", b"portal.test")]).reads("GET /a", ""),
        get("Host beside :authority, another", &[(b"host", b"evil.test")]),
        get("two Hosts", &[(b"host", b"portal.test"), (b"host", b"portal.test")]),
        stream("Host alone", &[method, scheme, path, (b"host", b"portal.test")], &[]).reads("GET /a", ""),
        stream("neither Host nor :authority", &[method, scheme, path], &[]),
        stream("an empty :authority", &[method, scheme, path, (b":authority", b"")], &[]),
        stream("an :authority with a user", &[method, scheme, path, (b":authority", b"u@portal.test")], &[]),
        stream("an :authority with a path", &[method, scheme, path, (b":authority", b"portal.test/b")], &[]),
        stream("an :authority with CR LF", &[method, scheme, path, (b":authority", b"portal.test\r\nX-A: b")], &[]),
        stream("an :authority of another", &[method, scheme, path, (b":authority", b"evil.test")], &[]),
        stream("two :paths", &[method, scheme, authority, path, (b":path", b"/b")], &[]),
        stream("two :methods", &[method, (b":method", b"POST"), scheme, authority, path], &[]),
        stream("two :authorities", &[method, scheme, authority, (b":authority", b"evil.test"), path], &[]),
        stream("no :method", &[scheme, authority, path], &[]),
        stream("no :path", &[method, scheme, authority], &[]),
        stream("no :scheme", &[method, authority, path], &[]),
        stream("an odd :scheme", &[method, (b":scheme", b"file"), authority, path], &[]).reads("GET /a", ""),
        stream("a :scheme with a URL", &[method, (b":scheme", b"http://evil.test/?"), authority, path], &[]),
        stream("a :method with a blank", &[(b":method", b"GET /b HTTP/1.1"), scheme, authority, path], &[]),
        stream("a :method with CR LF", &[(b":method", b"GET / HTTP/1.1\r\nX: "), scheme, authority, path], &[]),
        stream("CONNECT", &[(b":method", b"CONNECT"), authority], &[]),
        stream(
            "CONNECT for a websocket",
            &[(b":method", b"CONNECT"), (b":protocol", b"websocket"), scheme, authority, path],
            &[],
        ),
        get("a pseudo-field nobody knows", &[(b":odd", b"b")]),
        get("a pseudo-field of answers", &[(b":status", b"200")]),
        stream("a pseudo-field behind a field", &[method, scheme, authority, (b"x-a", b"b"), path], &[]),
    ]
}

fn targets() -> Vec<Stream> {
    vec![
        target("an empty :path", b""),
        target("an asterisk", b"*"),
        target("a relative :path", b"a/b"),
        target("an absolute URL as :path", b"http://evil.test/a"),
        target("a :path of two slashes", b"//evil.test/a").reads("GET //evil.test/a", ""),
        target("a blank in the :path", b"/a b"),
        target("a request line in the :path", b"/a HTTP/1.1\r\nHost: portal.test\r\n\r\nGET /smuggled"),
        target("CR LF in the :path", b"/a\r\nX-A: b"),
        target("LF in the :path", b"/a\nX-A: b"),
        target("NUL in the :path", b"/a\0b"),
        target("a tab in the :path", b"/a\tb"),
        target("a fragment in the :path", b"/a#b").reads("GET /a", ""),
        Stream {
            fields: vec![
                (b":method", b"GET".to_vec()),
                (b":scheme", b"http".to_vec()),
                (b":authority", b"portal.test".to_vec()),
                (b":path", [b"/", "a".repeat(17_400).as_bytes()].concat()),
            ],
            ..target("a :path of 17 KiB", b"")
        },
    ]
}

fn fields() -> Vec<Stream> {
    let many = |title, count: usize, length: usize| {
        let mut many = get(title, &[]);
        many.fields.extend((0..count).map(|_| (&b"x-a"[..], vec![b'v'; length])));
        many
    };
    vec![
        get("a name in capitals", &[(b"X-A", b"b")]),
        get("a name with a blank", &[(b"x a", b"b")]),
        get("a name with a colon", &[(b"x-a: b\r\nx-b", b"c")]),
        get("a name with CR LF", &[(b"x-a\r\nx-b", b"c")]),
        get("an empty name", &[(b"", b"b")]),
        get("CR LF in a value", &[(b"x-a", b"b\r\nTransfer-Encoding: chunked")]),
        get("LF in a value", &[(b"x-a", b"b\nX-B: c")]),
        get("CR in a value", &[(b"x-a", b"b\rc")]),
        get("NUL in a value", &[(b"x-a", b"b\0c")]),
        get("Connection", &[(b"connection", b"close")]),
        get("Connection that names Host", &[(b"connection", b"host")]),
        get("Keep-Alive", &[(b"keep-alive", b"timeout=1")]),
        get("Proxy-Connection", &[(b"proxy-connection", b"close")]),
        get("Upgrade", &[(b"upgrade", b"websocket")]),
        get("TE of trailers", &[(b"te", b"trailers")]).reads("GET /a", ""),
        get("TE of gzip", &[(b"te", b"gzip")]),
        get("HTTP2-Settings", &[(b"http2-settings", b"AAMAAABkAAQAAP__")]).reads("GET /a", ""),
        many("two hundred fields", 200, 1),
        many("a header of 70000 bytes", 70, 1000),
    ]
}

fn bodies() -> Vec<Stream> {
    let length =
        |title, length: &'static [u8], data: &[&'static [u8]]| post(title, &[(b"content-length", length)], data);
    vec![
        post("a body without a length", &[], &[b"hel", b"lo"]).reads("POST /a", "hello"),
        length("a body with its length", b"5", &[b"hel", b"lo"]).reads("POST /a", "hello"),
        length("a body shorter than its length", b"10", &[b"hello"]),
        length("a body longer than its length", b"3", &[b"hello"]),
        Stream { late: true, ..length("a body longer than its length of nothing", b"0", &[SMUGGLED]) },
        length("a length and no body", b"5", &[]),
        length("a length that is none", b"+5", &[b"hello"]),
        length("a length in two readings", b"5, 6", &[b"hello"]),
        post("a body that ends with nothing", &[], &[b"abc", b""]).reads("POST /a", "abc"),
        post("a body of nothing, said later", &[], &[b""]).reads("POST /a", ""),
        post("nothing within a body", &[], &[b"abc", b"", b"def", b""]).reads("POST /a", "abcdef"),
        post("two lengths", &[(b"content-length", b"5"), (b"content-length", b"6")], &[b"hello"]),
        post("Transfer-Encoding", &[(b"transfer-encoding", b"chunked")], &[SMUGGLED]),
        post(
            "Transfer-Encoding and a length",
            &[(b"transfer-encoding", b"chunked"), (b"content-length", b"5")],
            &[b"hello"],
        ),
        post("a request in a body", &[], &[b"GET /smuggled HTTP/1.1\r\nHost: portal.test\r\n\r\n"])
            .reads("POST /a", "GET /smuggled HTTP/1.1\r\nHost: portal.test\r\n\r\n"),
        post("100-continue", &[(b"expect", b"100-continue")], &[b"hello"]).reads("POST /a", "hello"),
        Stream { trailers: vec![(b"x-sum", b"b")], ..post("trailers", &[], &[b"hello"]) }.reads("POST /a", "hello"),
        Stream {
            trailers: vec![(b"content-length", b"50"), (b"host", b"evil.test")],
            ..post("trailers that name framing and host", &[], &[b"hello"])
        }
        .reads("POST /a", "hello"),
        Stream {
            trailers: vec![(b":path", b"/b")],
            ..post("a pseudo-field in trailers goes no further", &[], &[b"hello"])
        }
        .reads("POST /a", "hello"),
        Stream {
            trailers: vec![(b"transfer-encoding", b"x")],
            ..post("Transfer-Encoding in trailers", &[], &[b"hello"])
        },
    ]
}
