//! Seeded traffic that crowds around the instants at which a bill is decided.
//!
//! The same seed gives the same traffic everywhere. A visitor's events come in an order of arrival, with repeats, as
//! the journal would deliver them; a set of them is what the fold is about.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use super::model::{Event, Evidence, Kind, Rules};

/// A billing time zone around one week.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone {
    /// Its name in the IANA database.
    pub(crate) name: &'static str,
    /// The first instant of traffic, in milliseconds.
    pub(crate) begins: i64,
    /// From which instant which offset to UTC holds, in milliseconds; the first holds before, too.
    pub(crate) offsets: &'static [(i64, i64)],
}

impl Zone {
    /// No change of clocks, a turn of the month: the traffic begins on 2026-10-30.
    pub(crate) const UTC: Zone = Zone { name: "UTC", begins: 1_793_318_400_000, offsets: &[(0, 0)] };
    /// A 25-hour day: 2026-10-25, 03:00 CEST is 02:00 CET.
    pub(crate) const BERLIN_AUTUMN: Zone =
        Zone { name: "Europe/Berlin", begins: 1_792_713_600_000, offsets: &[(0, 2 * HOUR), (1_792_890_000_000, HOUR)] };
    /// A 23-hour day: 2026-03-29, 02:00 CET is 03:00 CEST.
    pub(crate) const BERLIN_SPRING: Zone =
        Zone { name: "Europe/Berlin", begins: 1_774_569_600_000, offsets: &[(0, HOUR), (1_774_746_000_000, 2 * HOUR)] };
    /// No whole hours from UTC.
    pub(crate) const KATHMANDU: Zone =
        Zone { name: "Asia/Kathmandu", begins: 1_793_318_400_000, offsets: &[(0, 5 * HOUR + 45 * MINUTE)] };
    /// The local day goes back: 2010-11-07, 00:01 NDT is 23:01 NST of the day before.
    pub(crate) const ST_JOHNS: Zone = Zone {
        name: "America/St_Johns",
        begins: 1_288_915_200_000,
        offsets: &[(0, -(2 * HOUR + 30 * MINUTE)), (1_289_097_060_000, -(3 * HOUR + 30 * MINUTE))],
    };

    /// All of them.
    pub(crate) const ALL: [Zone; 5] =
        [Zone::UTC, Zone::BERLIN_AUTUMN, Zone::BERLIN_SPRING, Zone::KATHMANDU, Zone::ST_JOHNS];

    /// The number of the civil day, counted from 1970-01-01.
    pub(crate) fn day(&self, at: i64) -> i32 {
        (at + self.offset(at)).div_euclid(DAY) as i32
    }

    /// The first instant of the next civil day.
    pub(crate) fn midnight_after(&self, at: i64) -> i64 {
        let local = ((at + self.offset(at)).div_euclid(DAY) + 1) * DAY;
        let guess = local - self.offset(at);
        local - self.offset(guess)
    }

    fn offset(&self, at: i64) -> i64 {
        let in_force = self.offsets.iter().rev().find(|(from, _)| *from <= at);
        in_force.or(self.offsets.first()).map_or(0, |(_, offset)| *offset)
    }
}

/// What so many visitors do over a few days in one scope under these rules: one list of events for each.
pub(crate) fn traffic(seed: u64, zone: &Zone, rules: &Rules, visitors: usize) -> Vec<Vec<Event>> {
    let mut random = Random::from_seed(seed);
    (0..visitors).map(|_| visitor(&mut random, zone, rules)).collect()
}

/// A policy that no preset has.
pub(crate) fn rules(random: &mut Random) -> Rules {
    let idle_ms = random.one_of(&[1_000, MINUTE, 5 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 2 * HOUR]);
    let max_ms = match random.below(6) {
        0..=1 => None,
        2 => Some(idle_ms),
        3 => Some(idle_ms / 2 + 1),
        4 => Some(idle_ms * 2 + 1),
        _ => Some(idle_ms * (2 + random.below(8) as i64)),
    };
    Rules {
        idle_ms,
        max_ms,
        rollover_counts: random.chance(3, 4),
        login_counts: random.chance(1, 2),
        min_pages: random.one_of(&[1, 1, 1, 2, 3]),
    }
}

/// Splitmix64 (Steele, Lea and Flood, 2014): small, seeded, the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The same seed, the same numbers.
    pub(crate) fn from_seed(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Yes, in so many of so many cases.
    pub(crate) fn chance(&mut self, yes: u64, of: u64) -> bool {
        self.below(of) < yes
    }

    /// One of a few, each as likely as it is often there.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Any order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Traffic ends after this many days, or this many events of one visitor.
const DAYS: i64 = 5;
const EVENTS: usize = 120;
/// The longest way to an instant that is walked without a pause; a longer one is leapt.
const STEPS: i64 = 40;

/// What a visitor is like; it decides what its pages prove.
#[derive(Clone, Copy)]
enum Nature {
    Anonymous,
    Customer,
    Employee,
    Shared,
    Anybody,
    Bot,
}

struct Browser<'a> {
    random: &'a mut Random,
    zone: &'a Zone,
    rules: &'a Rules,
    nature: Nature,
    now: i64,
    /// Where the last session may have started, to aim at its greatest age.
    began: i64,
    events: Vec<Event>,
}

fn visitor(random: &mut Random, zone: &Zone, rules: &Rules) -> Vec<Event> {
    let nature = random.one_of(&[
        Nature::Anonymous,
        Nature::Customer,
        Nature::Customer,
        Nature::Employee,
        Nature::Shared,
        Nature::Shared,
        Nature::Anybody,
        Nature::Bot,
    ]);
    let now = zone.begins + random.below(DAY as u64) as i64;
    let length = 1 + random.below(EVENTS as u64) as usize;
    let mut browser = Browser { random, zone, rules, nature, now, began: now, events: Vec::new() };
    while browser.events.len() < length && browser.now < zone.begins + DAYS * DAY {
        browser.scene();
    }
    let mut events = browser.events;
    repeat_some(random, &mut events);
    disorder(random, &mut events);
    events
}

impl Browser<'_> {
    /// One turn of the story.
    fn scene(&mut self) {
        match self.random.below(12) {
            0..=4 => self.look_around(),
            5 => self.wait_about_the_idle_timeout(),
            6 => self.stay_about_the_greatest_age(),
            7 => self.be_there_at_midnight(),
            8 => self.poll_through_midnight(),
            9 => self.be_there_when_clocks_change(),
            10 => self.do_all_at_once(),
            _ => self.sign_out_and_in(),
        }
    }

    fn look_around(&mut self) {
        for _ in 0..=self.random.below(4) {
            self.now += self.random.one_of(&[1, 50, 1_000, 20_000, MINUTE, self.rules.idle_ms / 3]);
            self.anything();
        }
    }

    fn wait_about_the_idle_timeout(&mut self) {
        self.now += self.rules.idle_ms + self.random.one_of(&[-1, -1, 0, 0, 1]);
        if self.random.chance(1, 4) {
            // Whatever keeps alive only almost must not revive.
            self.activity();
            self.now += self.random.one_of(&[0, 1, self.rules.idle_ms - 1]);
        }
        self.began = self.now;
        self.anything();
    }

    fn stay_about_the_greatest_age(&mut self) {
        if self.random.chance(1, 2) {
            self.now += self.rules.idle_ms;
            self.began = self.now;
        }
        self.page();
        let age = self.rules.max_ms.unwrap_or(4 * HOUR);
        let target = self.began + age + self.random.one_of(&[-1, 0, 0, 1]);
        self.go_to(target);
        self.anything();
        self.began = self.now;
    }

    fn be_there_at_midnight(&mut self) {
        let midnight = self.zone.midnight_after(self.now);
        let before = self.random.one_of(&[1, 1, 10_000, self.rules.idle_ms / 2]);
        self.go_to(midnight - before);
        self.anything();
        self.now = self.now.max(midnight + self.random.one_of(&[-1, 0, 0, 1, 10_000]));
        self.anything();
        self.anything_soon();
    }

    fn poll_through_midnight(&mut self) {
        self.page();
        let midnight = self.zone.midnight_after(self.now);
        let gap = self.random.one_of(&[self.rules.idle_ms / 2, self.rules.idle_ms - 1]).max(1);
        if (midnight - self.now) / gap > STEPS {
            self.now = midnight - gap * self.random.below(4) as i64 - 1;
            self.began = self.now;
            self.page();
        }
        while self.now < midnight + gap * self.random.below(3) as i64 {
            self.now += gap;
            self.activity();
        }
        self.now += self.random.one_of(&[0, 1, self.rules.idle_ms - 1, self.rules.idle_ms]);
        self.page();
    }

    fn be_there_when_clocks_change(&mut self) {
        let Some(change) = self.zone.offsets.iter().map(|(from, _)| *from).find(|from| *from > self.now) else {
            return self.be_there_at_midnight();
        };
        // Only the nearest visitors are brought there, or every story would end with it.
        if change - self.now > DAY {
            return self.look_around();
        }
        let before = self.random.one_of(&[1, 30_000, 30 * MINUTE]);
        self.go_to(change - before);
        self.anything();
        let after = self.random.one_of(&[-1, 0, 1, 30_000, 30 * MINUTE]);
        self.go_to(change + after);
        self.anything();
        self.anything_soon();
    }

    fn do_all_at_once(&mut self) {
        self.now += self.random.one_of(&[0, 0, 1, MINUTE, self.rules.idle_ms]);
        for _ in 0..2 + self.random.below(4) {
            self.anything();
        }
    }

    fn sign_out_and_in(&mut self) {
        let evidence = self.signed_in();
        self.record(Kind::Page, evidence);
        self.now += self.random.one_of(&[0, 1, 5_000]);
        if self.random.chance(1, 2) {
            self.logout();
        } else {
            self.record(Kind::Page, Evidence::Guest);
        }
        for _ in 0..self.random.below(3) {
            self.now += self.random.one_of(&[1, MINUTE, self.rules.idle_ms - 1]);
            let evidence = self.random.one_of(&[Evidence::Guest, Evidence::Unknown]);
            self.record(Kind::Page, evidence);
        }
        self.now += self.random.one_of(&[0, 1, 5_000, self.rules.idle_ms - 1, self.rules.idle_ms]);
        let evidence = self.signed_in();
        self.record(Kind::Page, evidence);
    }

    /// Goes on to an instant, step by step if the way is short or else in one leap.
    fn go_to(&mut self, target: i64) {
        let gap = self.random.one_of(&[self.rules.idle_ms / 2, self.rules.idle_ms - 1]).max(1);
        if target - self.now <= gap * STEPS && self.random.chance(4, 5) {
            while self.now + gap < target {
                self.now += gap;
                if self.random.chance(1, 2) { self.activity() } else { self.page() }
            }
        }
        self.now = self.now.max(target);
    }

    fn anything_soon(&mut self) {
        self.now += self.random.one_of(&[0, 1, 1_000, self.rules.idle_ms - 1]);
        self.anything();
    }

    fn anything(&mut self) {
        match self.random.below(10) {
            0..=6 => self.page(),
            7..=8 => self.activity(),
            _ => self.logout(),
        }
    }

    fn page(&mut self) {
        let evidence = self.evidence();
        self.record(Kind::Page, evidence);
    }

    /// Its evidence changes nothing, so it may be any.
    fn activity(&mut self) {
        let evidence = self.evidence();
        self.record(Kind::Activity, evidence);
    }

    fn logout(&mut self) {
        let evidence = self.evidence();
        self.record(Kind::Logout, evidence);
    }

    fn record(&mut self, kind: Kind, evidence: Evidence) {
        // A bot is a visitor of its own, whatever it sends.
        let evidence = if matches!(self.nature, Nature::Bot) { Evidence::Bot } else { evidence };
        self.events.push(Event { at: self.now, day: self.zone.day(self.now), kind, evidence });
    }

    fn evidence(&mut self) -> Evidence {
        let ann = Some(1);
        match self.nature {
            Nature::Anonymous => self.random.one_of(&[Evidence::Guest, Evidence::Guest, Evidence::Unknown]),
            Nature::Customer => self.random.one_of(&[
                Evidence::Guest,
                Evidence::Unknown,
                Evidence::External(None),
                Evidence::External(ann),
                Evidence::External(ann),
            ]),
            Nature::Employee => self.random.one_of(&[
                Evidence::Guest,
                Evidence::Unknown,
                Evidence::Internal(None),
                Evidence::Internal(ann),
                Evidence::Internal(ann),
            ]),
            Nature::Shared | Nature::Anybody => match self.random.below(6) {
                0 => Evidence::Unknown,
                1 => Evidence::Guest,
                _ => self.signed_in(),
            },
            Nature::Bot => Evidence::Bot,
        }
    }

    fn signed_in(&mut self) -> Evidence {
        let somebody = self.random.one_of(&[None, Some(1), Some(1), Some(2), Some(3)]);
        match self.nature {
            Nature::Employee => Evidence::Internal(somebody),
            Nature::Anybody if self.random.chance(1, 2) => Evidence::Internal(somebody),
            _ => Evidence::External(somebody),
        }
    }
}

fn repeat_some(random: &mut Random, events: &mut Vec<Event>) {
    for index in 0..events.len() {
        if random.chance(1, 10) {
            events.push(events[index]);
        }
    }
    events.sort_by_key(|event| event.at);
}

/// A quarter arrives in any order, a quarter with neighbours exchanged, the rest as it was made.
fn disorder(random: &mut Random, events: &mut [Event]) {
    match random.below(4) {
        0 => random.shuffle(events),
        1 => events.chunks_mut(3).for_each(|few| random.shuffle(few)),
        _ => {}
    }
}
