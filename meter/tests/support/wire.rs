//! A wire between a store and its server that a test can cut, or lay to another server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};

/// Forwards connections to a port of this machine.
pub(crate) struct Wire {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    target: AtomicU16,
    /// So many bytes go to the server, or come back, before the wire is cut once; below zero it is whole.
    to_server: AtomicI64,
    from_server: AtomicI64,
}

impl Wire {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target: AtomicU16::new(target),
            to_server: AtomicI64::new(-1),
            from_server: AtomicI64::new(-1),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.target.load(Ordering::SeqCst))) else {
                    continue;
                };
                lay(&client, &server, &shared);
            }
        });
        Self { port, state }
    }

    /// New connections go there.
    pub(crate) fn lay_to(&self, target: u16) {
        self.state.target.store(target, Ordering::SeqCst);
    }

    /// Cuts the wire once after so many more bytes to the server.
    pub(crate) fn cut_going(&self, bytes: i64) {
        self.state.to_server.store(bytes, Ordering::SeqCst);
    }

    /// Cuts the wire once after so many more bytes from the server.
    pub(crate) fn cut_coming(&self, bytes: i64) {
        self.state.from_server.store(bytes, Ordering::SeqCst);
    }
}

fn lay(client: &TcpStream, server: &TcpStream, state: &Arc<State>) {
    let ends = |from: &TcpStream, to: &TcpStream| (from.try_clone().unwrap(), to.try_clone().unwrap());
    let (going, coming) = (ends(client, server), ends(server, client));
    let shared = Arc::clone(state);
    std::thread::spawn(move || carry(going, &shared.to_server));
    let shared = Arc::clone(state);
    std::thread::spawn(move || carry(coming, &shared.from_server));
}

fn carry((mut from, mut to): (TcpStream, TcpStream), left: &AtomicI64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut part = &buffer[..count];
        let mut cut = false;
        if left.load(Ordering::SeqCst) >= 0 {
            let before = left.fetch_sub(count as i64, Ordering::SeqCst);
            if before >= 0 && before < count as i64 {
                part = &buffer[..before as usize];
                cut = true;
                left.store(-1, Ordering::SeqCst);
            }
        }
        if to.write_all(part).is_err() || cut {
            break;
        }
    }
    for end in [&from, &to] {
        end.shutdown(Shutdown::Both).ok();
    }
}
