//! A gibibyte, block by block: each begins with its number, and is compared whole.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::listen;
use super::message::Connection;
use crate::faults::meter::Running;

const BLOCK: usize = 1 << 20;

/// Blocks to send, or to compare with.
struct Blocks {
    block: Vec<u8>,
    next: u64,
}

impl Blocks {
    fn new() -> Self {
        // No byte repeats in step with anything that reads or writes.
        let block = (0..BLOCK).map(|at| (at * 31 + at / 251) as u8).collect();
        Self { block, next: 0 }
    }

    fn next(&mut self) -> &[u8] {
        self.block[..8].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        &self.block
    }
}

pub(crate) fn send(to: &mut impl Write, blocks: u64) -> io::Result<()> {
    let mut sent = Blocks::new();
    (0..blocks).try_for_each(|_| to.write_all(sent.next()))
}

/// Reads so many blocks; the first that is another is an error.
pub(crate) fn receive(from: &mut impl Read, blocks: u64) -> io::Result<()> {
    let (mut expected, mut got) = (Blocks::new(), vec![0; BLOCK]);
    for number in 0..blocks {
        from.read_exact(&mut got)?;
        if expected.next() != got {
            return Err(io::Error::other(format!("block {number} is another")));
        }
    }
    Ok(())
}

/// How many bytes that are.
pub(crate) fn length(blocks: u64) -> u64 {
    blocks * BLOCK as u64
}

/// A portal that sends so many blocks to who GETs, and takes them from who POSTs.
pub(crate) fn portal(blocks: u64) -> SocketAddr {
    listen::each(move |stream| serve(stream, blocks))
}

fn serve(stream: TcpStream, blocks: u64) -> io::Result<()> {
    let mut from = Connection::of(stream);
    while let Some(head) = from.head()? {
        let said = if head.word(0) == "POST" {
            let early = from.ahead();
            match receive(&mut early.as_slice().chain(&from.stream), blocks) {
                Ok(()) => "all of it".to_owned(),
                Err(error) => error.to_string(),
            }
        } else {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", length(blocks));
            from.send(head.as_bytes())?;
            send(&mut from.stream, blocks)?;
            continue;
        };
        from.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len()).as_bytes())?;
    }
    Ok(())
}

/// By how many KiB the memory grows at most while something is done.
pub(crate) fn growth(running: &Running, done: impl FnOnce() + Send) -> u64 {
    let before = running.resident();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut most = before;
            while !over.load(Ordering::Relaxed) {
                most = most.max(running.resident());
                std::thread::sleep(Duration::from_millis(20));
            }
            most - before
        });
        done();
        over.store(true, Ordering::Relaxed);
        sampler.join().unwrap()
    })
}
