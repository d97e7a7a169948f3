//! The portal as a browser sees it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AsHeaderName, CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use super::identity::{COMPANY, IS_LOGGED_IN, ROLES, USER};
use super::router;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| std::str::from_utf8(value.as_bytes()).unwrap())
    }

    /// What a browser sends back for the cookie it got.
    fn cookie(&self) -> String {
        self.header(SET_COOKIE).unwrap().split(';').next().unwrap().to_owned()
    }
}

async fn send(portal: &Router, request: Builder, body: &str) -> Answer {
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = portal.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

async fn get(portal: &Router, target: &str, cookie: &str) -> Answer {
    send(portal, Request::get(target).header(COOKIE, cookie), "").await
}

async fn sign_in(portal: &Router, form: &str) -> Answer {
    let request = Request::post("/login").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(portal, request, form).await
}

#[tokio::test]
async fn a_guest_is_told_apart_on_every_page() {
    let portal = router();
    for target in [
        "/",
        "/articles",
        "/articles/set-up-your-router",
        "/search?q=invoice",
        "/downloads",
        "/partners",
        "/partners/docs/api",
        "/login",
    ] {
        let answer = get(&portal, target, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{target}");
        assert_eq!(answer.header(IS_LOGGED_IN), Some("false"), "{target}");
        assert_eq!(answer.header(USER), None);
    }
}

#[tokio::test]
async fn a_login_sets_a_cookie_and_the_headers_that_follow() {
    let portal = router();
    let login = sign_in(&portal, "name=Zo%C3%AB&role=customer&company=lumen-optics&next=/account").await;
    assert_eq!((login.status, login.header(LOCATION)), (StatusCode::SEE_OTHER, Some("/account")));
    assert_eq!(login.header(IS_LOGGED_IN), None, "a redirect says nothing");
    assert!(login.header(SET_COOKIE).unwrap().ends_with("; Path=/; HttpOnly; SameSite=Lax"));

    let account = get(&portal, "/account", &login.cookie()).await;
    assert_eq!(account.status, StatusCode::OK);
    let told = [IS_LOGGED_IN, USER, ROLES, COMPANY].map(|name| account.header(name).unwrap());
    assert_eq!(told, ["true", "Zoë", "customer", "lumen-optics"]);
}

#[tokio::test]
async fn staff_work_for_acme_whatever_they_chose() {
    let portal = router();
    let login = sign_in(&portal, "name=Sam&role=staff&company=lumen-optics").await;
    let home = get(&portal, "/", &login.cookie()).await;
    assert_eq!([ROLES, COMPANY].map(|name| home.header(name).unwrap()), ["staff", "acme"]);
}

#[tokio::test]
async fn a_logout_ends_the_session_by_get_and_by_post() {
    let portal = router();
    for method in ["GET", "POST"] {
        let cookie = sign_in(&portal, "name=Ann&role=customer").await.cookie();
        let request = Request::builder().method(method).uri("/logout").header(COOKIE, &cookie);
        let logout = send(&portal, request, "").await;
        assert_eq!((logout.status, logout.header(LOCATION)), (StatusCode::SEE_OTHER, Some("/")));
        assert!(logout.header(SET_COOKIE).unwrap().contains("Max-Age=0"));
        assert_eq!(get(&portal, "/", &cookie).await.header(IS_LOGGED_IN), Some("false"));
    }
}

#[tokio::test]
async fn the_account_sends_a_guest_to_the_login() {
    let answer = get(&router(), "/account", "acme_session=made-up").await;
    assert_eq!((answer.status, answer.header(LOCATION)), (StatusCode::SEE_OTHER, Some("/login?next=/account")));
}

#[tokio::test]
async fn a_name_and_a_search_stay_text() {
    let portal = router();
    let cookie = sign_in(&portal, "name=%3Cb%3EBob%3C/b%3E&role=customer").await.cookie();
    for target in ["/", "/account", "/search?q=%3Cscript%3Ealert(1)%3C/script%3E%22"] {
        let answer = get(&portal, target, &cookie).await;
        assert!(!answer.body.contains("<b>Bob") && !answer.body.contains("<script>"), "{target}");
        assert!(answer.body.contains("&lt;b&gt;Bob&lt;/b&gt;"), "{target}");
    }
}

#[tokio::test]
async fn a_login_without_a_name_shows_the_form_again() {
    for form in ["", "name=+&role=staff", "name=a%0D%0AX-Roles:+staff", "%ff=%fe&&=&name"] {
        let answer = sign_in(&router(), form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert_eq!(answer.header(SET_COOKIE), None);
        assert!(answer.body.contains(r#"role="alert""#));
    }
}

#[tokio::test]
async fn downloads_are_kept_as_files() {
    let portal = router();
    let guide = get(&portal, "/downloads/quick-start.pdf", "").await;
    assert_eq!(guide.header(CONTENT_TYPE), Some("application/pdf"));
    assert_eq!(guide.header(CONTENT_DISPOSITION), Some(r#"attachment; filename="quick-start.pdf""#));
    assert!(guide.body.starts_with("%PDF-"));
    let prices = get(&portal, "/downloads/price-list.csv", "").await;
    assert!(prices.header(CONTENT_DISPOSITION).unwrap().starts_with("attachment"));
    assert!(prices.body.starts_with("plan,"));
}

#[tokio::test]
async fn the_widget_opens_with_one_call_that_says_who_asks() {
    let portal = router();
    assert!(get(&portal, "/embed-host", "").await.body.contains("/embed/chat/widget.js"));
    assert!(get(&portal, "/embed/chat/widget.js", "").await.body.contains("/embed/chat/api/open"));
    let open = get(&portal, "/embed/chat/api/open", "").await;
    assert_eq!(open.header(CONTENT_TYPE), Some("application/json"));
    assert_eq!(open.header(IS_LOGGED_IN), Some("false"));
}

#[tokio::test]
async fn what_is_the_same_for_everybody_names_nobody() {
    let portal = router();
    let cookie = sign_in(&portal, "name=Ann").await.cookie();
    for target in ["/style.css", "/portal.js", "/icon.svg", "/robots.txt", "/api/poll", "/healthz"] {
        let answer = get(&portal, target, &cookie).await;
        assert_eq!((answer.status, answer.header(IS_LOGGED_IN)), (StatusCode::OK, None), "{target}");
    }
}

#[tokio::test]
async fn an_unknown_page_says_so_in_the_portals_own_words() {
    let portal = router();
    for target in ["/nothing", "/articles/nothing", "/articles/%ff"] {
        let answer = get(&portal, target, "").await;
        assert!(answer.status.is_client_error(), "{target}");
    }
    assert!(get(&portal, "/nothing", "").await.body.contains("There is no such page"));
}
