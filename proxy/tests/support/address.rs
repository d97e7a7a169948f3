//! Addresses that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// An address on loopback that nobody listens on.
///
/// It is given up before it is used, and a port may be given out again meanwhile; so each has a host of its own,
/// which no other test asks for.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let given = 1 + GIVEN.fetch_add(1, Ordering::Relaxed) % 62;
    // All of 127.0.0.0/8 is this machine: 18 bits for the process, 6 for what it asks for.
    let [_, high, middle, low] = (((std::process::id() % (1 << 18)) << 6) | given).to_be_bytes();
    TcpListener::bind((Ipv4Addr::new(127, high, middle, low), 0)).unwrap().local_addr().unwrap()
}
