//! The frame around every page, and the one way by which text gets into it.

use std::fmt::{self, Write as _};

use axum::response::Html;

use super::session::Sender;

/// Text that shows as it is: every character with a meaning in HTML is escaped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The home page.
    Home,
    /// The list of articles and each of them.
    Articles,
    /// The downloads.
    Downloads,
    /// The partners' pages.
    Partners,
    /// The page with the embedded chat.
    Chat,
    /// None of these.
    Elsewhere,
}

const NAVIGATION: &[(Place, &str, &str)] = &[
    (Place::Home, "/", "Home"),
    (Place::Articles, "/articles", "Articles"),
    (Place::Downloads, "/downloads", "Downloads"),
    (Place::Partners, "/partners", "Partners"),
    (Place::Chat, "/embed-host", "Chat"),
];

/// A whole page around `main`, which is HTML already.
pub(super) fn page(title: &str, place: Place, sender: &Sender, main: &str) -> Html<String> {
    let title = Text(title);
    let navigation = navigation(place);
    let who = who(sender);
    Html(format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Acme Help Centre</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
<script src="/portal.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="wide">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28"><span>Acme <span class="soft">Help Centre</span></span></a>
<nav aria-label="Main"><ul>{navigation}</ul></nav>
<div class="who">{who}</div>
</div></header>
<main id="main" class="wide">
{main}
</main>
<footer><div class="wide"><span class="status"><span class="dot" aria-hidden="true"></span><span data-status>Checking the services …</span></span>
<span>A made-up portal, for the demo of portalmeter</span></div></footer>
</body>
</html>
"##
    ))
}

/// The search form, with what was asked before.
pub(super) fn search_form(asked: &str) -> String {
    let asked = Text(asked);
    format!(
        r#"<form class="search" role="search" action="/search">
<label class="hidden" for="q">Search the help centre</label>
<input id="q" name="q" type="search" value="{asked}" placeholder="Search, for example “invoice”" maxlength="100" required>
<button>Search</button>
</form>"#
    )
}

fn navigation(place: Place) -> String {
    let entry = |(at, path, name): &(Place, &str, &str)| {
        let current = if *at == place { r#" aria-current="page""# } else { "" };
        format!(r#"<li><a href="{path}"{current}>{name}</a></li>"#)
    };
    NAVIGATION.iter().map(entry).collect()
}

fn who(sender: &Sender) -> String {
    match sender {
        Sender::Guest => r#"<a class="button" href="/login">Sign in</a>"#.to_owned(),
        Sender::User(user) => format!(
            r#"<a class="name" href="/account">{}</a>
<form method="post" action="/logout"><button class="quiet">Sign out</button></form>"#,
            Text(user.name.as_str())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            Text(r#"<b title="x">'&'</b>"#).to_string(),
            "&lt;b title=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;"
        );
    }
}
