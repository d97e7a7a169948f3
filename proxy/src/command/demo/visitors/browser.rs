//! As much of a browser as a proxy can see: requests with a browser's headers, a cookie jar,
//! redirects followed, one connection kept open.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, HeaderName, LOCATION, REFERER, SET_COOKIE, USER_AGENT,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpStream;

use super::jar::Jar;

/// Where visitors go.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Whom to connect to.
    pub(super) base: SocketAddr,
    /// Which host to ask for.
    pub(super) host: String,
}

/// What a browser says of itself with every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// The client address that a proxy before us would have seen.
    pub(super) address: Ipv4Addr,
    /// The User-Agent.
    pub(super) agent: &'static str,
    /// The Accept-Language; a crawler has none.
    pub(super) language: Option<&'static str>,
    /// Whether it says what a request is for (`Sec-Fetch-Dest`); a crawler does not.
    pub(super) says_what_for: bool,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// A page to show.
    Document,
    /// A script of the page.
    Script,
    /// A style sheet of the page.
    Style,
    /// A call made by a script.
    Call,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: Bytes,
}

impl Answer {
    /// The paths on this site that the page links to and that begin with `prefix`.
    pub(super) fn links(&self, prefix: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let targets = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        targets.filter(|target| target.starts_with(prefix)).map(str::to_owned).collect()
    }
}

/// Why a visit ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Nobody listens.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The exchange broke off.
    #[error("the exchange broke off: {0}")]
    Exchange(#[from] hyper::Error),
    /// The request could not be written, for example because of an odd redirect.
    #[error("not a request: {0}")]
    Request(#[from] http::Error),
    /// The body broke off or is larger than a page should be.
    #[error("unreadable body: {0}")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// Redirects without end.
    #[error("more than {MOST_REDIRECTS} redirects")]
    Redirects,
}

const PATIENCE: Duration = Duration::from_secs(15);
const LARGEST_BODY: usize = 1 << 20;
/// Where Chromium and Firefox give up as well.
const MOST_REDIRECTS: usize = 20;

/// One browser of one made-up visitor.
#[derive(Debug)]
pub(super) struct Browser {
    site: Site,
    looks: Looks,
    jar: Jar,
    connection: Option<SendRequest<Full<Bytes>>>,
    /// The page now shown.
    shown: Option<String>,
}

impl Browser {
    /// A browser that has never been anywhere.
    pub(super) fn new(site: Site, looks: Looks) -> Self {
        Self { site, looks, jar: Jar::default(), connection: None, shown: None }
    }

    /// Goes to a page.
    pub(super) async fn open(&mut self, target: &str) -> Result<Answer, Failed> {
        self.go(Method::GET, target, Bytes::new()).await
    }

    /// Sends a form and goes where it leads.
    pub(super) async fn submit(&mut self, target: &str, fields: &[(&str, &str)]) -> Result<Answer, Failed> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.go(Method::POST, target, form.into()).await
    }

    /// Fetches something for the page that is shown.
    pub(super) async fn fetch(&mut self, target: &str, what_for: For) -> Result<Answer, Failed> {
        self.exchange(Method::GET, target, what_for, Bytes::new()).await
    }

    async fn go(&mut self, method: Method, target: &str, form: Bytes) -> Result<Answer, Failed> {
        let mut answer = self.exchange(method, target, For::Document, form).await?;
        let mut target = target.to_owned();
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = answer.location.take().filter(|_| answer.status.is_redirection()) else {
                self.shown = Some(target);
                return Ok(answer);
            };
            answer = self.exchange(Method::GET, &next, For::Document, Bytes::new()).await?;
            target = next;
        }
        Err(Failed::Redirects)
    }

    async fn exchange(&mut self, method: Method, target: &str, what_for: For, body: Bytes) -> Result<Answer, Failed> {
        let request = self.request(method, target, what_for, body)?;
        let answering = async {
            let response = self.send(request).await?;
            self.read(response).await
        };
        let answer = tokio::time::timeout(PATIENCE, answering).await.unwrap_or(Err(Failed::TimedOut));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        what_for: For,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Failed> {
        let (accept, dest, mode) = match what_for {
            For::Document => {
                ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "document", "navigate")
            }
            For::Script => ("*/*", "script", "no-cors"),
            For::Style => ("text/css,*/*;q=0.1", "style", "no-cors"),
            For::Call => ("application/json", "empty", "cors"),
        };
        let form = (method == Method::POST).then(|| "application/x-www-form-urlencoded".to_owned());
        let referer = self.shown.as_ref().map(|path| format!("http://{}{path}", self.site.host));
        let sec = |value: &str| self.looks.says_what_for.then(|| value.to_owned());
        let origin = if what_for == For::Document && referer.is_none() { "none" } else { "same-origin" };
        let fields = [
            (HOST, Some(self.site.host.clone())),
            (USER_AGENT, Some(self.looks.agent.to_owned())),
            (ACCEPT, Some(accept.to_owned())),
            (ACCEPT_LANGUAGE, self.looks.language.map(str::to_owned)),
            (HeaderName::from_static("x-forwarded-for"), Some(self.looks.address.to_string())),
            (HeaderName::from_static("sec-fetch-dest"), sec(dest)),
            (HeaderName::from_static("sec-fetch-mode"), sec(mode)),
            (HeaderName::from_static("sec-fetch-site"), sec(origin)),
            (REFERER, referer),
            (COOKIE, self.jar.header()),
            (CONTENT_TYPE, form),
        ];
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = match value {
                Some(value) => request.header(name, value),
                None => request,
            };
        }
        Ok(request.body(Full::new(body))?)
    }

    /// Sends on the open connection, or on a new one if it has been closed meanwhile.
    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failed> {
        let mut connection = match still_open(self.connection.take()).await {
            Some(open) => open,
            None => connect(self.site.base).await?,
        };
        let response = connection.send_request(request).await?;
        self.connection = Some(connection);
        Ok(response)
    }

    async fn read(&mut self, response: Response<Incoming>) -> Result<Answer, Failed> {
        let (parts, body) = response.into_parts();
        let now = Timestamp::now();
        for set_cookie in parts.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.jar.store(set_cookie, now);
        }
        let location = parts.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(Failed::Body)?.to_bytes();
        Ok(Answer { status: parts.status, location, body })
    }
}

async fn still_open(connection: Option<SendRequest<Full<Bytes>>>) -> Option<SendRequest<Full<Bytes>>> {
    let mut connection = connection?;
    connection.ready().await.is_ok().then_some(connection)
}

async fn connect(base: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failed> {
    let stream = TcpStream::connect(base).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender, which the browser holds.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a made-up visitor lost its connection");
        }
    });
    Ok(sender)
}
