//! A slow, obvious model of "The fold" and "Presets" of `metering.md`, to hold the real fold against.
//!
//! It is written from the words of that page alone and shares nothing with the crate under test. It sees one visitor
//! in one scope, sorts everything, walks once and forgets nothing. Each branch bears the number of its rule; where
//! the words leave a choice, a comment that begins with `AMBIGUOUS` says which was taken.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// May count.
    Page,
    /// Only keeps a session alive.
    Activity,
    /// Logs out.
    Logout,
}

/// What an observation proves about its sender; a user is a number, if known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Evidence {
    /// Nothing.
    Unknown,
    /// Not signed in.
    Guest,
    /// A signed-in customer.
    External(Option<u32>),
    /// A signed-in employee.
    Internal(Option<u32>),
    /// A crawler.
    Bot,
}

/// One observation of the one visitor in the one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    /// When the request arrived, in milliseconds.
    pub(crate) at: i64,
    /// Number of the civil day in the billing time zone, stamped when the observation was made.
    pub(crate) day: i32,
    /// What was seen.
    pub(crate) kind: Kind,
    /// What it proves.
    pub(crate) evidence: Evidence,
}

/// A portal's policy, as far as the fold asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A session without an observation for this long is over.
    pub(crate) idle_ms: i64,
    /// A session this old is over.
    pub(crate) max_ms: Option<i64>,
    /// `day_rollover = "count"`.
    pub(crate) rollover_counts: bool,
    /// `login = "count"`.
    pub(crate) login_counts: bool,
    /// A session counts from this page on, at that page's time, as what it is by then.
    pub(crate) min_pages: u32,
}

/// What a record is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Billable.
    Guest,
    /// Billable.
    External,
    /// Never billed.
    Internal,
    /// Never billed.
    Bot,
}

/// Why a record was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// Rule 1.
    Start,
    /// Rule 2.
    Midnight,
    /// Rule 3.
    Login,
    /// Rule 5.
    Relogin,
    /// Rule 6.
    UserSwitch,
}

/// A usage record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Counted {
    /// The day it is billed on.
    pub(crate) day: i32,
    /// What it is counted as.
    pub(crate) class: Class,
    /// Why.
    pub(crate) reason: Reason,
    /// When its session started, in milliseconds.
    pub(crate) session_start: i64,
}

/// What follows from the observations: all of it, in the order in which it was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The usage records.
    pub(crate) counted: Vec<Counted>,
    /// The guest sessions that became external at +0: their start, and the day of the page that showed it.
    pub(crate) conversions: Vec<(i64, i32)>,
}

impl Outcome {
    /// Records of class guest and external.
    pub(crate) fn billable(&self) -> usize {
        self.of(Class::Guest) + self.of(Class::External)
    }

    /// Records of one class.
    pub(crate) fn of(&self, class: Class) -> usize {
        self.counted.iter().filter(|record| record.class == class).count()
    }

    /// Records of one day.
    pub(crate) fn on(&self, day: i32) -> usize {
        self.counted.iter().filter(|record| record.day == day).count()
    }
}

impl Rules {
    /// Service portals, Engagement Messenger and Community are metered alike.
    pub(crate) const PORTAL: Rules =
        Rules { idle_ms: 30 * MINUTE, max_ms: None, rollover_counts: true, login_counts: false, min_pages: 1 };
    /// A login counts.
    pub(crate) const WEB_EMBEDDABLES: Rules = Rules { login_counts: true, ..Rules::PORTAL };
    /// A session ends after four hours.
    pub(crate) const PARTNER_PORTAL: Rules = Rules { max_ms: Some(4 * 60 * MINUTE), ..Rules::PORTAL };

    /// The table "Presets".
    pub(crate) const PRESETS: [(&str, Rules); 5] = [
        ("service_portal", Rules::PORTAL),
        ("engagement_messenger", Rules::PORTAL),
        ("community", Rules::PORTAL),
        ("web_embeddables", Rules::WEB_EMBEDDABLES),
        ("partner_portal", Rules::PARTNER_PORTAL),
    ];
}

/// What is counted for one visitor in one scope.
pub(crate) fn count(events: &[Event], rules: &Rules) -> Outcome {
    // Rule 8: bots have sessions of their own. A bot is a visitor of its own, so a set that holds bots and others is
    // not one visitor's; taken nevertheless, neither sees the other.
    let (bots, people): (Vec<Event>, Vec<Event>) =
        in_order(events).into_iter().partition(|event| event.evidence == Evidence::Bot);
    let mut outcome = Outcome::default();
    for session in sessions(&people, rules).into_iter().chain(sessions(&bots, rules)) {
        for record in session.counted {
            // A record's id derives from session, day and reason, a session's from its start. AMBIGUOUS: sessions
            // begun by switches at one instant share an id; the first record under it is the one that stands.
            let known = |other: &Counted| key(other) == key(&record);
            if !outcome.counted.iter().any(known) {
                outcome.counted.push(record);
            }
        }
        outcome.conversions.extend(session.conversions);
    }
    outcome
}

const MINUTE: i64 = 60_000;

struct Session {
    started: i64,
    last_seen: i64,
    last_counted_day: i32,
    began: Reason,
    class: Class,
    user: Option<u32>,
    proven_guest: bool,
    logged_out: bool,
    pages: u32,
    counted: Vec<Counted>,
    conversions: Vec<(i64, i32)>,
}

/// The set of the events in the order of the law: by instant; pages, activity, logouts; pages by what they prove.
fn in_order(events: &[Event]) -> Vec<Event> {
    let mut ordered = events.to_vec();
    ordered.sort_by_key(|event| (event.at, event.kind, event.evidence, event.day));
    ordered.dedup();
    ordered
}

fn sessions(events: &[Event], rules: &Rules) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    for event in events {
        let live = sessions.last_mut().filter(|session| is_live(session, event.at, rules));
        let Some(session) = live else {
            // Rule 1: a page starts a session; activity and logout start nothing.
            if event.kind == Kind::Page {
                sessions.push(begin(event, Reason::Start, rules));
            }
            continue;
        };
        // Every observation of a live session, logged out or not, moves its last-seen time.
        session.last_seen = event.at;
        match event.kind {
            // Activity only keeps alive.
            Kind::Activity => {}
            // Rule 4: a logout request in a guest session (or a bot's) changes nothing but last-seen.
            Kind::Logout => session.logged_out |= is_signed_in(session),
            Kind::Page => match reason_for_another_session(session, event.evidence) {
                Some(reason) => sessions.push(begin(event, reason, rules)),
                None => page(session, event, rules),
            },
        }
    }
    sessions
}

/// Rule 1. AMBIGUOUS: rule 4 lets a logged-out session last "until it has idled out"; here `max_duration` ends it too.
fn is_live(session: &Session, at: i64, rules: &Rules) -> bool {
    at - session.last_seen < rules.idle_ms && rules.max_ms.is_none_or(|max| at - session.started < max)
}

fn is_signed_in(session: &Session) -> bool {
    session.class == Class::External || session.class == Class::Internal
}

fn reason_for_another_session(session: &Session, evidence: Evidence) -> Option<Reason> {
    let (class, user) = match evidence {
        // Rule 9, rule 4, rule 8.
        Evidence::Unknown | Evidence::Guest | Evidence::Bot => return None,
        Evidence::External(user) => (Class::External, user),
        Evidence::Internal(user) => (Class::Internal, user),
    };
    // Rule 5: login again after a logout, whoever it is.
    if session.logged_out {
        return Some(Reason::Relogin);
    }
    // Rules 3 and 7: a first login stays in its session.
    if !is_signed_in(session) {
        return None;
    }
    // Rule 6: external <-> internal, whatever the users.
    if session.class != class {
        return Some(Reason::UserSwitch);
    }
    // Rule 6: u1 -> u2, both known.
    match (session.user, user) {
        (Some(before), Some(now)) if before != now => Some(Reason::UserSwitch),
        _ => None,
    }
}

/// Rules 1, 5 and 6: the session starts with this page and counts +1 in the class of its evidence, if one page is enough.
fn begin(event: &Event, reason: Reason, rules: &Rules) -> Session {
    let (class, user) = match event.evidence {
        // Rule 1: unknown counts as guest.
        Evidence::Unknown | Evidence::Guest => (Class::Guest, None),
        Evidence::External(user) => (Class::External, user),
        Evidence::Internal(user) => (Class::Internal, user),
        Evidence::Bot => (Class::Bot, None),
    };
    let mut session = Session {
        started: event.at,
        last_seen: event.at,
        last_counted_day: event.day,
        began: reason,
        class,
        user,
        proven_guest: event.evidence == Evidence::Guest,
        logged_out: false,
        pages: 1,
        counted: Vec::new(),
        conversions: Vec::new(),
    };
    if rules.min_pages <= 1 {
        add(&mut session, event.day, reason);
    }
    session
}

/// A page of a live session that stays in it.
fn page(session: &mut Session, event: &Event, rules: &Rules) {
    session.pages += 1;
    // AMBIGUOUS: every page is one of the session's, also one that counts nothing; the page that it would count with
    // may be such a one, and then it never counts.
    let has_counted = !session.counted.is_empty();
    // Rule 4: guest and unknown pages in a logged-out session count nothing, rollover included. (Any other page of
    // one is rule 5.)
    if session.logged_out {
        return;
    }
    match event.evidence {
        // Rule 9: nothing about who is signed in. Rule 8: a bot is a bot.
        Evidence::Unknown | Evidence::Bot => {}
        // Rule 4: the page logs out, +0, rollover included.
        Evidence::Guest if is_signed_in(session) => {
            session.logged_out = true;
            return;
        }
        // Rule 3: proven guest by a page, be it the first or a later one.
        Evidence::Guest => session.proven_guest = true,
        Evidence::External(user) if session.class == Class::Guest => {
            session.class = Class::External;
            session.user = user;
            // Rule 3, policy "count": +1, and so not also a rollover (rule 2).
            if !has_counted {
                // It has not counted as a guest: there is nothing that a login could add to or convert.
            } else if rules.login_counts && session.proven_guest {
                add(session, event.day, Reason::Login);
                return;
            }
            // Rule 3, policy "continue", or from unknown under either: +0, and the page may yet be a rollover.
            if has_counted {
                session.conversions.push((session.started, event.day));
            }
        }
        // Rule 7: the class changes, +0, an earlier guest record stays.
        Evidence::Internal(user) if session.class == Class::Guest => {
            session.class = Class::Internal;
            session.user = user;
        }
        // Rule 6: a user first known later is learned; one known stays known.
        Evidence::External(user) | Evidence::Internal(user) => session.user = session.user.or(user),
    }
    // Rule 2: in the class as it is after this page.
    if !has_counted {
        if session.pages >= rules.min_pages {
            add(session, event.day, session.began);
        }
    } else if rules.rollover_counts && event.day > session.last_counted_day {
        add(session, event.day, Reason::Midnight);
    }
}

fn add(session: &mut Session, day: i32, reason: Reason) {
    session.counted.push(Counted { day, class: session.class, reason, session_start: session.started });
    // AMBIGUOUS: where clocks go back over midnight the local day does too; the last counted day is the latest one,
    // lest a day count twice.
    session.last_counted_day = session.last_counted_day.max(day);
}

fn key(record: &Counted) -> (i64, i32, Reason) {
    (record.session_start, record.day, record.reason)
}
