//! Durations and sizes: a whole number and a unit, always.

use std::fmt::Write;
use std::time::Duration;

use toml::Value;

use super::problem::Notes;
use super::raw::Quantity;

/// Why a value is no duration or size, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: String,
}

const DURATIONS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Ten years: whatever is longer is a slip, and no sum of two overflows.
const LONGEST: u64 = 3_650 * 86_400_000;

/// A duration, or the default where none is written.
pub(super) fn time(written: Option<&Quantity>, default: Duration, notes: &mut Notes) -> Duration {
    written.and_then(|written| duration(written, notes)).unwrap_or(default)
}

/// A duration as written.
pub(super) fn duration(written: &Quantity, notes: &mut Notes) -> Option<Duration> {
    let wrong = match parse(written.get_ref()) {
        Ok(duration) => return Some(duration),
        Err(wrong) => wrong,
    };
    notes.error(written.span(), wrong.message).advise(wrong.hint);
    None
}

/// A duration such as `30m`, `1h30m` or `20ms`.
fn parse(value: &Value) -> Result<Duration, Wrong> {
    let example = "a duration is text with a unit (ms, s, m, h, d, w), such as \"30m\"";
    let millis = quantity(value, "duration", &DURATIONS, example, &|seconds| {
        format!("write \"{}\" if you mean seconds", in_words(Duration::from_secs(seconds.min(LONGEST / 1_000))))
    })?;
    if millis > LONGEST {
        return Err(Wrong { message: format!("{value} is longer than ten years"), hint: example.to_owned() });
    }
    Ok(Duration::from_millis(millis))
}

/// A size such as `10GiB`.
pub(super) fn size(value: &Value) -> Result<u64, Wrong> {
    let example = "a size is text with a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB), such as \"10GiB\"";
    quantity(value, "size", &SIZES, example, &|bytes| format!("write \"{bytes}B\" if you mean bytes"))
}

/// A duration as a person writes it: `4h`, `1h30m`, `500ms`.
pub(crate) fn in_words(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut words = String::new();
    for (unit, length) in DURATIONS.iter().rev().filter(|(unit, _)| *unit != "w") {
        if rest >= *length {
            let _ = write!(words, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    words
}

fn quantity(
    value: &Value,
    what: &str,
    units: &[(&str, u64)],
    example: &str,
    bare: &dyn Fn(u64) -> String,
) -> Result<u64, Wrong> {
    let wrong = |message: String, hint: String| Err(Wrong { message, hint });
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Integer(number) => {
            let hint = u64::try_from(*number).map_or_else(|_| example.to_owned(), bare);
            return wrong(format!("the {what} `{number}` has no unit"), hint);
        }
        other => return wrong(format!("expected a {what}, found {}", other.type_str()), example.to_owned()),
    };
    if let Ok(number) = text.parse::<u64>() {
        return wrong(format!("the {what} `{text}` has no unit"), bare(number));
    }
    match sum(text, units) {
        Some(total) => Ok(total),
        None => wrong(format!("`{text}` is not a {what}"), example.to_owned()),
    }
}

/// The sum of numbers with units, such as `1h30m`.
fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|char: char| char.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_number_and_a_unit_is_a_duration() {
        for (written, millis) in
            [("20ms", 20), ("30m", 1_800_000), ("1h30m", 5_400_000), ("1 d", 86_400_000), ("0s", 0)]
        {
            assert_eq!(parse(&text(written)), Ok(Duration::from_millis(millis)), "{written}");
        }
    }

    #[test]
    fn a_number_alone_is_answered_with_what_to_write() {
        for value in [Value::Integer(1800), text("1800")] {
            let wrong = parse(&value).unwrap_err();
            assert_eq!(wrong.message, "the duration `1800` has no unit");
            assert_eq!(wrong.hint, "write \"30m\" if you mean seconds");
        }
        assert_eq!(size(&Value::Integer(512)).unwrap_err().hint, "write \"512B\" if you mean bytes");
    }

    #[test]
    fn nonsense_is_no_duration() {
        for written in ["", "m", "30 minutes", "1.5h", "-3s", "30M", "99999999999999999999s", "9999w", "1h-"] {
            assert!(parse(&text(written)).is_err(), "{written}");
        }
        assert!(parse(&Value::Boolean(true)).is_err());
    }

    #[test]
    fn sizes_are_binary_or_decimal_as_written() {
        assert_eq!(size(&text("10GiB")), Ok(10 << 30));
        assert_eq!(size(&text("5 MB")), Ok(5_000_000));
        assert!(size(&text("10g")).is_err());
    }

    #[test]
    fn a_duration_reads_back_in_words() {
        for words in ["30m", "4h", "1h30m", "500ms", "1d", "0s"] {
            assert_eq!(in_words(parse(&text(words)).unwrap()), words);
        }
    }
}
