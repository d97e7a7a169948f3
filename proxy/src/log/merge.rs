//! Several logs as one, by time.
//!
//! Each log's lines stay in their order. A line that is older than the one before it follows it at
//! once; nothing is sorted, so nothing needs to be held but one line of each log.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::ControlFlow;

use portalmeter_rules::time::Millis;

use super::source::Source;
use super::{Listener, Run};

/// Reads all `sources` to their ends, or until the listener has enough.
pub(super) fn read_all(sources: &mut [Source], run: &mut Run<'_, impl Listener>) -> ControlFlow<()> {
    match sources {
        [one] => {
            while one.advance(run) {
                run.line(&one.line())?;
            }
            ControlFlow::Continue(())
        }
        many => merge(many, run),
    }
}

fn merge(sources: &mut [Source], run: &mut Run<'_, impl Listener>) -> ControlFlow<()> {
    // The earliest first, and at the same time the log that was named first.
    let mut heads: BinaryHeap<Reverse<(Millis, usize)>> = BinaryHeap::with_capacity(sources.len());
    for (index, source) in sources.iter_mut().enumerate() {
        if source.advance(run) {
            heads.push(Reverse((source.at(), index)));
        }
    }
    while let Some(mut earliest) = heads.peek_mut() {
        let source = &mut sources[earliest.0.1];
        run.line(&source.line())?;
        if source.advance(run) {
            earliest.0.0 = source.at();
        } else {
            PeekMut::pop(earliest);
        }
    }
    ControlFlow::Continue(())
}
