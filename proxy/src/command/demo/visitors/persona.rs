//! The kinds of visitor, what each does on a visit, and how each looks to a server.

use std::net::Ipv4Addr;

use super::Pace;
use super::browser::{Answer, Browser, Failed, For, Looks, Site};
use super::dice::Dice;

/// A kind of visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persona {
    /// Reads and searches.
    Guest,
    /// Signs in, reads, downloads, and mostly signs out.
    Customer,
    /// Signs in as staff.
    Staff,
    /// Follows links and runs no script.
    Crawler,
    /// Opens the page with the embedded chat.
    WidgetUser,
}

impl Persona {
    /// A new browser for somebody of this kind.
    pub(super) fn browser(self, site: &Site, dice: &mut Dice) -> Browser {
        Browser::new(site.clone(), self.looks(dice))
    }

    /// One visit, from the first page to the last.
    pub(super) async fn visit(self, browser: &mut Browser, dice: &mut Dice, pace: Pace) -> Result<(), Failed> {
        let mut visit = Visit { browser, dice, pace };
        match self {
            Self::Guest => visit.as_guest().await,
            Self::Customer => visit.as_customer().await,
            Self::Staff => visit.as_staff().await,
            Self::Crawler => visit.as_crawler().await,
            Self::WidgetUser => visit.as_widget_user().await,
        }
    }

    fn looks(self, dice: &mut Dice) -> Looks {
        let last = dice.between(10, 239) as u8;
        match self {
            Self::Crawler => {
                Looks { address: Ipv4Addr::new(203, 0, 113, 66), agent: CRAWLER, language: None, says_what_for: false }
            }
            Self::Staff => person(Ipv4Addr::new(192, 0, 2, last), dice),
            Self::WidgetUser => person(Ipv4Addr::new(203, 0, 113, last), dice),
            Self::Guest | Self::Customer => person(Ipv4Addr::new(198, 51, 100, last), dice),
        }
    }
}

fn person(address: Ipv4Addr, dice: &mut Dice) -> Looks {
    let agent = dice.pick(AGENTS).copied().unwrap_or_default();
    Looks { address, agent, language: dice.pick(LANGUAGES).copied(), says_what_for: true }
}

/// A visit under way.
struct Visit<'a> {
    browser: &'a mut Browser,
    dice: &'a mut Dice,
    pace: Pace,
}

impl Visit<'_> {
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
        self.sign_in(CUSTOMERS, "customer").await?;
        self.read_some(&home).await?;
        if self.dice.one_in(2) {
            let downloads = self.page("/downloads").await?;
            let files = downloads.links("/downloads/");
            if let Some(file) = self.dice.pick(&files) {
                self.browser.fetch(file, For::Document).await?;
            }
        }
        // People forget: every fourth just closes the window.
        if self.dice.one_in(4) { Ok(()) } else { self.sign_out().await }
    }

    async fn as_staff(&mut self) -> Result<(), Failed> {
        self.sign_in(STAFF, "staff").await?;
        let articles = self.page("/articles").await?;
        self.read_some(&articles).await?;
        self.page("/account").await?;
        self.sign_out().await
    }

    async fn as_crawler(&mut self) -> Result<(), Failed> {
        self.browser.fetch("/robots.txt", For::Document).await?;
        let articles = self.browser.open("/articles").await?;
        for link in articles.links("/articles/") {
            self.pace.read_a_page(self.dice).await;
            self.browser.fetch(&link, For::Document).await?;
        }
        Ok(())
    }

    async fn as_widget_user(&mut self) -> Result<(), Failed> {
        self.page("/embed-host").await?;
        self.browser.fetch("/embed/chat/widget.js", For::Script).await?;
        self.browser.fetch("/embed/chat/api/open", For::Call).await?;
        self.pace.read_a_page(self.dice).await;
        Ok(())
    }

    async fn sign_in(&mut self, names: &[&str], role: &str) -> Result<(), Failed> {
        let name = self.dice.pick(names).copied().unwrap_or_default();
        self.page("/login?next=/account").await?;
        self.browser.submit("/login", &[("name", name), ("role", role), ("next", "/account")]).await?;
        self.pace.read_a_page(self.dice).await;
        Ok(())
    }

    async fn sign_out(&mut self) -> Result<(), Failed> {
        self.browser.submit("/logout", &[]).await?;
        self.pace.read_a_page(self.dice).await;
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
        self.pace.read_a_page(self.dice).await;
        Ok(page)
    }
}

const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// Current browsers in the form that they are frozen to today.
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.3 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.3 Mobile/15E148 Safari/604.1",
];

const LANGUAGES: &[&str] = &["en-GB,en;q=0.9", "en-US,en;q=0.5", "de-DE,de;q=0.9,en;q=0.7", "fr-FR,fr;q=0.9,en;q=0.6"];

const SEARCHES: &[&str] = &["invoice", "password", "router", "lights", "slow+connection", "fax"];

const CUSTOMERS: &[&str] =
    &["Ada Brook", "Ben Okoro", "Chloé Martin", "Dana Weiss", "Emil Novak", "Farah Said", "Gus Lind", "Hana Ito"];

const STAFF: &[&str] = &["Robin Vale", "Kim Sorel", "Toni Hale"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_visitor_again() {
        let looks = |seed| format!("{:?}", Persona::Guest.looks(&mut Dice::new(seed)));
        assert_eq!(looks(5), looks(5));
    }
}
