//! JSON lines: one request each, header fields included.
//!
//! A line is read in one pass, straight into places of the record; what the values mean is judged
//! afterwards, so that every mistake is named by its key.

use std::fmt;

use jiff::Timestamp;
use portalmeter_rules::time::Millis;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::record::{Bytes, Field, FieldName, Record, Span};
use super::why::{Excerpt, Why};
use super::{address, request};

/// Reads `line` into a clear `record`.
pub(super) fn read(line: &[u8], record: &mut Record) -> Result<(), Why> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let raw = (&mut json).deserialize_any(Object { line, record: &mut *record }).map_err(|error| not_json(&error))?;
    json.end().map_err(|error| not_json(&error))?;
    judge(line, &raw, record)
}

/// The values of a line, not judged yet.
#[derive(Default)]
struct Raw {
    time: Option<Scalar>,
    client: Option<Span>,
    method: Option<Span>,
    host: Option<Span>,
    path: Option<Span>,
    status: Option<Scalar>,
}

#[derive(Clone, Copy)]
enum Scalar {
    Text(Span),
    Number(f64),
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
    record.target = target.within(path..bytes.at(target).len());
    let bytes = record.bytes(line);
    record.status = status(raw.status.ok_or(Why::Missing("status"))?, bytes)?;
    (record.at, record.client, record.method) = (at, client, method);
    record.host = host(line, raw.host, record);
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
    let of_header = || record.request.iter().find(|field| bytes.name(field.name).eq_ignore_ascii_case(b"host"));
    let span = named.filter(|host| !says_nothing(bytes.at(*host))).or_else(|| of_header().map(|field| field.value))?;
    let text = bytes.at(span);
    let span = span.within(0..request::without_port(text));
    if !text.iter().any(u8::is_ascii_uppercase) {
        return Some(span);
    }
    let lower = bytes.at(span).to_ascii_lowercase();
    Some(record.keep(&lower))
}

/// `-` and the empty text are how servers log what was not there.
fn says_nothing(text: &[u8]) -> bool {
    matches!(text, b"" | b"-")
}

fn not_json(error: &serde_json::Error) -> Why {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    Why::Json { column: error.column(), message: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
}

/// Reads the line's object.
struct Object<'r, 'de> {
    line: &'de [u8],
    record: &'r mut Record,
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let Self { line, record } = self;
        let mut raw = Raw::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                Key::Time => {
                    raw.time = map.next_value_seed(Value { line, record, numbers: true, wants: TIME })?;
                }
                Key::Status => {
                    raw.status = map.next_value_seed(Value { line, record, numbers: true, wants: STATUS })?
                }
                Key::Client => {
                    raw.client = map.next_value_seed(Text { line, record, wants: CLIENT })?;
                }
                Key::Method => {
                    raw.method = map.next_value_seed(Text { line, record, wants: METHOD })?;
                }
                Key::Host => {
                    raw.host = map.next_value_seed(Text { line, record, wants: HOST })?;
                }
                Key::Path => {
                    raw.path = map.next_value_seed(Text { line, record, wants: PATH })?;
                }
                Key::RequestHeaders => map.next_value_seed(HeaderMap { line, record, side: Side::Request })?,
                Key::ResponseHeaders => map.next_value_seed(HeaderMap { line, record, side: Side::Response })?,
                Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(raw)
    }
}

enum Key {
    Time,
    Client,
    Method,
    Host,
    Path,
    Status,
    RequestHeaders,
    ResponseHeaders,
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "time" => Key::Time,
            "client" => Key::Client,
            "method" => Key::Method,
            "host" => Key::Host,
            "path" => Key::Path,
            "status" => Key::Status,
            "request_headers" => Key::RequestHeaders,
            "response_headers" => Key::ResponseHeaders,
            _ => Key::Other,
        })
    }
}

/// Reads a string or, where they are welcome, a number; null is as good as absent.
struct Value<'r, 'de> {
    line: &'de [u8],
    record: &'r mut Record,
    numbers: bool,
    wants: &'static str,
}

impl Value<'_, '_> {
    fn number<E: Error>(self, number: f64, written: Unexpected<'_>) -> Result<Option<Scalar>, E> {
        if self.numbers { Ok(Some(Scalar::Number(number))) } else { Err(E::invalid_type(written, &self)) }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, 'de> {
    type Value = Option<Scalar>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Scalar>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, 'de> {
    type Value = Option<Scalar>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wants)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(Span::of(text.as_bytes(), self.line))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(self.record.keep(text.as_bytes()))))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        self.number(number, Unexpected::Float(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.number(number as f64, Unexpected::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.number(number as f64, Unexpected::Signed(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Reads a string; null is as good as absent.
struct Text<'r, 'de> {
    line: &'de [u8],
    record: &'r mut Record,
    wants: &'static str,
}

impl<'de> DeserializeSeed<'de> for Text<'_, 'de> {
    type Value = Option<Span>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Span>, D::Error> {
        let Self { line, record, wants } = self;
        Ok(match json.deserialize_any(Value { line, record, numbers: false, wants })? {
            Some(Scalar::Text(span)) => Some(span),
            Some(Scalar::Number(_)) | None => None,
        })
    }
}

/// Which header an object tells of.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Response,
}

/// Reads an object of header fields.
struct HeaderMap<'r, 'de> {
    line: &'de [u8],
    record: &'r mut Record,
    side: Side,
}

impl HeaderMap<'_, '_> {
    fn fields(&mut self) -> &mut Vec<Field> {
        match self.side {
            Side::Request => &mut self.record.request,
            Side::Response => &mut self.record.response,
        }
    }
}

impl<'de> DeserializeSeed<'de> for HeaderMap<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, json: D) -> Result<(), D::Error> {
        // As with any key of a JSON object, the last one holds.
        self.fields().clear();
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for HeaderMap<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header fields")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) =
            map.next_key_seed(Text { line: self.line, record: self.record, wants: "a header name" })?
        {
            let Some(name) = name else { continue };
            map.next_value_seed(HeaderValue { name, of: &mut self })?;
        }
        Ok(())
    }
}

/// Reads the value or the values of one header field.
struct HeaderValue<'h, 'r, 'de> {
    name: Span,
    of: &'h mut HeaderMap<'r, 'de>,
}

impl HeaderValue<'_, '_, '_> {
    fn push(self, text: &[u8], value: Span) {
        if !says_nothing(text) {
            let name = FieldName::Written(self.name);
            self.of.fields().push(Field { name, value });
        }
    }

    fn push_kept(self, text: &str) {
        let value = self.of.record.keep(text.as_bytes());
        self.push(text.as_bytes(), value);
    }
}

impl<'de> DeserializeSeed<'de> for HeaderValue<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for HeaderValue<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header value or a list of them")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let value = Span::of(text.as_bytes(), self.of.line);
        self.push(text.as_bytes(), value);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.push_kept(text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push_kept(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push_kept(&value.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push_kept(&value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push_kept(&value.to_string());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(HeaderValue { name: self.name, of: &mut *self.of })?.is_some() {}
        Ok(())
    }
}

/// 9999-01-01: far from where calendar arithmetic ends, and milliseconds taken for seconds lie beyond it.
const LATEST: Millis = 253_370_764_800_000;

const TIME: &str = "`time` to be a text or a number";
const CLIENT: &str = "`client` to be a text";
const METHOD: &str = "`method` to be a text";
const HOST: &str = "`host` to be a text";
const PATH: &str = "`path` to be a text";
const STATUS: &str = "`status` to be a number";
