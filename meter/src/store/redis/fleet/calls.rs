//! Calls as they wait for their servers.

use std::ops::Range;

use redis::Cmd;
use redis::cluster_routing::Slot as HashSlot;

use super::super::script::Script;

/// Calls for one or many servers, each made when its turn comes: servers work while we make the next.
pub(in super::super) trait Calls {
    /// How many.
    fn count(&self) -> usize;
    /// The slot of a call's keys.
    fn slot(&self, call: usize) -> HashSlot;
    /// The script that a call runs.
    fn script(&self, call: usize) -> Option<&'static Script>;
    /// Appends a call as it is sent.
    fn write(&self, call: usize, bytes: &mut Vec<u8>);
    /// Whether nothing may reach a server that may have forgotten, not even the first call after it is found again.
    fn is_guarded(&self) -> bool;
}

/// Calls that are made at once.
#[derive(Default)]
pub(in super::super) struct Pipeline {
    bytes: Vec<u8>,
    calls: Vec<Call>,
    guarded: bool,
}

struct Call {
    bytes: Range<usize>,
    slot: HashSlot,
    script: Option<&'static Script>,
}

impl Pipeline {
    /// Calls that must not reach servers that may have forgotten.
    pub(in super::super) fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    /// A call that concerns keys of this slot.
    pub(in super::super) fn add(&mut self, slot: HashSlot, call: &Cmd) {
        self.add_call(slot, call, None);
    }

    /// A call of a script.
    pub(in super::super) fn add_script(&mut self, slot: HashSlot, call: &Cmd, script: &'static Script) {
        self.add_call(slot, call, Some(script));
    }

    fn add_call(&mut self, slot: HashSlot, call: &Cmd, script: Option<&'static Script>) {
        let start = self.bytes.len();
        call.write_packed_command(&mut self.bytes);
        self.calls.push(Call { bytes: start..self.bytes.len(), slot, script });
    }
}

impl Calls for Pipeline {
    fn count(&self) -> usize {
        self.calls.len()
    }

    fn slot(&self, call: usize) -> HashSlot {
        self.calls[call].slot
    }

    fn script(&self, call: usize) -> Option<&'static Script> {
        self.calls[call].script
    }

    fn write(&self, call: usize, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.bytes[self.calls[call].bytes.clone()]);
    }

    fn is_guarded(&self) -> bool {
        self.guarded
    }
}
