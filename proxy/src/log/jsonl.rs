//! JSON lines: one request each, header fields included.
//!
//! A line's shape is read first, in one pass; what its values mean is judged afterwards, so that
//! every mistake is named by its key.

use jiff::Timestamp;
use portalmeter_rules::time::Millis;
use serde::Deserializer as _;

use shape::{Object, Raw, Scalar, says_nothing};

use super::record::{Bytes, Record, Span};
use super::why::{Excerpt, Why};
use super::{address, request};

mod shape;

/// Reads `line` into a clear `record`.
pub(super) fn read(line: &[u8], record: &mut Record) -> Result<(), Why> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let raw = (&mut json).deserialize_any(Object { line, record: &mut *record }).map_err(|error| not_json(&error))?;
    json.end().map_err(|error| not_json(&error))?;
    judge(line, &raw, record)
}

fn judge(line: &[u8], raw: &Raw, record: &mut Record) -> Result<(), Why> {
    let bytes = record.bytes(line);
    let at = time(raw.time.ok_or(Why::Missing("time"))?, bytes)?;
    let client = bytes.at(raw.client.ok_or(Why::Missing("client"))?);
    let client = address::read(client).ok_or_else(|| Why::Client(Excerpt::of(client)))?;
    let method = raw.method.ok_or(Why::Missing("method"))?;
    request::check_method(bytes.at(method))?;
    let target = raw.path.ok_or(Why::Missing("path"))?;
    let path = request::path(bytes.at(target))?;
    record.aim(line, target.within(path..bytes.at(target).len()));
    let bytes = record.bytes(line);
    record.status = status(raw.status.ok_or(Why::Missing("status"))?, bytes)?;
    (record.at, record.client, record.method) = (at, client, method);
    record.host = host(line, raw.host, record);
    record.tells_cookies = true;
    Ok(())
}

fn time(written: Scalar, bytes: Bytes<'_>) -> Result<Millis, Why> {
    match written {
        Scalar::Text(text) => rfc3339(bytes.at(text)).ok_or_else(|| Why::Time(Excerpt::of(bytes.at(text)))),
        Scalar::Number(seconds) => since_1970(seconds).ok_or_else(|| bad_number(seconds, Why::Time)),
    }
}

fn status(written: Scalar, bytes: Bytes<'_>) -> Result<u16, Why> {
    match written {
        Scalar::Text(text) => request::status(bytes.at(text)),
        Scalar::Number(code) if (100.0..1000.0).contains(&code) && code.fract() == 0.0 => Ok(code as u16),
        Scalar::Number(code) => Err(bad_number(code, Why::Status)),
    }
}

fn rfc3339(text: &[u8]) -> Option<Millis> {
    let at = std::str::from_utf8(text).ok()?.parse::<Timestamp>().ok()?.as_millisecond();
    (0..LATEST).contains(&at).then_some(at)
}

fn since_1970(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    (0.0..LATEST as f64).contains(&millis).then_some(millis as Millis)
}

fn bad_number(number: f64, why: fn(Excerpt) -> Why) -> Why {
    why(Excerpt::of(number.to_string().as_bytes()))
}

/// The host that the line names, or else its header.
fn host(line: &[u8], named: Option<Span>, record: &mut Record) -> Option<Span> {
    let bytes = record.bytes(line);
    let of_header = || {
        record
            .request
            .iter()
            .find(|field| bytes.name(field.name).eq_ignore_ascii_case(b"host") && !says_nothing(bytes.at(field.value)))
    };
    let span = named.filter(|host| !says_nothing(bytes.at(*host))).or_else(|| of_header().map(|field| field.value))?;
    let text = bytes.at(span);
    let span = span.within(0..request::without_port(text));
    if !text.iter().any(u8::is_ascii_uppercase) {
        return Some(span);
    }
    let lower = bytes.at(span).to_ascii_lowercase();
    Some(record.keep(&lower))
}

fn not_json(error: &serde_json::Error) -> Why {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Why::Json { column: error.column(), message: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
}

/// 9999-01-01: far from where calendar arithmetic ends, and milliseconds taken for seconds lie beyond it.
const LATEST: Millis = 253_370_764_800_000;
