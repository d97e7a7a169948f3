//! A TCP relay: what nodes reach Redis and Postgres through, so that the way there can be cut, in either direction.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Way {
    #[default]
    Open,
    /// What is asked arrives, what is answered does not.
    DeafToAnswers,
    /// What is asked does not arrive.
    DeafToQuestions,
    /// Connections are cut, new ones too.
    Cut,
}

/// A way from an address of its own to a server.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    to: Arc<Mutex<SocketAddr>>,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    way: Way,
    /// How often every connection was cut.
    cuts: u64,
}

impl Relay {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (to, state) = (Arc::new(Mutex::new(server)), watch::Sender::new(State::default()));
        let (there, looked_at) = (Arc::clone(&to), state.subscribe());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let mut ended = looked_at.clone();
                loop {
                    tokio::select! {
                        accepted = listener.accept() => {
                            let server = *there.lock().unwrap();
                            if let Ok((client, _)) = accepted {
                                tokio::spawn(relay(client, server, looked_at.clone()));
                            }
                        }
                        // The relay is gone.
                        _ = ended.wait_for(|_| false) => return,
                    }
                }
            });
        });
        Self { address, to, state }
    }

    /// Makes the way be so. What was held back arrives when it is open again.
    pub(crate) fn set(&self, way: Way) {
        self.state.send_modify(|state| {
            state.way = way;
            state.cuts += u64::from(way == Way::Cut);
        });
    }

    /// Cuts every connection, and leads new ones there.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.to.lock().unwrap() = server;
        self.cut_once();
    }

    /// Cuts every connection; new ones get through.
    pub(crate) fn cut_once(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

async fn relay(client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let State { way, cuts } = *state.borrow();
    if way == Way::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let shut = |way: Way| Shut { way, cuts, state: state.clone() };
    let (questions, answers) = (shut(Way::DeafToQuestions), shut(Way::DeafToAnswers));
    // Whichever ends first ends both.
    tokio::select! {
        () = pass(from_client, to_server, questions) => {}
        () = pass(from_server, to_client, answers) => {}
        _ = state.wait_for(|state| state.cuts != cuts) => {}
    }
}

/// When nothing is passed on.
struct Shut {
    way: Way,
    cuts: u64,
    state: watch::Receiver<State>,
}

impl Shut {
    /// Waits until the way is open; `false` if the connection was cut.
    async fn opens(&mut self) -> bool {
        let (shut, cuts) = (self.way, self.cuts);
        let state = self.state.wait_for(|state| state.way != shut).await;
        state.is_ok_and(|state| state.cuts == cuts)
    }
}

/// Passes on what comes.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut shut: Shut) {
    let mut bytes = vec![0; 64 * 1_024];
    while shut.opens().await {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        if !shut.opens().await || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
