//! A client's connection that lets one message through at a time.
//!
//! Pingora gets the bytes of the request at hand and no others: those of the next one wait here until it is
//! their turn, so that each is looked at by the same eyes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::chunks::Chunks;
use super::head::{self, Framing, Limits, Scan};
use super::odd_target;
use super::refusal::Refusal;

/// A client's connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    /// Read, and not yet passed on.
    held: BytesMut,
    /// So much of it is the head of the request at hand.
    head: usize,
    body: Body,
    /// When Pingora first asked for more than the request at hand.
    passed: Option<Instant>,
    /// The client sends nothing more, and waits for its answer.
    half_closed: bool,
    /// Who waits for what a 101 lets in.
    waiting: Option<Waker>,
}

#[derive(Debug)]
enum Body {
    Length(u64),
    Chunked(Chunks),
    /// None, and then another protocol, if the portal agrees.
    Upgrade,
    /// Whatever comes: another protocol.
    Everything,
}

/// What a client begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The head of an HTTP/1 request is there.
    Request,
    /// The preface of HTTP/2 is there.
    Http2,
    /// Nothing came, or half a head and then nothing: the client is gone.
    Gone,
}

/// What HTTP/2 begins with when a client knows that we speak it (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Empty lines before a request are passed over (RFC 9112, section 2.2), so many of them.
const EMPTY_LINES: usize = 4;
/// Who ends its sending with its request waits for the answer; who does so later has gone away.
const HALF_CLOSE: Duration = Duration::from_secs(1);
/// What is read at once.
const READ: usize = 4 * 1024;

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            held: BytesMut::new(),
            head: 0,
            body: Body::Length(0),
            passed: None,
            half_closed: false,
            waiting: None,
        }
    }

    /// Whether the request at hand was passed on to its end.
    pub(super) fn is_between(&self) -> bool {
        self.head == 0
            && match &self.body {
                Body::Length(left) => *left == 0,
                Body::Chunked(chunks) => chunks.ended(),
                Body::Upgrade | Body::Everything => false,
            }
    }

    /// Whether nothing more of the request at hand is to come.
    fn is_passed(&self) -> bool {
        self.is_between() || matches!(self.body, Body::Upgrade)
    }

    /// The answer to a request for another protocol begins: 101 lets it in, 1xx is none yet, all else is no.
    fn answered(&mut self, bytes: &[u8]) {
        if matches!(self.body, Body::Upgrade) && !bytes.is_empty() {
            self.body = match bytes.get(9..12) {
                Some(b"101") => Body::Everything,
                Some([b'1', ..]) => return,
                _ => Body::Length(0),
            };
            if let Some(waiting) = self.waiting.take() {
                waiting.wake();
            }
        }
    }

    /// Whether the client has begun its next request.
    pub(super) fn has_begun(&self) -> bool {
        !self.held.is_empty()
    }

    /// Waits for the client's first byte.
    pub(super) async fn first_byte(&mut self) -> io::Result<()> {
        self.read_more().await.map(drop)
    }

    /// Waits for a whole head, and looks at it.
    pub(super) async fn opening(&mut self, limits: Limits, first: bool) -> io::Result<Result<Opening, Refusal>> {
        let mut scan = Scan::default();
        let mut empty_lines = 0;
        loop {
            while self.held.starts_with(b"\r\n") && empty_lines < EMPTY_LINES {
                self.held.advance(2);
                empty_lines += 1;
            }
            if first && self.held.starts_with(PREFACE) {
                self.body = Body::Everything;
                return Ok(Ok(Opening::Http2));
            }
            let undecided = &self.held[..] == b"\r" || (first && PREFACE.starts_with(&self.held));
            if !undecided {
                match scan.end(&self.held, limits) {
                    Ok(None) => {}
                    Ok(Some(end)) => return Ok(self.begin(end, limits)),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            if self.read_more().await? == 0 {
                return Ok(Ok(Opening::Gone));
            }
        }
    }

    fn begin(&mut self, end: usize, limits: Limits) -> Result<Opening, Refusal> {
        self.body = match head::framing(&self.held[..end], limits)? {
            Framing::Length(length) => Body::Length(length),
            Framing::Chunked => Body::Chunked(Chunks::new()),
            Framing::Upgrade => Body::Upgrade,
        };
        self.head = odd_target::escape(&mut self.held, end);
        self.passed = None;
        Ok(Opening::Request)
    }

    async fn read_more(&mut self) -> io::Result<usize> {
        self.held.reserve(READ);
        self.stream.read_buf(&mut self.held).await
    }

    /// Reads and forgets, until the client closes.
    pub(super) async fn forget(&mut self, at_most: usize) -> io::Result<()> {
        let mut left = at_most;
        while left > 0 {
            self.held.clear();
            match self.read_more().await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }

    /// Looks only whether the client closed; what else comes belongs to its next request.
    fn poll_beyond(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let passed = *self.passed.get_or_insert_with(Instant::now);
        if self.held.is_empty() && !self.half_closed {
            let mut probe = [0; READ];
            let mut probe = ReadBuf::new(&mut probe);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut probe))?;
            if probe.filled().is_empty() {
                self.half_closed = passed.elapsed() < HALF_CLOSE;
                return if self.half_closed { Poll::Pending } else { Poll::Ready(Ok(())) };
            }
            self.held.extend_from_slice(probe.filled());
        }
        // The portal's answer wakes the request at hand; nothing that the client sends has to.
        self.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Keeps what is beyond the message's end of what was just read into `buf`.
    fn keep_beyond(&mut self, buf: &mut ReadBuf<'_>, from: usize) -> io::Result<()> {
        let read = &buf.filled()[from..];
        let own = match &mut self.body {
            Body::Upgrade | Body::Everything => read.len(),
            Body::Length(left) => {
                let own = read.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= own as u64;
                own
            }
            Body::Chunked(chunks) => {
                chunks.pass(read).map_err(|bad| io::Error::new(io::ErrorKind::InvalidData, bad))?
            }
        };
        self.held.extend_from_slice(&read[own..]);
        buf.set_filled(from + own);
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.head > 0 {
            let head = wire.head.min(buf.remaining());
            buf.put_slice(&wire.held[..head]);
            wire.held.advance(head);
            wire.head -= head;
            return Poll::Ready(Ok(()));
        }
        if wire.is_passed() {
            return wire.poll_beyond(cx);
        }
        let from = buf.filled().len();
        if wire.held.is_empty() {
            ready!(Pin::new(&mut wire.stream).poll_read(cx, buf))?;
        } else {
            let all = wire.held.split();
            let now = all.len().min(buf.remaining());
            buf.put_slice(&all[..now]);
            wire.keep_beyond(buf, from)?;
            wire.held.extend_from_slice(&all[now..]);
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(wire.keep_beyond(buf, from))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answered(bytes);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = slices.first() {
            self.answered(first);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

// What Pingora asks of a connection is asked of the one inside.

#[async_trait]
impl Shutdown for Wire {
    async fn shutdown(&mut self) {
        self.stream.shutdown().await;
    }
}

impl UniqueID for Wire {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl Ssl for Wire {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.selected_alpn_proto()
    }
}

impl GetTimingDigest for Wire {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> Duration {
        self.stream.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> Duration {
        self.stream.get_write_pending_time()
    }
}

impl GetProxyDigest for Wire {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.stream.set_proxy_digest(digest);
    }
}

impl GetSocketDigest for Wire {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.stream.set_socket_digest(digest);
    }
}

/// Nothing is left to peek at: the door has looked.
impl Peek for Wire {}
