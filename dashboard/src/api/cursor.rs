//! Where a page ended: a text that only makes sense to us, for the very question it was told with.
//!
//! `version ‖ tag ‖ place`, as URL-safe base64. The tag is a hash of the question and the place: a cursor that was changed,
//! or belongs to another question, is none. It needs no key, for it lets nobody see what the question would not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portalmeter_meter::day::Day;
use portalmeter_meter::ledger::After;
use portalmeter_rules::id::Name;

use super::asked::Asked;
use super::problem::Problem;

/// A place in what is paged through.
pub(crate) trait Place: Sized {
    fn to_bytes(&self) -> Vec<u8>;

    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

const VERSION: u8 = 1;
const TAG: usize = 8;
/// A longer one is none of ours: a portal's name is short.
const LONGEST: usize = 2_048;

/// Takes the parameter `cursor`. `question` is what it must have been told with.
pub(crate) fn of<P: Place>(asked: &mut Asked, question: &str) -> Result<Option<P>, Problem> {
    let Some(text) = asked.text("cursor")? else { return Ok(None) };
    let refused = || {
        Problem::bad("this `cursor` was not told with the same question")
            .hint("take `next` of the last answer as it is, and change nothing else; or begin without a cursor")
    };
    read(&text, question).map(Some).ok_or_else(refused)
}

/// The cursor of a place in the answers to a question.
pub(crate) fn told<P: Place>(place: &P, question: &str) -> String {
    let place = place.to_bytes();
    let mut bytes = vec![VERSION];
    bytes.extend(tag(&place, question));
    bytes.extend(place);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read<P: Place>(text: &str, question: &str) -> Option<P> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    let (there, place) = rest.split_at_checked(TAG)?;
    if there != tag(place, question) {
        return None;
    }
    P::from_bytes(place)
}

fn tag(place: &[u8], question: &str) -> [u8; TAG] {
    let mut hasher = blake3::Hasher::new_derive_key("portalmeter dashboard cursor 1");
    hasher.update(&(question.len() as u64).to_le_bytes());
    hasher.update(question.as_bytes());
    hasher.update(place);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG]);
    tag
}

/// How many rows came before.
impl Place for u32 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

/// The record before: day, id, whether it has a visitor and which, portal.
impl Place for After {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.day.0.to_be_bytes().to_vec();
        bytes.extend(self.id.0);
        bytes.push(u8::from(self.visitor.is_some()));
        bytes.extend(self.visitor.unwrap_or_default().0);
        bytes.extend(self.portal.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (day, rest) = bytes.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (&there, rest) = rest.split_first()?;
        let (visitor, portal) = rest.split_first_chunk()?;
        let visitor = match there {
            0 => None,
            1 => Some(Name(*visitor)),
            _ => return None,
        };
        let portal = std::str::from_utf8(portal).ok().filter(|portal| !portal.contains('\0'))?.to_owned();
        Some(Self { portal, day: Day(i32::from_be_bytes(*day)), visitor, id: Name(*id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> After {
        After { portal: "süd".into(), day: Day(-3), visitor: Some(Name([7; 16])), id: Name([9; 16]) }
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        for place in [place(), After { visitor: None, portal: String::new(), ..place() }] {
            assert_eq!(read(&told(&place, "q"), "q"), Some(place));
        }
        assert_eq!(read(&told(&100_u32, "q"), "q"), Some(100_u32));
    }

    #[test]
    fn a_forged_cursor_is_none() {
        let real = told(&place(), "q");
        assert_eq!(read::<After>(&real, "another question"), None);
        assert_eq!(read::<u32>(&real, "q"), None, "of another kind");
        for at in 0..real.len() {
            for odd in ['A', 'z', '_', '=', 'é', '\u{202e}'] {
                let mut forged: Vec<char> = real.chars().collect();
                if forged[at] == odd {
                    continue;
                }
                forged[at] = odd;
                let forged: String = forged.into_iter().collect();
                assert_eq!(read::<After>(&forged, "q"), None, "{forged}");
            }
            assert_eq!(read::<After>(&real[..at], "q"), None);
        }
        assert_eq!(read::<After>(&"A".repeat(100_000), "q"), None);
    }
}
