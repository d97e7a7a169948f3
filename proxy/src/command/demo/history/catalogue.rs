//! What there is to see and do: rooms, their pages, and what is done on them.

use crate::command::demo::dice::Dice;

/// A page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource {
    /// The group of pages that it is in.
    pub(super) room: &'static str,
    /// Its path.
    pub(super) name: &'static str,
    /// What people may do there.
    pub(super) action: Option<&'static str>,
}

/// Everything there is in a portal, the popular more likely than the rest.
#[derive(Debug)]
pub(super) struct Catalogue {
    resources: Vec<Resource>,
    /// Up to which sum of weights each page is drawn.
    upto: Vec<f64>,
    search: Option<Number>,
}

/// A room's name, how popular it is, and its pages with what is done there, the popular first.
type Room = (&'static str, f64, &'static [(&'static str, Option<&'static str>)]);

/// The resource of that number in a [`Catalogue`].
pub(super) type Number = u16;

impl Catalogue {
    /// The rooms, and the path of the page that searches them.
    pub(super) fn new(rooms: &'static [Room], search: Option<&'static str>) -> Self {
        let (mut resources, mut upto, mut sum) = (Vec::new(), Vec::new(), 0.0);
        for (room, popular, pages) in rooms {
            for (rank, (name, action)) in pages.iter().enumerate() {
                sum += popular / (rank + 1) as f64;
                resources.push(Resource { room, name, action: *action });
                upto.push(sum);
            }
        }
        let found = resources.len() as Number;
        resources.extend(search.map(|name| Resource { room: SEARCH, name, action: Some(SEARCH) }));
        Self { resources, upto, search: search.map(|_| found) }
    }

    pub(super) fn resource(&self, number: Number) -> Option<&Resource> {
        self.resources.get(usize::from(number))
    }

    /// A page.
    pub(super) fn page(&self, dice: &mut Dice) -> Number {
        let drawn = dice.fraction() * self.upto.last().copied().unwrap_or_default();
        self.upto.partition_point(|upto| *upto <= drawn) as Number
    }

    /// The page that finds the others, where there is one.
    pub(super) fn search(&self) -> Option<Number> {
        self.search
    }
}

/// The room and the action of a search. What people search for is nobody's business.
const SEARCH: &str = "search";

const NOTHING: Option<&str> = None;
const DOWNLOAD: Option<&str> = Some("download");
const PDF: Option<&str> = Some("pdf");
const RECORD: Option<&str> = Some("record");
const VIDEO: Option<&str> = Some("video");
const LINK: Option<&str> = Some("link");
const GOAL: Option<&str> = Some("goal");
const IMAGE: Option<&str> = Some("image");

/// What the partner portal has.
pub(super) const PARTNERS: &[Room] = &[
    (
        "home",
        3.0,
        &[
            ("/partners", NOTHING),
            ("/partners/news", LINK),
            ("/partners/calendar", LINK),
            ("/partners/contacts", NOTHING),
        ],
    ),
    (
        "docs",
        2.4,
        &[
            ("/partners/docs/getting-started", NOTHING),
            ("/partners/docs/router-x2", PDF),
            ("/partners/docs/api", LINK),
            ("/partners/docs/warranty", PDF),
            ("/partners/docs/installation", IMAGE),
            ("/partners/docs/router-x1", PDF),
            ("/partners/docs/mesh", IMAGE),
            ("/partners/docs/security", PDF),
            ("/partners/docs/release-notes", NOTHING),
            ("/partners/docs/end-of-life", NOTHING),
        ],
    ),
    (
        "downloads",
        2.0,
        &[
            ("/partners/downloads/firmware-x2", DOWNLOAD),
            ("/partners/downloads/price-list", DOWNLOAD),
            ("/partners/downloads/configurator", DOWNLOAD),
            ("/partners/downloads/firmware-x1", DOWNLOAD),
            ("/partners/downloads/data-sheets", PDF),
            ("/partners/downloads/drivers", DOWNLOAD),
            ("/partners/downloads/certificates", PDF),
            ("/partners/downloads/archive", DOWNLOAD),
        ],
    ),
    (
        "training",
        1.6,
        &[
            ("/partners/training/sell-the-x2", VIDEO),
            ("/partners/training/first-installation", VIDEO),
            ("/partners/training/certification", GOAL),
            ("/partners/training/mesh-in-old-houses", VIDEO),
            ("/partners/training/support-calls", VIDEO),
            ("/partners/training/webinars", LINK),
            ("/partners/training/security-basics", VIDEO),
            ("/partners/training/advanced-routing", VIDEO),
        ],
    ),
    (
        "deals",
        1.8,
        &[
            ("/partners/deals", RECORD),
            ("/partners/deals/register", GOAL),
            ("/partners/deals/pipeline", RECORD),
            ("/partners/deals/quotes", PDF),
            ("/partners/deals/discounts", NOTHING),
            ("/partners/deals/renewals", RECORD),
            ("/partners/deals/won", RECORD),
        ],
    ),
    (
        "forum",
        0.9,
        &[
            ("/partners/forum", NOTHING),
            ("/partners/forum/firmware", LINK),
            ("/partners/forum/installers", IMAGE),
            ("/partners/forum/ideas", NOTHING),
            ("/partners/forum/sales", NOTHING),
            ("/partners/forum/events", IMAGE),
            ("/partners/forum/off-topic", IMAGE),
        ],
    ),
    (
        "marketing",
        0.7,
        &[
            ("/partners/marketing/logos", IMAGE),
            ("/partners/marketing/campaigns", LINK),
            ("/partners/marketing/brochures", PDF),
            ("/partners/marketing/product-photos", IMAGE),
            ("/partners/marketing/case-studies", PDF),
            ("/partners/marketing/funds", GOAL),
            ("/partners/marketing/social", LINK),
            ("/partners/marketing/events", NOTHING),
        ],
    ),
    (
        "support",
        1.2,
        &[
            ("/partners/support/requests", RECORD),
            ("/partners/support/new-request", GOAL),
            ("/partners/support/returns", RECORD),
            ("/partners/support/known-issues", NOTHING),
            ("/partners/support/status", NOTHING),
            ("/partners/support/spare-parts", DOWNLOAD),
            ("/partners/support/chat", LINK),
        ],
    ),
];

/// Its search.
pub(super) const PARTNERS_SEARCH: Option<&str> = Some("/partners/search");

/// What the help centre has.
pub(super) const HELP: &[Room] = &[
    ("home", 3.0, &[("/", NOTHING)]),
    (
        "articles",
        3.0,
        &[
            ("/articles", NOTHING),
            ("/articles/when-the-connection-is-slow", NOTHING),
            ("/articles/reset-your-password", NOTHING),
            ("/articles/what-the-lights-mean", IMAGE),
            ("/articles/set-up-your-router", VIDEO),
            ("/articles/read-your-invoice", PDF),
            ("/articles/add-a-colleague", NOTHING),
        ],
    ),
    (
        "downloads",
        1.0,
        &[("/downloads", NOTHING), ("/downloads/quick-start.pdf", PDF), ("/downloads/price-list.csv", DOWNLOAD)],
    ),
    ("account", 0.8, &[("/account", RECORD)]),
];

/// Its search.
pub(super) const HELP_SEARCH: Option<&str> = Some("/search");

/// What the widgets show: the module is the room.
pub(super) const CHAT: &[Room] = &[("chat", 1.0, &[("/embed/chat/api/open", GOAL)])];
/// The same of the other module.
pub(super) const FINDER: &[Room] = &[("search", 1.0, &[("/embed/search/api/open", LINK)])];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_rooms_have_some_sixty_pages_and_every_action_is_there() {
        let pages: Vec<_> = PARTNERS.iter().flat_map(|(.., pages)| pages.iter()).collect();
        assert_eq!((PARTNERS.len(), pages.len()), (8, 59));
        for action in [DOWNLOAD, PDF, RECORD, VIDEO, LINK, GOAL, IMAGE] {
            assert!(pages.iter().any(|(_, does)| *does == action), "{action:?}");
        }
    }

    #[test]
    fn the_first_page_of_a_room_is_drawn_more_often_than_its_last() {
        let (catalogue, mut dice) = (Catalogue::new(PARTNERS, PARTNERS_SEARCH), Dice::new(1));
        let mut drawn = [0; 59];
        (0..10_000).for_each(|_| drawn[usize::from(catalogue.page(&mut dice))] += 1);
        assert!(drawn[0] > 2 * drawn[3] && drawn.iter().all(|times| *times > 0), "{drawn:?}");
        let searched = catalogue.search().and_then(|number| catalogue.resource(number)).unwrap();
        assert_eq!(searched.room, SEARCH);
    }
}
