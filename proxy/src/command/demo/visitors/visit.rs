//! What a made-up visitor does, from the first page of a visit to the last.

use super::Pace;
use super::browser::{Answer, Browser, Failed, For, Site};
use super::persona::Persona;
use crate::command::demo::dice::Dice;

/// Somebody with a browser.
#[derive(Debug)]
pub(super) struct Visitor {
    persona: Persona,
    name: &'static str,
    browser: Browser,
    dice: Dice,
    pace: Pace,
}

impl Visitor {
    /// Somebody who has never been here.
    pub(super) fn new(persona: Persona, site: &Site, mut dice: Dice, pace: Pace) -> Self {
        let browser = Browser::new(site.clone(), persona.looks(&mut dice));
        Self { persona, name: persona.name(&mut dice), browser, dice, pace }
    }

    /// One visit.
    pub(super) async fn visit(&mut self) -> Result<(), Failed> {
        match self.persona {
            Persona::Guest => self.as_guest().await,
            Persona::Customer => self.as_customer().await,
            Persona::Staff => self.as_staff().await,
            Persona::Crawler => self.as_crawler().await,
            Persona::WidgetUser => self.as_widget_user().await,
        }
    }

    async fn as_guest(&mut self) -> Result<(), Failed> {
        let home = self.page("/").await?;
        if self.dice.one_in(2) {
            let term = self.dice.pick(SEARCHES).copied().unwrap_or_default();
            let found = self.page(&format!("/search?q={term}")).await?;
            self.read_some(&found).await?;
        }
        self.read_some(&home).await
    }

    async fn as_customer(&mut self) -> Result<(), Failed> {
        let home = self.page("/").await?;
        self.sign_in("customer").await?;
        self.read_some(&home).await?;
        if self.dice.one_in(2) {
            let downloads = self.page("/downloads").await?;
            let files = downloads.links("/downloads/");
            if let Some(file) = self.dice.pick(&files) {
                self.browser.fetch(file, For::Document).await?;
            }
        }
        if self.dice.one_in(3) {
            let rooms = self.page("/partners").await?;
            let pages = rooms.links("/partners/");
            for _ in 0..self.dice.between(1, 3) {
                if let Some(page) = self.dice.pick(&pages) {
                    self.page(page).await?;
                }
            }
        }
        // People forget: every fourth just closes the window.
        if self.dice.one_in(4) { Ok(()) } else { self.sign_out().await }
    }

    async fn as_staff(&mut self) -> Result<(), Failed> {
        self.sign_in("staff").await?;
        let articles = self.page("/articles").await?;
        self.read_some(&articles).await?;
        self.page("/account").await?;
        self.sign_out().await
    }

    async fn as_crawler(&mut self) -> Result<(), Failed> {
        self.browser.fetch("/robots.txt", For::Document).await?;
        let articles = self.browser.open("/articles").await?;
        for link in articles.links("/articles/") {
            self.pace.read_a_page(&mut self.dice).await;
            self.browser.fetch(&link, For::Document).await?;
        }
        Ok(())
    }

    async fn as_widget_user(&mut self) -> Result<(), Failed> {
        self.page("/embed-host").await?;
        self.browser.fetch("/embed/chat/widget.js", For::Script).await?;
        self.browser.fetch("/embed/chat/api/open", For::Call).await?;
        self.pace.read_a_page(&mut self.dice).await;
        Ok(())
    }

    async fn sign_in(&mut self, role: &str) -> Result<(), Failed> {
        self.page("/login?next=/account").await?;
        self.browser.submit("/login", &[("name", self.name), ("role", role), ("next", "/account")]).await?;
        self.pace.read_a_page(&mut self.dice).await;
        Ok(())
    }

    async fn sign_out(&mut self) -> Result<(), Failed> {
        self.browser.submit("/logout", &[]).await?;
        self.pace.read_a_page(&mut self.dice).await;
        Ok(())
    }

    /// Opens up to three of the articles that a page links to.
    async fn read_some(&mut self, from: &Answer) -> Result<(), Failed> {
        let links = from.links("/articles/");
        for _ in 0..self.dice.between(0, 3) {
            if let Some(link) = self.dice.pick(&links) {
                self.page(link).await?;
            }
        }
        Ok(())
    }

    /// Opens a page with all that belongs to it, and reads it while its script polls.
    async fn page(&mut self, target: &str) -> Result<Answer, Failed> {
        let page = self.browser.open(target).await?;
        self.browser.fetch("/style.css", For::Style).await?;
        self.browser.fetch("/portal.js", For::Script).await?;
        self.browser.fetch("/api/poll", For::Call).await?;
        self.pace.read_a_page(&mut self.dice).await;
        Ok(page)
    }
}

const SEARCHES: &[&str] = &["invoice", "password", "router", "lights", "slow+connection", "fax"];
