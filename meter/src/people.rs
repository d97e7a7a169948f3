//! Distinct people, exactly: a sorted set of the first eight bytes of their names.
//!
//! Names are keyed hashes, so eight bytes of them tell people apart: among three million, any two are taken for one
//! with a chance of one in four million.

use std::borrow::Cow;

use portalmeter_rules::id::Name;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of visitors or of users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People(Vec<u64>);

/// Somebody in such a set.
pub fn person(name: Name) -> u64 {
    name.0.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

impl People {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Somebody's place in the order.
    pub(crate) fn place(&self, one: u64) -> Option<u32> {
        self.0.binary_search(&one).ok().map(|place| place as u32)
    }

    /// Who has a place in the order.
    pub(crate) fn get(&self, place: usize) -> Option<u64> {
        self.0.get(place).copied()
    }

    /// Everybody, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    /// Whoever is in any of these.
    pub fn union<'p>(sets: impl IntoIterator<Item = &'p Self>) -> Self {
        let sets: Vec<&[u64]> = sets.into_iter().map(|set| &set.0[..]).collect();
        Self(union(&sets).into_owned())
    }
}

impl FromIterator<u64> for People {
    fn from_iter<I: IntoIterator<Item = u64>>(people: I) -> Self {
        let mut people: Vec<u64> = people.into_iter().collect();
        people.sort_unstable();
        people.dedup();
        Self(people)
    }
}

/// Halves go together first, so that nobody is looked at more often than halves can be halved.
fn union<'s>(sets: &[&'s [u64]]) -> Cow<'s, [u64]> {
    match sets {
        [] => Cow::Borrowed(&[]),
        [only] => Cow::Borrowed(only),
        _ => {
            let (left, right) = sets.split_at(sets.len() / 2);
            let (left, right) = (union(left), union(right));
            if left.is_empty() {
                right
            } else if right.is_empty() {
                left
            } else {
                Cow::Owned(merge(&left, &right))
            }
        }
    }
}

fn merge(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        let (a, b) = (left[l], right[r]);
        merged.push(a.min(b));
        l += usize::from(a <= b);
        r += usize::from(b <= a);
    }
    merged.extend_from_slice(&left[l..]);
    merged.extend_from_slice(&right[r..]);
    merged
}

impl Serialize for People {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|one| one.to_le_bytes()).collect();
        to.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for People {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        let (whole, rest) = bytes.as_chunks::<8>();
        let people: Vec<u64> = whole.iter().map(|one| u64::from_le_bytes(*one)).collect();
        if !rest.is_empty() || !people.is_sorted_by(|one, next| one < next) {
            return Err(D::Error::custom("no sorted set of eight bytes each"));
        }
        Ok(Self(people))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_union_has_everybody_once(sets in prop::collection::vec(prop::collection::vec(0u64..40, 0..20), 0..9)) {
            let all: BTreeSet<u64> = sets.iter().flatten().copied().collect();
            let sets: Vec<People> = sets.into_iter().map(People::from_iter).collect();
            let union = People::union(&sets);
            prop_assert_eq!(union.iter().collect::<Vec<_>>(), all.into_iter().collect::<Vec<_>>());
            let bytes = postcard::to_stdvec(&union).unwrap();
            prop_assert_eq!(postcard::from_bytes::<People>(&bytes).unwrap(), union);
        }
    }
}
