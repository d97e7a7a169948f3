//! What must be counted, from what a visitor did and when: the law (`metering.md`) told once more, without the
//! program's code.
//!
//! A client does not know when its request arrived, only between which instants; of an answer that never came it does
//! not know either whether the request was seen. Mostly neither matters: a page more in a live session counts nothing.
//! Where it might, as when a pause came close to the idle timeout because the machine was slow, the visitor's truth
//! goes on as several stories, and what is counted must be between the least and the most that they tell. A visitor
//! with one story has one truth.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::calendar::{Calendar, Span};
use super::plan::Portal;

/// As what a session counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Guest,
    External,
    Internal,
    Bot,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    Start,
    Midnight,
    Login,
    Relogin,
    UserSwitch,
}

impl Class {
    pub(crate) const ALL: [Self; 4] = [Self::Guest, Self::External, Self::Internal, Self::Bot];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::External => "external",
            Self::Internal => "internal",
            Self::Bot => "bot",
        }
    }
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Midnight => "midnight",
            Self::Login => "login",
            Self::Relogin => "relogin",
            Self::UserSwitch => "user_switch",
        }
    }
}

/// What a page proves of its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Unknown,
    Guest,
    Customer(u32),
    Staff(u32),
    Bot,
}

/// What somebody did, once it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// From the first time it was tried to the answer.
    pub(crate) whole: Span,
    /// The try that was answered.
    pub(crate) answered: Span,
    /// Which node answered.
    pub(crate) node: usize,
    /// How often it was sent.
    pub(crate) sent: u32,
}

impl Done {
    /// What was tried before in vain.
    fn lost(&self) -> Self {
        let lost = Span { first: self.whole.first, last: self.answered.first };
        Self { whole: lost, answered: lost, ..*self }
    }
}

/// One counted unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) module: Option<&'static str>,
    pub(crate) day: u8,
    pub(crate) class: Class,
    pub(crate) reason: Reason,
    /// When the page was asked for that counts.
    pub(crate) at: Span,
    /// Who was signed in.
    pub(crate) user: Option<u32>,
}

/// When nodes were killed: what nobody waits for is written to the journal a little later.
#[derive(Debug, Default)]
pub(crate) struct Kills(Mutex<Vec<(usize, u64)>>);

impl Kills {
    pub(crate) fn note(&self, node: usize, at: u64) {
        self.0.lock().unwrap().push((node, at));
    }

    fn any_since(&self, node: usize, since: u64) -> bool {
        self.0.lock().unwrap().iter().any(|&(killed, at)| killed == node && at >= since)
    }
}

/// A visitor of a portal: one browser, as long as it is known to be one.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) portal: &'static Portal,
    stories: Vec<Story>,
    /// Pages that were answered, and that were sent, by module.
    pub(crate) pages: BTreeMap<Option<&'static str>, [u64; 2]>,
}

/// One way in which it may have gone.
#[derive(Debug, Clone, Default)]
struct Story {
    sessions: BTreeMap<Option<&'static str>, Session>,
    units: Vec<Unit>,
    converted: Vec<(Option<&'static str>, u8)>,
}

#[derive(Debug, Clone)]
struct Session {
    class: Class,
    user: Option<u32>,
    proven_guest: bool,
    logged_out: bool,
    counted_day: u8,
    started: Span,
    /// The last page or logout that was seen for sure arrived not before this.
    surely: u64,
    /// An activity after that, its node, and when it was answered.
    kept: Option<(u64, usize, u64)>,
    /// Nothing arrived after this.
    last: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Live,
    Over,
    Either,
}

/// Clocks of nodes may be so far apart, and timers so late, in milliseconds.
const MARGIN: u64 = 400;
/// Nobody waits until an activity is in the journal: this is four times as long as it takes.
const JOURNALED: u64 = 400;

impl Visitor {
    pub(crate) fn new(portal: &'static Portal) -> Self {
        Self { portal, stories: vec![Story::default()], pages: BTreeMap::new() }
    }

    /// Whether it is known how it went.
    pub(crate) fn is_certain(&self) -> bool {
        self.stories.len() == 1
    }

    /// Whether it will be plain which sessions are live if something arrives then.
    pub(crate) fn will_be_certain(&self, then: Span, kills: &Kills) -> bool {
        let done = Done { whole: then, answered: then, node: 0, sent: 1 };
        let mut sessions = self.stories.iter().flat_map(|story| story.sessions.values());
        sessions.all(|session| session.life(self.portal, &done, kills) != Life::Either)
    }

    /// A page was answered.
    pub(crate) fn page(&mut self, module: Option<&'static str>, who: Who, done: &Done, time: (&Calendar, &Kills)) {
        // Page views are those of people.
        if who != Who::Bot {
            let pages = self.pages.entry(module).or_default();
            *pages = [pages[0] + 1, pages[1] + u64::from(done.sent)];
        }
        let portal = self.portal;
        let days = time.0.days(done.answered);
        let mut ways: Vec<Vec<u8>> = days.iter().map(|&day| vec![day]).collect();
        let long = done.whole.last - done.whole.first + MARGIN >= portal.idle;
        let before = time.0.day(done.whole.first);
        // What was lost may have been seen, on the day before, or so long before that it was another session.
        if done.sent > 1 && (long || days != [before]) {
            ways.extend(days.iter().map(|&day| vec![before, day]));
        }
        let lost = done.lost();
        self.go_on(|story| {
            let mut gone = Vec::new();
            for way in &ways {
                let mut stories = vec![story.clone()];
                for (place, &day) in way.iter().enumerate() {
                    let done = if place + 1 < way.len() { &lost } else { done };
                    let page = |story: Story| story.page(portal, &Page { module, who, day, done }, time.1);
                    stories = stories.into_iter().flat_map(page).collect();
                }
                gone.extend(stories);
            }
            gone
        });
    }

    /// Something was answered that keeps sessions alive.
    pub(crate) fn activity(&mut self, done: &Done, kills: &Kills) {
        self.in_all_modules(|story, module, portal| story.activity(portal, module, done, kills));
    }

    /// A logout was answered.
    pub(crate) fn logout(&mut self, done: &Done, kills: &Kills) {
        self.in_all_modules(|story, module, portal| story.logout(portal, module, done, kills));
    }

    /// The stories' units.
    pub(crate) fn units(&self) -> impl Iterator<Item = &[Unit]> {
        self.stories.iter().map(|story| &*story.units)
    }

    /// Guest sessions that became external, by story: in which module, on which day.
    pub(crate) fn converted(&self) -> impl Iterator<Item = &[(Option<&'static str>, u8)]> {
        self.stories.iter().map(|story| &*story.converted)
    }

    fn in_all_modules(&mut self, step: impl Fn(Story, Option<&'static str>, &Portal) -> Vec<Story>) {
        let portal = self.portal;
        let modules: Vec<_> =
            if portal.modules.is_empty() { vec![None] } else { portal.modules.iter().copied().map(Some).collect() };
        for module in modules {
            self.go_on(|story| step(story, module, portal));
        }
    }

    fn go_on(&mut self, step: impl Fn(Story) -> Vec<Story>) {
        self.stories = std::mem::take(&mut self.stories).into_iter().flat_map(step).collect();
        assert!(self.stories.len() < 1_000, "whoever is in doubt does nothing more");
    }
}

impl Story {
    /// What follows where the session is surely live, surely over, or one of the two.
    fn either(
        self,
        portal: &Portal,
        module: Option<&'static str>,
        (done, kills): (&Done, &Kills),
        step: impl Fn(&mut Self, Option<Session>),
    ) -> Vec<Self> {
        let session = self.sessions.get(&module).cloned();
        let life = session.as_ref().map_or(Life::Over, |session| session.life(portal, done, kills));
        let go = |live: bool| {
            let mut story = self.clone();
            story.sessions.remove(&module);
            step(&mut story, session.clone().filter(|_| live));
            story
        };
        match life {
            Life::Live => vec![go(true)],
            Life::Over => vec![go(false)],
            Life::Either => vec![go(true), go(false)],
        }
    }

    fn activity(self, portal: &Portal, module: Option<&'static str>, done: &Done, kills: &Kills) -> Vec<Self> {
        self.either(portal, module, (done, kills), |story, session| {
            let Some(mut session) = session else { return };
            session.kept = Some((done.answered.first, done.node, done.answered.last));
            session.last = session.last.max(done.whole.last);
            story.sessions.insert(module, session);
        })
    }

    fn logout(self, portal: &Portal, module: Option<&'static str>, done: &Done, kills: &Kills) -> Vec<Self> {
        self.either(portal, module, (done, kills), |story, session| {
            let Some(mut session) = session else { return };
            session.seen(done);
            session.logged_out |= matches!(session.class, Class::External | Class::Internal);
            story.sessions.insert(module, session);
        })
    }

    fn page(self, portal: &Portal, page: &Page<'_>, kills: &Kills) -> Vec<Self> {
        self.either(portal, page.module, (page.done, kills), |story, session| match session {
            Some(session) => story.page_of(session, portal, page),
            None => story.start(page, Reason::Start),
        })
    }

    /// A page of a live session.
    fn page_of(&mut self, mut session: Session, portal: &Portal, page: &Page<'_>) {
        session.seen(page.done);
        let signed_in = matches!(page.who, Who::Customer(_) | Who::Staff(_));
        if session.logged_out && signed_in {
            return self.start(page, Reason::Relogin);
        }
        let was_guest = session.class == Class::Guest;
        let mut silent = session.logged_out;
        match page.who {
            _ if silent => {}
            Who::Unknown | Who::Bot => {}
            Who::Guest if was_guest => session.proven_guest = true,
            Who::Guest => (session.logged_out, silent) = (true, true),
            Who::Customer(user) if was_guest => {
                session.class = Class::External;
                session.user = Some(user);
                if portal.login_counts && session.proven_guest {
                    self.count(&mut session, page, Reason::Login);
                    silent = true;
                } else {
                    self.converted.push((page.module, page.day));
                }
            }
            Who::Staff(user) if was_guest => {
                session.class = Class::Internal;
                session.user = Some(user);
            }
            Who::Customer(_) | Who::Staff(_) if session.is_of(page.who) => {}
            Who::Customer(_) | Who::Staff(_) => return self.start(page, Reason::UserSwitch),
        }
        if !silent && page.day > session.counted_day {
            self.count(&mut session, page, Reason::Midnight);
        }
        self.sessions.insert(page.module, session);
    }

    fn start(&mut self, page: &Page<'_>, reason: Reason) {
        let (class, user) = match page.who {
            Who::Unknown | Who::Guest => (Class::Guest, None),
            Who::Customer(user) => (Class::External, Some(user)),
            Who::Staff(user) => (Class::Internal, Some(user)),
            Who::Bot => (Class::Bot, None),
        };
        let mut session = Session {
            class,
            user,
            proven_guest: page.who == Who::Guest,
            logged_out: false,
            counted_day: page.day,
            started: page.done.whole,
            surely: page.done.answered.first,
            kept: None,
            last: page.done.whole.last,
        };
        self.count(&mut session, page, reason);
        self.sessions.insert(page.module, session);
    }

    fn count(&mut self, session: &mut Session, page: &Page<'_>, reason: Reason) {
        session.counted_day = page.day;
        let Session { class, user, .. } = *session;
        self.units.push(Unit { module: page.module, day: page.day, class, reason, at: page.done.whole, user });
    }
}

/// A page, as the fold looks at it.
struct Page<'d> {
    module: Option<&'static str>,
    who: Who,
    day: u8,
    done: &'d Done,
}

impl Session {
    /// A page or a logout of this session was seen.
    fn seen(&mut self, done: &Done) {
        self.surely = done.answered.first;
        self.kept = None;
        self.last = self.last.max(done.whole.last);
    }

    fn is_of(&self, who: Who) -> bool {
        match who {
            Who::Customer(user) => self.class == Class::External && self.user == Some(user),
            Who::Staff(user) => self.class == Class::Internal && self.user == Some(user),
            Who::Unknown | Who::Guest | Who::Bot => true,
        }
    }

    fn life(&self, portal: &Portal, done: &Done, kills: &Kills) -> Life {
        let lives = self.is_awake(portal, done, kills);
        let Some(longest) = portal.longest else { return lives };
        let lasts = if done.answered.last + MARGIN < self.started.first + longest {
            Life::Live
        } else if done.whole.first > self.started.last + longest + MARGIN {
            Life::Over
        } else {
            Life::Either
        };
        match (lives, lasts) {
            (Life::Over, _) | (_, Life::Over) => Life::Over,
            (Life::Live, Life::Live) => Life::Live,
            _ => Life::Either,
        }
    }

    fn is_awake(&self, portal: &Portal, done: &Done, kills: &Kills) -> Life {
        let until = |seen: u64| done.answered.last + MARGIN < seen + portal.idle;
        let kept = self.kept.is_some_and(|(seen, node, answered)| {
            until(seen) && done.whole.first > answered + JOURNALED && !kills.any_since(node, seen)
        });
        if until(self.surely) || kept {
            Life::Live
        } else if done.whole.first > self.last + portal.idle + MARGIN {
            Life::Over
        } else {
            Life::Either
        }
    }
}
