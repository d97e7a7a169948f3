//! Made-up visitors: a trickle of traffic that looks like people, a crawler and a widget.
//!
//! They talk plain HTTP to the proxy, as browsers would, and know of the portal only what its
//! pages link to. Each names a client address of its own in `X-Forwarded-For`, out of the ranges
//! kept for documentation, so the proxy before the demo has to trust loopback.

mod browser;
mod jar;
mod persona;
mod visit;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::dice::Dice;
use browser::Site;
use persona::Persona;
use visit::Visitor;

/// Sends visitors to `base`, asking for `host`, until `stop` says `true` or is gone.
///
/// The same seed gives the same visitors. A portal that does not answer is tried again later.
pub(crate) async fn trickle(base: SocketAddr, host: String, seed: u64, mut stop: watch::Receiver<bool>) {
    let mut crowd = gather(&Site { base, host }, seed, DEMO);
    // An error means that nobody is left who could say stop.
    let _ = stop.wait_for(|stop| *stop).await;
    crowd.shutdown().await;
}

/// How long visitors pause, in milliseconds from and to.
#[derive(Debug, Clone, Copy)]
struct Pace {
    between_pages: (u64, u64),
    between_visits: (u64, u64),
}

/// Lively enough to watch: about two pages a second from everybody together.
const DEMO: Pace = Pace { between_pages: (700, 5_000), between_visits: (3_000, 15_000) };

impl Pace {
    async fn read_a_page(self, dice: &mut Dice) {
        let (from, to) = self.between_pages;
        tokio::time::sleep(Duration::from_millis(dice.between(from, to))).await;
    }

    async fn stay_away(self, dice: &mut Dice) {
        let (from, to) = self.between_visits;
        tokio::time::sleep(Duration::from_millis(dice.between(from, to))).await;
    }
}

/// Who comes, each again and again and independently of the others.
const CROWD: &[Persona] = &[
    Persona::Guest,
    Persona::Guest,
    Persona::Guest,
    Persona::Customer,
    Persona::Customer,
    Persona::Staff,
    Persona::Crawler,
    Persona::WidgetUser,
];

fn gather(site: &Site, seed: u64, pace: Pace) -> JoinSet<()> {
    let mut dice = Dice::new(seed);
    let mut crowd = JoinSet::new();
    for &persona in CROWD {
        crowd.spawn(keep_coming(persona, site.clone(), dice.fork(), pace));
    }
    crowd
}

/// One after the other, different visitors of one kind; some come back with the browser they had.
async fn keep_coming(persona: Persona, site: Site, mut dice: Dice, pace: Pace) {
    loop {
        // First, so that not everybody arrives in the same instant.
        pace.read_a_page(&mut dice).await;
        let mut visitor = Visitor::new(persona, &site, dice.fork(), pace);
        loop {
            if let Err(error) = visitor.visit().await {
                tracing::debug!(%error, "a made-up visit ended early");
            }
            pace.stay_away(&mut dice).await;
            if !dice.one_in(3) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use axum::extract::Request;
    use axum::middleware::{Next, from_fn};

    use super::*;
    use crate::command::demo::portal;

    const AT_ONCE: Pace = Pace { between_pages: (0, 2), between_visits: (0, 2) };

    /// What each request said of itself: method, path, address, and who the portal took it for.
    type Seen = Arc<Mutex<BTreeSet<(String, String, String)>>>;

    async fn watched_portal() -> (Site, Seen) {
        let seen = Seen::default();
        let watcher = Arc::clone(&seen);
        let watch = from_fn(move |request: Request, next: Next| {
            let seen = Arc::clone(&watcher);
            async move {
                let said = request.headers().get("x-forwarded-for").unwrap().to_str().unwrap().to_owned();
                let what = format!("{} {}", request.method(), request.uri().path());
                let response = next.run(request).await;
                assert!(!response.status().is_server_error());
                let role = response.headers().get("x-roles").map_or("", |roles| roles.to_str().unwrap()).to_owned();
                seen.lock().unwrap().insert((what, said, role));
                response
            }
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, portal::router().layer(watch)).await });
        (Site { base, host: "help.acme.example".to_owned() }, seen)
    }

    async fn eventually(seen: &Seen, what: &str, role: &str) {
        let has = || seen.lock().unwrap().iter().any(|(w, _, r)| w == what && r == role);
        for _ in 0..1000 {
            if has() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no `{what}` as `{role}`");
    }

    #[tokio::test]
    async fn the_crowd_does_all_that_a_portal_sees() {
        let (site, seen) = watched_portal().await;
        let mut crowd = gather(&site, 7, AT_ONCE);
        for (what, role) in [
            ("GET /", ""),
            ("GET /search", ""),
            ("GET /api/poll", ""),
            ("POST /login", ""),
            ("GET /account", "customer"),
            ("GET /account", "staff"),
            ("GET /downloads/quick-start.pdf", "customer"),
            ("POST /logout", ""),
            ("GET /embed/chat/api/open", ""),
            ("GET /robots.txt", ""),
        ] {
            eventually(&seen, what, role).await;
        }
        crowd.shutdown().await;
        let addresses: BTreeSet<_> = seen.lock().unwrap().iter().map(|(_, address, _)| address.clone()).collect();
        assert!(addresses.len() > 5, "{addresses:?}");
        assert!(addresses.iter().all(|address| {
            ["192.0.2.", "198.51.100.", "203.0.113."].iter().any(|range| address.starts_with(range))
        }));
    }

    #[tokio::test]
    async fn the_trickle_ends_when_told_and_when_nobody_is_left_to_tell() {
        // Nothing listens there: visitors keep trying, and still stop at once.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let (stop, stopped) = watch::channel(false);
        let trickling = tokio::spawn(trickle(nowhere, "help.acme.example".to_owned(), 1, stopped.clone()));
        stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(5), trickling).await.unwrap().unwrap();

        let (stop, stopped) = watch::channel(false);
        drop(stop);
        let trickling = trickle(nowhere, "help.acme.example".to_owned(), 1, stopped);
        tokio::time::timeout(Duration::from_secs(5), trickling).await.unwrap();
    }
}
