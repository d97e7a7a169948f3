//! The value of the meter's own cookie: a random id, its issue time and the fingerprint behind which it
//! was handed out; all of it signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::Name;
use crate::time::Millis;

/// A cookie that came back, or one that was just handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The name of the browser that holds it.
    pub name: Name,
    /// When it was handed out, where that is known.
    pub issued: Option<Millis>,
    /// Behind which fingerprint it was handed out, where that is known.
    pub origin: Option<Name>,
}

impl Ticket {
    /// A ticket of which only the name is known.
    pub fn bare(name: Name) -> Self {
        Self { name, issued: None, origin: None }
    }
}

/// Keys that sign and verify: the current one, and those before it.
#[derive(Clone)]
pub struct TicketKeys(Vec<[u8; 32]>);

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TicketKeys({})", self.0.len())
    }
}

const VERSION: u8 = 2;
const ID: usize = 16;
const TIME: usize = 6;
const MAC: usize = 16;
const ORIGIN: usize = 1 + ID + TIME;
const SIGNED: usize = ORIGIN + ID;
const TEXT: usize = (SIGNED + MAC).div_ceil(3) * 4;

impl TicketKeys {
    /// Keys derived from the configured secrets; the first one signs.
    pub fn from_secrets<'a>(current: &'a [u8], previous: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let derive = |secret: &[u8]| blake3::derive_key("portalmeter 2026 visitor cookie", secret);
        Self(std::iter::once(current).chain(previous).map(derive).collect())
    }

    /// A cookie's value for a random `id`, handed out at `issued` behind a fingerprint.
    pub fn issue(&self, id: [u8; ID], issued: Millis, origin: Name) -> (String, Ticket) {
        let mut value = Vec::with_capacity(SIGNED + MAC);
        value.push(VERSION);
        value.extend_from_slice(&id);
        value.extend_from_slice(&issued.max(0).to_be_bytes()[8 - TIME..]);
        value.extend_from_slice(&origin.0);
        let (mac, name) = self.0.first().map(|key| sign(key, &value)).unwrap_or_default();
        value.extend_from_slice(&mac);
        let ticket = Ticket { name, issued: Some(issued), origin: Some(origin) };
        (URL_SAFE_NO_PAD.encode(value), ticket)
    }

    /// The ticket of a cookie's value, if we signed it.
    pub fn read(&self, text: &[u8]) -> Option<Ticket> {
        if text.len() > TEXT {
            return None;
        }
        let mut value = [0; SIGNED + MAC + 2];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut value).ok()?;
        let (signed, sent) = value[..length].split_at(length.checked_sub(MAC)?);
        if signed.first() != Some(&VERSION) || signed.len() != SIGNED {
            return None;
        }
        let name =
            self.0.iter().map(|key| sign(key, signed)).find_map(|(mac, name)| same(&mac, sent).then_some(name))?;
        let mut issued = [0; 8];
        issued[8 - TIME..].copy_from_slice(&signed[1 + ID..ORIGIN]);
        let mut origin = Name::default();
        origin.0.copy_from_slice(&signed[ORIGIN..]);
        Some(Ticket { name, issued: Some(Millis::from_be_bytes(issued)), origin: Some(origin) })
    }
}

/// One keyed hash gives both: its first half signs the value, its second half names the holder. The
/// first is public and the second is not, and neither tells anything about the other.
fn sign(key: &[u8; 32], value: &[u8]) -> ([u8; MAC], Name) {
    let hash = blake3::keyed_hash(key, value);
    let (mut mac, mut name) = ([0; MAC], Name::default());
    mac.copy_from_slice(&hash.as_bytes()[..MAC]);
    name.0.copy_from_slice(&hash.as_bytes()[MAC..]);
    (mac, name)
}

/// Compares without telling by its time where the difference lies.
fn same(ours: &[u8; MAC], sent: &[u8]) -> bool {
    sent.len() == MAC && ours.iter().zip(sent).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TicketKeys {
        TicketKeys::from_secrets(b"secret", [&b"older"[..]])
    }

    #[test]
    fn a_ticket_comes_back_as_it_was_handed_out() {
        let keys = keys();
        let (value, ticket) = keys.issue([7; 16], 1_700_000_000_123, Name([9; 16]));
        assert_eq!(keys.read(value.as_bytes()), Some(ticket));
    }

    #[test]
    fn a_ticket_of_the_previous_secret_is_still_good() {
        let keys = keys();
        let (value, ticket) = TicketKeys::from_secrets(b"older", []).issue([7; 16], 5, Name([9; 16]));
        assert_eq!(keys.read(value.as_bytes()), Some(ticket));
    }

    #[test]
    fn whatever_was_changed_is_refused() {
        let keys = keys();
        let (value, _) = keys.issue([7; 16], 5, Name([9; 16]));
        for position in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.read(&forged), None, "byte {position}");
        }
        let (foreign, _) = TicketKeys::from_secrets(b"mallory", []).issue([7; 16], 5, Name([9; 16]));
        assert_eq!(keys.read(foreign.as_bytes()), None);
        assert_eq!(keys.read(&vec![b'A'; 100_000]), None);
        assert_eq!(keys.read(b""), None);
    }
}
