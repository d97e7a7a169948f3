//! What only a browser knows, told by a script: two paths that the proxy answers itself, on hosts of portals that ask for it.
//!
//! A body is small, comes from a page of the same origin, and counts only for somebody whose session is live; it keeps no
//! session alive, and nothing of it but the name of a place and of an action is kept.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::time::timeout;
use portalmeter_meter::gather::What;
use portalmeter_rules::facts::{NoHeaders, Response};
use portalmeter_rules::target;
use prometheus_client::encoding::EncodeLabelSet;
use serde::Deserialize;

use crate::headers::Fields;
use crate::metering::{Asked, Metering};

mod origin;
mod recent;

pub(crate) use recent::Recent;

/// Where browsers tell what was done.
const ACTION: &[u8] = b"/.portalmeter/action";
/// Where the script is.
const SCRIPT: &[u8] = b"/.portalmeter/beacon.js";
const JAVASCRIPT: &[u8] = include_bytes!("beacon/beacon.js");
/// Most bytes of a body.
const LARGEST: usize = 1024;
/// A body is here by then.
const PATIENCE: Duration = Duration::from_secs(5);

static ETAG: LazyLock<String> = LazyLock::new(|| {
    // The same for every build of this text.
    let hash = JAVASCRIPT
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("\"{hash:016x}\"")
});

/// What is asked of the beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// To take an action.
    Action,
    /// For its script.
    Script,
}

impl Call {
    /// What a path asks for.
    pub(crate) fn of(path: &[u8]) -> Option<Self> {
        match path {
            ACTION => Some(Self::Action),
            SCRIPT => Some(Self::Script),
            _ => None,
        }
    }
}

/// What became of what a browser told, for the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    outcome: &'static str,
}

/// What a browser tells.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    action: String,
    resource: String,
    #[serde(default)]
    goal: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

/// Why nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Method,
    Foreign,
    Oversized,
    Malformed,
    /// Not one of the actions that a browser may tell of here.
    Unknown,
    TooMany,
    /// Nobody's live session, or a program's.
    NotLive,
    Replayed,
}

impl Refused {
    fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Foreign => "foreign",
            Self::Oversized => "oversized",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown_action",
            Self::TooMany => "too_many",
            Self::NotLive => "not_live",
            Self::Replayed => "replayed",
        }
    }

    /// A page that has been open for long does nothing wrong: it gets the answer that all others get.
    fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::Foreign => 403,
            Self::Oversized => 413,
            Self::Malformed | Self::Unknown => 400,
            Self::TooMany => 429,
            Self::NotLive | Self::Replayed => 204,
        }
    }
}

/// Answers a call.
pub(crate) async fn answer(call: Call, session: &mut Session, asked: &Asked<'_>, metering: &Metering) -> Result<()> {
    match call {
        Call::Script => script(session).await,
        Call::Action => {
            let outcome = take(session, asked, metering).await;
            let (name, status) = outcome.map_or_else(|why| (why.name(), why.status()), |()| ("counted", 204));
            metering.counters.beacon.get_or_create(&Outcome { outcome: name }).inc();
            if outcome == Err(Refused::Oversized) {
                // What still comes is of no interest, and the connection ends with the answer.
                session.as_downstream_mut().set_keepalive(None);
            }
            let mut response = ResponseHeader::build(status, Some(3))?;
            response.insert_header("Cache-Control", "no-store")?;
            if status == 405 {
                response.insert_header("Allow", "POST")?;
            }
            if status != 204 {
                response.insert_header("Content-Length", "0")?;
            }
            write(session, response, Bytes::new()).await?;
            if outcome == Err(Refused::Oversized) {
                let _ = timeout(crate::door::LINGER, session.as_downstream_mut().drain_request_body()).await;
            }
            Ok(())
        }
    }
}

async fn take(session: &mut Session, asked: &Asked<'_>, metering: &Metering) -> std::result::Result<(), Refused> {
    if asked.method != Method::POST.as_str() {
        return Err(Refused::Method);
    }
    if !origin::is_same(asked.headers, asked.host_as_sent) {
        return Err(Refused::Foreign);
    }
    let body = body(session, asked.headers).await?;
    let told: Told = serde_json::from_slice(&body).map_err(|_| Refused::Malformed)?;
    told.check()?;
    let target = target::normal(told.resource.as_bytes());
    let path_end = memchr::memchr(b'?', &target).unwrap_or(target.len());
    let path = &target[..path_end];
    let intake = &metering.intake;
    let route = intake.rules().route(Some(asked.host), path).and_then(|route| route.metered_by);
    let portal = route.ok_or(Refused::Unknown)?;
    let beacon = metering.beacons.get(portal).and_then(Option::as_ref).ok_or(Refused::Unknown)?;
    let action = beacon.actions.iter().find(|name| ***name == *told.action).ok_or(Refused::Unknown)?;
    let fields = Fields(asked.headers);
    let request = asked.facts(&fields, &[]);
    // The answer is ours, and says nothing of anybody.
    let silent = Response { status: 204, headers: &NoHeaders };
    let presence = intake.presence(portal, path, &request, &silent).map_err(|_| Refused::NotLive)?;
    let live = metering.engine.live();
    let is_live = presence.keys.iter().any(|key| live.is_live(key, asked.at));
    // Several browsers may have begun behind one fingerprint: each is known by what it shows itself.
    let visitor = presence.keys.first().copied().filter(|_| is_live).ok_or(Refused::NotLive)?;
    metering.recent.admit(visitor, asked.at, told.once()).map_err(|why| match why {
        recent::Not::Again => Refused::Replayed,
        recent::Not::SoMany => Refused::TooMany,
    })?;
    let what = What::Told { action: Arc::clone(action), goal: told.goal.map(String::into_boxed_str) };
    metering.gatherer.watch.present(presence, what, asked.at, &target, live);
    Ok(())
}

async fn body(session: &mut Session, headers: &HeaderMap) -> std::result::Result<Vec<u8>, Refused> {
    let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > LARGEST as u64) {
        return Err(Refused::Oversized);
    }
    let mut body = Vec::new();
    let read = async {
        loop {
            match session.as_downstream_mut().read_request_body().await {
                Ok(Some(part)) if body.len() + part.len() > LARGEST => return Err(Refused::Oversized),
                Ok(Some(part)) => body.extend_from_slice(&part),
                Ok(None) => return Ok(()),
                Err(_) => return Err(Refused::Malformed),
            }
        }
    };
    match timeout(PATIENCE, read).await {
        Ok(read) => read.map(|()| body),
        Err(_) => Err(Refused::Oversized),
    }
}

impl Told {
    fn check(&self) -> std::result::Result<(), Refused> {
        let word = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let target = self.resource.starts_with('/') && self.resource.bytes().all(|byte| byte > b' ' && byte != 0x7f);
        let goal = match &self.goal {
            Some(goal) => self.action == portalmeter_rules::engagement::GOAL && word(goal),
            None => true,
        };
        let id = self.id.as_ref().is_none_or(|id| word(id) && id.len() >= 8);
        (target && goal && id).then_some(()).ok_or(Refused::Malformed)
    }

    /// By which it is known again; without an id by all that it says.
    fn once(&self) -> u64 {
        static KEYED: LazyLock<std::hash::RandomState> = LazyLock::new(std::hash::RandomState::new);
        let mut hasher = KEYED.build_hasher();
        if let Some(id) = &self.id {
            hasher.write(id.as_bytes());
        } else {
            for part in [&*self.action, &*self.resource, self.goal.as_deref().unwrap_or_default()] {
                hasher.write_usize(part.len());
                hasher.write(part.as_bytes());
            }
        }
        hasher.finish()
    }
}

async fn script(session: &mut Session) -> Result<()> {
    let request = session.req_header();
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let head = request.method == Method::HEAD;
    let known = request.headers.get("if-none-match").is_some_and(|tags| {
        let mut tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == *ETAG)
    });
    let (status, body) = match (reads, known) {
        (false, _) => (405, &b""[..]),
        (true, true) => (304, &b""[..]),
        (true, false) => (200, JAVASCRIPT),
    };
    let mut response = ResponseHeader::build(status, Some(5))?;
    response.insert_header("X-Content-Type-Options", "nosniff")?;
    if reads {
        response.insert_header("Cache-Control", "public, max-age=3600")?;
        response.insert_header("ETag", ETAG.as_str())?;
        response.insert_header("Content-Type", "text/javascript; charset=utf-8")?;
    } else {
        response.insert_header("Allow", "GET, HEAD")?;
    }
    if status != 304 {
        response.insert_header("Content-Length", body.len().to_string())?;
    }
    write(session, response, if head { Bytes::new() } else { Bytes::from_static(body) }).await
}

async fn write(session: &mut Session, response: ResponseHeader, body: Bytes) -> Result<()> {
    session.write_response_header(Box::new(response), body.is_empty()).await?;
    if !body.is_empty() {
        session.write_response_body(Some(body), true).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(body: &str) -> bool {
        serde_json::from_str::<Told>(body).is_ok_and(|told| told.check().is_ok())
    }

    #[test]
    fn only_what_the_script_sends_is_read() {
        for fine in [
            r#"{"action":"video","resource":"/docs/intro"}"#,
            r#"{"action":"goal","resource":"/a?b=c","goal":"signed-up","id":"0123456789abcdef"}"#,
            r#"{"action":"image","resource":"/caf\u00e9"}"#,
        ] {
            assert!(checked(fine), "{fine}");
        }
        for not in [
            "",
            "[]",
            "{}",
            r#"{"action":"video"}"#,
            r#"{"action":"video","resource":"docs"}"#,
            r#"{"action":"video","resource":"/a\nb"}"#,
            r#"{"action":"video","resource":"/a","goal":"x"}"#,
            r#"{"action":"goal","resource":"/a","goal":"Ann Example"}"#,
            r#"{"action":"video","resource":"/a","id":"short"}"#,
            r#"{"action":"video","resource":"/a","more":1}"#,
            r#"{"action":["video"],"resource":"/a"}"#,
        ] {
            assert!(!checked(not), "{not}");
        }
    }

    #[test]
    fn without_an_id_the_same_said_twice_is_said_once() {
        let told = |body: &str| serde_json::from_str::<Told>(body).unwrap().once();
        let video = r#"{"action":"video","resource":"/a"}"#;
        assert_eq!(told(video), told(video));
        assert_ne!(told(video), told(r#"{"action":"video","resource":"/b"}"#));
        let by_id = |id: &str| told(&format!(r#"{{"action":"video","resource":"/a","id":"{id}"}}"#));
        assert_ne!(by_id("aaaaaaaa"), by_id("bbbbbbbb"));
    }

    #[test]
    fn the_script_is_small() {
        assert!(JAVASCRIPT.len() < 3 * 1024, "{}", JAVASCRIPT.len());
    }
}
