//! Where connections come in: one request at a time, whole, of a bounded size, within a bounded time, and
//! written in one way only. What passes is Pingora's.

mod chunks;
pub(crate) mod head;
mod odd_target;
pub(crate) mod refusal;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, ServerApp};
use pingora::protocols::http::ServerSession;
use pingora::protocols::{ALPN, Shutdown, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use pingora::time::timeout;
use tokio::io::AsyncWriteExt;

use crate::gateway::Gateway;
use crate::metrics::Counters;
use head::Limits;
use refusal::Refusal;
use wire::{Opening, Wire};

/// The proxy, behind its door.
pub(crate) struct Door {
    pub(crate) proxy: Arc<HttpProxy<Gateway>>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) counters: Counters,
}

/// How long a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub(crate) head: Duration,
    /// Between requests.
    pub(crate) idle: Duration,
}

/// Who is refused gets this long to read why.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
/// And may go on sending so much meanwhile: closing on unread bytes would take the answer from the wire.
const UNREAD: usize = 4 * 1024 * 1024;

#[async_trait]
impl ServerApp for Door {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        if stream.selected_alpn_proto() == Some(ALPN::H2) {
            return ServerApp::process_new(&self.proxy, stream, shutdown).await;
        }
        let (mut wire, mut kept) = (Box::new(Wire::new(stream)), None);
        loop {
            match self.next(&mut wire, shutdown, kept.is_none()).await {
                Ok(Opening::Request) => {}
                Ok(Opening::Http2) => return ServerApp::process_new(&self.proxy, wire, shutdown).await,
                Ok(Opening::Gone) => return None,
                Err(refusal) => {
                    self.refuse(wire, refusal).await;
                    return None;
                }
            }
            let mut session = ServerSession::new_http1(wire);
            // Whether the connection may be kept Pingora reads from the head; for how long is seen to in `next`.
            if let Some(kept) = kept {
                HttpPersistentSettings::apply_to_session(kept, &mut session);
            }
            let (stream, settings) = self.proxy.process_new_http(session, shutdown).await?.consume();
            wire = stream.into_any().downcast::<Wire>().ok().filter(|wire| wire.is_between())?;
            kept = Some(settings?);
        }
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

impl Door {
    /// Waits for the next request, unless the process is about to end.
    async fn next(&self, wire: &mut Wire, shutdown: &ShutdownWatch, first: bool) -> Result<Opening, Refusal> {
        let mut shutdown = shutdown.clone();
        if !wire.has_begun() {
            if *shutdown.borrow() && !first {
                return Ok(Opening::Gone);
            }
            tokio::select! {
                biased;
                begun = timeout(self.timeouts.idle, wire.first_byte()) => match begun {
                    Ok(Ok(())) => {}
                    _ => return Ok(Opening::Gone),
                },
                _ = shutdown.changed() => return Ok(Opening::Gone),
            }
        }
        match timeout(self.timeouts.head, wire.opening(self.limits, first)).await {
            Ok(Ok(opening)) => opening,
            Ok(Err(_)) => Ok(Opening::Gone),
            Err(_) => Err(Refusal::SLOW),
        }
    }

    async fn refuse(&self, mut wire: Box<Wire>, refusal: Refusal) {
        self.counters.refuse(refusal);
        let said = async {
            wire.write_all(&refusal.answer()).await?;
            wire.flush().await?;
            AsyncWriteExt::shutdown(&mut *wire).await?;
            wire.forget(UNREAD).await
        };
        // Who does not listen is not waited for.
        let _ = timeout(LINGER, said).await;
        Shutdown::shutdown(&mut *wire).await;
    }
}

/// A head as a connection's first, for fuzzing.
#[cfg(fuzzing)]
pub(crate) fn head_of(
    read: &[u8],
    (uri, headers, header_count): (usize, usize, usize),
) -> Option<Result<(usize, crate::fuzz::After), Refusal>> {
    use crate::fuzz::After;
    let limits = Limits { uri, headers, header_count };
    let end = match head::Scan::default().end(read, limits) {
        Ok(end) => end?,
        Err(refusal) => return Some(Err(refusal)),
    };
    Some(head::framing(&read[..end], limits).map(|framing| match framing {
        head::Framing::Length(length) => (end, After::Length(length)),
        head::Framing::Chunked => (end, After::Chunked),
        head::Framing::Upgrade => (end, After::Upgrade),
    }))
}

/// A body in chunks from its beginning, for fuzzing.
#[cfg(fuzzing)]
pub(crate) fn chunks_of(read: &[u8]) -> Option<(usize, bool)> {
    let mut chunks = chunks::Chunks::new();
    let taken = chunks.pass(read).ok()?;
    Some((taken, chunks.ended()))
}
