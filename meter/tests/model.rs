//! The model gives every count that `metering.md` states, where it concerns one visitor in one scope; and the
//! generator reaches what it is there to reach.

mod support {
    pub(crate) mod generate;
    pub(crate) mod model;
}

use std::collections::BTreeSet;

use support::generate::{Random, Zone, rules, traffic};
use support::model::{Class, Counted, Event, Evidence, Kind, Outcome, Reason, Rules, count};

const ANN: u32 = 1;
const BEN: u32 = 2;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const IDLE: i64 = 30 * MINUTE;
const NO_ROLLOVER: Rules = Rules { rollover_counts: false, ..Rules::PORTAL };

// The seeds' tables.

#[test]
fn a_login_after_a_logout_counts_again() {
    let steps = [page("10:00").guest(), page("10:01").external(ANN), logout("10:02"), page("10:02:01").external(ANN)];
    for (name, rules) in Rules::PRESETS {
        let expected = if rules.login_counts { [1, 2, 2, 3] } else { [1, 1, 1, 2] };
        assert_eq!(cumulative(&steps, &rules), expected, "{name}");
    }
}

#[test]
fn a_login_that_continues_past_midnight_counts_on_the_new_day() {
    let steps = [
        page("23:50").guest(),
        page("23:55").external(ANN),
        page("00:05").next_day().external(ANN),
        logout("00:06").next_day(),
    ];
    for (name, rules) in Rules::PRESETS {
        let expected = if rules.login_counts { [1, 2, 3, 3] } else { [1, 1, 2, 2] };
        assert_eq!(cumulative(&steps, &rules), expected, "{name}");
        assert_eq!(count(&steps, &rules).on(1), 1, "{name}");
    }
}

#[test]
fn the_presets_say_what_the_table_says() {
    let row = |rules: Rules| {
        (rules.login_counts, rules.rollover_counts, rules.idle_ms / MINUTE, rules.max_ms.map(|max| max / HOUR))
    };
    let table: Vec<_> = Rules::PRESETS.iter().map(|(name, rules)| (*name, row(*rules))).collect();
    assert_eq!(
        table,
        [
            ("service_portal", (false, true, 30, None)),
            ("engagement_messenger", (false, true, 30, None)),
            ("community", (false, true, 30, None)),
            ("web_embeddables", (true, true, 30, None)),
            ("partner_portal", (false, true, 30, Some(4))),
        ]
    );
}

// More that must hold.

#[test]
fn four_hours_and_ten_minutes_of_pages_are_one_session_or_two() {
    let pages: Vec<Event> = (0..=25).map(|nth| page("08:00").after(nth * 10 * MINUTE).external(ANN)).collect();
    assert_eq!(count(&pages, &Rules::PORTAL).billable(), 1);
    assert_eq!(starts(&count(&pages, &Rules::PARTNER_PORTAL)), ["08:00", "12:00"].map(at));
}

#[test]
fn two_browsers_of_one_user_count_twice() {
    let browser = [page("10:00").external(ANN)];
    let other = [page("10:01").external(ANN)];
    assert_eq!(count(&browser, &Rules::PORTAL).billable() + count(&other, &Rules::PORTAL).billable(), 2);
}

#[test]
fn only_the_login_page_counts_nothing() {
    let login_page = [activity("10:00").guest(), activity("10:01").guest(), activity("10:02").external(ANN)];
    assert_eq!(count(&login_page, &Rules::PORTAL), Outcome::default());
}

#[test]
fn fifty_requests_of_a_crawler_are_one_bot_and_nothing_billable() {
    let requests: Vec<Event> = (0..50).map(|nth| page("10:00").after(nth * SECOND).bot()).collect();
    let outcome = count(&requests, &Rules::PORTAL);
    assert_eq!((outcome.of(Class::Bot), outcome.billable(), outcome.counted.len()), (1, 0, 1));
}

#[test]
fn a_gap_of_exactly_the_idle_timeout_is_a_new_session() {
    let pages = |gap| [page("10:00").guest(), page("10:00").after(gap).guest()];
    assert_eq!(count(&pages(IDLE), &Rules::PORTAL).billable(), 2);
    assert_eq!(count(&pages(IDLE - 1), &Rules::PORTAL).billable(), 1);
}

#[test]
fn half_past_two_comes_twice_on_the_25_hour_day_of_berlin() {
    let zone = Zone::BERLIN_AUTUMN;
    let change = zone.offsets[1].0;
    let pages =
        [change - 30 * MINUTE, change + 30 * MINUTE].map(|at| Event { at, day: zone.day(at), ..page("00:00").guest() });
    let outcome = count(&pages, &Rules::PORTAL);
    assert_eq!((outcome.billable(), outcome.on(zone.day(change))), (2, 2));
}

#[test]
fn the_turn_of_the_month_has_a_record_on_either_side() {
    let zone = Zone::UTC;
    let first_of_november = zone.begins + 2 * DAY;
    let pages = [first_of_november - 10 * MINUTE, first_of_november + 10 * MINUTE].map(|at| Event {
        at,
        day: zone.day(at),
        ..page("00:00").guest()
    });
    let outcome = count(&pages, &Rules::PORTAL);
    assert_eq!(outcome.counted.iter().map(|record| record.day).collect::<Vec<_>>(), [20_757, 20_758]);
}

#[test]
fn a_tab_that_polls_all_night_counts_when_somebody_opens_a_page() {
    let mut events = vec![page("22:00").external(ANN)];
    events.extend((1..=60).map(|nth| activity("22:00").after(nth * 10 * MINUTE)));
    assert_eq!(count(&events, &Rules::PORTAL).on(1), 0);
    events.push(page("08:10").next_day().external(ANN));
    let outcome = count(&events, &Rules::PORTAL);
    assert_eq!(outcome.counted.last(), Some(&record(1, Class::External, Reason::Midnight, "22:00")));
}

// Rule by rule.

#[test]
fn unknown_counts_as_guest() {
    assert_eq!(count(&[page("10:00")], &Rules::PORTAL).counted, [record(0, Class::Guest, Reason::Start, "10:00")]);
}

#[test]
fn activity_and_logout_start_nothing_and_revive_nothing() {
    let events = [activity("09:50"), logout("09:55"), page("10:00").guest(), activity("10:30"), page("10:31").guest()];
    assert_eq!(starts(&count(&events, &Rules::PORTAL)), ["10:00", "10:31"].map(at));
}

#[test]
fn activity_keeps_alive_but_not_beyond_the_greatest_age() {
    let mut events = vec![page("08:00").guest()];
    events.extend((1..=24).map(|nth| activity("08:00").after(nth * 10 * MINUTE)));
    events.push(page("11:59:59").guest());
    assert_eq!(count(&events, &Rules::PARTNER_PORTAL).billable(), 1);
    events.push(page("12:00").guest());
    assert_eq!(count(&events, &Rules::PARTNER_PORTAL).billable(), 2);
}

#[test]
fn a_page_past_midnight_counts_nothing_if_days_do_not() {
    let pages = [page("23:50").guest(), page("00:10").next_day().guest()];
    assert_eq!(count(&pages, &NO_ROLLOVER).billable(), 1);
}

#[test]
fn a_login_past_midnight_is_a_conversion_and_a_rollover_or_one_login() {
    let pages = [page("23:50").guest(), page("00:10").next_day().external(ANN)];
    let continued = count(&pages, &Rules::PORTAL);
    assert_eq!(continued.counted[1..], [record(1, Class::External, Reason::Midnight, "23:50")]);
    assert_eq!(continued.conversions, [(at("23:50"), 1)]);
    let counted = count(&pages, &Rules::WEB_EMBEDDABLES);
    assert_eq!(counted.counted[1..], [record(1, Class::External, Reason::Login, "23:50")]);
    assert_eq!(counted.conversions, []);
}

#[test]
fn a_login_converts_the_guest_session() {
    let outcome = count(&[page("10:00").guest(), page("10:01").external(ANN)], &Rules::PORTAL);
    assert_eq!(outcome.counted, [record(0, Class::Guest, Reason::Start, "10:00")]);
    assert_eq!(outcome.conversions, [(at("10:00"), 0)]);
}

#[test]
fn a_login_counts_only_if_a_page_had_proven_the_guest() {
    let unproven = count(&[page("10:00"), page("10:01").external(ANN)], &Rules::WEB_EMBEDDABLES);
    assert_eq!((unproven.billable(), unproven.conversions.len()), (1, 1));
    let by_activity = [page("10:00"), activity("10:00:30").guest(), page("10:01").external(ANN)];
    assert_eq!(count(&by_activity, &Rules::WEB_EMBEDDABLES).billable(), 1);
    let proven_later = [page("10:00"), page("10:00:30").guest(), page("10:00:40"), page("10:01").external(ANN)];
    assert_eq!(count(&proven_later, &Rules::WEB_EMBEDDABLES).billable(), 2);
}

#[test]
fn a_page_that_logs_out_counts_nothing_even_past_midnight() {
    let pages = [page("23:50").external(ANN), page("00:10").next_day().guest(), page("00:20").next_day()];
    assert_eq!(count(&pages, &Rules::PORTAL).billable(), 1);
}

#[test]
fn pages_after_a_logout_count_nothing_but_keep_the_session_until_it_idles_out() {
    let mut events = vec![page("23:00").external(ANN), logout("23:01")];
    events.extend((1..=4).map(|nth| page("23:01").after(nth * 25 * MINUTE).guest()));
    assert_eq!(count(&events, &Rules::PORTAL).billable(), 1);
    events.push(page("01:11").next_day().guest());
    assert_eq!(starts(&count(&events, &Rules::PORTAL)), [at("23:00"), at("01:11") + DAY]);
}

#[test]
fn a_logout_request_of_a_guest_only_keeps_alive() {
    let events = [page("10:00").guest(), logout("10:20"), page("10:40").external(ANN)];
    let outcome = count(&events, &Rules::PORTAL);
    assert_eq!((outcome.billable(), outcome.conversions.len()), (1, 1));
}

#[test]
fn a_relogin_is_a_new_session_in_the_class_of_its_evidence() {
    let events = [page("10:00").external(ANN), logout("10:01"), page("10:02").internal(BEN)];
    assert_eq!(count(&events, &Rules::PORTAL).counted[1..], [record(0, Class::Internal, Reason::Relogin, "10:02")]);
}

#[test]
fn a_relogin_starts_the_clock_of_the_greatest_age_again() {
    let mut events: Vec<Event> = (0..=23).map(|nth| page("08:00").after(nth * 10 * MINUTE).external(ANN)).collect();
    events.extend([logout("11:51"), page("11:52").external(ANN), page("12:10").external(ANN)]);
    assert_eq!(starts(&count(&events, &Rules::PARTNER_PORTAL)), ["08:00", "11:52"].map(at));
}

#[test]
fn another_user_is_a_new_session() {
    let pages = [page("10:00").external(ANN), page("10:01").external(BEN), page("10:02").external(BEN)];
    assert_eq!(count(&pages, &Rules::PORTAL).counted[1..], [record(0, Class::External, Reason::UserSwitch, "10:01")]);
}

#[test]
fn a_user_first_known_later_is_learned_and_stays_known() {
    let somebody = Evidence::External(None);
    let learned = [page("10:00").with(somebody), page("10:01").external(ANN), page("10:02").with(somebody)];
    assert_eq!(count(&learned, &Rules::PORTAL).billable(), 1);
    let switched = [learned[0], learned[1], learned[2], page("10:03").external(BEN)];
    assert_eq!(count(&switched, &Rules::PORTAL).billable(), 2);
}

#[test]
fn external_and_internal_switch_whatever_the_users() {
    let pages =
        [page("10:00").external(ANN), page("10:01").internal(ANN), page("10:02").with(Evidence::External(None))];
    let outcome = count(&pages, &Rules::PORTAL);
    assert_eq!((outcome.billable(), outcome.of(Class::Internal)), (2, 1));
    assert!(outcome.counted[1..].iter().all(|record| record.reason == Reason::UserSwitch));
}

#[test]
fn a_guest_who_proves_internal_keeps_the_guest_record() {
    let pages = [page("23:50").guest(), page("23:55").internal(ANN), page("00:05").next_day()];
    let outcome = count(&pages, &Rules::WEB_EMBEDDABLES);
    assert_eq!(
        outcome.counted,
        [record(0, Class::Guest, Reason::Start, "23:50"), record(1, Class::Internal, Reason::Midnight, "23:50")]
    );
    assert_eq!(outcome.conversions, []);
}

#[test]
fn a_bot_rolls_over_like_anybody() {
    let pages = [page("23:50").bot(), logout("23:55").bot(), page("00:10").next_day().bot()];
    assert_eq!(count(&pages, &Rules::PORTAL).of(Class::Bot), 2);
}

#[test]
fn unknown_changes_nothing_about_who_is_signed_in() {
    let pages = [page("10:00").external(ANN), page("10:01"), page("10:02").external(ANN)];
    assert_eq!(count(&pages, &Rules::PORTAL).billable(), 1);
}

#[test]
fn pages_come_before_logouts_of_the_same_instant() {
    let events = [logout("10:01"), page("10:01").external(ANN), page("10:00").external(ANN)];
    assert_eq!(count(&events, &Rules::PORTAL).billable(), 1);
}

#[test]
fn switches_of_one_instant_are_one_record() {
    let pages = [
        page("10:00").external(ANN),
        page("10:01").external(BEN),
        page("10:01").internal(BEN),
        page("10:02").internal(BEN),
    ];
    assert_eq!(count(&pages, &Rules::PORTAL).counted[1..], [record(0, Class::External, Reason::UserSwitch, "10:01")]);
}

#[test]
fn a_day_that_comes_back_is_not_counted_again() {
    let zone = Zone::ST_JOHNS;
    let change = zone.offsets[1].0;
    let today = zone.day(change) + 1;
    let page = |from_change: i64, evidence| {
        let at = change + from_change;
        Event { at, day: zone.day(at), kind: Kind::Page, evidence }
    };
    let pages = [
        page(-30 * SECOND, Evidence::Guest),
        page(29 * MINUTE + 10 * SECOND, Evidence::External(None)),
        page(59 * MINUTE, Evidence::External(None)),
    ];
    assert_eq!(pages.map(|page| page.day), [today, today - 1, today]);
    let outcome = count(&pages, &Rules::WEB_EMBEDDABLES);
    assert_eq!((outcome.billable(), outcome.on(today), outcome.on(today - 1)), (2, 1, 1));
}

#[test]
fn a_session_counts_from_its_third_page_on_at_that_pages_time() {
    let patient = Rules { min_pages: 3, ..Rules::PORTAL };
    let pages = [page("23:50").guest(), page("00:10").next_day().guest(), page("00:11").next_day().guest()];
    assert_eq!(cumulative(&pages, &patient), [0, 0, 1]);
    assert_eq!(count(&pages, &patient).on(pages[2].day), 1);
}

// The generator.

#[test]
fn the_same_seed_gives_the_same_traffic() {
    let first = traffic(7, &Zone::BERLIN_AUTUMN, &Rules::PORTAL, 50);
    assert_eq!(first, traffic(7, &Zone::BERLIN_AUTUMN, &Rules::PORTAL, 50));
    assert_ne!(first, traffic(8, &Zone::BERLIN_AUTUMN, &Rules::PORTAL, 50));
}

#[test]
fn neither_order_nor_repetition_of_traffic_makes_a_difference() {
    for (seed, zone, rules) in runs() {
        let mut random = Random::from_seed(seed);
        for events in traffic(seed, &zone, &rules, 100) {
            let mut again = [events.clone(), events.clone()].concat();
            random.shuffle(&mut again);
            assert_eq!(count(&again, &rules), count(&events, &rules), "seed {seed}, {}, {rules:?}", zone.name);
        }
    }
}

#[test]
fn every_key_is_counted_once_and_no_conversion_without_a_record() {
    for (seed, zone, rules) in runs() {
        for events in traffic(seed, &zone, &rules, 100) {
            let outcome = count(&events, &rules);
            let key = |record: &Counted| (record.session_start, record.day, record.reason);
            let keys: BTreeSet<_> = outcome.counted.iter().map(key).collect();
            assert_eq!(keys.len(), outcome.counted.len(), "seed {seed}");
            let counted: BTreeSet<i64> = outcome.counted.iter().map(|record| record.session_start).collect();
            assert!(outcome.conversions.iter().all(|(start, _)| counted.contains(start)), "seed {seed}");
        }
    }
}

#[test]
fn traffic_reaches_every_reason_and_class_under_every_preset() {
    for (name, rules) in Rules::PRESETS {
        let visitors = traffic(1, &Zone::BERLIN_AUTUMN, &rules, 300);
        let outcomes: Vec<Outcome> = visitors.iter().map(|events| count(events, &rules)).collect();
        let records = || outcomes.iter().flat_map(|outcome| &outcome.counted);
        let reasons: BTreeSet<Reason> = records().map(|record| record.reason).collect();
        assert_eq!(reasons.len(), if rules.login_counts { 5 } else { 4 }, "{name}: {reasons:?}");
        assert_eq!(records().map(|record| record.class).collect::<BTreeSet<_>>().len(), 4, "{name}");
        assert!(outcomes.iter().any(|outcome| !outcome.conversions.is_empty()), "{name}");
    }
}

#[test]
fn traffic_crowds_around_the_instants_that_decide() {
    let rules = Rules::PARTNER_PORTAL;
    let zone = Zone::BERLIN_AUTUMN;
    let gaps = |wanted: i64, back: usize| {
        traffic(1, &zone, &rules, 300).into_iter().any(|mut events| {
            events.sort_by_key(|event| event.at);
            events.iter().enumerate().skip(back).any(|(index, event)| event.at - events[index - back].at == wanted)
        })
    };
    for wanted in [0, 1, IDLE - 1, IDLE, IDLE + 1] {
        assert!(gaps(wanted, 1), "no gap of {wanted} ms");
    }
    for wanted in [4 * HOUR - 1, 4 * HOUR, 4 * HOUR + 1] {
        assert!((1..20).any(|back| gaps(wanted, back)), "no age of {wanted} ms");
    }
    let instants: BTreeSet<i64> = traffic(1, &zone, &rules, 300).iter().flatten().map(|event| event.at).collect();
    let midnight = zone.midnight_after(zone.begins + DAY);
    for wanted in [midnight - 1, midnight, midnight + 1, zone.offsets[1].0] {
        assert!(instants.contains(&wanted), "nothing at {wanted}");
    }
}

#[test]
fn the_25_hour_day_is_one_and_the_23_hour_day_is_one() {
    let length = |zone: Zone| {
        let before = zone.midnight_after(zone.offsets[1].0 - 12 * HOUR);
        zone.midnight_after(before) - before
    };
    assert_eq!(length(Zone::BERLIN_AUTUMN), 25 * HOUR);
    assert_eq!(length(Zone::BERLIN_SPRING), 23 * HOUR);
}

/// Every preset and many a random policy, each in a zone.
fn runs() -> Vec<(u64, Zone, Rules)> {
    let mut random = Random::from_seed(2026);
    let mut policies: Vec<Rules> = Rules::PRESETS.iter().map(|(_, rules)| *rules).collect();
    policies.extend((0..25).map(|_| rules(&mut random)));
    (0..).zip(policies).map(|(seed, rules)| (seed, random.one_of(&Zone::ALL), rules)).collect()
}

/// The billable count after each step.
fn cumulative(steps: &[Event], rules: &Rules) -> Vec<usize> {
    (1..=steps.len()).map(|taken| count(&steps[..taken], rules).billable()).collect()
}

fn starts(outcome: &Outcome) -> Vec<i64> {
    outcome.counted.iter().map(|record| record.session_start).collect()
}

fn record(day: i32, class: Class, reason: Reason, started: &str) -> Counted {
    Counted { day, class, reason, session_start: at(started) }
}

fn page(clock: &str) -> Event {
    event(clock, Kind::Page)
}

fn activity(clock: &str) -> Event {
    event(clock, Kind::Activity)
}

fn logout(clock: &str) -> Event {
    event(clock, Kind::Logout)
}

fn event(clock: &str, kind: Kind) -> Event {
    Event { at: at(clock), day: 0, kind, evidence: Evidence::Unknown }
}

/// `hh:mm` or `hh:mm:ss` on day 0, in UTC.
fn at(clock: &str) -> i64 {
    let units = [HOUR, MINUTE, SECOND];
    clock
        .split(':')
        .zip(units)
        .map(|(number, unit)| number.parse::<i64>().unwrap_or_else(|_| panic!("`{clock}` is no time")) * unit)
        .sum()
}

impl Event {
    fn with(self, evidence: Evidence) -> Event {
        Event { evidence, ..self }
    }

    fn guest(self) -> Event {
        self.with(Evidence::Guest)
    }

    fn external(self, user: u32) -> Event {
        self.with(Evidence::External(Some(user)))
    }

    fn internal(self, user: u32) -> Event {
        self.with(Evidence::Internal(Some(user)))
    }

    fn bot(self) -> Event {
        self.with(Evidence::Bot)
    }

    fn next_day(self) -> Event {
        self.after(DAY)
    }

    fn after(self, gap: i64) -> Event {
        let at = self.at + gap;
        Event { at, day: at.div_euclid(DAY) as i32, ..self }
    }
}
