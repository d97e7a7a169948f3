//! Bytes that a client should have written as `%XX` and did not: old browsers send a query as it was typed.
//!
//! Pingora would refuse them; any server takes them, and takes them for what `%XX` says.

use std::fmt::Write;

use bytes::BytesMut;
use memchr::memchr;

/// Writes them as they should be, in the head that ends at `end`. The head's end from now on.
pub(super) fn escape(held: &mut BytesMut, end: usize) -> usize {
    let line = &held[..memchr(b'\r', &held[..end]).unwrap_or(end)];
    let (Some(from), Some(to)) = (memchr(b' ', line), memchr::memrchr(b' ', line)) else { return end };
    let target = &line[from..to];
    let (text, query) = (std::str::from_utf8(target).is_ok(), memchr(b'?', target).unwrap_or(target.len()));
    let odd = |at: usize, byte: u8| match byte {
        b'<' | b'>' => true,
        b'"' => at > query,
        b'`' => at < query,
        byte => !text && byte >= 0x80,
    };
    if !target.iter().enumerate().any(|(at, &byte)| odd(at, byte)) {
        return end;
    }
    let mut escaped = String::with_capacity(target.len() * 3);
    for (at, &byte) in target.iter().enumerate() {
        if odd(at, byte) || byte >= 0x80 {
            let _ = write!(escaped, "%{byte:02X}");
        } else {
            escaped.push(char::from(byte));
        }
    }
    let added = escaped.len() - target.len();
    let rest = held.split_off(to);
    held.truncate(from);
    held.extend_from_slice(escaped.as_bytes());
    held.extend_from_slice(&rest);
    end + added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(line: &[u8]) -> String {
        let mut held = BytesMut::from(line);
        held.extend_from_slice(b"\r\nHost: \xe9\r\n\r\nnext");
        let end = held.len() - 4;
        let end = escape(&mut held, end);
        assert!(held[..end].ends_with(b"\r\n\r\n") && &held[end..] == b"next", "the rest stays what it was");
        String::from_utf8_lossy(&held[..memchr(b'\r', &held).unwrap()]).into_owned()
    }

    #[test]
    fn what_any_server_takes_is_written_as_it_should_be() {
        assert_eq!(escaped(b"GET /caf\xe9`?q=\"<a>` HTTP/1.1"), "GET /caf%E9%60?q=%22%3Ca%3E` HTTP/1.1");
    }

    #[test]
    fn what_pingora_takes_stays_as_it_is() {
        for line in
            ["GET /a?b|c^d{e}[f]\\ HTTP/1.1", "GET /grüße HTTP/1.1", "GET /\"?` HTTP/1.1", "GET /%ff%00 HTTP/1.1"]
        {
            assert_eq!(escaped(line.as_bytes()), line);
        }
    }
}
