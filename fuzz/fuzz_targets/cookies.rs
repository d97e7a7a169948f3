//! Cookies of requests and answers, against a reader that is slow and plain; and the meter's own cookie.
//!
//! Input: `> value` is a Cookie field, `< value` a Set-Cookie field, `= name` the cookie that is asked
//! for, and any other line the value of a cookie that claims to be ours.

#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use portalmeter_fuzz::{Fields, lines};
use portalmeter_rules::cookies::{self, Given};
use portalmeter_rules::id::Name;
use portalmeter_rules::visitor::ticket::TicketKeys;
use portalmeter_rules::visitor::{Mode, OwnCookie, Secure, VisitorRules};

fuzz_target!(|input: &[u8]| {
    let keys = Keys {
        ours: TicketKeys::from_secrets(b"the secret of the fuzz target", [&b"the one before"[..]]),
        unused: TicketKeys::from_secrets(b"a secret that signs nothing", []),
    };
    let mut fields = Fields::default();
    let mut name = &b"sid"[..];
    for line in lines(input) {
        match line {
            [b'>', b' ', value @ ..] => fields.0.push(("cookie", value)),
            [b'<', b' ', value @ ..] => fields.0.push(("set-cookie", value)),
            [b'=', b' ', wanted @ ..] => name = wanted,
            claimed => keys.try_with(claimed),
        }
    }
    asked(&fields, name);
    answered(&fields, name);
});

fn pairs<'a>(field: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    field.split(|&byte| byte == b';').filter_map(|pair| {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let name = pair[..equals].trim_ascii();
        (!name.is_empty()).then(|| (name, pair[equals + 1..].trim_ascii()))
    })
}

fn asked(fields: &Fields<'_>, name: &[u8]) {
    let plain: Vec<_> =
        fields.0.iter().filter(|(field, _)| *field == "cookie").flat_map(|(_, value)| pairs(value)).collect();
    let mut found = Vec::new();
    cookies::each(fields, &mut |name, value| {
        found.push((name, value));
        ControlFlow::Continue(())
    });
    assert_eq!(found, plain);
    let first = plain.iter().find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| *value);
    assert_eq!(cookies::first(fields, name), first);
    let mut one = 0;
    cookies::each(fields, &mut |_, _| {
        one += 1;
        ControlFlow::Break(())
    });
    assert_eq!(one, plain.len().min(1), "enough is enough");
}

fn answered(fields: &Fields<'_>, name: &[u8]) {
    let of_name = |field: &[u8]| {
        let first = field.split(|&byte| byte == b';').next().unwrap_or_default();
        pairs(first).next().filter(|(found, _)| *found == name).map(|(_, value)| value.to_vec())
    };
    let last =
        fields.0.iter().filter(|(field, _)| *field == "set-cookie").filter_map(|(_, field)| of_name(field)).last();
    let given = cookies::given(fields, name);
    assert_eq!(given.is_some(), last.is_some());
    if let (Some(Given::Value(value)), Some(last)) = (given, &last) {
        assert_eq!(value, last.as_slice());
        assert!(!value.is_empty());
    }
}

struct Keys {
    ours: TicketKeys,
    /// The fuzzer sees what is signed and compared, and so it learns what ours have signed. These sign nothing.
    unused: TicketKeys,
}

impl Keys {
    /// Nobody without the secret makes a ticket, nor changes one.
    fn try_with(&self, text: &[u8]) {
        assert_eq!(self.unused.read(text), None, "a forged ticket: {}", text.escape_ascii());
        let byte = |index: usize| text.get(index).copied().unwrap_or_default();
        let id: [u8; 16] = std::array::from_fn(byte);
        let of = (byte(16) & 1 == 1).then(|| Name(std::array::from_fn(|index| byte(17 + index))));
        let issued = i64::from_be_bytes([0, 0, byte(33), byte(34), byte(35), byte(36), byte(37), byte(38)]);
        let (value, ticket) = self.ours.issue(id, issued, of.unwrap_or_default());
        assert_eq!(self.ours.read(value.as_bytes()), Some(ticket));
        assert_eq!(self.unused.read(value.as_bytes()), None);
        let mut changed = value.clone().into_bytes();
        let at = usize::from(byte(39)) % changed.len();
        changed[at] = byte(40);
        assert_eq!(self.ours.read(&changed), (changed == value.as_bytes()).then_some(ticket));
        hidden_as_it_is_set(&value, text);
    }
}

/// What is handed out is recognised, whatever the cookie is called.
fn hidden_as_it_is_set(value: &str, text: &[u8]) {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    // A configuration may not say `__Host-` itself.
    if text.is_empty() || text.starts_with(b"__Host-") || !text.iter().all(token) {
        return;
    }
    let name = String::from_utf8_lossy(text).into_owned();
    for (secure, https) in [(Secure::Auto, true), (Secure::Always, false), (Secure::Never, true)] {
        let cookie = OwnCookie { name: name.clone(), domain: None, secure, embedded: https };
        let rules = VisitorRules { mode: Mode::Cookie, cookie };
        let line = rules.cookie.set(value, https);
        let fields = Fields(vec![("set-cookie", line.as_bytes())]);
        let (named, _) = line.split_once('=').expect("a cookie");
        assert!(rules.cookie.is_ours(named.as_bytes()));
        assert_eq!(cookies::given(&fields, named.as_bytes()), Some(Given::Value(value.as_bytes())));
    }
}
