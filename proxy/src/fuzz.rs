//! Doors for the fuzz targets in `fuzz/`: what they reach is what `run`, `check` and `replay` do.
//!
//! Only a fuzzing build has them. Nothing is judged here; the targets know what must hold.

use std::cell::Cell;
use std::io::Read;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use ipnet::IpNet;
use miette::Report;
use portalmeter_meter::history::Memory;
use portalmeter_meter::intake::{Intake, Sink};
use portalmeter_meter::observation::Stamp;
use portalmeter_meter::offline::Offline;
use portalmeter_rules::facts::Response;
use portalmeter_rules::id::Name;
use portalmeter_rules::judge::{Unseen, host_of};
use portalmeter_rules::time::Millis;
use portalmeter_rules::verdict::{Evidence, Kind};

use crate::command::check;
use crate::config::{self, Config, Problem};
use crate::door;
use crate::forwarded::{self, Client};
use crate::headers::Fields;
use crate::log::{self, Format, Kept, Line, Listener, Skipped};
use crate::metering::Asked;
use crate::upstream::Upstreams;

/// Who is behind a peer, and what the portal is told of it.
#[derive(Debug)]
pub struct Forwarded {
    /// The client's address.
    pub ip: IpAddr,
    /// The peer's.
    pub peer: IpAddr,
    /// Whether the peer is a trusted proxy.
    pub trusted: bool,
    /// Whether the client spoke https.
    pub https: bool,
    /// The X-Forwarded fields that the portal gets.
    pub fields: [(&'static str, Vec<u8>); 3],
}

/// Looks behind a peer.
pub fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet], host: &str, tls: bool) -> Forwarded {
    let client = Client::behind(peer, headers, trusted, tls);
    let Client { ip, peer, trusted, https } = client;
    Forwarded { ip, peer, trusted, https, fields: forwarded::fields(&client, headers, host, tls) }
}

/// Where a request's head ends and what follows, or the status it is refused with; `None`: it is not whole.
pub fn head(read: &[u8], limits: (usize, usize, usize)) -> Option<Result<(usize, After), u16>> {
    door::head_of(read, limits).map(|read| read.map_err(|refusal| refusal.status))
}

/// How many of these bytes belong to a body in chunks, and whether it ended; `None`: it is not written as one.
pub fn chunks(read: &[u8]) -> Option<(usize, bool)> {
    door::chunks_of(read)
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Another protocol.
    Upgrade,
}

/// A line of a log, or why it was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogLine {
    /// It was read.
    Read {
        /// When.
        at: Millis,
        /// The method.
        method: Vec<u8>,
        /// The host.
        host: Option<String>,
        /// Path and query.
        target: Vec<u8>,
        /// The status.
        status: u16,
        /// All of it, in words.
        told: String,
        /// The same, of the line as it is kept to be sorted.
        kept: String,
    },
    /// It was skipped.
    Skipped(String),
}

/// Reads a log: as JSON lines, as `combined`, or (`None`) as what its first line says.
pub fn read_log(log: impl Read + 'static, jsonl: Option<bool>) -> Vec<LogLine> {
    let mut told = Told(Vec::new());
    log::each_line_of(Box::new(log), format(jsonl), &mut told);
    told.0
}

fn format(jsonl: Option<bool>) -> Format {
    match jsonl {
        Some(true) => Format::Jsonl,
        Some(false) => Format::Combined,
        None => Format::Auto,
    }
}

struct Told(Vec<LogLine>);

impl Listener for Told {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        let words = |line: &Line<'_>| format!("{:?}", Line { file: "", number: 0, ..*line });
        self.0.push(LogLine::Read {
            at: line.at,
            method: line.method.to_vec(),
            host: line.host.map(str::to_owned),
            target: line.target.to_vec(),
            status: line.status,
            told: words(line),
            kept: words(&Kept::of(line).line()),
        });
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) {
        // Its number is not the line's own.
        self.0.push(LogLine::Skipped(Skipped { number: 0, ..skipped.clone() }.to_string()));
    }
}

/// A meter without a journal and a store, made from a configuration.
pub struct Meter {
    config: Arc<Config>,
    secret: Vec<u8>,
    intake: Intake,
    given: Cell<u128>,
}

/// A request on the wire, and its answer.
#[derive(Debug)]
pub struct Passed<'e> {
    /// When it arrived.
    pub at: Millis,
    /// From where.
    pub peer: IpAddr,
    /// The method.
    pub method: &'e str,
    /// Host and port, as sent.
    pub authority: &'e str,
    /// Path and query.
    pub target: &'e [u8],
    /// The request's fields.
    pub request: &'e HeaderMap,
    /// The answer's status.
    pub status: u16,
    /// The answer's fields.
    pub response: &'e HeaderMap,
}

/// What the meter made of it.
#[derive(Debug)]
pub struct Taken {
    /// Page, activity or logout; or why it was not observed.
    pub kind: Result<Kind, Unseen>,
    /// What it proves, and by which rule.
    pub evidence: Option<(Evidence, String)>,
    /// The client, trusted proxies seen through, and whether the peer is one.
    pub client: (IpAddr, bool),
    /// The cookie that the answer hands out.
    pub set_cookie: Option<String>,
}

impl Meter {
    /// What a configuration in `dir` makes; and its warnings, or all that is wrong with it, as `check` prints them.
    pub fn new(text: &str, dir: &Path, secret: &[u8]) -> Result<(Self, Vec<String>), Vec<String>> {
        let env = |name: &str| (name == "FUZZ").then(|| "a secret from the environment".to_owned());
        match config::parse(text, dir, &env) {
            Ok((config, warnings)) => {
                let told = warnings.iter().map(words).chain([check::summary(Path::new("fuzz"), &config, 1)]).collect();
                Ok((Self::of(config, secret), told))
            }
            Err(problems) => {
                assert!(problems.iter().any(Problem::is_error), "refused without an error: {problems}");
                Err(problems.iter().map(words).chain([problems.to_string()]).collect())
            }
        }
    }

    /// All that `run` makes of a configuration before it opens files and listeners.
    fn of(config: Config, secret: &[u8]) -> Self {
        for portal in &config.portals {
            // Names would be asked of the network.
            if portal.upstream.iter().all(|upstream| upstream.host.parse::<IpAddr>().is_ok()) {
                assert!(
                    Upstreams::new(portal.upstream.clone(), portal.patience).next(false).is_some(),
                    "{:?}",
                    portal.upstream
                );
            }
        }
        Self::made(Arc::new(config), secret)
    }

    fn made(config: Arc<Config>, secret: &[u8]) -> Self {
        let stamps: Vec<Stamp> = config.portals.iter().map(|portal| portal.stamp.clone()).collect();
        let intake = Intake::new(config.rules(secret), stamps).guarded(config.guards());
        Self { intake, config, secret: secret.to_vec(), given: Cell::new(0) }
    }

    /// The same meter, that has seen nobody yet.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self::made(Arc::clone(&self.config), &self.secret)
    }

    /// How long late observations count.
    pub fn memory(&self) -> Memory {
        Memory::keeping(self.config.journal.keep)
    }

    /// Meters a request as the gateway does.
    pub fn take(&self, passed: &Passed<'_>, sink: &mut dyn Sink) -> Taken {
        let client = Client::behind(passed.peer, passed.request, &self.config.server.trusted_proxies, false);
        let host = host_of(passed.authority);
        let asked = Asked {
            at: passed.at,
            client: &client,
            method: passed.method,
            host: &host,
            host_as_sent: passed.authority,
            target: passed.target,
            headers: passed.request,
        };
        let (fields, answered) = (Fields(passed.request), Fields(passed.response));
        let request = asked.facts(&fields, &[]);
        let response = Response { status: passed.status, headers: &answered };
        let mut set_cookie = None;
        let mut hand_out = |portal: usize, fingerprint: Name| {
            let (cookie, handed) = self.hand_out(portal, fingerprint, passed.at, client.https)?;
            set_cookie = Some(cookie);
            Some(handed)
        };
        let taken = self.intake.take(&request, &response, passed.at, &mut hand_out, sink);
        let evidence = taken.as_ref().ok().map(|verdict| (verdict.sender.evidence, verdict.sender.rule.to_string()));
        Taken { kind: taken.map(|verdict| verdict.kind), evidence, client: (client.ip, client.trusted), set_cookie }
    }

    /// A cookie as the gateway hands it out, but numbered, so that an input always does the same.
    fn hand_out(&self, portal: usize, fingerprint: Name, now: Millis, https: bool) -> Option<(String, Name)> {
        if !self.config.portals.get(portal)?.issues_cookie {
            return None;
        }
        self.given.set(self.given.get() + 1);
        let (value, ticket) =
            self.intake.rules().keys().tickets.issue(self.given.get().to_be_bytes(), now, fingerprint);
        let cookie = self.intake.rules().portals().get(portal)?.visitor.cookie.set(&value, https);
        Some((cookie, ticket.name))
    }

    /// Meters a log as `replay` does.
    pub fn replay(&self, log: impl Read + 'static, jsonl: Option<bool>) -> Offline {
        let mut replay = Replay { intake: &self.intake, offline: Offline::new(self.memory()) };
        log::each_line_of(Box::new(log), format(jsonl), &mut replay);
        replay.offline
    }
}

/// A problem as `check` prints it.
fn words(problem: &Problem) -> String {
    format!("{:?}", Report::new(problem.clone()))
}

struct Replay<'m> {
    intake: &'m Intake,
    offline: Offline,
}

impl Listener for Replay<'_> {
    fn line(&mut self, line: &Line<'_>) -> ControlFlow<()> {
        self.offline.another_line();
        let _ = self.intake.take(&line.request(), &line.response(), line.at, &mut |_, _| None, &mut self.offline);
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, _: &Skipped<'_>) {}
}
