//! What is written of those behind a fingerprint.

use proptest::prelude::*;

use super::super::cookies;
use super::super::pointer::Pointer;
use super::*;
use crate::terse::any;

const FINGERPRINT: Name = Name([9; 16]);

fn maybe<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(one)
}

fn or_never() -> impl Strategy<Value = Millis> {
    prop_oneof![any::time(), Just(Millis::MIN), Just(1_800_000)]
}

fn item() -> impl Strategy<Value = Item> {
    let cookie = (any::name(), maybe(any::time()), maybe(Just(FINGERPRINT)));
    let cookie = cookie.prop_map(|(name, issued, origin)| Shown { name, issued, origin });
    let names = (maybe(any::name()), maybe(cookie), maybe(any::name()), maybe((any::name(), any::name())));
    let times = (any::time(), any::time(), or_never());
    let is = (proptest::bool::ANY, proptest::bool::ANY);
    let rest = (maybe(any::text()), is, proptest::num::u16::ANY);
    (times, any::kind(), any::evidence(), names, rest).prop_map(
        |((at, answered, idle), kind, evidence, (user, cookie, handed, points), (module, is, tie))| Item {
            at,
            answered,
            kind,
            evidence,
            user,
            cookie,
            handed,
            points,
            module,
            idle,
            fingerprint_only: is.0,
            tie,
            overheard: is.1,
        },
    )
}

fn pointer() -> impl Strategy<Value = Pointer> {
    let times = (any::time(), any::time(), maybe(any::time()), maybe(any::time()));
    let is = proptest::array::uniform3(proptest::bool::ANY);
    (any::name(), times, maybe(any::name()), is).prop_map(
        |(visitor, (began, seen, closed, since), holder, [several, guest_since, left])| Pointer {
            visitor,
            began,
            seen,
            holder,
            several,
            guest_since,
            left,
            closed,
            since,
        },
    )
}

fn company() -> impl Strategy<Value = Company> {
    let users = prop::collection::vec((any::name(), pointer()), 0..3);
    let cookies = prop::collection::vec(cookies::tests::cookie(), 0..4);
    let base =
        (maybe(pointer()), users, cookies).prop_map(|(pointer, users, cookies)| Knowledge { pointer, users, cookies });
    (base, any::time(), prop::collection::vec(item(), 0..8)).prop_map(|(base, floor, recent)| Company {
        base,
        floor,
        recent,
        ..Company::default()
    })
}

fn read(bytes: &[u8]) -> Option<Company> {
    let mut from = Reader::new(bytes, FINGERPRINT, &any::stamps);
    Company::read(&mut from).filter(|_| from.is_at_end())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn those_behind_a_fingerprint_are_read_as_they_were_written(company in company()) {
        let mut to = Writer::after(0);
        company.write(&mut to);
        let mut bytes = to.finish().split_off(1);
        let Company { base, floor, recent, .. } = read(&bytes).unwrap();
        prop_assert_eq!((base, floor, recent), (company.base, company.floor, company.recent));
        for length in 0..bytes.len() {
            read(&bytes[..length]);
        }
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            read(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
