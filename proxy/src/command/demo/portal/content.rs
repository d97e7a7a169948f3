//! What the help centre has to say, as plain data.

/// One article of the help centre.
#[derive(Debug)]
pub(super) struct Article {
    /// Its last path segment.
    pub(super) slug: &'static str,
    /// The topic it is listed under.
    pub(super) topic: &'static str,
    /// The heading.
    pub(super) title: &'static str,
    /// One sentence for lists.
    pub(super) summary: &'static str,
    /// What a reader should do, in order.
    pub(super) steps: &'static [&'static str],
    /// What to know besides.
    pub(super) note: &'static str,
}

impl Article {
    /// The article at `slug`.
    pub(super) fn at(slug: &str) -> Option<&'static Self> {
        ARTICLES.iter().find(|article| article.slug == slug)
    }

    /// Whether every word of a search occurs somewhere in the article, in any case.
    pub(super) fn has_all(&self, words: &str) -> bool {
        let text = [self.title, self.topic, self.summary, self.note, &self.steps.join(" ")].join(" ").to_lowercase();
        words.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// A customer of Acme.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Company {
    /// What programs call it.
    pub(super) id: &'static str,
    /// What people call it.
    pub(super) name: &'static str,
}

/// Whose staff looks after everybody else.
pub(super) const ACME: Company = Company { id: "acme", name: "Acme" };

/// The companies whose people may sign in.
pub(super) const COMPANIES: &[Company] = &[
    Company { id: "harbour-foods", name: "Harbour Foods" },
    Company { id: "birch-and-sons", name: "Birch & Sons" },
    Company { id: "lumen-optics", name: "Lumen Optics" },
    Company { id: "tidewater-clinic", name: "Tidewater Clinic" },
];

/// The topics, in the order of the home page.
pub(super) const TOPICS: &[&str] = &["Getting started", "Account and billing", "Troubleshooting"];

/// Every article, in reading order.
pub(super) const ARTICLES: &[Article] = &[
    Article {
        slug: "set-up-your-router",
        topic: "Getting started",
        title: "Set up your router",
        summary: "From the box to the first connected laptop in about ten minutes.",
        steps: &[
            "Place the router upright, away from metal shelves, and plug in its power supply.",
            "Connect the grey cable to the wall socket and to the port marked “Line”.",
            "Wait until the front light is steady. The first start takes up to five minutes.",
            "Join the network printed on the base and follow the page that opens.",
        ],
        note: "The light blinks slowly while the router updates itself. Leave it connected until it is steady.",
    },
    Article {
        slug: "add-a-colleague",
        topic: "Getting started",
        title: "Add a colleague",
        summary: "Give somebody else access to your company’s orders and requests.",
        steps: &[
            "Sign in and open your account.",
            "Choose “People”, then “Invite”.",
            "Enter the work address of your colleague and pick what they may see.",
            "Your colleague receives a link that is valid for three days.",
        ],
        note: "Everybody has a sign-in of their own. Please do not share one.",
    },
    Article {
        slug: "read-your-invoice",
        topic: "Account and billing",
        title: "Read your invoice",
        summary: "What each line means, and why the first invoice looks different.",
        steps: &[
            "The first block lists the plans that ran during the whole month.",
            "The second block lists changes, charged by the day.",
            "Credits come last and are taken off before tax.",
        ],
        note: "The first invoice covers the rest of the month you started in and the month that follows.",
    },
    Article {
        slug: "reset-your-password",
        topic: "Account and billing",
        title: "Reset your password",
        summary: "Choose a new password when the old one is lost or known to others.",
        steps: &[
            "Open the sign-in page and choose “I cannot sign in”.",
            "Enter the address that your invoices go to.",
            "Follow the link in our message within one hour and choose a new password.",
        ],
        note: "A new password signs you out everywhere else.",
    },
    Article {
        slug: "when-the-connection-is-slow",
        topic: "Troubleshooting",
        title: "When the connection is slow",
        summary: "Find out in four steps whether it is the line, the router or the wireless network.",
        steps: &[
            "Measure once with a cable and once without.",
            "If the cable is fast, move the router or change its channel.",
            "If both are slow, restart the router and measure again after five minutes.",
            "If nothing helps, note the time and both figures and send us a request.",
        ],
        note: "Evenings are busier than mornings. Two measurements on different days tell more than ten in a row.",
    },
    Article {
        slug: "what-the-lights-mean",
        topic: "Troubleshooting",
        title: "What the lights mean",
        summary: "Steady, blinking, off: the front of the router, explained.",
        steps: &[
            "Steady: the router is connected.",
            "Slow blinking: it is starting or updating.",
            "Fast blinking: it finds no line. Check the grey cable at both ends.",
            "Off: it has no power.",
        ],
        note: "At night the lights dim by themselves. A short press on the button brings them back.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_article_is_listed_under_a_topic() {
        assert!(ARTICLES.iter().all(|article| TOPICS.contains(&article.topic)));
    }

    #[test]
    fn a_search_wants_every_word_in_any_case() {
        let invoice = Article::at("read-your-invoice").unwrap();
        assert!(invoice.has_all("TAX invoice"));
        assert!(!invoice.has_all("invoice router"));
    }
}
