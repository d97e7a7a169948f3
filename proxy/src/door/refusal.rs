//! What is said to who does not come in: a status, a sentence, and the connection is closed.

/// Why a request is refused before anything of it reaches a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Refusal {
    /// The answer's status.
    pub(crate) status: u16,
    /// What is wrong, in words for whoever wrote the client.
    pub(crate) why: &'static str,
}

impl Refusal {
    /// 400: the message can be read in two ways, or in none.
    pub(crate) const fn malformed(why: &'static str) -> Self {
        Self { status: 400, why }
    }

    /// 400: found only when its head was passed on.
    pub(crate) const AMBIGUOUS: Self = Self::malformed("the body or a field cannot be passed on in one way only");
    /// 405: tunnels are not for a portal.
    pub(super) const CONNECT: Self = Self { status: 405, why: "CONNECT is not offered here" };
    /// 408: the head did not come in time.
    pub(super) const SLOW: Self = Self { status: 408, why: "the request's head took too long" };
    /// 413: `limits.body`.
    pub(crate) const BODY: Self = Self { status: 413, why: "the body is larger than this server takes" };
    /// 414: `limits.uri`.
    pub(crate) const URI: Self = Self { status: 414, why: "the request's target is longer than this server takes" };
    /// 421: nobody's host.
    pub(crate) const HOST: Self = Self { status: 421, why: "no portal is configured for this host" };
    /// 431: `limits.headers`.
    pub(crate) const HEADERS: Self =
        Self { status: 431, why: "the request's fields are larger than this server takes" };
    /// 431: `limits.header_count`.
    pub(crate) const COUNT: Self = Self { status: 431, why: "the request has more fields than this server takes" };
    /// 501: only `chunked` is understood.
    pub(super) const CODING: Self = Self { status: 501, why: "the only transfer coding taken is `chunked`" };
    /// 505: neither 1.0 nor 1.1.
    pub(super) const VERSION: Self = Self { status: 505, why: "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here" };

    /// The sentence of the answer's body.
    pub(crate) fn text(self) -> String {
        format!("{} {}: {}\n", self.status, self.reason(), self.why)
    }

    /// The whole answer, as HTTP/1.1.
    pub(super) fn answer(self) -> Vec<u8> {
        let (text, status, reason) = (self.text(), self.status, self.reason());
        format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )
        .into_bytes()
    }

    fn reason(self) -> &'static str {
        let status = http::StatusCode::from_u16(self.status).ok();
        status.and_then(|status| status.canonical_reason()).unwrap_or("Refused")
    }
}
