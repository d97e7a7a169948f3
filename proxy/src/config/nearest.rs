//! The known name that was probably meant.

/// The nearest of the `known` names, if one is near enough to be a slip of the pen.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let measured = known.into_iter().map(|name| (distance(&word, &name.to_ascii_lowercase()), name));
    let (steps, name) = measured.min_by_key(|(steps, _)| *steps)?;
    (steps <= (word.len().max(name.len()) / 3).max(1)).then_some(name)
}

/// Far longer than any name that is known; beyond, measuring is not worth its time.
const LONGEST: usize = 64;

/// How to say so.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("one of {}", listed(known)),
    }
}

fn listed(known: &[&str]) -> String {
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Letters to insert, drop, replace, or swap with their neighbour, to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            row[j] = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood_and_a_stranger_is_not() {
        let known = ["hosts", "paths", "upstream", "timezone"];
        assert_eq!(nearest("hots", known), Some("hosts"));
        assert_eq!(nearest("upstraem", known), Some("upstream"));
        assert_eq!(nearest("time_zone", known), Some("timezone"));
        assert_eq!(nearest("colour", known), None);
    }
}
