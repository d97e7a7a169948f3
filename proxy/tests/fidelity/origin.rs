//! A portal that answers each case with the bytes its row says, and notes what reached it.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::listen;
use super::message::{Body, Connection, Head};

/// The field that says whose request it is.
pub(crate) const CASE: &str = "X-Case";

/// Longer than it takes to notice that a client has left.
const THOUGHT: Duration = Duration::from_secs(1);

/// What the portal does on a request, in order.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads the body.
    Body,
    /// Leaves the body where it is.
    Note,
    Send(Vec<u8>),
    /// Takes its time.
    Think,
    Close,
    /// Closes so that the other side's unread bytes are lost.
    Reset,
}

/// A request as it reached the portal.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    pub(crate) body: Body,
}

#[derive(Default)]
struct State {
    steps: Mutex<HashMap<String, Vec<Step>>>,
    seen: Mutex<Vec<(String, Seen)>>,
}

/// A portal, until the test ends.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let state = Arc::default();
        let shared = Arc::clone(&state);
        Self { address: listen::each(move |stream| serve(stream, &shared)), state }
    }

    /// What is done on requests of a case.
    pub(crate) fn on(&self, case: &str, steps: Vec<Step>) {
        self.state.steps.lock().unwrap().insert(case.to_owned(), steps);
    }

    /// Answers the requests of a case with these bytes.
    pub(crate) fn answers(&self, case: &str, answer: &str) {
        self.on(case, vec![Step::Body, Step::Send(answer.as_bytes().to_vec())]);
    }

    /// Takes the requests of a case that reached the portal so far.
    pub(crate) fn take(&self, case: &str) -> Vec<Seen> {
        let mut seen = self.state.seen.lock().unwrap();
        let (taken, rest) = std::mem::take(&mut *seen).into_iter().partition(|(of, _)| of == case);
        *seen = rest;
        taken.into_iter().map(|(_, seen)| seen).collect()
    }
}

fn serve(stream: TcpStream, state: &State) -> io::Result<()> {
    let mut from = Connection::of(stream);
    from.stream.set_read_timeout(None)?;
    while let Some(head) = from.head()? {
        let case = head.text(CASE).unwrap_or_default();
        let mut goes_on = keeps_open(&head);
        let mut seen = Seen { body: Body { framing: head.of_request(), ..Body::default() }, head };
        let steps = state.steps.lock().unwrap().get(&case).cloned();
        // A request of no case asks for its own name, so that answers that mix show.
        let own = || {
            let length = case.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Type: text/plain\r\n\r\n{case}");
            vec![Step::Body, Step::Send(answer.into_bytes())]
        };
        for step in steps.unwrap_or_else(own) {
            match step {
                Step::Body | Step::Note => {
                    if matches!(step, Step::Body) {
                        seen.body = from.body(seen.head.of_request());
                    }
                    state.seen.lock().unwrap().push((case.clone(), seen.clone()));
                }
                Step::Send(bytes) => from.send(&bytes)?,
                Step::Think => std::thread::sleep(THOUGHT),
                Step::Close => goes_on = false,
                Step::Reset => {
                    reset(&from.stream)?;
                    goes_on = false;
                }
            }
        }
        if !goes_on {
            return Ok(());
        }
    }
    Ok(())
}

fn keeps_open(head: &Head) -> bool {
    let said = head.text("connection").unwrap_or_default().to_ascii_lowercase();
    if head.line.ends_with(b"HTTP/1.0") { said == "keep-alive" } else { said != "close" }
}

/// What is sent already still arrives; then the other side hears of a reset.
fn reset(stream: &TcpStream) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let copy = stream.try_clone()?;
    copy.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(copy)?.set_zero_linger()
}
