//! Records: which hold, and what they sum up to.

use std::collections::BTreeSet;

use portalmeter_meter::entry::{Entry, UsageRecord};
use portalmeter_meter::ledger::{Ledger, Position, Stretch, Take};
use portalmeter_meter::session::Class;
use portalmeter_rules::id::Name;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, all_lines, day, held, only, record, session, sums, tell};

#[test]
fn a_record_is_counted_once_however_often_it_is_told() {
    both(|ledger| {
        let entries = held([record(1), record(2), record(1)]);
        let taken = tell(ledger, &entries);
        assert_eq!((taken.added, taken.withdrawn, taken.strange), (2, 0, 0));
        assert_eq!(taken.days, [(PORTAL.to_owned(), None, day(0))]);
        let again = tell(ledger, &entries);
        assert_eq!((again.added, again.days.len()), (0, 0));
        assert_eq!(sums(ledger, day(0)), [2, 0, 0, 0]);
    });
}

#[test]
fn a_line_says_all_that_the_record_said() {
    both(|ledger| {
        let told = UsageRecord {
            module: Some("chat".into()),
            account: Some("ACME \u{1f980}".into()),
            user: Some(Name([0xee; 16])),
            agent: Some("Googlebot".into()),
            class: Class::Bot,
            trial: true,
            event_time: MORNING + 7,
            ..record(1)
        };
        tell(ledger, &[Entry::Record(told.clone())]);
        let lines = all_lines(ledger);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((line.id, line.visitor, line.session), (told.id, Some(told.visitor), Some(told.session)));
        assert_eq!((line.started, line.event_time, line.stored_time), (Some(MORNING), MORNING + 7, MORNING + 1));
        assert_eq!(
            (line.day, &*line.zone, line.class, line.reason),
            (told.day, &*told.zone, told.class, Some(told.reason))
        );
        assert_eq!((&line.module, &line.account, line.user), (&told.module, &told.account, told.user));
        assert_eq!((&line.agent, &line.rule, line.policy), (&told.agent, &told.rule, Some(told.policy)));
        assert_eq!((line.trial, line.withdrawn, line.amount), (true, false, 1));
        assert_eq!((line.corrects, line.of, &line.author, &line.note), (None, None, &None, &None));
    });
}

#[test]
fn a_record_that_no_longer_follows_is_taken_back_and_may_come_again_as_something_else() {
    both(|ledger| {
        tell(ledger, &held([record(1)]));
        let taken = tell(ledger, &[Entry::Withdrawn(record(1)), Entry::Withdrawn(record(9))]);
        assert_eq!((taken.added, taken.withdrawn), (0, 1));
        assert_eq!(sums(ledger, day(0)), [0; 4]);
        assert!(all_lines(ledger)[0].withdrawn);

        let external = UsageRecord { class: Class::External, ..record(1) };
        assert_eq!(tell(ledger, &held([external.clone()])).added, 1);
        assert_eq!(sums(ledger, day(0)), [0, 1, 0, 0]);
        // The last word of a batch is what counts.
        let entries = [Entry::Withdrawn(external), Entry::Record(record(1))];
        tell(ledger, &entries);
        assert_eq!(sums(ledger, day(0)), [1, 0, 0, 0]);
    });
}

#[test]
fn who_was_told_differently_has_the_last_word() {
    both(|ledger| {
        tell(ledger, &held([record(1)]));
        let corrected = UsageRecord { class: Class::Internal, account: Some("ACME".into()), ..record(1) };
        assert_eq!(tell(ledger, &held([corrected])).added, 0);
        assert_eq!(sums(ledger, day(0)), [0, 0, 1, 0]);
        assert_eq!(all_lines(ledger)[0].account.as_deref(), Some("ACME"));
    });
}

#[test]
fn a_stretch_is_taken_from_where_the_last_one_ended_or_not_at_all() {
    both(|ledger| {
        let first = Position { at: 5, number: 1, stream: 0 };
        let stretch = |from, upto, entries| Stretch { portal: PORTAL, from, upto, entries };
        assert_eq!(ledger.position(PORTAL).unwrap(), Position::START);
        let (one, two) = (held([record(1)]), held([record(2)]));
        assert!(matches!(ledger.take(&stretch(Position::START, first, &one), 0).unwrap(), Take::Done(_)));
        assert_eq!(
            ledger.take(&stretch(Position::START, Position { at: 9, number: 0, stream: 0 }, &two), 0).unwrap(),
            Take::Moved(first)
        );
        assert_eq!((ledger.position(PORTAL).unwrap(), sums(ledger, day(0))), (first, [1, 0, 0, 0]));
        // Back to the start, for a stream that begins anew.
        assert!(matches!(ledger.take(&stretch(first, Position::START, &[]), 0).unwrap(), Take::Done(_)));
        assert_eq!(ledger.position(PORTAL).unwrap(), Position::START);
        assert_eq!(ledger.position("another").unwrap(), Position::START);
    });
}

#[test]
fn what_cannot_be_is_left_out_and_said() {
    both(|ledger| {
        let strange = [
            Entry::Record(UsageRecord { portal: "another".into(), ..record(1) }),
            Entry::Record(UsageRecord { event_time: i64::MAX, ..record(2) }),
            Entry::Record(UsageRecord { day: portalmeter_meter::day::Day(i32::MIN), ..record(3) }),
            Entry::Record(UsageRecord { module: Some("m".repeat(256)), ..record(4) }),
            Entry::Record(UsageRecord { module: Some("a\0b".into()), ..record(5) }),
            // The same id, elsewhere.
            Entry::Record(UsageRecord { day: day(1), ..record(6) }),
        ];
        tell(ledger, &held([record(6)]));
        assert_eq!(tell(ledger, &strange).strange, strange.len() as u64);
        assert_eq!((sums(ledger, day(0)), sums(ledger, day(1))), ([1, 0, 0, 0], [0; 4]));
    });
}

#[test]
fn a_character_that_postgres_has_not_is_replaced_in_both() {
    both(|ledger| {
        let odd =
            UsageRecord { account: Some("a\0b".into()), rule: "\0".into(), agent: Some("\0".into()), ..record(1) };
        let mut row = session(&odd);
        row.zone = "\0".into();
        let entries = [Entry::Record(odd), Entry::Session(row)];
        assert_eq!(tell(ledger, &entries).added, 1);
        assert_eq!(tell(ledger, &entries).days.len(), 0);
        assert_eq!(all_lines(ledger)[0].account.as_deref(), Some("a\u{fffd}b"));
    });
}

fn holds(ledger: &mut dyn Ledger) -> BTreeSet<Name> {
    all_lines(ledger).into_iter().filter(|line| !line.withdrawn).map(|line| line.id).collect()
}

#[test]
fn only_what_is_named_holds_of_what_a_visitor_began_in_a_time() {
    both(|ledger| {
        let of = |number: u64, started: i64| {
            let id = super::say::id(started, number);
            UsageRecord { id, started, visitor: record(1).visitor, ..record(1) }
        };
        let (kept, gone) = (of(10, MORNING), of(11, MORNING + 1));
        let (before, after) = (of(12, MORNING - HOUR), of(13, MORNING + HOUR + 1));
        let elsewhere = UsageRecord { module: Some("chat".into()), ..of(14, MORNING) };
        let midnight = UsageRecord { day: day(1), ..of(15, MORNING) };
        let all = [&kept, &gone, &before, &after, &elsewhere, &midnight].map(Clone::clone);
        tell(ledger, &held(all.clone().into_iter().chain([record(2)])));

        let word = Entry::Only(only(1, vec![kept.id], MORNING + 2));
        let taken = tell(ledger, std::slice::from_ref(&word));
        assert_eq!((taken.withdrawn, taken.days.len()), (2, 2));
        let left = [&kept, &before, &after, &elsewhere, &record(2)].map(|record| record.id);
        assert_eq!(holds(ledger), left.into());
        // In one batch with what it speaks of, and again.
        tell(ledger, &held(all.clone()));
        let mut batch = held(all);
        batch.extend([word.clone(), word]);
        assert_eq!(tell(ledger, &batch).withdrawn, 2);
        assert_eq!(holds(ledger), left.into());
    });
}
