//! What both formats ask of a method, a target, a host and a status.

use memchr::memmem;

use super::why::{Excerpt, Why};

/// A method is one word; anything else (a TLS hello, say) is not a request.
pub(super) fn check_method(method: &[u8]) -> Result<(), Why> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    if !method.is_empty() && method.iter().all(word) { Ok(()) } else { Err(Why::Method(Excerpt::of(method))) }
}

/// A status code has three digits; nginx writes 000 where there was no answer.
pub(super) fn status(text: &[u8]) -> Result<u16, Why> {
    match text {
        [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
            Ok(text.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
        }
        _ => Err(Why::Status(Excerpt::of(text))),
    }
}

/// Where in `target` its path begins. Clients of a forward proxy send whole URLs, and so may any client.
pub(super) fn path(target: &[u8]) -> Result<usize, Why> {
    if target.starts_with(b"/") {
        return Ok(0);
    }
    let bad = || Why::Target(Excerpt::of(target));
    let scheme =
        memmem::find(target, b"://").filter(|at| target[..*at].iter().all(u8::is_ascii_alphabetic)).ok_or_else(bad)?;
    let authority = scheme + 3;
    Ok(authority + memchr::memchr(b'/', &target[authority..]).ok_or_else(bad)?)
}

/// How much of `host` is the name, without the port.
pub(super) fn without_port(host: &[u8]) -> usize {
    let port = memchr::memrchr(b':', host).filter(|colon| host[colon + 1..].iter().all(u8::is_ascii_digit));
    match port {
        // An IPv6 address has colons of its own unless in brackets.
        Some(colon) if !host[..colon].contains(&b':') || host[..colon].ends_with(b"]") => colon,
        _ => host.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_cut_off_and_nothing_else() {
        for (host, name) in [
            ("support.example.com", "support.example.com"),
            ("support.example.com:8080", "support.example.com"),
            ("support.example.com:", "support.example.com"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(&host[..without_port(host.as_bytes())], name);
        }
    }

    #[test]
    fn a_whole_url_has_its_path_somewhere() {
        assert_eq!(path(b"/x").unwrap(), 0);
        assert_eq!(path(b"http://a.example/x?y").unwrap(), 16);
        for target in [&b"*"[..], b"a.example:443", b"", b"x/://", b"http://a.example"] {
            assert!(path(target).is_err());
        }
    }
}
