//! Actors: each plays a visitor by a script drawn from the run's seed, and knows what must be counted of it.
//!
//! # Why the truth is exact though requests get lost
//!
//! A request is lost when its connection ends because the node was killed. It may have been seen or not, and is sent
//! again, to another node, until it is answered; an answered page is counted, for it is in the journal before its
//! headers leave. So of each act one observation is sure and some more, a little earlier, may be. Those change nothing:
//!
//! * They say the same of the same visitor. With a cookie that is plain. Without one the visitor's fingerprint, which
//!   nobody else has, points to the session that the lost page began, and the cookie that does come back takes it over,
//!   for no other of it was ever seen.
//! * Nothing else of this visitor lies between: an act begins after the one before was answered, except for tabs and
//!   for pages that load while others are read, which are pages alike; before a sign-in or a sign-out all are waited for.
//! * A page more in a live session counts nothing, a second logout neither; two logins are one.
//! * Only time can tell them apart: an idle timeout or a midnight between them. The truth knows the spans, and goes on
//!   as several stories then (`truth.rs`); such an actor ends at once, and only few may.
//!
//! What nobody waits for, activity, may be lost with a node within 100 ms; the truth leans on it only where the node
//! lived.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::calendar::Span;
use super::chance::Chance;
use super::jar::Jar;
use super::plan::{self, Portal, SESSION};
use super::story::Step;
use super::truth::{Done, Visitor, Who};
use super::wire::Answer;
use super::world::World;

mod bot;
mod browser;
mod cookieless;
mod family;

/// What an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Keeps cookies.
    Browser,
    /// Several browsers behind one address, one after the other, then together.
    Family,
    /// Keeps none.
    Cookieless,
    Bot,
}

/// What was done, for whoever has to find out why it was counted otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) what: &'static str,
    pub(crate) done: Done,
}

/// What became of an actor.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) number: u64,
    pub(crate) role: Role,
    pub(crate) visitors: Vec<Visitor>,
    pub(crate) deeds: Vec<Deed>,
}

/// Somebody on the way to a portal.
#[derive(Debug, Clone)]
struct Client {
    world: Arc<World>,
    portal: &'static Portal,
    number: u64,
    chance: Chance,
    /// The header lines that are always the same.
    fields: String,
    jar: Jar,
    deeds: Vec<Deed>,
    /// How long the last answer took, in milliseconds.
    waited: u64,
    /// Which nodes to ask next, if that is no matter of chance; the last of them from then on.
    nodes: Vec<usize>,
}

/// Plays actor `number` from beginning to end, by that script of the run's seed.
pub(crate) async fn play(world: Arc<World>, number: u64, script: u64) -> Played {
    let mut chance = Chance::stream(world.seed, script);
    let (portal, role) = cast(&mut chance);
    let client = Client::new(world, portal, number, chance, role == Role::Bot);
    match role {
        Role::Browser => browser::play(client).await,
        Role::Family => family::play(client).await,
        Role::Cookieless => cookieless::play(client).await,
        Role::Bot => bot::play(client).await,
    }
}

/// Plays a browser of this portal by a written script: see `story.rs`.
pub(crate) async fn play_story(
    world: Arc<World>,
    number: u64,
    portal: &'static Portal,
    story: &[Step],
    kill: impl Fn(usize),
) -> Played {
    let chance = Chance::stream(world.seed, number);
    browser::play_story(Client::new(world, portal, number, chance, false), story, kill).await
}

fn cast(chance: &mut Chance) -> (&'static Portal, Role) {
    let portal = match chance.below(100) {
        0..=29 => &plan::SUPPORT,
        30..=56 => &plan::SERVICE,
        57..=72 => &plan::EMBED,
        73..=79 => &plan::KIOSK,
        80..=87 => &plan::BRIEF,
        88..=94 => &plan::SHIFT,
        _ => &plan::PARTNER,
    };
    let role = match chance.below(100) {
        _ if portal.mode == plan::Mode::Fingerprint => Role::Cookieless,
        0..=9 => Role::Bot,
        10..=22 => Role::Cookieless,
        // With other cookies than the meter's own, or when time is short, doubts would be many.
        23..=37 if std::ptr::eq(portal, &raw const plan::SUPPORT) => Role::Family,
        _ => Role::Browser,
    };
    (portal, role)
}

impl Client {
    fn new(world: Arc<World>, portal: &'static Portal, number: u64, chance: Chance, bot: bool) -> Self {
        // Half of them have an address of their own, the others a User-Agent.
        let (address, agent) = if number.is_multiple_of(2) { (number, 0) } else { (0, number) };
        let [.., a, b, c] = address.to_be_bytes();
        let agent = if bot {
            format!("Mozilla/5.0 (compatible; Googlebot/2.{agent}; +http://www.google.com/bot.html)")
        } else {
            format!("Mozilla/5.0 (X11; Linux x86_64; rv:128.{agent}) Gecko/20100101 Firefox/128.{agent}")
        };
        let frame = if portal.modules.is_empty() { "document" } else { "iframe" };
        let fields = format!(
            "Host: {}\r\nX-Forwarded-For: 20.{a}.{b}.{c}\r\nUser-Agent: {agent}\r\nAccept: text/html\r\n\
             Accept-Language: en\r\nSec-Fetch-Dest: {frame}\r\n",
            portal.host
        );
        Self {
            world,
            portal,
            number,
            chance,
            fields,
            jar: Jar::default(),
            deeds: Vec::new(),
            waited: 0,
            nodes: Vec::new(),
        }
    }

    /// Asks with further fields; what was answered, and of it the cookies kept.
    async fn ask(&mut self, what: &'static str, method: &str, path: &str, more: &str) -> Done {
        let (request, node) = (self.request(method, path, more), self.node());
        let (done, answer) = self.world.ask(&mut self.chance, node, request.as_bytes()).await;
        self.take(what, &done, &answer);
        done
    }

    /// Asks for a page; the answer may come later.
    fn begin_to_ask(&mut self, path: &str) -> JoinHandle<(Done, Answer)> {
        let (request, node) = (self.request("GET", path, ""), self.node());
        let (world, mut chance) = (Arc::clone(&self.world), self.chance.child());
        tokio::spawn(async move { world.ask(&mut chance, node, request.as_bytes()).await })
    }

    /// Asks for several pages at once, each of another tab, and waits for all.
    async fn ask_at_once(&mut self, what: &'static str, paths: &[String]) -> Vec<Done> {
        let mut tabs = JoinSet::new();
        for (tab, path) in paths.iter().enumerate() {
            let (request, node) = (self.request("GET", path, ""), self.node());
            let (world, mut chance) = (Arc::clone(&self.world), self.chance.child());
            tabs.spawn(async move { (tab, world.ask(&mut chance, node, request.as_bytes()).await) });
        }
        let mut all = Vec::new();
        // A browser keeps of a cookie what came last.
        while let Some(answered) = tabs.join_next().await {
            let (tab, (done, answer)) = answered.unwrap();
            self.take(what, &done, &answer);
            all.push((tab, done));
        }
        all.sort_by_key(|(tab, _)| *tab);
        let mut all: Vec<Done> = all.into_iter().map(|(_, done)| done).collect();
        // Whichever arrived first did what the first does.
        let first = all.iter().map(|done| done.whole.first).min().unwrap_or_default();
        let last = all.iter().map(|done| done.whole.last).max().unwrap_or_default();
        for done in &mut all {
            done.whole = Span { first, last };
        }
        all
    }

    fn node(&mut self) -> Option<usize> {
        if self.nodes.len() > 1 { Some(self.nodes.remove(0)) } else { self.nodes.first().copied() }
    }

    fn request(&self, method: &str, path: &str, more: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\n{}{more}{}\r\n", self.fields, self.jar.line())
    }

    fn take(&mut self, what: &'static str, done: &Done, answer: &Answer) {
        assert!([200, 302].contains(&answer.status), "{what} of visitor {} was answered {answer:?}", self.number);
        self.waited = done.answered.last - done.answered.first;
        answer.cookies.iter().for_each(|cookie| self.jar.keep(cookie));
        self.deeds.push(Deed { what, done: done.clone() });
    }

    /// Who the portal takes the sender of these cookies for.
    fn who(&self) -> Who {
        let session = self.jar.value(SESSION).and_then(|session| session.split('.').next());
        session.map_or(Who::Guest, who)
    }

    /// Thinks for a moment, and in any case until it is plain whether sessions of these visitors are live.
    async fn think(&mut self, visitors: &[&Visitor]) {
        let moment = if self.portal.is_hasty() { self.chance.between(300, 900) } else { self.chance.between(40, 150) };
        self.pause(moment, visitors).await;
    }

    /// Stays away until sessions have idled out.
    async fn stay_away(&mut self, visitors: &[&Visitor]) {
        let long = self.portal.idle + self.chance.between(500, 1_000);
        self.pause(long, visitors).await;
    }

    async fn pause(&self, milliseconds: u64, visitors: &[&Visitor]) {
        sleep(Duration::from_millis(milliseconds)).await;
        for _ in 0..100 {
            let now = self.world.calendar.now();
            // An answer takes no longer, mostly.
            let soon = Span { first: now, last: now + 150.max(3 * self.waited) };
            if visitors.iter().all(|visitor| visitor.will_be_certain(soon, &self.world.kills)) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The path of a page, in a module if the portal has some.
    fn page(&mut self) -> (Option<&'static str>, String) {
        if self.portal.modules.is_empty() {
            return (None, format!("/page/{}", self.chance.below(50)));
        }
        let module = self.chance.one_of(self.portal.modules);
        (Some(module), page_of(module))
    }

    fn played(self, role: Role, visitors: Vec<Visitor>) -> Played {
        Played { number: self.number, role, visitors, deeds: self.deeds }
    }
}

/// A module's page.
fn page_of(module: &str) -> String {
    format!("/embed/{module}/view")
}

/// `c7` is a customer, `s7` one of the staff.
fn who(user: &str) -> Who {
    let number = |user: &str| user.get(1..).and_then(|number| number.parse().ok());
    match number(user) {
        Some(number) if user.starts_with('s') => Who::Staff(number),
        Some(number) => Who::Customer(number),
        None => Who::Guest,
    }
}
