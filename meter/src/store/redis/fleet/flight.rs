//! Calls on their way: sent in chunks and answered by turns, by several servers at once.

use std::collections::VecDeque;

use redis::Value;

use super::super::address::Host;
use super::super::error::{RedisError, Trouble};
use super::super::node::Node;
use super::super::script::Script;
use super::{Answer, Calls};

/// Where another server says a call belongs.
pub(super) enum Redirect {
    Moved(Host),
    Ask(Host),
}

pub(super) struct Waiting {
    pub(super) call: usize,
    pub(super) to: Option<Redirect>,
}

/// A pipeline on its way.
pub(super) struct Run<'c> {
    pub(super) calls: &'c dyn Calls,
    pub(super) answers: Vec<Option<Answer>>,
    pub(super) waiting: Vec<Waiting>,
}

impl<'c> Run<'c> {
    pub(super) fn new(calls: &'c dyn Calls) -> Self {
        let count = calls.count();
        let waiting = (0..count).map(|call| Waiting { call, to: None }).collect();
        Self { calls, answers: (0..count).map(|_| None).collect(), waiting }
    }

    pub(super) fn bytes(&self, call: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.calls.write(call, &mut bytes);
        bytes
    }

    /// Calls that wait for a script that cannot be loaded wait no longer.
    pub(super) fn refuse(&mut self, script: &Script, error: &RedisError) {
        let Self { calls, answers, waiting } = self;
        waiting.retain(|one| {
            let other = calls.script(one.call).is_none_or(|needed| needed.sha != script.sha);
            if !other {
                answers[one.call] = Some(Err(error.clone()));
            }
            other
        });
    }

    pub(super) fn answered_by<'a>(&'a self, flight: &'a Flight) -> impl Iterator<Item = &'a RedisError> {
        flight.calls.iter().filter_map(|call| self.answers[*call].as_ref()?.as_ref().err())
    }

    pub(super) fn finish(self) -> Vec<Answer> {
        let unsettled = || RedisError::new(Trouble::Moving, None, "sent on from server to server");
        self.answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(unsettled()))).collect()
    }
}

/// Calls on their way to one server.
pub(super) struct Flight {
    pub(super) node: Node,
    pub(super) calls: Vec<usize>,
    sent: usize,
    /// Sizes of the chunks whose answers are to come.
    chunks: VecDeque<usize>,
    pub(super) answers: Vec<Value>,
    pub(super) failed: Option<RedisError>,
}

impl Flight {
    pub(super) fn new(node: Node, call: usize) -> Self {
        Self { node, calls: vec![call], sent: 0, chunks: VecDeque::new(), answers: Vec::new(), failed: None }
    }

    fn send(&mut self, run: &Run<'_>, buffer: &mut Vec<u8>) {
        while self.failed.is_none() && self.sent < self.calls.len() && self.chunks.len() < 2 {
            buffer.clear();
            let start = self.sent;
            while self.sent < self.calls.len() && self.sent - start < CHUNK && buffer.len() < CHUNK_BYTES {
                run.calls.write(self.calls[self.sent], buffer);
                self.sent += 1;
            }
            self.chunks.push_back(self.sent - start);
            self.failed = self.node.send(buffer).err();
        }
    }

    fn receive(&mut self) {
        for _ in 0..self.chunks.pop_front().unwrap_or(0) {
            match self.node.receive() {
                Ok(value) => self.answers.push(value),
                Err(error) => {
                    self.failed = Some(error);
                    return;
                }
            }
        }
    }
}

/// Sends and receives by turns, so that servers and we work at the same time.
pub(super) fn exchange(run: &mut Run<'_>, flights: &mut [Flight]) {
    let mut buffer = Vec::new();
    loop {
        for flight in flights.iter_mut() {
            flight.send(run, &mut buffer);
        }
        let under_way = flights.iter_mut().filter(|flight| flight.failed.is_none() && !flight.chunks.is_empty());
        if under_way.map(Flight::receive).count() == 0 {
            break;
        }
    }
    for flight in flights {
        if let Some(error) = &flight.failed {
            for call in &flight.calls[flight.answers.len()..] {
                run.answers[*call] = Some(Err(error.clone()));
            }
        }
    }
}

/// Calls and bytes that are sent before answers are read, twice.
const CHUNK: usize = 128;
const CHUNK_BYTES: usize = 128 * 1024;
