//! Texts, as words that notes are full of, and what is spelled out between them.

use std::sync::Arc;

use super::said::{Repeated, Said};
use super::{Reader, Writer};

/// How rules are called. With any change but one more at the end, values have another version.
const WORDS: [&[u8]; 12] = [
    b"identity ",
    b"product ",
    b"servicenow",
    b": network",
    b": response_header",
    b": jwt",
    b": header",
    b": cookie",
    b": probe",
    b"nobody said",
    b"agent:token:",
    b"agent:word:",
];
/// What comes next takes so many bits to say: a word, or one of these.
const NEXT: u32 = 4;
const END: u64 = 0;
const SPELLED: u64 = 1;
const FIRST_WORD: u64 = 2;

impl Repeated for Arc<str> {
    fn before(said: &mut Said) -> &mut Vec<Self> {
        &mut said.texts
    }

    fn is(&self, other: &Self) -> bool {
        self == other
    }

    fn write_in_full(&self, to: &mut Writer) {
        let mut rest = self.as_bytes();
        while !rest.is_empty() {
            if let Some(number) = word_at(rest) {
                to.bits(FIRST_WORD + number as u64, NEXT);
                rest = &rest[WORDS[number].len()..];
                continue;
            }
            let upto = (1..rest.len()).find(|at| word_at(&rest[*at..]).is_some()).unwrap_or(rest.len());
            let (spelled, next) = rest.split_at(upto);
            to.bits(SPELLED, NEXT);
            to.bits.push_small(spelled.len() as u64);
            for byte in spelled {
                to.bits(u64::from(*byte), 8);
            }
            rest = next;
        }
        to.bits(END, NEXT);
    }

    fn read_in_full(from: &mut Reader<'_>) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            match from.bits(NEXT)? {
                END => return String::from_utf8(text).ok().map(Into::into),
                SPELLED => {
                    for _ in 0..from.bits.take_small()? {
                        text.push(from.bits(8)? as u8);
                    }
                }
                word => text.extend_from_slice(WORDS.get((word - FIRST_WORD) as usize)?),
            }
        }
    }
}

fn word_at(text: &[u8]) -> Option<usize> {
    WORDS.iter().position(|word| text.starts_with(word))
}

#[cfg(test)]
mod tests {
    use portalmeter_rules::id::Name;

    use super::super::Terse as _;
    use super::*;

    fn length(text: &str) -> usize {
        let text = Arc::<str>::from(text);
        let mut to = Writer::after(0);
        text.write(&mut to);
        let bytes = to.finish().split_off(1);
        let mut from = Reader::new(&bytes, Name::default(), &|_| None);
        assert_eq!((Arc::read(&mut from), from.is_at_end()), (Some(text), true));
        bytes.len()
    }

    #[test]
    fn the_name_of_a_rule_is_short_and_any_other_text_no_longer_than_it_is() {
        assert_eq!(length("identity 1: response_header"), 4);
        assert_eq!(length("product servicenow: cookie"), 3);
        assert_eq!(length("Customer 0042"), 13 + 2);
        assert_eq!(length("Müller: jwt: header & Söhne"), 17 + 4);
        assert_eq!(length(""), 1);
    }
}
