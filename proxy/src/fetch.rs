//! Questions of our own: one GET to one server, its answer whole and of bounded size, by Pingora's connector.
//!
//! Redirects are answers like any other, and are not followed.

use std::time::Duration;

use http::HeaderMap;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;

/// Asks, and keeps connections for the next question.
pub(crate) struct Fetcher {
    connector: Connector,
}

/// What is asked.
pub(crate) struct Question {
    pub(crate) peer: Box<HttpPeer>,
    pub(crate) request: RequestHeader,
    /// Longest body that is read, in bytes.
    pub(crate) largest: usize,
    /// How long it may take, body included.
    pub(crate) timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why nothing did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFetched {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Broken(String),
}

/// As long as a fetched connection is kept for the next question.
const IDLE: Duration = Duration::from_secs(20);

impl Fetcher {
    pub(crate) fn new() -> Self {
        Self { connector: Connector::new(None) }
    }

    /// Asks; a kept connection that turns out to be closed is replaced once.
    pub(crate) async fn fetch(&self, question: &Question) -> Result<Fetched, NotFetched> {
        let asked = async {
            match self.once(question).await {
                Err(Failure { reused: true, .. }) => self.once(question).await,
                first => first,
            }
        };
        match tokio::time::timeout(question.timeout, asked).await {
            Err(_) => Err(NotFetched::Late(question.timeout)),
            Ok(fetched) => fetched.map_err(|failure| failure.why),
        }
    }

    async fn once(&self, question: &Question) -> Result<Fetched, Failure> {
        let peer = &*question.peer;
        let new = |error: Box<pingora::Error>| Failure { reused: false, why: broken(&error) };
        let (mut session, reused) = self.connector.get_http_session(peer).await.map_err(new)?;
        let early = |error: Box<pingora::Error>| Failure { reused, why: broken(&error) };
        session.write_request_header(Box::new(question.request.clone())).await.map_err(early)?;
        session.finish_request_body().await.map_err(early)?;
        let header = loop {
            session.read_response_header().await.map_err(early)?;
            match session.response_header() {
                // 1xx only announce the answer.
                Some(header) if header.status.is_informational() && header.status != 101 => {}
                Some(header) => break header,
                None => return Err(Failure { reused, why: NotFetched::Broken("no answer".to_owned()) }),
            }
        };
        let mut fetched = Fetched { status: header.status.as_u16(), headers: header.headers.clone(), body: Vec::new() };
        while let Some(part) = session.read_response_body().await.map_err(new)? {
            if fetched.body.len() + part.len() > question.largest {
                session.shutdown().await;
                return Err(Failure { reused: false, why: NotFetched::TooLarge(question.largest) });
            }
            fetched.body.extend_from_slice(&part);
        }
        self.connector.release_http_session(session, peer, Some(IDLE)).await;
        Ok(fetched)
    }
}

struct Failure {
    /// On a kept connection, before anything was answered.
    reused: bool,
    why: NotFetched,
}

fn broken(error: &pingora::Error) -> NotFetched {
    NotFetched::Broken(error.to_string())
}
