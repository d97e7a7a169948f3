//! Asks the API of a ledger all that the page will ask, again and again, and says how long answers take:
//!
//! `cargo run --release -p portalmeter-dashboard --example ask -- LEDGER ACCOUNTS.csv`
//!
//! LEDGER is a data directory, or the address of a Postgres. Digests that are missing are made first, as a running node would.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints what it finds, and ends where it cannot go on"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use portalmeter_dashboard::access::Access;
use portalmeter_dashboard::board::Portal;
use portalmeter_dashboard::{Board, router};
use portalmeter_meter::accounts::Directory;
use portalmeter_meter::day::{Day, Zone};
use portalmeter_meter::ledger::{Days, Ledger, LedgerError, Look, open, open_to_read};
use portalmeter_meter::policy::{Experience, Policy};
use tower::ServiceExt;

/// How often each question is asked, the first time not counted.
const TIMES: usize = 9;
/// An answer that takes longer is one too slow, in milliseconds.
const BOUND: f64 = 300.0;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (place, accounts) = (arguments.next().unwrap(), arguments.next().unwrap());
    let (begun, (first, last)) = (Instant::now(), digest(&place));
    println!("digests made in {:.1} s; days {first} to {last}", begun.elapsed().as_secs_f64());
    let directory = Arc::new(Directory::read(&std::fs::read(accounts).unwrap()).unwrap());
    let desk = router(board(place, directory, last));
    let (mut slow, mut questions) = (0, questions(last));
    questions.sort();
    for question in &questions {
        let mut took: Vec<f64> = Vec::new();
        let mut size = 0;
        for _ in 0..=TIMES {
            let asked = Request::get(format!("/api/v1/{question}")).header("host", "localhost");
            let begun = Instant::now();
            let answer = desk.clone().oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
            let status = answer.status();
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            assert_eq!(status, StatusCode::OK, "{question}: {}", String::from_utf8_lossy(&body));
            size = body.len();
        }
        let first = took.remove(0);
        took.sort_by(f64::total_cmp);
        let (median, worst) = (took[TIMES / 2], took[TIMES - 1]);
        slow += usize::from(median > BOUND);
        println!("{median:7.1} ms  (first {first:7.1}, worst {worst:7.1})  {size:8} bytes  {question}");
    }
    println!("{slow} of {} questions take longer than {BOUND} ms", questions.len());
}

/// Makes the digests that are missing, and says between which days there is usage.
fn digest(place: &str) -> (Day, Day) {
    let mut ledger = ledger(place);
    let every = Days { from: "2000-01-01".parse().unwrap(), to: "2100-01-01".parse().unwrap() };
    let mut days = Vec::new();
    let mut ask = |look: &mut dyn Look| {
        days = look.totals(&[], every)?;
        Ok(())
    };
    ledger.look(&mut ask).unwrap();
    let (first, last) =
        (days.iter().map(|one| one.1.day).min().unwrap(), days.iter().map(|one| one.1.day).max().unwrap());
    for portal in PORTALS {
        while ledger.digest(portal.0, last, 0).unwrap() {}
    }
    (first, last)
}

const PORTALS: [(&str, Experience, &str); 3] = [
    ("help", Experience::ServicePortal, "UTC"),
    ("partners", Experience::PartnerPortal, "Europe/Berlin"),
    ("widgets", Experience::WebEmbeddables, "UTC"),
];

fn ledger(place: &str) -> Box<dyn Ledger> {
    let (url, dir) = if place.contains("://") { (place, "nowhere") } else { ("embedded", place) };
    open(url, Path::new(dir)).unwrap()
}

fn board(place: String, directory: Arc<Directory>, last: Day) -> Board {
    let portals = PORTALS.map(|(name, experience, zone)| Portal {
        name: name.into(),
        policy: Arc::new(Policy { zone: Zone::named(zone).unwrap(), ..Policy::preset(experience) }),
        contracted_sessions: Some(500_000),
        modules: (experience == Experience::WebEmbeddables).then(|| vec!["chat".into(), "search".into()]),
    });
    let noon = Zone::utc().start(last) + 12 * 3_600_000;
    let to_write = place.clone();
    Board {
        portals: Arc::new(move || portals.to_vec()),
        directory: Arc::new(move || Arc::clone(&directory)),
        read: Arc::new(move || {
            let (url, dir) = if place.contains("://") { (&*place, "nowhere") } else { ("embedded", &*place) };
            open_to_read(url, Path::new(dir))?.ok_or(LedgerError::Absent)
        }),
        write: Arc::new(move || Ok(ledger(&to_write))),
        clock: Arc::new(move || noon),
        problems: Arc::new(Vec::new),
        audit: Arc::new(|_, _, _| {}),
        seal_wait: 86_400_000,
        access: Arc::new(Access::default()),
    }
}

/// What the page will ask: a year, a quarter, a month and two weeks until the last day, and everything of now.
fn questions(last: Day) -> Vec<String> {
    let to = last.plus(1);
    let mut all: Vec<String> = ["definitions", "sessions/live", "alerts", "portals", "engagement/risk", "corrections"]
        .map(str::to_owned)
        .into();
    for days in [365, 91, 30, 13] {
        let range = format!("from={}&to={to}", to.plus(-days));
        for by in ["day", "week", "month", "quarter", "year"] {
            all.push(format!("usage?{range}&by={by}"));
        }
        all.push(format!("usage?{range}&by=month&group=all"));
        all.push(format!("usage?{range}&by=day&tz=America/New_York"));
        for of in ["summary", "timeline", "resources", "rooms", "accounts"] {
            all.push(format!("engagement/{of}?{range}"));
            all.push(format!("engagement/{of}?{range}&type=reseller"));
        }
        all.push(format!("engagement/summary?{range}&compare=previous"));
        all.push(format!("engagement/accounts?{range}&sort=page_views&order=asc&limit=50"));
        all.push(format!("records?{range}&limit=100"));
        all.push(format!("records?{range}&portal=help&class=external&limit=100"));
        if days <= 30 {
            all.push(format!("usage?{range}&by=hour"));
        }
    }
    all
}
