//! The kinds of visitor and how each looks to a server.

use std::net::Ipv4Addr;

use super::browser::Looks;
use crate::command::demo::dice::Dice;

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
    /// How somebody of this kind looks to a server.
    pub(super) fn looks(self, dice: &mut Dice) -> Looks {
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

    /// What somebody of this kind is called; nobody knows the names of guests.
    pub(super) fn name(self, dice: &mut Dice) -> &'static str {
        let names = match self {
            Self::Customer => CUSTOMERS,
            Self::Staff => STAFF,
            Self::Guest | Self::Crawler | Self::WidgetUser => &[],
        };
        dice.pick(names).copied().unwrap_or_default()
    }
}

fn person(address: Ipv4Addr, dice: &mut Dice) -> Looks {
    let agent = dice.pick(AGENTS).copied().unwrap_or_default();
    Looks { address, agent, language: dice.pick(LANGUAGES).copied(), says_what_for: true }
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
