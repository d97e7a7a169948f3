//! Which primary of a cluster holds which slot.

use std::collections::HashMap;

use redis::Value;
use redis::cluster_routing::Slot as HashSlot;

use super::address::Host;

/// Slots of a cluster, by number.
const SLOTS: u16 = 16384;

/// Which primary holds which slot.
#[derive(Debug, Default)]
pub(super) struct SlotMap {
    pub(super) primaries: Vec<Host>,
    slots: HashMap<HashSlot, u16>,
}

impl SlotMap {
    /// Reads the answer to CLUSTER SLOTS from `asked`.
    pub(super) fn read(value: Value, asked: &Host) -> Option<Self> {
        let mut map = Self::default();
        let Value::Array(ranges) = value else { return None };
        for range in ranges {
            let Value::Array(range) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &range[..] else { return None };
            let host = host_of(primary, asked)?;
            for slot in u16::try_from(*first).ok()?..=u16::try_from(*last).ok()? {
                map.set(HashSlot::new(slot)?, &host);
            }
        }
        Some(map)
    }

    pub(super) fn host(&self, slot: HashSlot) -> Option<&Host> {
        self.slots.get(&slot).and_then(|index| self.primaries.get(usize::from(*index)))
    }

    pub(super) fn set(&mut self, slot: HashSlot, host: &Host) {
        let index = self.primaries.iter().position(|one| one == host).unwrap_or_else(|| {
            self.primaries.push(host.clone());
            self.primaries.len() - 1
        });
        self.slots.insert(slot, index as u16);
    }

    /// How many slots no primary holds.
    pub(super) fn uncovered(&self) -> usize {
        usize::from(SLOTS).saturating_sub(self.slots.len())
    }
}

/// A node as CLUSTER SLOTS names it: without a name it is the one that was asked.
fn host_of(node: &[Value], asked: &Host) -> Option<Host> {
    let [name, Value::Int(port), ..] = node else { return None };
    let name = match name {
        Value::BulkString(name) if name == b"?" => return None,
        Value::BulkString(name) if !name.is_empty() => String::from_utf8(name.clone()).ok()?,
        Value::BulkString(_) | Value::Nil => asked.name.clone(),
        _ => return None,
    };
    Some(Host { name, port: u16::try_from(*port).ok()? })
}

/// The new place in `MOVED 3999 10.0.0.5:6381`, `ASK …`; without a name it is on the host that answered.
pub(super) fn redirected(details: &str, asked: &Host) -> Option<Host> {
    let place = details.split(' ').nth(1)?;
    let (name, port) = place.rsplit_once(':')?;
    let name = if name.is_empty() { &asked.name } else { name };
    Some(Host { name: name.to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(port: u16) -> Host {
        Host { name: "10.0.0.9".into(), port }
    }

    fn node(name: &str, port: i64) -> Value {
        Value::Array(vec![Value::BulkString(name.into()), Value::Int(port), Value::BulkString("id".into())])
    }

    #[test]
    fn slots_are_read_and_counted() {
        let range = |first, last, node| Value::Array(vec![Value::Int(first), Value::Int(last), node]);
        let value = Value::Array(vec![range(0, 8191, node("a", 1)), range(8192, 16382, node("", 2))]);
        let map = SlotMap::read(value, &host(7)).unwrap();
        assert_eq!(map.host(HashSlot::new(5).unwrap()).unwrap().to_string(), "a:1");
        assert_eq!(map.host(HashSlot::new(9000).unwrap()), Some(&host(2)));
        assert_eq!((map.host(HashSlot::new(16383).unwrap()), map.uncovered()), (None, 1));
        for garbage in
            [Value::Nil, Value::Array(vec![Value::Int(1)]), Value::Array(vec![range(0, 99_999, node("a", 1))])]
        {
            assert!(SlotMap::read(garbage, &host(7)).is_none());
        }
    }

    #[test]
    fn a_redirection_without_a_name_stays_on_the_host() {
        assert_eq!(redirected("3999 10.0.0.5:6381", &host(1)).unwrap().to_string(), "10.0.0.5:6381");
        assert_eq!(redirected("3999 :6381", &host(1)), Some(host(6381)));
        assert_eq!(redirected("3999", &host(1)), None);
    }
}
