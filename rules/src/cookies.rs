//! Reading cookies out of request and response headers, as bytes and without allocating.

use std::ops::ControlFlow;

use crate::facts::Headers;

/// Calls `visit` with name and value of every cookie of a request, until it has seen enough. HTTP/2
/// may send several fields.
pub fn each<'a>(headers: &'a dyn Headers, visit: &mut dyn FnMut(&'a [u8], &'a [u8]) -> ControlFlow<()>) {
    let mut enough = false;
    headers.each("cookie", &mut |field| {
        let mut rest = field;
        while !enough && !rest.is_empty() {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            if let Some((name, value)) = pair(&rest[..end]) {
                enough = visit(name, value).is_break();
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    });
}

/// Calls `visit` with everything that stands between semicolons in a request's cookies, blanks around it dropped.
pub fn pieces<'a>(headers: &'a dyn Headers, visit: &mut dyn FnMut(&'a [u8])) {
    headers.each("cookie", &mut |field| {
        field
            .split(|&byte| byte == b';')
            .map(<[u8]>::trim_ascii)
            .filter(|piece| !piece.is_empty())
            .for_each(&mut *visit);
    });
}

/// The first value of a request's cookie of one name, empty ones aside.
pub fn first<'a>(headers: &'a dyn Headers, wanted: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    each(headers, &mut |name, value| {
        if name != wanted || value.is_empty() {
            return ControlFlow::Continue(());
        }
        found = Some(value);
        ControlFlow::Break(())
    });
    found
}

/// The value of a request's cookie of one name, empty ones aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only<'a> {
    /// There is no such cookie.
    None,
    /// This one, be it repeated.
    One(&'a [u8]),
    /// Several: which of them counts is for each server to say.
    Several,
}

/// The one value of a request's cookie of one name.
pub fn only<'a>(headers: &'a dyn Headers, wanted: &[u8]) -> Only<'a> {
    let mut found = Only::None;
    each(headers, &mut |name, value| {
        if name == wanted && !value.is_empty() {
            found = match found {
                Only::None => Only::One(value),
                Only::One(first) if first == value => Only::One(first),
                _ => Only::Several,
            };
        }
        if found == Only::Several { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found
}

/// What a response does to a cookie of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    /// It hands out a value.
    Value(&'a [u8]),
    /// It deletes the cookie.
    Deleted,
}

/// The last thing a response does to a cookie called `name`.
pub fn given<'a>(headers: &'a dyn Headers, name: &[u8]) -> Option<Given<'a>> {
    let mut last = None;
    headers.each("set-cookie", &mut |field| {
        let end = memchr::memchr(b';', field).unwrap_or(field.len());
        let Some((_, value)) = pair(&field[..end]).filter(|(found, _)| *found == name) else { return };
        let deleted = value.is_empty() || value == b"\"\"" || expires_at_once(&field[end..]);
        last = Some(if deleted { Given::Deleted } else { Given::Value(value) });
    });
    last
}

fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = memchr::memchr(b'=', text)?;
    let name = text[..equals].trim_ascii();
    (!name.is_empty()).then_some((name, text[equals + 1..].trim_ascii()))
}

fn expires_at_once(attributes: &[u8]) -> bool {
    let mut max_age = None;
    let mut expired = false;
    for attribute in attributes.split(|&byte| byte == b';') {
        let Some((name, value)) = pair(attribute) else { continue };
        if name.eq_ignore_ascii_case(b"max-age") {
            max_age = Some(value.starts_with(b"-") || value.iter().all(|&digit| digit == b'0'));
        } else if name.eq_ignore_ascii_case(b"expires") {
            expired = value.windows(5).any(|year| year == b" 1970" || year == b"-1970");
        }
    }
    max_age.unwrap_or(expired)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fields(Vec<(&'static str, &'static [u8])>);

    impl Headers for Fields {
        fn each<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
            self.0.iter().filter(|(field, _)| *field == name).for_each(|(_, value)| visit(value));
        }
    }

    fn all(fields: Vec<(&'static str, &'static [u8])>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        each(&Fields(fields), &mut |name, value| {
            found.push((name.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        });
        found
    }

    #[test]
    fn crumbs_of_several_fields_are_all_read() {
        let found = all(vec![("cookie", b"a=1; b=2"), ("cookie", b"c=3")]);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn what_is_no_cookie_is_passed_over() {
        let found = all(vec![("cookie", b"; ;=x; novalue; a=\xff\xfe;;b==")]);
        assert_eq!(found, vec![(b"a".to_vec(), b"\xff\xfe".to_vec()), (b"b".to_vec(), b"=".to_vec())]);
    }

    #[test]
    fn a_deleted_cookie_is_told_from_a_new_one() {
        let one = |field: &'static [u8]| {
            let fields = Fields(vec![("set-cookie", field)]);
            matches!(given(&fields, b"sessionid"), Some(Given::Deleted))
        };
        assert!(one(b"sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"));
        assert!(one(b"sessionid=x; Max-Age=-1"));
        assert!(one(b"sessionid=; Path=/"));
        assert!(!one(b"sessionid=abc; Max-Age=1209600; HttpOnly"));
    }
}
