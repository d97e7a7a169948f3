//! What those see who look: the same whether digests have been made or not, and what a plain sum over the entries says.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use portalmeter_meter::accounts::Directory;
use portalmeter_meter::acts::{Act, Acts, QUARTER};
use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::entry::{Entry, SessionRow, UsageRecord};
use portalmeter_meter::insight::{self, Among, Asked, By, Content, Summary, Whom};
use portalmeter_meter::ledger::{Days, Ledger, Look};
use portalmeter_meter::session::Class;

use super::both::both;
use super::say::{HOUR, MORNING, PORTAL, ZONE, day, id, presence, seal, session, tell, visitor};

const LONG: i32 = 100;

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn upto(&mut self, many: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % many
    }
}

/// What happened on a day: some sessions of some people, and what they did.
fn traffic(on: i32, dice: &mut Dice) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 0..(4 + dice.upto(8)) {
        let number = u64::from(on.unsigned_abs()) * 100 + number;
        let started = MORNING + i64::from(on) * 24 * HOUR + dice.upto(14 * HOUR as u64) as i64 - 2 * HOUR;
        let class = Class::ALL[dice.upto(4) as usize];
        let user = matches!(class, Class::External | Class::Internal).then(|| 1000 + dice.upto(9));
        // The user 1003 comes for two companies.
        let company = user.map(|user| format!("c{}", if user == 1003 { dice.upto(2) } else { user % 4 }));
        let account = company.filter(|_| class == Class::External);
        let zone = Zone::named(ZONE).unwrap();
        let record = UsageRecord {
            id: id(started, number),
            session: id(started, 1_000_000 + number),
            visitor: visitor(dice.upto(30)),
            started,
            day: zone.day(started),
            class,
            account: account.clone(),
            user: user.map(visitor),
            event_time: started,
            stored_time: started + 1,
            ..super::say::record(number)
        };
        let row = SessionRow { last_seen: started + dice.upto(3_000_000) as i64, ..session(&record) };
        if class != Class::Bot {
            let there = presence(0, record.day, user);
            entries.push(Entry::Presence(portalmeter_meter::entry::Presence { visitor: record.visitor, ..there }));
            entries.push(Entry::Acts(acts(&record, dice)));
        }
        entries.extend([Entry::Record(record), Entry::Session(row)]);
    }
    entries
}

fn acts(of: &UsageRecord, dice: &mut Dice) -> Acts {
    let act = |dice: &mut Dice, action: Option<&str>| Act {
        module: None,
        class: of.class,
        account: of.account.clone(),
        user: of.user,
        room: format!("room{}", dice.upto(3)),
        resource: format!("/page/{}", dice.upto(7)),
        action: action.map(str::to_owned),
        count: 1 + dice.upto(4) as u32,
    };
    let acts = vec![act(dice, None), act(dice, None), act(dice, Some("download"))];
    let at = of.started.div_euclid(QUARTER) * QUARTER;
    Acts { portal: PORTAL.into(), at, day: of.day, zone: ZONE.into(), acts }
}

fn directory() -> Directory {
    let list = "id,name,type,since\nc0,Null,referral,2020-01-01\nc1,One,reseller,2026-05-30\nc9,Nine,reseller,\n";
    Directory::read(list.as_bytes()).unwrap()
}

/// Whatever can be asked, as text.
fn all_answers(ledger: &mut dyn Ledger) -> Vec<String> {
    let portals = [PORTAL.to_owned()];
    let mut told = Vec::new();
    let mut ask = |look: &mut dyn Look| {
        let (all, some) = (Days { from: day(-3), to: day(LONG + 3) }, Days { from: day(11), to: day(75) });
        let today = |_: &str| day(LONG - 2);
        for days in [all, some, Days::one(day(5))] {
            for by in [By::Day, By::Week, By::Month, By::Quarter, By::Year] {
                let asked = Asked { portals: &portals, days, by };
                told.extend([format!("{by:?} {:?}", insight::usage(look, &asked, &today)?)]);
            }
            for (zone, by) in [(ZONE, By::Hour), ("Asia/Kathmandu", By::Day), ("America/New_York", By::Month)] {
                let zone = Zone::named(zone).unwrap();
                told.extend([format!("{:?}", insight::used(look, PORTAL, (days, &zone), by)?)]);
            }
            let some = HashSet::from(["c0".to_owned(), "c3".to_owned()]);
            for whom in [Whom::Everybody, Whom::Accounts(some)] {
                told.extend([format!("{:?}", insight::summary(look, &portals, days, &whom)?)]);
                told.extend([format!("{:?}", insight::timeline(look, &portals, days, &whom)?)]);
                let one = (PORTAL, "room1", "/page/1");
                told.extend([format!("{:?}", insight::detail(look, one, days, &whom)?)]);
                for content in [Content::Rooms, Content::Resources] {
                    told.extend([format!("{:?}", insight::content(look, &portals, days, &whom, content)?)]);
                }
            }
            told.extend([format!(
                "{:?}",
                insight::leaderboard(look, &portals, days, &Among::default(), &directory())?
            )]);
        }
        told.extend([format!("{:?}", insight::at_risk(look, &portals, day(50), &Among::default(), &directory())?)]);
        told.extend([format!(
            "{:?}",
            insight::live(look, PORTAL, 1_800_000, MORNING + i64::from(LONG - 1) * 24 * HOUR)?
        )]);
        Ok(())
    };
    ledger.look(&mut ask).unwrap();
    told
}

fn digest_all(ledger: &mut dyn Ledger) -> usize {
    (0..10_000).take_while(|_| ledger.digest(PORTAL, day(LONG - 1), MORNING).unwrap()).count()
}

fn story() -> Vec<Vec<Entry>> {
    let mut dice = Dice(7);
    (0..LONG).map(|on| traffic(on, &mut dice)).collect()
}

#[test]
fn an_answer_does_not_depend_on_digests() {
    both(|ledger| {
        for entries in story() {
            tell(ledger, &entries);
        }
        seal(ledger, day(0));
        let from_rows = all_answers(ledger);
        let digests = digest_all(ledger);
        assert!(digests > 100, "a hundred days and three months, and {digests} digests");
        assert_eq!(all_answers(ledger), from_rows);
        let mut left = 0;
        ledger
            .look(&mut |look| {
                left = look.acts(PORTAL, Days { from: day(-3), to: day(LONG - 1) })?.len();
                Ok(())
            })
            .unwrap();
        assert_eq!(left, 0, "what was done is in the digests alone");
    });
}

/// The story, and what is told once all of it has been digested.
fn late_story() -> (Vec<Vec<Entry>>, Vec<Vec<Entry>>) {
    let (story, mut dice) = (story(), Dice(8));
    let mut late: Vec<Vec<Entry>> = [3, 3, 40, 65].into_iter().map(|on| traffic(on, &mut dice)).collect();
    late.push(
        story[20]
            .iter()
            .filter_map(|entry| match entry {
                Entry::Record(record) => Some(Entry::Withdrawn(record.clone())),
                _ => None,
            })
            .collect(),
    );
    (story, late)
}

#[test]
fn what_comes_late_is_in_the_answers_as_if_it_had_come_in_time() {
    let (story, late) = late_story();
    let in_time = RefCell::new(Vec::new());
    both(|ledger| {
        for entries in story.iter().chain(&late) {
            tell(ledger, entries);
        }
        in_time.borrow_mut().push(all_answers(ledger));
    });
    both(|ledger| {
        for entries in &story {
            tell(ledger, entries);
        }
        digest_all(ledger);
        for entries in &late {
            tell(ledger, entries);
        }
        let expected = in_time.borrow_mut().remove(0);
        assert_eq!(all_answers(ledger), expected, "at once");
        assert!(digest_all(ledger) > 0);
        assert_eq!(all_answers(ledger), expected, "and once it is digested");
    });
}

/// The same figures, added up from the entries.
fn plain_sum(story: &[Vec<Entry>], days: Days, account: Option<&str>) -> Summary {
    let mut summary = Summary::default();
    let mut users = BTreeSet::new();
    let person = |class: Class| matches!(class, Class::Guest | Class::External);
    let asked = |of: &Option<String>| account.is_none_or(|account| of.as_deref() == Some(account));
    for entry in story.iter().flatten() {
        match entry {
            Entry::Session(row) => {
                let began: Day = Zone::named(ZONE).unwrap().day(row.started);
                if days.contains(began) && person(row.class) && asked(&row.account) {
                    summary.sessions += 1;
                    summary.duration_ms += (row.last_seen - row.started) as u64;
                    users.extend(row.user);
                }
            }
            Entry::Acts(acts) if days.contains(acts.day) => {
                for act in acts.acts.iter().filter(|act| person(act.class) && asked(&act.account)) {
                    match act.action {
                        None => summary.page_views += u64::from(act.count),
                        Some(_) => summary.actions += u64::from(act.count),
                    }
                }
            }
            _ => {}
        }
    }
    summary.users = users.len() as u64;
    summary
}

#[test]
fn the_five_figures_are_what_a_plain_sum_says() {
    both(|ledger| {
        let (story, portals) = (story(), [PORTAL.to_owned()]);
        for entries in &story {
            tell(ledger, entries);
        }
        digest_all(ledger);
        let ranges = [(0, LONG), (0, 13), (3, 17), (10, 70), (10, 71), (18, 20), (LONG - 3, LONG + 5)];
        for days in ranges.map(|(from, to)| Days { from: day(from), to: day(to) }) {
            for account in [None, Some("c0"), Some("c1"), Some("nobody's")] {
                let whom = account.map_or(Whom::Everybody, |account| Whom::Accounts([account.to_owned()].into()));
                let expected = plain_sum(&story, days, account);
                let mut ask = |look: &mut dyn Look| {
                    assert_eq!(insight::summary(look, &portals, days, &whom)?, expected, "{days:?} {account:?}");
                    let points = insight::timeline(look, &portals, days, &whom)?;
                    for point in &points {
                        assert_eq!(point.summary, plain_sum(&story, point.period.days, account), "{point:?}");
                    }
                    let board = insight::leaderboard(look, &portals, days, &Among::default(), &directory())?;
                    if let Some(one) = board.accounts.iter().find(|one| Some(one.id.as_str()) == account) {
                        assert_eq!(one.summary, expected);
                    }
                    Ok(())
                };
                ledger.look(&mut ask).unwrap();
            }
        }
    });
}

#[test]
fn a_user_of_two_companies_is_one_in_the_totals() {
    both(|ledger| {
        let (story, portals) = (story(), [PORTAL.to_owned()]);
        for entries in &story {
            tell(ledger, entries);
        }
        let days = Days { from: day(0), to: day(LONG) };
        let mut ask = |look: &mut dyn Look| {
            let board = insight::leaderboard(look, &portals, days, &Among::default(), &directory())?;
            let summed: u64 = board.accounts.iter().map(|one| one.summary.users).sum();
            assert_eq!((board.totals.summary.users, summed), (9, 10));
            let named: Vec<&str> = board.accounts.iter().map(|one| one.id.as_str()).collect();
            assert!(named.contains(&"c9") && board.totals.accounts == 5, "{named:?}");
            let by_segment: usize = board.segments.values().map(|totals| totals.accounts).sum();
            assert_eq!(by_segment, 5);
            Ok(())
        };
        ledger.look(&mut ask).unwrap();
    });
}

#[test]
fn days_that_ought_to_be_sealed_and_floods_of_bots_are_found() {
    both(|ledger| {
        let bot = |number: u64, later: i32| {
            let record = super::say::record(number);
            Entry::Record(UsageRecord { class: Class::Bot, day: day(later), ..record })
        };
        tell(ledger, &(0..28).map(|later| bot(later as u64, later)).collect::<Vec<_>>());
        tell(ledger, &(0..99).map(|number| bot(1000 + number, 29)).collect::<Vec<_>>());
        seal(ledger, day(3));
        let portals = [PORTAL.to_owned()];
        let mut bots = Vec::new();
        let mut ask = |look: &mut dyn Look| {
            bots = insight::surges(look, &portals, day(29))?;
            let late = insight::overdue(look, &portals, 24 * HOUR, MORNING + 6 * 24 * HOUR)?;
            let days: Vec<Day> = late.iter().map(|one| one.day).collect();
            assert_eq!(days, [day(0), day(1), day(2), day(4)], "the 5th may rest until tonight");
            Ok(())
        };
        ledger.look(&mut ask).unwrap();
        assert_eq!(bots, []);
        tell(ledger, &[bot(2000, 29)]);
        let mut again = |look: &mut dyn Look| {
            bots = insight::surges(look, &portals, day(30))?;
            Ok(())
        };
        ledger.look(&mut again).unwrap();
        assert_eq!((bots.len(), bots[0].day, bots[0].bots, bots[0].usual), (1, day(29), 100, 1));
    });
}

#[test]
fn hours_of_the_portals_zone_add_up_to_its_days() {
    both(|ledger| {
        for entries in story() {
            tell(ledger, &entries);
        }
        digest_all(ledger);
        let portals = [PORTAL.to_owned()];
        let days = Days { from: day(5), to: day(30) };
        let mut ask = |look: &mut dyn Look| {
            let zone = Zone::named(ZONE).unwrap();
            let hours = insight::used(look, PORTAL, (days, &zone), By::Hour)?;
            let asked = Asked { portals: &portals, days, by: By::Day };
            for row in insight::usage(look, &asked, &|_| day(LONG))? {
                let own = hours.iter().filter(|hour| zone.day(hour.from) == row.period.days.from);
                let billable: i64 = own.map(|hour| hour.sums.records[0] + hour.sums.records[1]).sum();
                assert_eq!(billable, row.counters.billable, "{}", row.period.label);
            }
            Ok(())
        };
        ledger.look(&mut ask).unwrap();
    });
}
