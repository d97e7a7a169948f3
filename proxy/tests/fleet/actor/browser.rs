//! A browser that keeps its cookies: pages, tabs, sign-in and sign-out, users who take turns.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::story::{Act, Step};
use super::super::truth::{Done, Visitor, Who};
use super::super::wire::Answer;
use super::{Client, Played, Role, page_of};

/// A browser, and what must be counted of it.
#[derive(Debug)]
pub(super) struct Browser {
    pub(super) client: Client,
    pub(super) visitor: Visitor,
    /// Pages that load while others are read.
    loading: Vec<Loading>,
}

#[derive(Debug)]
struct Loading {
    module: Option<&'static str>,
    who: Who,
    answer: JoinHandle<(Done, Answer)>,
}

/// Nobody looks at a page that loads any longer: there are others to read meanwhile.
const PATIENCE: Duration = Duration::from_millis(250);

pub(super) async fn play(client: Client) -> Played {
    let mut browser = Browser::new(client);
    if browser.begin().await {
        let most = if browser.client.portal.is_hasty() { 8 } else { 12 };
        let acts = browser.client.chance.between(3, most);
        for _ in 0..acts {
            if !browser.visitor.is_certain() {
                break;
            }
            browser.think().await;
            browser.act().await;
        }
    }
    browser.settle().await;
    browser.client.played(Role::Browser, vec![browser.visitor])
}

pub(super) async fn play_story(client: Client, story: &[Step], kill: impl Fn(usize)) -> Played {
    let mut browser = Browser::new(client);
    for step in story {
        browser.client.nodes.clone_from(&step.nodes);
        match step.act {
            Act::Page => browser.page().await,
            Act::Quiet => browser.quiet().await,
            Act::Tabs => browser.tabs(step.nodes.len() as u64).await,
            Act::Activity => browser.activity().await,
            Act::LoginPage => browser.login_page().await,
            Act::Login => browser.login().await,
            Act::Logout => browser.logout().await,
            Act::Wait(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
            Act::Kill => step.nodes.iter().for_each(|node| kill(*node)),
        }
    }
    browser.client.played(Role::Browser, vec![browser.visitor])
}

impl Browser {
    pub(super) fn new(client: Client) -> Self {
        Self { visitor: Visitor::new(client.portal), client, loading: Vec::new() }
    }

    pub(super) async fn think(&mut self) {
        self.client.think(&[&self.visitor]).await;
    }

    /// Comes to the portal; `false` if that was all.
    async fn begin(&mut self) -> bool {
        match self.client.chance.below(20) {
            0 => {
                self.login_page().await;
                return false;
            }
            1 => {
                self.activity().await;
                return false;
            }
            2..=4 => {
                self.login_page().await;
                self.think().await;
                self.login().await;
                self.page().await;
            }
            5..=8 => self.some_tabs().await,
            9 => self.quiet().await,
            _ => self.page().await,
        }
        true
    }

    /// Does something.
    pub(super) async fn act(&mut self) {
        let signed_in = self.client.who() != Who::Guest;
        match self.client.chance.below(100) {
            0..=17 => self.page().await,
            18..=34 => self.glance().await,
            35..=44 => self.some_tabs().await,
            45..=56 => self.activity().await,
            57..=70 if !signed_in => {
                self.login().await;
                self.page().await;
            }
            57..=67 if signed_in => self.logout().await,
            68..=70 => {
                self.logout().await;
                // As good as at once: clocks of nodes may be a little apart.
                sleep(Duration::from_millis(25)).await;
                self.login().await;
                self.page().await;
            }
            // Another user, or the same; nobody signed out.
            71..=76 => {
                self.login().await;
                self.think().await;
                self.page().await;
            }
            77..=80 => self.login_page().await,
            81..=84 => self.style().await,
            85..=88 => self.quiet().await,
            _ if self.client.portal.is_hasty() && self.client.portal.longest.is_none() => {
                self.client.stay_away(&[&self.visitor]).await;
                self.page().await;
            }
            _ => self.page().await,
        }
    }

    /// Opens a page.
    pub(super) async fn page(&mut self) {
        let (module, path) = self.client.page();
        let who = self.client.who();
        let done = self.client.ask("page", "GET", &path, "").await;
        self.saw(module, who, &done);
    }

    /// Opens a page, and if it takes long goes on without it.
    ///
    /// That is for whoever has a cookie and no bound near: then only who is signed in matters, and before that changes
    /// everything is waited for.
    async fn glance(&mut self) {
        if self.client.portal.is_hasty() {
            return self.page().await;
        }
        let (module, path) = self.client.page();
        let (who, mut answer) = (self.client.who(), self.client.begin_to_ask(&path));
        if let Ok(answered) = timeout(PATIENCE, &mut answer).await {
            self.loaded(module, who, &answered.unwrap());
        } else {
            self.loading.push(Loading { module, who, answer });
        }
    }

    /// Waits for every page that still loads.
    pub(super) async fn settle(&mut self) {
        for Loading { module, who, answer } in std::mem::take(&mut self.loading) {
            let answered = answer.await.unwrap();
            self.loaded(module, who, &answered);
        }
    }

    fn loaded(&mut self, module: Option<&'static str>, who: Who, (done, answer): &(Done, Answer)) {
        self.client.take("page at a glance", done, answer);
        self.saw(module, who, done);
    }

    async fn some_tabs(&mut self) {
        let many = self.client.chance.between(2, 5);
        self.tabs(many).await;
    }

    /// Opens several pages at once.
    async fn tabs(&mut self, many: u64) {
        let who = self.client.who();
        let pages: Vec<_> = if self.client.portal.modules.is_empty() {
            (0..many).map(|_| self.client.page()).collect()
        } else {
            // The components of one page.
            self.client.portal.modules.iter().map(|&module| (Some(module), page_of(module))).collect()
        };
        let paths: Vec<String> = pages.iter().map(|(_, path)| path.clone()).collect();
        let all = self.client.ask_at_once("tab", &paths).await;
        // They are alike but for the module, and each of a module's is answered in its time.
        for ((module, _), done) in pages.iter().zip(&all) {
            self.saw(*module, who, done);
        }
    }

    /// A page of which the portal does not say who reads it.
    async fn quiet(&mut self) {
        if !self.client.portal.modules.is_empty() {
            return self.page().await;
        }
        let done = self.client.ask("quiet page", "GET", "/quiet", "").await;
        self.saw(None, Who::Unknown, &done);
    }

    /// A script asks for something.
    async fn activity(&mut self) {
        if !self.client.portal.modules.is_empty() {
            return self.login_page().await;
        }
        let done = self.client.ask("activity", "POST", "/api/tickets", "Content-Length: 0\r\n").await;
        self.visitor.activity(&done, &self.client.world.kills);
    }

    async fn login_page(&mut self) {
        let done = self.client.ask("login page", "GET", "/login", "").await;
        self.visitor.activity(&done, &self.client.world.kills);
    }

    /// An asset, which is nothing.
    async fn style(&mut self) {
        self.client.ask("style", "GET", "/style.css", "").await;
    }

    /// Signs in, as somebody else if there was somebody.
    async fn login(&mut self) {
        self.settle().await;
        let staff = if self.client.chance.percent(15) { 's' } else { 'c' };
        // Each actor has users of its own, so that records tell whose they are.
        let user = self.client.number * 10 + self.client.chance.below(3);
        let path = format!("/login?user={staff}{user}");
        let done = self.client.ask("login", "POST", &path, "Content-Length: 0\r\n").await;
        self.visitor.activity(&done, &self.client.world.kills);
    }

    async fn logout(&mut self) {
        self.settle().await;
        let done = self.client.ask("logout", "POST", "/logout", "Content-Length: 0\r\n").await;
        self.visitor.logout(&done, &self.client.world.kills);
    }

    fn saw(&mut self, module: Option<&'static str>, who: Who, done: &Done) {
        let world = &self.client.world;
        self.visitor.page(module, who, done, (&world.calendar, &world.kills));
    }
}
