//! Who is let in, over HTTP as a browser, a script and an attacker see it.

#![expect(clippy::unwrap_used, reason = "a test complains by panicking")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use portalmeter_dashboard::Board;
use portalmeter_dashboard::access::{
    self, AUDIT_FILE, Access, Identity, PasswordHash, Reach, Role, Settings, Sso, Token, TotpSecret, User,
};
use portalmeter_meter::ledger::{Ledger, LedgerError};
use serde_json::Value;
use tower::ServiceExt;

/// The hash of `open-sesame`, by the least work that there is: tests are quick.
fn cheap() -> PasswordHash {
    let least = Params::new(8, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::default(), least);
    PasswordHash::parse(&hasher.hash_password(b"open-sesame").unwrap().to_string()).unwrap()
}

const NOW: i64 = 1_790_000_000_000;
const HOUR: i64 = 3_600_000;
const PROXY: &str = "10.0.0.1:4711";
const CLIENT: &str = "192.0.2.9:4711";

/// A dashboard with two handlers of somebody else's, and time that a test moves.
struct Desk {
    router: Router,
    access: Arc<Access>,
    now: Arc<AtomicI64>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The last word of a problem's type.
    fn problem(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        json["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    }

    fn cookie(&self) -> String {
        self.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

fn never() -> Result<Box<dyn Ledger>, LedgerError> {
    unreachable!("nobody asks the ledger who somebody is")
}

impl Desk {
    fn new(settings: Settings, audit: Option<&Path>) -> Self {
        let now = Arc::new(AtomicI64::new(NOW));
        let clock = Arc::clone(&now);
        let clock: access::Clock = Arc::new(move || clock.load(Ordering::Relaxed));
        let access = Access::new(settings, Arc::clone(&clock), audit.map(|dir| dir.join(AUDIT_FILE))).unwrap();
        let access = Arc::new(access);
        let board = Board {
            portals: Arc::new(Vec::new),
            directory: Arc::new(Arc::default),
            read: Arc::new(never),
            write: Arc::new(never),
            clock,
            problems: Arc::new(Vec::new),
            seal_wait: 0,
            audit: Arc::new(|_, _, _| ()),
            access: Arc::clone(&access),
        };
        let theirs = Router::new()
            .route("/api/v1/usage", get(|who: Identity| async move { who.must_see_everything().map(|()| "numbers") }))
            .route("/api/v1/corrections", post(|who: Identity| async move { who.must_be_admin().map(|()| "booked") }));
        let (router, _) = access::routes().split_for_parts();
        let router = router.with_state(Arc::new(board)).merge(theirs);
        let router = router.layer(from_fn_with_state(Arc::clone(&access), access::guard));
        Self { router, access, now }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        peer: &str,
        fields: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "usage.example");
        if fields.iter().any(|(name, _)| *name == "host") {
            request = Request::builder().method(request.method_ref().unwrap()).uri(path);
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 1 << 20).await.unwrap().into() }
    }

    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, CLIENT, fields, Body::empty()).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(Method::POST, path, CLIENT, fields, Body::empty()).await
    }

    async fn login(&self, body: &str) -> Answer {
        self.ask(Method::POST, "/api/v1/login", CLIENT, &[MARK, JSON], body.to_owned()).await
    }
}

const MARK: (&str, &str) = ("x-portalmeter", "1");
const JSON: (&str, &str) = ("content-type", "application/json");
const ANN: &str = r#"{"name":"ann","password":"open-sesame"}"#;

fn user(name: &str, role: Role) -> User {
    User { name: name.to_owned(), role, password: Some(cheap()), token: None, totp: None }
}

/// Ann is an admin, Vic a viewer, Pat a partner.
fn settings() -> Settings {
    let partner = Role::Partner { account: "acme".to_owned() };
    let users = vec![user("ann", Role::Admin), user("vic", Role::Viewer), user("pat", partner)];
    Settings {
        users,
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        idle: HOUR,
        reach: Reach::Network,
        sso: None,
    }
}

fn desk() -> Desk {
    Desk::new(settings(), None)
}

#[tokio::test]
async fn a_login_opens_what_was_closed_and_a_logout_closes_it() {
    let desk = desk();
    let closed = desk.get("/api/v1/usage", &[]).await;
    assert_eq!((closed.status, closed.problem().as_str()), (StatusCode::UNAUTHORIZED, "not-signed-in"));
    assert_eq!(closed.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"portalmeter\"");
    let come_in = desk.login(ANN).await;
    assert_eq!(come_in.status, StatusCode::OK);
    let me = come_in.json();
    assert_eq!((&me["name"], &me["role"], &me["how"]), (&"ann".into(), &"admin".into(), &"session".into()));
    assert_eq!((&me["csrf"]["header"], &me["csrf"]["value"]), (&"X-Portalmeter".into(), &"1".into()));
    let cookie = come_in.cookie();
    let cookie = ("cookie", cookie.as_str());
    let open = desk.get("/api/v1/usage", &[cookie]).await;
    assert_eq!((open.status, open.body.as_slice()), (StatusCode::OK, &b"numbers"[..]));
    assert_eq!(open.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(desk.post("/api/v1/corrections", &[cookie, MARK]).await.status, StatusCode::OK);
    let left = desk.post("/api/v1/logout", &[cookie, MARK]).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert!(left.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(desk.get("/api/v1/usage", &[cookie]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cookie_over_https_is_bound_to_the_host() {
    let desk = desk();
    let fields = [MARK, JSON, ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.9")];
    let come_in = desk.ask(Method::POST, "/api/v1/login", PROXY, &fields, ANN).await;
    let set = come_in.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-portalmeter="), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{set}");
    let stranger = desk.ask(Method::POST, "/api/v1/login", CLIENT, &fields, ANN).await;
    assert!(stranger.cookie().starts_with("portalmeter="), "nobody but a trusted proxy says that it is https");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let desk = desk();
    let cookie = desk.login(ANN).await.cookie();
    desk.now.fetch_add(HOUR - 1, Ordering::Relaxed);
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie)]).await.status, StatusCode::OK);
    desk.now.fetch_add(HOUR, Ordering::Relaxed);
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_of_a_user_who_changed_is_over() {
    let mut changed = settings();
    let desk = Desk::new(changed.clone(), None);
    let (ann, vic) = (desk.login(ANN).await.cookie(), desk.login(&ANN.replace("ann", "vic")).await.cookie());
    changed.users[1].role = Role::Partner { account: "acme".to_owned() };
    desk.access.change(changed).unwrap();
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &ann)]).await.status, StatusCode::OK);
    assert_eq!(desk.get("/api/v1/me", &[("cookie", &vic)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_role_may_do_its_own_and_no_more() {
    let desk = desk();
    let allowed = async |name: &str| {
        let cookie = desk.login(&ANN.replace("ann", name)).await.cookie();
        let cookie = ("cookie", cookie.as_str());
        let (sees, books) =
            (desk.get("/api/v1/usage", &[cookie]).await, desk.post("/api/v1/corrections", &[cookie, MARK]).await);
        [sees.status.as_u16(), books.status.as_u16()]
    };
    assert_eq!(allowed("ann").await, [200, 200]);
    assert_eq!(allowed("vic").await, [200, 403]);
    assert_eq!(allowed("pat").await, [403, 403]);
}

#[tokio::test]
async fn forged_cookies_and_tokens_open_nothing() {
    let desk = desk();
    let cookie = desk.login(ANN).await.cookie();
    let id = cookie.split_once('=').unwrap().1;
    let zeros = "0".repeat(64);
    let forged = [
        format!("portalmeter={zeros}"),
        format!("__Host-portalmeter={id}"),
        format!("x={id}"),
        format!("portalmeter={id}x"),
        String::new(),
    ];
    for cookie in forged {
        assert_eq!(desk.get("/api/v1/me", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
    let planted = format!("portalmeter={zeros}; {cookie}");
    assert_eq!(
        desk.get("/api/v1/me", &[("cookie", &planted)]).await.status,
        StatusCode::OK,
        "planted beside the right one"
    );
    for token in ["Bearer", "Bearer ", "Bearer pmt_x", "Basic YW5uOm9wZW4=", "", "é", &format!("Bearer {id}")] {
        assert_eq!(
            desk.get("/api/v1/me", &[("authorization", token)]).await.status,
            StatusCode::UNAUTHORIZED,
            "{token}"
        );
    }
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let desk = desk();
    let cookie = desk.login(ANN).await.cookie();
    let cookie = ("cookie", cookie.as_str());
    for fields in [
        &[cookie][..],
        &[cookie, MARK, ("origin", "https://evil.example")],
        &[cookie, MARK, ("sec-fetch-site", "cross-site")],
    ] {
        let answer = desk.post("/api/v1/corrections", fields).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::FORBIDDEN, "not-our-page"));
        assert_eq!(desk.post("/api/v1/logout", fields).await.status, StatusCode::FORBIDDEN);
    }
    let login = desk.ask(Method::POST, "/api/v1/login", CLIENT, &[JSON], ANN).await;
    assert_eq!(login.problem(), "not-our-page");
    let own = [cookie, MARK, ("origin", "https://usage.example")];
    assert_eq!(desk.post("/api/v1/corrections", &own).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_machines_token_needs_nothing_else() {
    let token = Token::random().unwrap();
    let mut settings = settings();
    settings.users.push(User { password: None, token: Some(token.hash()), ..user("robot", Role::Admin) });
    let desk = Desk::new(settings, None);
    let bearer = format!("bearer {}", token.reveal());
    let me = desk.get("/api/v1/me", &[("authorization", &bearer)]).await.json();
    assert_eq!((&me["name"], &me["how"], &me["csrf"]), (&"robot".into(), &"token".into(), &Value::Null));
    assert_eq!(desk.post("/api/v1/corrections", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(desk.get("/api/v1/me", &twice).await.status, StatusCode::UNAUTHORIZED);
    let login = desk.login(r#"{"name":"robot","password":"open-sesame"}"#).await;
    assert_eq!(login.problem(), "wrong-password", "who has no password has none that is right");
}

#[tokio::test]
async fn whoever_is_not_there_is_refused_as_one_with_a_wrong_password() {
    let desk = desk();
    let wrong = desk.login(r#"{"name":"ann","password":"sesame"}"#).await;
    let absent = desk.login(r#"{"name":"eve","password":"open-sesame"}"#).await;
    assert_eq!((wrong.status, wrong.body), (absent.status, absent.body));
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_and_huge_ones_not_read() {
    let desk = desk();
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("{\"name\":3}", 422),
        (r#"{"name":"ann","password":"x","admin":true}"#, 422),
        ("\u{0}", 400),
        (&"[".repeat(4_000), 422),
        (&"x".repeat(1 << 20), 413),
        (&format!(r#"{{"name":"ann","password":"{}"}}"#, "x".repeat(5_000)), 413),
    ] {
        let answer = desk.login(body).await;
        let start = body.get(..20).unwrap_or(body);
        assert!([status, 400].contains(&answer.status.as_u16()), "{start}: {}", answer.status);
        assert_eq!(answer.problem(), "bad-body", "{start}");
    }
    let form = [MARK, ("content-type", "application/x-www-form-urlencoded")];
    let answer = desk.ask(Method::POST, "/api/v1/login", CLIENT, &form, ANN).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_then_even_the_right_password_waits() {
    let desk = desk();
    for _ in 0..10 {
        assert_eq!(desk.login(r#"{"name":"ann","password":"guess"}"#).await.problem(), "wrong-password");
    }
    let late = desk.login(ANN).await;
    assert_eq!((late.status, late.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-often"));
    assert_eq!(late.headers[header::RETRY_AFTER], "30");
    desk.now.fetch_add(30_000, Ordering::Relaxed);
    assert_eq!(desk.login(ANN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_asked_for_after_the_password_and_works_once() {
    // RFC 6238, Appendix B: at 1111111109 s the code of this secret is 081804.
    let mut settings = settings();
    settings.users[0].totp = Some(TotpSecret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap());
    let desk = Desk::new(settings, None);
    desk.now.store(1_111_111_109_000, Ordering::Relaxed);
    assert_eq!(desk.login(ANN).await.problem(), "code-needed");
    assert_eq!(desk.login(r#"{"name":"ann","password":"no","code":"081804"}"#).await.problem(), "wrong-password");
    assert_eq!(desk.login(&ANN.replace('}', r#","code":"081805"}"#)).await.problem(), "wrong-code");
    let right = ANN.replace('}', r#","code":"081804"}"#);
    assert_eq!(desk.login(&right).await.status, StatusCode::OK);
    assert_eq!(desk.login(&right).await.problem(), "wrong-code", "it was used");
}

#[tokio::test]
async fn an_auth_proxy_is_believed_and_nobody_else_who_says_the_same() {
    let mut settings = settings();
    settings.sso = Some(Sso { user: "x-auth-request-user".to_owned() });
    let desk = Desk::new(settings, None);
    let says = |name: &'static str| ("x-auth-request-user", name);
    let ask = async |peer: &str, fields: &[(&str, &str)]| desk.ask(Method::GET, "/api/v1/me", peer, fields, "").await;
    let me = ask(PROXY, &[says("pat")]).await.json();
    assert_eq!((&me["how"], &me["account"], &me["csrf"]["value"]), (&"sso".into(), &"acme".into(), &"1".into()));
    for beside in ["Basic cGF0Og==", "Bearer a-token-of-the-proxys-own"] {
        assert_eq!(ask(PROXY, &[says("pat"), ("authorization", beside)]).await.json()["how"], "sso", "{beside}");
    }
    assert_eq!(ask(CLIENT, &[says("ann")]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(PROXY, &[says("eve")]).await.problem(), "stranger");
    assert_eq!(ask(PROXY, &[says("ann"), says("pat")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ask(PROXY, &[]).await.status, StatusCode::UNAUTHORIZED);
    let books =
        async |fields: &[(&str, &str)]| desk.ask(Method::POST, "/api/v1/corrections", PROXY, fields, "").await.status;
    assert_eq!(books(&[says("ann")]).await, StatusCode::FORBIDDEN);
    assert_eq!(books(&[says("ann"), MARK]).await, StatusCode::OK);
}

#[tokio::test]
async fn the_loopback_without_users_is_open_to_this_machine_alone() {
    let desk = Desk::new(Settings::default(), None);
    let ask = async |fields: &[(&str, &str)]| desk.ask(Method::GET, "/api/v1/me", "127.0.0.1:4711", fields, "").await;
    for host in ["localhost", "127.0.0.1:9090", "[::1]:9090", "LOCALHOST:1"] {
        let me = ask(&[("host", host)]).await.json();
        assert_eq!((&me["role"], &me["how"]), (&"admin".into(), &"loopback".into()), "{host}");
    }
    for host in ["usage.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::2]", "127.0.0.2"] {
        assert_eq!(ask(&[("host", host)]).await.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    for field in ["x-forwarded-for", "forwarded", "via"] {
        assert_eq!(ask(&[("host", "localhost"), (field, "192.0.2.1")]).await.problem(), "through-a-proxy", "{field}");
    }
    let books = async |fields: &[(&str, &str)]| desk.post("/api/v1/corrections", fields).await.status;
    assert_eq!(books(&[("host", "localhost:9090")]).await, StatusCode::FORBIDDEN, "a page may post a form here");
    assert_eq!(books(&[("host", "localhost:9090"), MARK]).await, StatusCode::OK);
}

#[tokio::test]
async fn logins_leave_a_line_each_and_no_password() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::new(settings(), Some(dir.path()));
    let cookie = desk.login(ANN).await.cookie();
    desk.login(r#"{"name":"eve","password":"open-sesame"}"#).await;
    desk.post("/api/v1/logout", &[("cookie", &cookie), MARK]).await;
    drop(desk);
    let text = std::fs::read_to_string(dir.path().join(AUDIT_FILE)).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<[&str; 4]> =
        lines.iter().map(|line| ["who", "how", "action", "detail"].map(|key| line[key].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ["ann", "session", "login", "from 192.0.2.9"],
            ["eve", "password", "login_failed", "wrong name or password from 192.0.2.9"],
            ["ann", "session", "logout", "from 192.0.2.9"],
        ]
    );
    assert!(!text.contains("sesame"), "{text}");
}

#[tokio::test]
async fn many_logins_at_once_are_checked_a_few_at_a_time() {
    let mut settings = settings();
    for number in 0..40 {
        settings.users.push(user(&format!("user{number}"), Role::Viewer));
    }
    let desk = Arc::new(Desk::new(settings, None));
    let tries: Vec<_> = (0..40)
        .map(|number| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                let body = ANN.replace("ann", &format!("user{number}"));
                let peer = format!("192.0.2.{number}:1");
                desk.ask(Method::POST, "/api/v1/login", &peer, &[MARK, JSON], body).await.status.as_u16()
            })
        })
        .collect();
    for tried in tries {
        assert!([200, 503].contains(&tried.await.unwrap()));
    }
}

#[test]
fn a_handler_outside_the_guard_lets_nobody_in() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bare = Router::new().route("/", get(|_: Identity| async { "in" }));
    let answer = runtime.block_on(bare.oneshot(Request::new(Body::empty()))).unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}
