//! Instants, as every part of the program writes them.

/// Milliseconds since the Unix epoch. Counts are exact to the millisecond.
pub type Millis = i64;

/// Instants lie no further from 1970 than this, nearly nine thousand years: nothing that is reckoned with them overflows.
pub const FAR: Millis = 1 << 48;

/// The instant in a decimal number of milliseconds; nothing if it is none, or lies further away than [`FAR`].
pub fn instant(text: &str) -> Option<Millis> {
    text.parse().ok().filter(|at| (-FAR..=FAR).contains(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_number_within_reason() {
        for at in [0, 1_790_000_000_000, -1, FAR, -FAR] {
            assert_eq!(instant(&at.to_string()), Some(at));
        }
        for none in
            ["", "now", "1.5", "281474976710657", "-281474976710657", "9223372036854775807", "99999999999999999999"]
        {
            assert_eq!(instant(none), None, "{none}");
        }
    }
}
