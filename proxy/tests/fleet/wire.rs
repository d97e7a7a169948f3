//! Connections to the nodes, as a load balancer keeps them: many clients take turns on each.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Idle connections, by node.
#[derive(Debug)]
pub(crate) struct Wires {
    nodes: Vec<(SocketAddr, Mutex<Vec<Idle>>)>,
}

/// A connection, and since when nobody uses it.
type Idle = (TcpStream, Instant);

/// Nodes close what is idle for a minute.
const FRESH: Duration = Duration::from_secs(30);

/// An answer, as far as a client looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What `Set-Cookie` lines say.
    pub(crate) cookies: Vec<String>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Fate {
    Answered(Answer),
    /// It may have been seen.
    Lost(std::io::Error),
    /// Nobody can have seen it.
    Unsent,
}

impl Wires {
    pub(crate) fn new(nodes: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { nodes: nodes.into_iter().map(|node| (node, Mutex::default())).collect() }
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Sends a request to a node, and reads the answer however long it takes.
    pub(crate) async fn ask(&self, node: usize, request: &[u8]) -> Fate {
        let (address, _) = self.nodes[node];
        let kept = self.idle(node).pop();
        let stream = match kept {
            Some((stream, since)) if since.elapsed() < FRESH => Ok(stream),
            _ => TcpStream::connect(address).await,
        };
        let Ok(mut stream) = stream else { return Fate::Unsent };
        let _ = stream.set_nodelay(true);
        let (answer, stays) = match exchange(&mut stream, request).await {
            Ok(answered) => answered,
            Err(error) => {
                // What was open to a node that ended is of no use.
                self.idle(node).clear();
                return Fate::Lost(error);
            }
        };
        if stays {
            self.idle(node).push((stream, Instant::now()));
        }
        Fate::Answered(answer)
    }

    /// Forgets the connections, which live no longer than the runtime that made them.
    pub(crate) fn forget(&self) {
        (0..self.nodes()).for_each(|node| self.idle(node).clear());
    }

    fn idle(&self, node: usize) -> MutexGuard<'_, Vec<Idle>> {
        self.nodes[node].1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer, and whether the connection stays open.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<(Answer, bool)> {
    stream.write_all(request).await?;
    let mut read = Vec::with_capacity(1_024);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let (answer, length, stays) = parse(&head);
        while read.len() < end + 4 + length {
            if stream.read_buf(&mut read).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok((answer, stays));
    }
}

fn parse(head: &str) -> (Answer, usize, bool) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_default();
    let (mut answer, mut length, mut stays) = (Answer { status, cookies: Vec::new() }, 0, true);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("set-cookie") {
            answer.cookies.push(value.to_owned());
        } else if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap_or_default();
        } else if name.eq_ignore_ascii_case("connection") {
            stays = !value.eq_ignore_ascii_case("close");
        }
    }
    (answer, length, stays)
}
