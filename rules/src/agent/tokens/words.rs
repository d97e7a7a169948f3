//! Words that tell a bot whatever its name is.

use super::{
    Bounds::{End, Inside, Start, Whole},
    Category::{Archiver, Feed, Headless, HttpLibrary, LinkPreview, Monitoring, Other, Scanner},
    Group, group,
};

/// Parts of phones' and apps' names with a bot's word inside.
pub(in super::super) const HUMAN: &[&str] = &[
    ".com.",
    "bsalsa.com",
    "camscan",
    "cubot",
    "fbpageadmin",
    "gnews",
    "google pixel",
    "google/google",
    "googleapp/",
    "libhttp",
    "libwww-fm",
    "metaiab facebook",
    "newssapphire",
    "safari technology preview",
    "securityinstalled",
    "securitypay",
    "semc-java/",
    "yandexsearch",
];

/// How apps begin to say what they are, what they run on and who carries its calls.
pub(in super::super) const APPS: &[&str] = &["barcelona ", "fb_iab/", "fban/", "fbav/", "instagram "];

/// Words that only bots use of themselves, wherever they stand.
pub(in super::super) const WORDS: &[Group] = &[
    group(Other, End, &["-google", "bot", "bots", "robot"]),
    group(
        Other,
        Inside,
        &[
            "(at)",
            "[at]",
            "crawl",
            "data collection",
            "fetcher",
            "harvest",
            "http://",
            "https://",
            "scrape",
            "scraping",
            "sitemap",
            "spider",
            "spyder",
            "webmaster",
            "wordpress.com",
        ],
    ),
    group(Other, Start, &["google-"]),
    group(Other, Whole, &["bot_", "researchscan"]),
    group(
        Scanner,
        Inside,
        &[
            "${jndi",
            "() {",
            "/etc/passwd",
            "<?php",
            "<script",
            "base64_decode",
            "exploit",
            "pentest",
            "pg_sleep",
            "select load_file",
            "sleep(",
            "union select",
            "vulnerab",
            "waitfor delay",
        ],
    ),
    group(Headless, Inside, &["headless"]),
    group(Feed, Inside, &["feedreader", "newsreader"]),
    group(LinkPreview, Inside, &["oembed", "unfurl"]),
    group(HttpLibrary, Inside, &["libwww", "urllib"]),
];

/// Words that bots use of themselves, and the apps that show a page on a phone use of other things.
pub(in super::super) const SAID_BY_APPS: &[Group] = &[
    group(Other, End, &[".com", ".org", "agent"]),
    group(
        Other,
        Inside,
        &[
            "agent/",
            "aggregat",
            "analyser",
            "analyzer",
            "classifier",
            "collector",
            "diagnostic",
            "extractor",
            "href=",
            "indexer",
            "ingest",
            "lookup",
            "parser",
            "resolver",
            "transcoder",
            "verifier",
            "www.",
        ],
    ),
    group(Other, Whole, &["fetch", "probe", "studies"]),
    group(Monitoring, Inside, &["benchmark", "checker", "healthz", "monitor", "pinger", "synthetic", "uptime"]),
    group(Monitoring, Whole, &["check", "ping"]),
    group(Scanner, Inside, &["inspect", "scanner", "security", "validator"]),
    group(Scanner, Whole, &["scan", "scans"]),
    group(Archiver, Inside, &["archive", "downloader", "site copy"]),
    group(Feed, Inside, &["feed/"]),
    group(Feed, Whole, &["feed", "feeds", "rss"]),
    group(LinkPreview, Inside, &["favicon", "preview"]),
    group(HttpLibrary, Inside, &["http client", "http-client", "http_client", "httpclient", "httplib"]),
];
