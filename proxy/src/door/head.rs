//! The head of an HTTP/1 message, read more strictly than by any server behind us.
//!
//! What two readers could take for two different requests is refused (RFC 9112, sections 2.2, 3, 5 and 6), so
//! that what the portal sees is what was counted.

use memchr::memchr;

use super::refusal::Refusal;

/// How large a request's head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of the target: path and query. Beyond: 414.
    pub(crate) uri: usize,
    /// Bytes of the whole head. Beyond: 431.
    pub(crate) headers: usize,
    /// Fields. Beyond: 431.
    pub(crate) header_count: usize,
}

/// What comes after a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// A body of so many bytes.
    Length(u64),
    /// A body in chunks.
    Chunked,
    /// Another protocol, if the portal agrees.
    Upgrade,
}

const LONELY: Refusal = Refusal::malformed("a CR stands without LF");
/// A request line has at most this beside its target.
const AROUND_TARGET: usize = 48;

/// Looks for a head's end while it arrives, each byte once.
#[derive(Debug, Default)]
pub(super) struct Scan {
    line: usize,
    seen: usize,
}

impl Scan {
    /// The head's length, once all of it is in `read`, which only grows between calls.
    pub(super) fn end(&mut self, read: &[u8], limits: Limits) -> Result<Option<usize>, Refusal> {
        if read.first().is_some_and(|&first| !is_token(first)) {
            return Err(Refusal::malformed("this is no HTTP request"));
        }
        while let Some(found) = memchr(b'\n', &read[self.seen..]) {
            let end = self.seen + found;
            if end == 0 || read[end - 1] != b'\r' {
                return Err(Refusal::malformed("a line ends in LF without CR"));
            }
            if memchr(b'\r', &read[self.line..end - 1]).is_some() {
                return Err(LONELY);
            }
            if self.line == 0 {
                RequestLine::read(&read[..end - 1], limits.uri)?;
            }
            let empty = end - self.line == 1;
            (self.line, self.seen) = (end + 1, end + 1);
            if empty {
                return if end < limits.headers { Ok(Some(end + 1)) } else { Err(Refusal::HEADERS) };
            }
        }
        // The last byte may be the CR of a line whose LF is on its way.
        let sure = read.len() - usize::from(read.ends_with(b"\r"));
        if memchr(b'\r', &read[self.seen..sure]).is_some() {
            return Err(LONELY);
        }
        self.seen = sure;
        if self.line == 0 && read.len() > limits.uri + AROUND_TARGET {
            return Err(Refusal::URI);
        }
        if read.len() > limits.headers { Err(Refusal::HEADERS) } else { Ok(None) }
    }
}

/// What follows a whole head, its empty line included, if it can be read in one way only.
pub(super) fn framing(head: &[u8], limits: Limits) -> Result<Framing, Refusal> {
    let mut lines = Lines(head);
    let line = RequestLine::read(lines.next().unwrap_or_default(), limits.uri)?;
    let mut fields = Fields::default();
    for (count, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        if count == limits.header_count {
            return Err(Refusal::COUNT);
        }
        fields.read(line)?;
    }
    fields.framing(&line)
}

/// Lines without their CRLF.
struct Lines<'h>(&'h [u8]);

impl<'h> Iterator for Lines<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let end = memchr(b'\n', self.0)?;
        let (line, rest) = self.0.split_at(end + 1);
        self.0 = rest;
        line.get(..end.saturating_sub(1))
    }
}

struct RequestLine {
    get: bool,
    http_1_1: bool,
}

impl RequestLine {
    /// `method SP target SP version`, one space each.
    fn read(line: &[u8], longest: usize) -> Result<Self, Refusal> {
        let mut words = line.split(|&byte| byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::malformed("the request line is not `METHOD target HTTP/1.1`"));
        };
        if method.is_empty() || method.len() > 32 || !method.iter().copied().all(is_token) {
            return Err(Refusal::malformed("the method is no token"));
        }
        let http_1_1 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(Refusal::VERSION),
            _ => return Err(Refusal::malformed("the version is none of HTTP")),
        };
        if target.len() > longest {
            return Err(Refusal::URI);
        }
        if target.iter().any(|&byte| byte <= b' ' || byte == 0x7f) {
            return Err(Refusal::malformed("the target holds a control character"));
        }
        match (method, target) {
            (b"CONNECT", _) => Err(Refusal::CONNECT),
            (_, [b'/', ..]) | (b"OPTIONS", b"*") => Ok(Self { get: method == b"GET", http_1_1 }),
            _ => Err(Refusal::malformed("the target must begin with `/`; the host belongs into Host")),
        }
    }
}

/// The fields that say where a message ends and whose it is.
#[derive(Default)]
struct Fields {
    length: Option<u64>,
    chunked: bool,
    host: bool,
    websocket: bool,
}

impl Fields {
    fn read(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Refusal::malformed("a field is folded over two lines"));
        }
        let colon = memchr(b':', line).ok_or(Refusal::malformed("a field has no colon"))?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Refusal::malformed("a field's name is no token"));
        }
        if value.iter().any(|&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
            return Err(Refusal::malformed("a field's value holds a control character"));
        }
        let value = value.trim_ascii();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.websocket |= value.eq_ignore_ascii_case(b"websocket");
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.host, true) {
            return Err(Refusal::malformed("there are two Hosts"));
        }
        if is_host(value) { Ok(()) } else { Err(Refusal::malformed("the Host is no name and port")) }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        // As many bytes as can be added to a head without an overflow.
        let length = digits.filter(|digits| digits.len() <= 18).and_then(|digits| digits.parse().ok());
        let length = length.ok_or(Refusal::malformed("the Content-Length is no number"))?;
        match self.length.replace(length) {
            None => Ok(()),
            Some(_) => Err(Refusal::malformed("there are two Content-Lengths")),
        }
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.chunked, true) {
            return Err(Refusal::malformed("there are two Transfer-Encodings"));
        }
        if value.eq_ignore_ascii_case(b"chunked") { Ok(()) } else { Err(Refusal::CODING) }
    }

    fn framing(&self, line: &RequestLine) -> Result<Framing, Refusal> {
        if line.http_1_1 && !self.host {
            return Err(Refusal::malformed("the Host is missing"));
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Refusal::malformed("there are a Content-Length and a Transfer-Encoding")),
            (true, None) if !line.http_1_1 => Err(Refusal::malformed("HTTP/1.0 knows no Transfer-Encoding")),
            (true, None) => Ok(Framing::Chunked),
            (false, None | Some(0)) if self.websocket && line.get && line.http_1_1 => Ok(Framing::Upgrade),
            (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Whether this is a host's name or address, with or without a port, as DNS and RFC 3986 write them.
pub(crate) fn is_host(authority: &[u8]) -> bool {
    let (name, port) = match authority {
        [b'[', rest @ ..] => match memchr(b']', rest) {
            Some(end) => {
                let inside = std::str::from_utf8(&rest[..end]).ok();
                if inside.is_none_or(|inside| inside.parse::<std::net::Ipv6Addr>().is_err()) {
                    return false;
                }
                (&rest[..end], &rest[end + 1..])
            }
            None => return false,
        },
        _ => authority.split_at(memchr(b':', authority).unwrap_or(authority.len())),
    };
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    let port = match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(digits).is_ok_and(|digits| digits.parse::<u16>().is_ok())
        }
        _ => false,
    };
    !name.is_empty() && name.len() <= 255 && name.iter().all(named) && port
}

/// A character of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { uri: 64, headers: 512, header_count: 8 };

    fn read(head: &[u8]) -> Result<Framing, u16> {
        let end = Scan::default().end(head, LIMITS).map_err(|refusal| refusal.status)?;
        assert_eq!(end, Some(head.len()), "the head ends where it ends");
        framing(head, LIMITS).map_err(|refusal| refusal.status)
    }

    fn get(fields: &str) -> Result<Framing, u16> {
        read(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes())
    }

    fn line(line: &str) -> Result<Framing, u16> {
        read(format!("{line}\r\nHost: a\r\n\r\n").as_bytes())
    }

    #[test]
    fn what_follows_a_head_is_said_once() {
        assert_eq!(get(""), Ok(Framing::Length(0)));
        assert_eq!(get("Content-Length: 5\r\n"), Ok(Framing::Length(5)));
        assert_eq!(get("transfer-encoding:\tChunked \r\n"), Ok(Framing::Chunked));
        for twice in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 9999999999999999999\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\n",
        ] {
            assert_eq!(get(twice), Err(400), "{twice}");
        }
        for coding in ["gzip, chunked", "chunked, identity", "xchunked", "\"chunked\"", ""] {
            assert_eq!(get(&format!("Transfer-Encoding: {coding}\r\n")), Err(501), "{coding}");
        }
        assert_eq!(read(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(400));
    }

    #[test]
    fn fields_are_written_in_one_way() {
        for field in
            [" folded: x", "\tfolded: x", "name : x", "na me: x", ": x", "name", "na\0me: x", "n: a\0b", "n: a\rb"]
        {
            assert_eq!(get(&format!("{field}\r\n")), Err(400), "{field:?}");
        }
        assert_eq!(
            read("GET / HTTP/1.1\r\nHost: a\r\nName: grüße\t!\r\nEmpty:\r\n\r\n".as_bytes()),
            Ok(Framing::Length(0))
        );
        assert_eq!(Scan::default().end(b"GET / HTTP/1.1\nHost: a\n\n", LIMITS).unwrap_err().status, 400);
    }

    #[test]
    fn what_can_be_no_head_is_refused_before_it_ends() {
        for read in
            [&b"GET /\r\n"[..], b"GET / HTTP/1.1\rHost: a\r", b"GET / HTTP/1.1\r\nA: b\rc", b"GET / HTTP/1.1\r\nA: b\n"]
        {
            assert_eq!(Scan::default().end(read, LIMITS).unwrap_err().status, 400, "{}", read.escape_ascii());
        }
        let body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\r\n\r";
        assert_eq!(Scan::default().end(body, LIMITS), Ok(Some(body.len() - 3)), "a body is its client's");
    }

    #[test]
    fn a_request_line_has_three_words() {
        assert_eq!(line("GET /a%20b?c=d HTTP/1.1"), Ok(Framing::Length(0)));
        assert_eq!(line("OPTIONS * HTTP/1.1"), Ok(Framing::Length(0)));
        assert_eq!(line("PROPFIND /grüße HTTP/1.1"), Ok(Framing::Length(0)));
        for odd in
            ["GET  / HTTP/1.1", "GET / a HTTP/1.1", "GET / HTTP/1.1 ", "GET /", "GET\t/ HTTP/1.1", "GET / http/1.1"]
        {
            assert_eq!(line(odd), Err(400), "{odd:?}");
        }
        for form in ["GET http://a/ HTTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1"] {
            assert_eq!(line(form), Err(400), "{form}");
        }
        assert_eq!(line("CONNECT a:443 HTTP/1.1"), Err(405));
        assert_eq!(line("GET / HTTP/2.0"), Err(505));
    }

    #[test]
    fn hosts_are_names_and_ports() {
        for host in ["a", "a.example:8080", "10.0.0.1", "[2001:db8::1]:80", "a_b.example."] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for odd in
            ["", ":80", "a@b", "a/b", "a b", "a,b", "a:b", "a:80:90", "[::1", "[x]", "a\\b", "a:99999", "a:-1", "grüße"]
        {
            assert!(!is_host(odd.as_bytes()), "{odd}");
        }
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n"), Err(400));
        assert_eq!(read(b"GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Length(0)));
    }

    #[test]
    fn beyond_a_limit_is_414_or_431_before_all_of_it_came() {
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(200));
        assert_eq!(Scan::default().end(long.trim_end().as_bytes(), LIMITS).unwrap_err().status, 414);
        assert_eq!(line(&format!("GET /{} HTTP/1.1", "a".repeat(64))), Err(414));
        let large = format!("GET / HTTP/1.1\r\nCookie: {}", "a".repeat(600));
        assert_eq!(Scan::default().end(large.as_bytes(), LIMITS).unwrap_err().status, 431);
        assert_eq!(get(&"A: b\r\n".repeat(8)), Err(431));
    }

    #[test]
    fn a_websocket_is_another_protocol_and_nothing_else_is() {
        assert_eq!(get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), Ok(Framing::Upgrade));
        assert_eq!(get("Connection: Upgrade\r\nUpgrade: h2c\r\n"), Ok(Framing::Length(0)));
        assert_eq!(get("Upgrade: websocket\r\nContent-Length: 3\r\n"), Ok(Framing::Length(3)));
    }

    #[test]
    fn a_head_is_found_however_it_is_cut() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut scan = Scan::default();
        for upto in 1..head.len() {
            assert_eq!(scan.end(&head[..upto], LIMITS), Ok(None), "{upto}");
        }
        assert_eq!(scan.end(head, LIMITS), Ok(Some(head.len())));
    }
}
