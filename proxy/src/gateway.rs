//! Pingora's phases to calls: what is asked goes to the portal, what is answered to the meter.
//!
//! No rule lives here. The meter never fails a request: its own errors are counted and logged, and
//! the request goes on.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::HttpPeer;
use pingora::protocols::http::ServerSession;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::Peer;
use pingora::{Error, ErrorSource, ErrorType, Result};
use portalmeter_rules::judge::host_of;
use portalmeter_rules::target;

use crate::answer::{answer, excuse};
use crate::beacon;
use crate::door::head::{Limits, is_host};
use crate::door::refusal::Refusal;
use crate::forwarded::{self, Client};
use crate::inject::Injection;
use crate::metering::{Asked, Exchange, Metering};
use crate::nominated::nominated;
use crate::probes::{Asks, Probes};
use crate::shutdown::{InFlight, Passing};
use crate::upstream::Upstreams;

/// The proxy before the portals.
pub(crate) struct Gateway {
    pub(crate) metering: Arc<Metering>,
    pub(crate) upstreams: Vec<Arc<Upstreams>>,
    pub(crate) trusted_proxies: Vec<ipnet::IpNet>,
    pub(crate) identity_headers: Vec<String>,
    pub(crate) probes: Probes,
    pub(crate) in_flight: InFlight,
    pub(crate) limits: Limits,
    /// Bytes a body may have, if there is a bound.
    pub(crate) largest_body: Option<u64>,
}

/// What is known of a request while it passes.
pub(crate) struct Context {
    /// When it arrived.
    at: i64,
    /// Counts it as in flight until it is dropped.
    _passing: Passing,
    /// Set once the request was routed.
    route: Option<Routed>,
    /// Bytes of the body that passed.
    body: u64,
    /// The answer is a page that gets a script.
    injection: Option<Injection>,
}

struct Routed {
    client: Client,
    host: String,
    /// The target in the one form that the rules go by, where it was sent in another.
    target: Option<Vec<u8>>,
    portal: usize,
    streams: bool,
    metered: bool,
    /// What the portal was asked of the sender when the request arrived.
    asks: Option<Asks>,
}

/// A WebSocket may stay silent this long.
const QUIET: Duration = Duration::from_hours(1);

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context { at: self.metering.now(), _passing: self.in_flight.enter(), route: None, body: 0, injection: None }
    }

    async fn early_request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        ctx.at = self.metering.now();
        let request = session.req_header_mut();
        for name in nominated(&request.headers) {
            request.remove_header(&name);
        }
        if session.req_header().version == Version::HTTP_10
            && let ServerSession::H1(http1) = session.as_downstream_mut()
        {
            // Who speaks 1.0 would take the first 1xx for its answer.
            http1.set_ignore_info_resp(true);
        }
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        let request = session.req_header();
        if let Some(refusal) = self.refusal(request) {
            return self.refuse(session, refusal).await.map(|()| true);
        }
        let host = host_asked_for(request);
        let target = target::normal(as_sent(request));
        let path_end = memchr::memchr(b'?', &target).unwrap_or(target.len());
        let Some(route) = self.metering.route(&host, &target[..path_end]) else {
            self.metering.counters.unknown_host.inc();
            return answer(session, Refusal::HOST).await.map(|()| true);
        };
        let peer = session.client_addr().and_then(|address| address.as_inet()).map(std::net::SocketAddr::ip);
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let client = Client::behind(peer, &request.headers, &self.trusted_proxies, false);
        let streams = session.is_upgrade_req();
        let target = match target {
            Cow::Borrowed(_) => None,
            Cow::Owned(normal) => Some(normal),
        };
        let mut route = Routed { client, host, target, portal: route, streams, metered: false, asks: None };
        let call = beacon::Call::of(asked(ctx.at, &route, request).target).filter(|_| !streams);
        if let Some(call) = call.filter(|_| self.metering.has_beacon(&route.host)) {
            return self.beacon(call, session, ctx.at, &route).await.map(|()| true);
        }
        if !streams {
            route.asks = self.probes.begin(self.metering.intake.rules(), &asked(ctx.at, &route, request));
        }
        ctx.route = Some(route);
        if streams {
            session.set_read_timeout(Some(QUIET));
        }
        Ok(false)
    }

    async fn request_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        ends: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        ctx.body += body.as_ref().map_or(0, |body| body.len() as u64);
        if ends && body.as_ref().is_some_and(Bytes::is_empty) {
            // HTTP/2 may end a body with nothing; written as a chunk, nothing is an end of its own.
            *body = None;
        }
        if self.largest_body.is_some_and(|largest| ctx.body > largest) {
            self.metering.counters.refuse(Refusal::BODY);
            return Error::e_explain(ErrorType::HTTPStatus(Refusal::BODY.status), Refusal::BODY.why);
        }
        Ok(())
    }

    async fn upstream_peer(&self, _: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>> {
        let peer = ctx.route.as_ref().and_then(|route| self.upstreams.get(route.portal)?.next(route.streams));
        peer.ok_or_else(|| Error::explain(ErrorType::ConnectNoRoute, "the upstream's name is not resolved").into_up())
    }

    async fn upstream_request_filter(&self, _: &mut Session, to: &mut RequestHeader, ctx: &mut Context) -> Result<()> {
        let Some(route) = &ctx.route else { return Ok(()) };
        self.hide_our_cookie(to)?;
        for (name, value) in forwarded::fields(&route.client, &to.headers, asked_for(to), false) {
            to.insert_header(name, value)?;
        }
        self.strip_forgeries(to, route.client.trusted);
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        _: &mut Context,
    ) -> Result<()> {
        if response.status == 101 && !session.is_upgrade_req() {
            let broken = Error::explain(ErrorType::InvalidHTTPHeader, "the portal switches protocols unasked");
            return Err(broken.into_up());
        }
        // Pingora drops `Keep-Alive` from requests only.
        for name in nominated(&response.headers).into_iter().chain([HeaderName::from_static("keep-alive")]) {
            response.remove_header(&name);
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        // 1xx only announce the answer.
        if response.status.is_informational() && response.status.as_u16() != 101 {
            return Ok(());
        }
        let request = session.req_header();
        if request.version == Version::HTTP_10 {
            // Who knows no chunks reads to the end of the connection.
            response.remove_header("Transfer-Encoding");
        }
        let Some(route) = ctx.route.as_mut() else { return Ok(()) };
        if std::mem::replace(&mut route.metered, true) {
            return Ok(());
        }
        let (asks, rules) = (route.asks.take(), self.metering.intake.rules());
        let asked = asked(ctx.at, route, request);
        self.probes.forget(rules, &asked, Some(&response.headers));
        let exchange = Exchange { asked, status: response.status.as_u16(), response: &response.headers };
        let answers = self.probes.answers(rules, &exchange, asks).await;
        let metered = self.metering.meter(&exchange, &answers);
        if let Some(receipt) = metered.written {
            self.metering.written(receipt).await;
        }
        for name in &self.metering.hidden_headers[route.portal] {
            response.remove_header(name.as_str());
        }
        if let Some(cookie) = metered.set_cookie {
            response.append_header("Set-Cookie", cookie)?;
        }
        let (status, http_10) = (response.status.as_u16(), request.version == Version::HTTP_10);
        let injects =
            metered.page_of.is_some_and(|portal| self.metering.injects(portal)) && request.method == Method::GET;
        if injects && Injection::suits(status, http_10, &response.headers) {
            // The page becomes longer, and its parts lie elsewhere.
            response.remove_header("Content-Length");
            response.remove_header("Accept-Ranges");
            if request.version == Version::HTTP_11 {
                response.insert_header("Transfer-Encoding", "chunked")?;
            }
            ctx.injection = Some(Injection::new());
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        ends: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        if let Some(injection) = &mut ctx.injection {
            injection.pass(body, ends);
        }
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        peer: &HttpPeer,
        ctx: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        // Nothing was sent yet, so that another may be tried, whatever the method.
        let upstreams = ctx.route.as_ref().and_then(|route| self.upstreams.get(route.portal));
        let another = upstreams.zip(peer.address().as_inet()).map(|(all, address)| all.unreachable(*address));
        error.set_retry(another == Some(true));
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, _: &mut Context) -> FailToProxy {
        let excuse = excuse(error);
        if excuse == Some(Refusal::AMBIGUOUS) {
            self.metering.counters.refuse(Refusal::AMBIGUOUS);
        }
        let status = excuse.map(|excuse| excuse.status);
        if is_quoted(error) {
            tracing::warn!(status, source = error.esource().as_str(), "a head cannot be read");
        }
        if let Some(excuse) = excuse
            && let Err(error) = answer(session, excuse).await
        {
            tracing::debug!(%error, status, "the client is gone");
        }
        FailToProxy { error_code: status.unwrap_or(0), can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, ctx: &mut Context) {
        // What a request changes may take effect after its answer, or without one.
        if let Some(route) = &ctx.route {
            self.probes.forget(self.metering.intake.rules(), &asked(ctx.at, route, session.req_header()), None);
        }
    }

    fn suppress_error_log(&self, _: &Session, _: &Context, error: &Error) -> bool {
        // A client that goes away is no error of ours; and a head that cannot be read is not for the log.
        matches!(error.esource(), ErrorSource::Downstream) || is_quoted(error)
    }

    fn request_summary(&self, session: &Session, _: &Context) -> String {
        // Neither query nor address: the error log must not tell who asked for what.
        format!("{} request", session.req_header().method)
    }
}

impl Gateway {
    /// What is too large, and what the door has not looked at: HTTP/2.
    fn refusal(&self, request: &RequestHeader) -> Option<Refusal> {
        let path = request.raw_path();
        if path.len() > self.limits.uri {
            return Some(Refusal::URI);
        }
        if request.version == Version::HTTP_2 {
            if path.first() != Some(&b'/') && !(path == b"*" && request.method == Method::OPTIONS) {
                return Some(Refusal::malformed("the target must begin with `/`"));
            }
            // A browser sends each of its cookies as a field.
            let crumbs = request.headers.get_all("cookie").iter().count();
            let bytes: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
            if request.headers.len() - crumbs.saturating_sub(1) > self.limits.header_count {
                return Some(Refusal::COUNT);
            }
            if bytes > self.limits.headers {
                return Some(Refusal::HEADERS);
            }
            let host = asked_for(request);
            if !host.is_empty() && !is_host(host.as_bytes()) {
                return Some(Refusal::malformed("the Host is no name and port"));
            }
        }
        let largest = self.largest_body?;
        let length: u64 = request.headers.get("content-length")?.to_str().ok()?.parse().ok()?;
        (length > largest).then_some(Refusal::BODY)
    }

    async fn beacon(&self, call: beacon::Call, session: &mut Session, at: i64, route: &Routed) -> Result<()> {
        // Its body is read while its head is looked at.
        let request = session.req_header().clone();
        beacon::answer(call, session, &asked(at, route, &request), &self.metering).await
    }

    async fn refuse(&self, session: &mut Session, refusal: Refusal) -> Result<()> {
        self.metering.counters.refuse(refusal);
        answer(session, refusal).await
    }

    /// Takes our cookie out of what the portal sees, and joins the crumbs that HTTP/2 sends.
    fn hide_our_cookie(&self, to: &mut RequestHeader) -> Result<()> {
        let fields = to.headers.get_all("cookie").iter().count();
        let ours = |name: &[u8]| self.metering.is_our_cookie(name);
        let kept = match fields {
            0 => return Ok(()),
            _ => without(&to.headers, ours),
        };
        match kept {
            Kept::AllInOne => {}
            Kept::Nothing => drop(to.remove_header("cookie")),
            Kept::Joined(joined) => {
                let value = HeaderValue::from_bytes(&joined)
                    .map_err(|_| Error::explain(ErrorType::InvalidHTTPHeader, "the cookie cannot be passed on"))?;
                to.insert_header("Cookie", value)?;
            }
        }
        Ok(())
    }

    /// Drops what only an auth proxy or a trusted proxy may say, in every spelling.
    fn strip_forgeries(&self, to: &mut RequestHeader, trusted: bool) {
        let forged: Vec<HeaderName> =
            to.headers.keys().filter(|field| self.is_forged(field.as_str(), trusted)).cloned().collect();
        for name in forged {
            to.remove_header(&name);
        }
    }

    fn is_forged(&self, field: &str, trusted: bool) -> bool {
        let exact = self.identity_headers.iter().any(|name| field.eq_ignore_ascii_case(name));
        let passes = self.identity_headers.iter().any(|name| forwarded::passes_for(field, name));
        (passes && !(exact && trusted)) || forwarded::is_forged(field, trusted)
    }
}

/// Whether Pingora's words for an error quote a head: cookies and users are in it.
fn is_quoted(error: &Error) -> bool {
    matches!(error.etype(), ErrorType::InvalidHTTPHeader)
}

fn asked<'a>(at: i64, route: &'a Routed, request: &'a RequestHeader) -> Asked<'a> {
    Asked {
        at,
        client: &route.client,
        method: request.method.as_str(),
        host: &route.host,
        host_as_sent: asked_for(request),
        target: route.target.as_deref().unwrap_or_else(|| as_sent(request)),
        headers: &request.headers,
    }
}

/// What remains of the cookies.
enum Kept {
    AllInOne,
    Nothing,
    Joined(Vec<u8>),
}

fn without(headers: &HeaderMap, ours: impl Fn(&[u8]) -> bool) -> Kept {
    let mut joined = Vec::new();
    let (mut fields, mut dropped) = (0, false);
    for field in headers.get_all("cookie") {
        fields += 1;
        for pair in field.as_bytes().split(|&byte| byte == b';') {
            let trimmed = pair.trim_ascii();
            let name = trimmed.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
            if ours(name) {
                dropped = true;
            } else if !trimmed.is_empty() {
                if !joined.is_empty() {
                    joined.extend_from_slice(b"; ");
                }
                joined.extend_from_slice(trimmed);
            }
        }
    }
    match (joined.is_empty(), dropped || fields > 1) {
        (_, false) => Kept::AllInOne,
        (true, true) => Kept::Nothing,
        (false, true) => Kept::Joined(joined),
    }
}

/// The host asked for, lower case, without port.
fn host_asked_for(request: &RequestHeader) -> String {
    host_of(asked_for(request))
}

/// The host and port asked for, as sent.
fn asked_for(request: &RequestHeader) -> &str {
    let field = request.headers.get("host").and_then(|host| host.to_str().ok());
    field.or_else(|| request.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default()
}

/// Path and query, beginning with `/` whatever form the request line had.
fn as_sent(request: &RequestHeader) -> &[u8] {
    let raw = request.raw_path();
    if raw.starts_with(b"/") {
        return raw;
    }
    request.uri.path_and_query().map_or(b"/", |path| path.as_str().as_bytes())
}
