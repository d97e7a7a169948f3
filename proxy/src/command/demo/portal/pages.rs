//! The pages people read: home, articles, search, account.

use axum::Extension;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::content::{ARTICLES, Article, TOPICS};
use super::html::{Place, Text, page, search_form};
use super::session::{Role, Sender, User};

/// Topics and a search.
pub(super) async fn home(Extension(sender): Extension<Sender>) -> Html<String> {
    let greeting = match &sender {
        Sender::Guest => "How can we help?".to_owned(),
        Sender::User(user) => format!("Hello {}, how can we help?", Text(user.name.as_str())),
    };
    let main = format!(
        r#"<section class="hero"><h1>{greeting}</h1>
<p>Guides for your router, your account and your invoices.</p>{}</section>
<div class="cards">{}</div>
<section class="strip"><div><h2>Prefer paper?</h2><p>The quick start guide and the price list, to keep.</p></div>
<a class="button" href="/downloads">See the downloads</a></section>"#,
        search_form(""),
        TOPICS.iter().map(|topic| card(topic)).collect::<String>()
    );
    page("Home", Place::Home, &sender, &main)
}

/// Every article, by topic.
pub(super) async fn articles(Extension(sender): Extension<Sender>) -> Html<String> {
    let topic =
        |topic: &&str| format!("<h2>{}</h2>{}", Text(topic), list(ARTICLES.iter().filter(|a| a.topic == *topic)));
    let main = format!("<h1>Articles</h1>{}", TOPICS.iter().map(topic).collect::<String>());
    page("Articles", Place::Articles, &sender, &main)
}

/// One article.
pub(super) async fn article(Extension(sender): Extension<Sender>, Path(slug): Path<String>) -> Response {
    let Some(article) = Article::at(&slug) else { return not_found(Extension(sender)).await.into_response() };
    let steps: Vec<_> = article.steps.iter().map(|step| format!("<li>{}</li>", Text(step))).collect();
    let related = ARTICLES.iter().filter(|other| other.topic == article.topic && other.slug != article.slug);
    let main = format!(
        r#"<article class="reading"><p class="crumb"><a href="/articles">Articles</a> / {}</p>
<h1>{}</h1><p class="lead">{}</p><ol class="steps">{}</ol>
<p class="note"><strong>Good to know.</strong> {}</p>
<h2>Read on</h2>{}</article>"#,
        Text(article.topic),
        Text(article.title),
        Text(article.summary),
        steps.concat(),
        Text(article.note),
        list(related)
    );
    page(article.title, Place::Articles, &sender, &main).into_response()
}

/// The articles that have all the words asked for.
pub(super) async fn search(Extension(sender): Extension<Sender>, RawQuery(query): RawQuery) -> Html<String> {
    let asked = asked(query.as_deref().unwrap_or_default());
    let found: Vec<_> = ARTICLES.iter().filter(|article| !asked.is_empty() && article.has_all(&asked)).collect();
    let heading = match (asked.is_empty(), found.len()) {
        (true, _) => "What are you looking for?".to_owned(),
        (_, 0) => format!("Nothing found for “{}”", Text(&asked)),
        (_, 1) => format!("One article for “{}”", Text(&asked)),
        (_, many) => format!("{many} articles for “{}”", Text(&asked)),
    };
    let advice =
        if found.is_empty() { r#"<p>Try fewer words, or <a href="/articles">see all articles</a>.</p>"# } else { "" };
    let main = format!("<h1>Search</h1>{}<h2>{heading}</h2>{advice}{}", search_form(&asked), list(found.into_iter()));
    page("Search", Place::Elsewhere, &sender, &main)
}

/// Who is signed in; a guest is sent to the login and comes back.
pub(super) async fn account(Extension(sender): Extension<Sender>) -> Response {
    let Sender::User(user) = &sender else { return Redirect::to("/login?next=/account").into_response() };
    let role = match user.role {
        Role::Customer => "Customer",
        Role::Staff => "Staff",
    };
    let main = format!(
        r#"<h1>Your account</h1>
<dl class="facts"><div><dt>Name</dt><dd>{}</dd></div><div><dt>Company</dt><dd>{}</dd></div><div><dt>Role</dt><dd>{role}</dd></div></dl>
<h2>{}</h2>{}"#,
        Text(user.name.as_str()),
        Text(user.company.name),
        if user.role == Role::Staff { "Requests of all companies" } else { "Your requests" },
        requests(user)
    );
    page("Your account", Place::Elsewhere, &sender, &main).into_response()
}

/// Anything else.
pub(super) async fn not_found(Extension(sender): Extension<Sender>) -> (StatusCode, Html<String>) {
    let main = format!(
        r#"<h1>There is no such page</h1><p>It may have moved. A search often finds it, and <a href="/">the home page</a> is a good start.</p>{}"#,
        search_form("")
    );
    (StatusCode::NOT_FOUND, page("No such page", Place::Elsewhere, &sender, &main))
}

/// The first `q` of a query string, cut to what the form allows.
fn asked(query: &str) -> String {
    const LONGEST: usize = 100;
    let value = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, value)| value);
    value.unwrap_or_default().trim().chars().take(LONGEST).collect()
}

fn card(topic: &str) -> String {
    let links = ARTICLES
        .iter()
        .filter(|article| article.topic == topic)
        .map(|article| format!(r#"<li><a href="/articles/{}">{}</a></li>"#, article.slug, Text(article.title)));
    format!(r#"<section class="card"><h2>{}</h2><ul>{}</ul></section>"#, Text(topic), links.collect::<String>())
}

fn list(articles: impl Iterator<Item = &'static Article>) -> String {
    let entries = articles.map(|article| {
        let (slug, title, summary) = (article.slug, Text(article.title), Text(article.summary));
        format!(r#"<li><a href="/articles/{slug}">{title}</a><p>{summary}</p></li>"#)
    });
    format!(r#"<ul class="list">{}</ul>"#, entries.collect::<String>())
}

const REQUESTS: &[(&str, &str, &str)] = &[
    ("harbour-foods", "A second router for the warehouse", "On its way"),
    ("birch-and-sons", "Invoice to a new address", "Done"),
    ("lumen-optics", "Slow connection on Mondays", "We are measuring"),
    ("tidewater-clinic", "Three more sign-ins", "Done"),
];

fn requests(user: &User) -> String {
    let mine = REQUESTS.iter().filter(|(company, ..)| user.role == Role::Staff || *company == user.company.id);
    let rows = mine.map(|(_, subject, state)| format!("<tr><td>{}</td><td>{}</td></tr>", Text(subject), Text(state)));
    format!(
        r#"<table><thead><tr><th scope="col">Request</th><th scope="col">State</th></tr></thead><tbody>{}</tbody></table>"#,
        rows.collect::<String>()
    )
}
