//! The door: what it lets through is read the same by other readers, however it arrives.
//!
//! Input: the bytes of a connection.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portalmeter::fuzz::{After, chunks, head};

const LIMITS: (usize, usize, usize) = (256, 1_024, 16);

fuzz_target!(|input: &[u8]| {
    let whole = head(input, LIMITS);
    if let Some(Ok((end, after))) = whole {
        read_by_another(&input[..end], after);
        if after == After::Chunked {
            a_body(&input[end..]);
        }
    }
    // A head that is not whole yet is never a request; one that is stays what it is, whatever follows it.
    if let Some(Ok((end, _))) = whole {
        assert_eq!(head(&input[..end], LIMITS), whole);
        assert!(!matches!(head(&input[..end - 1], LIMITS), Some(Ok(_))));
    }
    a_body(input);
});

/// `httparse` is the reader behind the door.
fn read_by_another(whole: &[u8], after: After) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(whole) {
        Ok(httparse::Status::Complete(end)) => assert_eq!(end, whole.len()),
        // Targets that are not UTF-8 are written anew before they go on.
        Err(httparse::Error::Token) if std::str::from_utf8(whole).is_err() => return,
        other => panic!("another reader says {other:?}"),
    }
    let values = |name: &str| -> Vec<&[u8]> {
        request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match after {
        After::Chunked => {
            assert!(lengths.is_empty() && codings.len() == 1 && codings[0].eq_ignore_ascii_case(b"chunked"));
            assert_eq!(request.version, Some(1));
        }
        After::Length(0) | After::Upgrade if lengths.is_empty() => assert!(codings.is_empty()),
        After::Length(length) => {
            assert!(codings.is_empty() && lengths.len() == 1);
            assert_eq!(std::str::from_utf8(lengths[0]).unwrap().parse(), Ok(length));
        }
        After::Upgrade => assert!(codings.is_empty() && lengths.len() == 1),
    }
    assert!(values("host").len() <= 1 && request.headers.len() <= 16);
    assert!(request.path.unwrap().len() <= 256 && request.path.unwrap().starts_with(['/', '*']));
}

/// A body that ends, ends where a plain reader says it does.
fn a_body(body: &[u8]) {
    if let Some((taken, true)) = chunks(body) {
        assert_eq!(plainly(body), Some(taken));
    }
}

fn plainly(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    let line = |at: usize| -> Option<(&str, usize)> {
        let end = at + body[at..].windows(2).position(|two| two == b"\r\n")?;
        Some((std::str::from_utf8(&body[at..end]).unwrap_or("?"), end + 2))
    };
    loop {
        // An extension may hold any bytes; the size before it is ASCII.
        let end = at + body[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = body[at..end].split(|&byte| byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        at = end + 2;
        if size == 0 {
            break;
        }
        at = at.checked_add(size)?;
        at = body.get(at..at + 2).filter(|end| *end == b"\r\n").map(|_| at + 2)?;
    }
    loop {
        let (text, next) = line(at)?;
        at = next;
        if text.is_empty() {
            return Some(at);
        }
    }
}
