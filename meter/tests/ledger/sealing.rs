//! The golden tables of sealed days and corrections.

use std::num::NonZeroI32;

use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::entry::{Entry, UsageRecord};
use portalmeter_meter::ledger::{Correction, Ledger, Lines, Total, Which};
use portalmeter_meter::session::Class;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, ZONE, day, id, lines, only, record, seal, tell};

#[test]
fn totals_and_corrections_are_what_the_tables_say() {
    let cases = cases(include_str!("sealing.md"));
    assert!(cases.len() >= 8);
    for case in cases {
        both(|ledger| {
            let mut told = Told::default();
            for row in &case.rows {
                let [what, days @ .., booked] = &row[..] else { panic!("{row:?}") };
                told.step(ledger, what);
                let place = format!("{}: after `{what}`", case.title);
                let totals = ledger.totals(PORTAL, Which::All).unwrap().days;
                let has: Vec<String> = (0..3).map(|later| cell(&totals, day(later))).collect();
                assert_eq!(has, days, "{place}");
                assert_eq!(corrections(ledger), *booked, "{place}");
                // What holds is what a day's total says, and a sealed row is never touched again.
                check(ledger, &totals);
            }
        });
    }
}

struct Case {
    title: String,
    rows: Vec<Vec<String>>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case { title: title.to_owned(), rows: Vec::new() });
        } else if line.starts_with('|') && !line.starts_with("| what") && !line.starts_with("| --") {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            cases.last_mut().unwrap().rows.push(cells.collect());
        }
    }
    cases
}

#[derive(Default)]
struct Told {
    entries: Vec<Entry>,
    corrections: Vec<(Correction, i64)>,
}

impl Told {
    fn step(&mut self, ledger: &mut dyn Ledger, what: &str) {
        let words: Vec<&str> = what.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        match &words[..] {
            ["seal", on] => {
                assert_eq!(seal(ledger, day_of(on)), 1, "{what}");
                return;
            }
            ["all", "again"] => {
                let all = self.entries.clone();
                tell(ledger, &all);
                for (correction, now) in &self.corrections {
                    ledger.correct(correction, *now).unwrap();
                }
                return;
            }
            ["only", letter, "told", "on", stored] => {
                self.entries.push(Entry::Only(only(1, vec![named(letter).id], instant(stored))));
            }
            [author, "corrects", on, "by", amount, class, "on", today] => {
                let correction = by_hand(author, on, amount, class, self.corrections.len());
                ledger.correct(&correction, instant(today)).unwrap();
                self.corrections.push((correction, instant(today)));
                return;
            }
            [letter, class, rest @ ..] => self.entries.push(entry(letter, class, rest)),
            _ => panic!("what is `{what}`?"),
        }
        tell(ledger, &self.entries[self.entries.len() - 1..]);
    }
}

/// Corrections in the order of the days they are on, and of their making.
fn corrections(ledger: &mut dyn Ledger) -> String {
    let mut found = lines(ledger, &Lines { corrections: true, ..Lines::default() });
    found.sort_by_key(|line| (line.stored_time, line.class, line.account.clone()));
    let told = found.iter().map(|line| {
        let of = line.of.map_or_else(|| line.author.clone().unwrap(), |of| letter(of).to_string());
        let account = line.account.as_ref().map(|account| format!(" of {account}")).unwrap_or_default();
        assert!(line.corrects.is_some() && !line.withdrawn);
        format!("{of} {:+} {}{account} on {}", line.amount, line.class, 12 + line.day.0 - day(0).0)
    });
    told.collect::<Vec<_>>().join(", ")
}

fn day_of(text: &str) -> Day {
    day(text.parse::<i32>().unwrap() - 12)
}

fn instant(day: &str) -> i64 {
    MORNING + (day.parse::<i64>().unwrap() - 12) * 24 * HOUR + 1
}

fn class(text: &str) -> Class {
    Class::ALL.into_iter().find(|class| class.name() == text).unwrap()
}

/// All of visitor 1, a session each.
fn named(letter: &str) -> UsageRecord {
    let number = u64::from(letter.as_bytes()[0]);
    UsageRecord { id: id(MORNING, number), session: id(MORNING, 1000 + number), ..record(1) }
}

fn letter(of: portalmeter_rules::id::Name) -> char {
    ["a", "b", "c"].into_iter().find(|letter| named(letter).id == of).unwrap().chars().next().unwrap()
}

fn entry(letter: &str, class_or_none: &str, rest: &[&str]) -> Entry {
    let (account, rest) = match rest {
        ["of", account, rest @ ..] => (Some((*account).to_owned()), rest),
        rest => (None, rest),
    };
    let ["on", on, "told", "on", stored] = rest else { panic!("{rest:?}") };
    let record = UsageRecord { account, day: day_of(on), stored_time: instant(stored), ..named(letter) };
    if class_or_none == "none" {
        return Entry::Withdrawn(record);
    }
    Entry::Record(UsageRecord { class: class(class_or_none), ..record })
}

fn by_hand(author: &str, on: &str, amount: &str, class_name: &str, number: usize) -> Correction {
    Correction {
        id: id(MORNING, 5000 + number as u64),
        portal: PORTAL.into(),
        module: None,
        day: day_of(on),
        zone: Zone::named(ZONE).unwrap(),
        class: class(class_name),
        amount: NonZeroI32::new(amount.parse().unwrap()).unwrap(),
        account: None,
        trial: false,
        author: author.to_owned(),
        note: "a customer called".to_owned(),
    }
}

fn cell(totals: &[Total], on: Day) -> String {
    let Some(total) = totals.iter().find(|total| total.day == on) else { return String::new() };
    let classes = Class::ALL.iter().zip(total.sums.records).filter(|(_, sum)| *sum != 0);
    let sums: Vec<String> = classes.map(|(class, sum)| format!("{sum} {class}")).collect();
    let sums = if sums.is_empty() { "0".to_owned() } else { sums.join(", ") };
    sums + if total.sealed.is_some() { " sealed" } else { "" }
}

fn check(ledger: &mut dyn Ledger, totals: &[Total]) {
    for total in totals {
        let of_day = Lines { from: Some(total.day), to: Some(total.day.plus(1)), ..Lines::default() };
        let mut sums = [0; 4];
        for line in lines(ledger, &of_day) {
            sums[Class::ALL.iter().position(|class| *class == line.class).unwrap()] += i64::from(line.amount);
        }
        assert_eq!(sums, total.sums.records);
    }
}
