use portalmeter_rules::engagement::{Carried, Verb};

use super::*;
use crate::day::Zone;
use crate::observation::{Note, Scope, Stamp};
use crate::policy::{Experience, Policy};

/// 2026-03-12T22:59:00Z, a minute before midnight in Berlin.
const LATE: Millis = 1_773_356_340_000;
const MINUTE: Millis = 60_000;

fn gathering() -> Gathering {
    Gathering::new([("help".into(), Some(Arc::new(Engagement::default()))), ("quiet".into(), None)])
}

fn berlin() -> Vec<Stamping> {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let policy = Policy { zone, ..Policy::preset(Experience::ServicePortal) };
    vec![Stamp::new(policy.clone()).into(), Stamp::new(policy).into()]
}

fn seen(at: Millis) -> Seen {
    Seen {
        at,
        portal: 0,
        scope: Arc::new(Scope::portal("help")),
        class: Class::Guest,
        user: None,
        note: Arc::default(),
        what: What::Exchange { page: true, verb: Verb::Get, carried: Carried::Nothing },
    }
}

fn of(user: u8, account: Option<&str>) -> Seen {
    let note = Note { account: account.map(Into::into), ..Note::default() };
    Seen { class: Class::External, user: Some(Name([user; 16])), note: Arc::new(note), ..seen(LATE) }
}

fn told(acts: &[Acts]) -> Vec<(String, String, Option<String>, u32)> {
    let all = acts.iter().flat_map(|acts| &acts.acts);
    all.map(|act| (act.room.clone(), act.resource.clone(), act.action.clone(), act.count)).collect()
}

#[test]
fn what_is_alike_is_added_up_and_told_once() {
    let (mut gathering, berlin) = (gathering(), berlin());
    for target in ["/docs/a", "/docs/a?x=1", "/docs/b", "/find?q=x"] {
        gathering.add(&seen(LATE), target.as_bytes(), &berlin);
    }
    let mut all = told(&gathering.take());
    all.sort();
    let act = |room: &str, resource: &str, action: Option<&str>, count| {
        (room.to_owned(), resource.to_owned(), action.map(str::to_owned), count)
    };
    assert_eq!(
        all,
        [
            act("docs", "/docs/a", None, 2),
            act("docs", "/docs/b", None, 1),
            act("find", "/find", None, 1),
            act("find", "/find", Some("search"), 1),
        ]
    );
    assert_eq!(gathering.take(), []);
}

#[test]
fn quarters_and_days_are_the_portals() {
    let (mut gathering, berlin) = (gathering(), berlin());
    for at in [LATE, LATE + 2 * MINUTE, LATE + 16 * MINUTE] {
        gathering.add(&seen(at), b"/", &berlin);
    }
    let taken = gathering.take();
    let days: Vec<(Millis, String)> = taken.iter().map(|acts| (acts.at, acts.day.to_string())).collect();
    let midnight = LATE + MINUTE;
    assert_eq!(
        days,
        [
            (midnight - QUARTER, "2026-03-12".to_owned()),
            (midnight, "2026-03-13".to_owned()),
            (midnight + QUARTER, "2026-03-13".to_owned())
        ]
    );
    assert!(taken.iter().all(|acts| acts.zone == "Europe/Berlin" && acts.portal == "help"));
}

#[test]
fn beyond_the_bounds_names_are_other_and_it_is_told() {
    let (mut gathering, berlin) = (gathering(), berlin());
    for number in 0..MOST_RESOURCES + 5 {
        // Letters alone: digits would be an id.
        let name: String = number.to_string().bytes().map(|digit| (digit - b'0' + b'a') as char).collect();
        gathering.add(&seen(LATE), format!("/r{}/{name}", name.get(..2).unwrap_or("x")).as_bytes(), &berlin);
    }
    let taken = gathering.take();
    let all = told(&taken);
    let names = |at: fn(&(String, String, Option<String>, u32)) -> &String| {
        all.iter().map(at).filter(|name| *name != OTHER).collect::<HashSet<_>>().len()
    };
    assert_eq!(names(|act| &act.1), MOST_RESOURCES);
    assert!(names(|act| &act.0) <= MOST_ROOMS);
    let count: u32 = all.iter().map(|act| act.3).sum();
    assert_eq!(count as usize, MOST_RESOURCES + 5, "nothing is lost");
    assert!(taken.iter().all(|acts| acts.acts.len() <= TOGETHER) && taken.len() > 1);
    assert_eq!(gathering.other()[0].1.resources, 5);
    gathering.add(&seen(LATE + 2 * MINUTE), b"/new/page", &berlin);
    assert_eq!(told(&gathering.take())[0].1, "/new/page", "another day has names of its own");
}

#[test]
fn actions_that_browsers_tell_of_are_bounded_too() {
    let (mut gathering, berlin) = (gathering(), berlin());
    for number in 0..MOST_ACTIONS + 3 {
        let what = What::Told { action: format!("act-{number}").into(), goal: None };
        gathering.add(&Seen { what, ..seen(LATE) }, b"/docs/a", &berlin);
    }
    let what = What::Told { action: GOAL.into(), goal: Some("signed-up".into()) };
    gathering.add(&Seen { what, ..seen(LATE + 2 * MINUTE) }, b"/docs/a", &berlin);
    let all = told(&gathering.take());
    assert_eq!(gathering.other()[0].1, Other { actions: 3, ..Other::default() });
    assert!(all.contains(&("docs".into(), "/docs/a".into(), Some("other".into()), 3)), "{all:?}");
    assert!(all.contains(&("docs".into(), "signed-up".into(), Some("goal".into()), 1)), "{all:?}");
}

#[test]
fn a_users_company_is_known_once_it_was_named() {
    let (mut gathering, berlin) = (gathering(), berlin());
    for seen in [of(1, Some("acme")), of(1, None), of(2, None), Seen { class: Class::Guest, ..of(1, Some("acme")) }] {
        gathering.add(&seen, b"/", &berlin);
    }
    let taken = gathering.take();
    let mut all: Vec<_> =
        taken[0].acts.iter().map(|act| (act.class.name(), act.account.as_deref(), act.count)).collect();
    all.sort();
    assert_eq!(all, [("external", None, 1), ("external", Some("acme"), 2), ("guest", None, 1)]);
    let long = "é".repeat(128);
    gathering.add(&of(3, Some(&long)), b"/", &berlin);
    assert_eq!(gathering.take()[0].acts[0].account.as_ref().map(String::len), Some(200));
}

#[test]
fn a_portal_that_gathers_nothing_has_nothing() {
    let mut gathering = gathering();
    gathering.add(&Seen { portal: 1, ..seen(LATE) }, b"/", &berlin());
    gathering.add(&Seen { portal: 9, ..seen(LATE) }, b"/", &berlin());
    assert_eq!(gathering.take(), []);
}
