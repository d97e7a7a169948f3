//! A dashboard on a ledger in a folder of its own, where it is always the same moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use portalmeter_dashboard::access::{Access, Role, Settings, Token, User};
use portalmeter_dashboard::board::{Board, Portal, Problem};
use portalmeter_meter::accounts::Directory;
use portalmeter_meter::day::Zone;
use portalmeter_meter::entry::Entry;
use portalmeter_meter::ledger::sqlite::SqliteLedger;
use portalmeter_meter::ledger::{Ledger, LedgerError, OpenDay, Position, Stretch, Take};
use portalmeter_meter::policy::{Experience, Policy};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::fragile::Fragile;
use super::say::{Visit, at, day};

/// A Thursday in Berlin, and everywhere else.
pub(crate) const NOW: &str = "2026-04-02T10:00:00Z";

pub(crate) struct Place {
    _dir: TempDir,
    pub(crate) ledger: SqliteLedger,
    router: Router,
    tokens: HashMap<String, Token>,
    pub(crate) away: Arc<AtomicBool>,
    pub(crate) audit: Arc<Mutex<Vec<String>>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A user, by name.
pub(crate) type Name = &'static str;

pub(crate) const ADMIN: Name = "ann";
pub(crate) const VIEWER: Name = "vic";
/// Partners, and the accounts that are theirs.
pub(crate) const ACME: Name = "pat of acme";
pub(crate) const NEW: Name = "pat of new";
pub(crate) const GONE: Name = "pat of gone";

/// Users, each with a token.
fn users() -> Vec<(User, Token)> {
    let partner = |account: &str| Role::Partner { account: account.into() };
    let roles = [
        (ADMIN, Role::Admin),
        (VIEWER, Role::Viewer),
        (ACME, partner("acme")),
        (NEW, partner("new")),
        (GONE, partner("gone")),
    ];
    let user = |(name, role): (Name, Role)| {
        let token = Token::random().unwrap();
        (User { name: name.into(), role, password: None, token: Some(token.hash()), totp: None }, token)
    };
    roles.into_iter().map(user).collect()
}

pub(crate) fn portal(name: &str, experience: Experience, zone: &str, contracted: Option<u64>) -> Portal {
    let policy = Policy { zone: Zone::named(zone).unwrap(), ..Policy::preset(experience) };
    let modules = (experience == Experience::WebEmbeddables).then(|| vec!["chat".into(), "search".into()]);
    Portal { name: name.into(), policy: Arc::new(policy), contracted_sessions: contracted, modules }
}

const ACCOUNTS: &str = "id,name,type,since\nacme,\"=Acme, Inc.\",reseller,2020-01-01\nnew,New & <b>Co</b>,referral,2026-03-01\n\
                        idle,\u{202e}Idle,referral,\n";

impl Place {
    /// Two portals: `support` in Berlin, and `widget` in New York, which has modules.
    pub(crate) fn new() -> Self {
        Self::with(ACCOUNTS)
    }

    pub(crate) fn with(accounts: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::create(dir.path()).unwrap();
        let (away, audit) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let directory = Arc::new(Directory::read(accounts.as_bytes()).unwrap());
        let portals = vec![
            portal("support", Experience::ServicePortal, "Europe/Berlin", Some(100)),
            portal("widget", Experience::WebEmbeddables, "America/New_York", None),
        ];
        let open = |write: bool| {
            let (path, away) = (dir.path().to_owned(), Arc::clone(&away));
            move || -> Result<Box<dyn Ledger>, LedgerError> {
                if away.load(Ordering::SeqCst) {
                    return Err(LedgerError::Away("nobody there".into()));
                }
                if write {
                    return Ok(Box::new(SqliteLedger::create(&path)?));
                }
                let ledger = SqliteLedger::open(&path)?.ok_or(LedgerError::Absent)?;
                Ok(Box::new(Fragile::new(ledger, Arc::clone(&away))))
            }
        };
        let book = Arc::clone(&audit);
        let (users, tokens): (Vec<User>, Vec<Token>) = users().into_iter().unzip();
        let names = users.iter().map(|user| user.name.clone());
        let tokens = names.zip(tokens).collect();
        let access = Access::new(Settings { users, ..Settings::default() }, Arc::new(|| at(NOW)), None).unwrap();
        let board = Board {
            portals: Arc::new(move || portals.clone()),
            directory: Arc::new(move || Arc::clone(&directory)),
            read: Arc::new(open(false)),
            write: Arc::new(open(true)),
            clock: Arc::new(|| at(NOW)),
            problems: Arc::new(|| {
                vec![Problem {
                    what: "journal".into(),
                    detail: "the disk is full".into(),
                    meaning: "pages are not kept".into(),
                    remedy: "make room".into(),
                    since: Some(at("2026-04-02T09:00:00Z")),
                }]
            }),
            audit: Arc::new(move |who, what, detail| {
                book.lock().unwrap().push(format!("{} {what} {detail}", who.name));
            }),
            access: Arc::new(access),
            seal_wait: 86_400_000,
        };
        Self { router: portalmeter_dashboard::router(board), tokens, _dir: dir, ledger, away, audit }
    }

    pub(crate) fn visited(&mut self, visits: impl IntoIterator<Item = Visit>) {
        let mut portals: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for visit in visits {
            portals.entry(visit.portal().to_owned()).or_default().extend(visit.entries());
        }
        for (portal, entries) in portals {
            let from = self.ledger.position(&portal).unwrap();
            let upto = Position { at: from.at + 1, number: 0, stream: 0 };
            let stretch = Stretch { portal: &portal, from, upto, entries: &entries };
            assert!(matches!(self.ledger.take(&stretch, at(NOW)), Ok(Take::Done(_))));
        }
    }

    pub(crate) fn seal(&mut self, portal: &str, on: &str, zone: &str) {
        let sealed = OpenDay { day: day(on), portal: portal.into(), zone: zone.into() };
        assert!(self.ledger.seal(&sealed, at(NOW)).unwrap() > 0);
    }

    pub(crate) async fn ask(&self, who: Option<Name>, path: &str) -> Answer {
        self.request(who, Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, who: Name, path: &str, body: &str) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.request(Some(who), request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn request(&self, who: Option<Name>, mut request: Request<Body>) -> Answer {
        if let Some(who) = who {
            let token = format!("Bearer {}", self.tokens[who].reveal());
            request.headers_mut().insert("authorization", token.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let answer =
            Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() };
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        if !answer.status.is_success() {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
            assert_eq!(answer.json()["status"], answer.status.as_u16());
        }
        answer
    }

    /// What an admin is answered.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.ask(Some(ADMIN), path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) async fn csv(&self, path: &str) -> String {
        let sign = if path.contains('?') { '&' } else { '?' };
        let answer = self.ask(Some(ADMIN), &format!("{path}{sign}format=csv")).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(answer.header("content-type").unwrap().starts_with("text/csv"));
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(answer.header("x-as-of").is_some());
        answer.body
    }

    pub(crate) async fn refused(&self, path: &str, status: u16) -> Value {
        let answer = self.ask(Some(ADMIN), path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        answer.json()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
