//! What one client may ask of us, and what we ask of a portal: sizes and times.

use std::time::Duration;

use super::problem::Notes;
use super::raw::{self, Quantity};
use super::units::{in_words, size, time};
use crate::door::Timeouts;
use crate::door::head::Limits;

/// How long a portal may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// To take a connection, TLS included.
    pub(crate) connect: Duration,
    /// To say something, and to take something: not for upgraded connections, which may stay silent.
    pub(crate) silence: Duration,
    /// A connection that nobody uses is kept so long: less than the portal keeps it.
    pub(crate) idle: Duration,
}

/// Pingora reads no larger head.
const LARGEST_HEAD: u64 = 1_000_000;
/// Nor one of more fields.
const MOST_FIELDS: u64 = 256;

/// `server.limits`, and the largest body if there is a limit to it.
pub(super) fn limits(raw: &raw::Limits, notes: &mut Notes) -> (Limits, Option<u64>) {
    let headers = bytes(raw.headers.as_ref(), 64 * 1024, 1_024..=LARGEST_HEAD, notes);
    let uri = bytes(raw.uri.as_ref(), headers.min(16 * 1024), 64..=LARGEST_HEAD, notes);
    if let Some(written) = raw.uri.as_ref().filter(|_| uri > headers) {
        notes
            .error(written.span(), "`uri` is larger than `headers`, which hold it")
            .advise(format!("headers = \"{}KiB\"", uri.div_ceil(1024) + 16));
    }
    let header_count = match &raw.header_count {
        Some(written) if !(8..=MOST_FIELDS).contains(written.get_ref()) => {
            notes.error(written.span(), format!("{} fields are not between 8 and {MOST_FIELDS}", written.get_ref()));
            128
        }
        written => written.as_ref().map_or(128, |written| *written.get_ref()),
    };
    let body = raw.body.as_ref().map(|written| bytes(Some(written), 0, 1..=u64::MAX, notes));
    (Limits { uri: uri as usize, headers: headers as usize, header_count: header_count as usize }, body)
}

fn bytes(written: Option<&Quantity>, default: u64, within: std::ops::RangeInclusive<u64>, notes: &mut Notes) -> u64 {
    let Some(written) = written else { return default };
    match size(written.get_ref()) {
        Ok(bytes) if within.contains(&bytes) => bytes,
        Ok(bytes) => {
            let message = format!("{bytes} bytes are not between {} and {}", within.start(), within.end());
            notes.error(written.span(), message).advise("leave it out to have the default");
            default
        }
        Err(wrong) => {
            notes.error(written.span(), wrong.message).advise(wrong.hint);
            default
        }
    }
}

/// `server.timeouts`.
pub(super) fn timeouts(raw: &raw::ServerTimeouts, notes: &mut Notes) -> Timeouts {
    Timeouts {
        head: above(raw.head.as_ref(), Duration::from_secs(15), notes),
        idle: above(raw.idle.as_ref(), Duration::from_mins(1), notes),
    }
}

/// `portal.timeouts`.
pub(super) fn patience(raw: &raw::PortalTimeouts, notes: &mut Notes) -> Patience {
    Patience {
        connect: above(raw.connect.as_ref(), Duration::from_secs(10), notes),
        silence: above(raw.silence.as_ref(), Duration::from_mins(5), notes),
        idle: above(raw.idle.as_ref(), Duration::from_secs(50), notes),
    }
}

/// A time in which something can happen.
fn above(written: Option<&Quantity>, default: Duration, notes: &mut Notes) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(100);
    let read = time(written, default, notes);
    match written {
        Some(written) if read < SHORTEST => {
            let message = format!("{} is too short for anything to happen", in_words(read));
            notes.error(written.span(), message).advise(format!("the default is \"{}\"", in_words(default)));
            default
        }
        _ => read,
    }
}
