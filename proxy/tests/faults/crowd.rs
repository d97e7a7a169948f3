//! A crowd of visitors, each with one page and so with one session: what was sent and received is known.
#![allow(dead_code, reason = "each test binary uses a part of its own")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wire::Wire;

/// What is known of all visitors so far.
#[derive(Default)]
pub(crate) struct Truth {
    next: AtomicU32,
    sent: AtomicU64,
    received: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

impl Truth {
    /// Requests that began to be written.
    pub(crate) fn sent(&self) -> i64 {
        self.sent.load(Ordering::SeqCst).cast_signed()
    }

    /// Responses whose whole header was read.
    pub(crate) fn received(&self) -> i64 {
        self.received.load(Ordering::SeqCst).cast_signed()
    }

    /// Forgets how long answers took.
    pub(crate) fn forget_waits(&self) {
        self.waits.lock().unwrap().clear();
    }

    /// How long answers took: the middle, the 99th in a hundred, the longest.
    pub(crate) fn waits(&self) -> [Duration; 3] {
        let mut waits = self.waits.lock().unwrap().clone();
        waits.sort_unstable();
        let at = |part: usize| waits.get((waits.len() * part / 100).min(waits.len().saturating_sub(1)));
        [50, 99, 100].map(|part| at(part).copied().unwrap_or_default())
    }

    /// One visitor nobody has seen before asks for one page.
    pub(crate) fn visit(&self, wire: &mut Wire) -> std::io::Result<u16> {
        let request = self.request();
        self.sent.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        wire.send(&request)?;
        let head = wire.head()?;
        self.received.fetch_add(1, Ordering::SeqCst);
        self.waits.lock().unwrap().push(begun.elapsed());
        Ok(wire.rest(head)?.status)
    }

    fn request(&self) -> Vec<u8> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(20, 0, 0, 0)) + number);
        format!(
            "GET /page/{number} HTTP/1.1\r\nHost: help.example\r\nX-Forwarded-For: {address}\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:{number}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n\
             Accept: text/html\r\nAccept-Language: en\r\n\r\n"
        )
        .into_bytes()
    }

    /// This many visitors, one after the other, each of whom gets a page.
    pub(crate) fn visits(&self, proxy: SocketAddr, visitors: u32) {
        let mut wire = Wire::to(proxy).unwrap();
        for _ in 0..visitors {
            assert_eq!(self.visit(&mut wire).unwrap(), 200);
        }
    }
}

/// Threads that visit until they are told to stop or nobody answers.
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    pub(crate) fn new(truth: &Arc<Truth>, proxy: SocketAddr, threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let visitor = |_| {
            let (truth, stop) = (Arc::clone(truth), Arc::clone(&stop));
            std::thread::spawn(move || {
                let Ok(mut wire) = Wire::to(proxy) else { return };
                while !stop.load(Ordering::Relaxed) && truth.visit(&mut wire).is_ok_and(|status| status == 200) {}
            })
        };
        Self { threads: (0..threads).map(visitor).collect(), stop }
    }

    /// Tells them to stop, and waits for the last.
    pub(crate) fn leave(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// Chance that can be had again: xorshift64*.
pub(crate) struct Chance(u64);

impl Chance {
    /// From `PM_SEED`, else from the clock; printed either way.
    pub(crate) fn printed() -> Self {
        let given = std::env::var("PM_SEED").ok().and_then(|seed| seed.parse().ok());
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed: u64 = given.unwrap_or(since.as_nanos() as u64) | 1;
        println!("PM_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
