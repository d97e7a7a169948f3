//! The shape of a JSON line, read straight into places of the record, without a copy.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::log::record::{Field, FieldName, Record, Span};

/// The values of a line, not judged yet.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) time: Option<Scalar>,
    pub(super) client: Option<Span>,
    pub(super) method: Option<Span>,
    pub(super) host: Option<Span>,
    pub(super) path: Option<Span>,
    pub(super) status: Option<Scalar>,
}

/// A text or a number.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Text(Span),
    Number(f64),
}

/// `-` and the empty text are how servers log what was not there.
pub(super) fn says_nothing(text: &[u8]) -> bool {
    matches!(text, b"" | b"-")
}

/// Reads the line's object.
pub(super) struct Object<'r, 'de> {
    pub(super) line: &'de [u8],
    pub(super) record: &'r mut Record,
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
                Key::Time => raw.time = map.next_value_seed(Value { line, record, numbers: true, wants: TIME })?,
                Key::Status => raw.status = map.next_value_seed(Value { line, record, numbers: true, wants: CODE })?,
                Key::Client => raw.client = map.next_value_seed(Text { line, record, wants: CLIENT })?,
                Key::Method => raw.method = map.next_value_seed(Text { line, record, wants: METHOD })?,
                Key::Host => raw.host = map.next_value_seed(Text { line, record, wants: HOST })?,
                Key::Path => raw.path = map.next_value_seed(Text { line, record, wants: PATH })?,
                Key::RequestHeaders => map.next_value_seed(HeaderMap { line, record, side: Side::Request })?,
                Key::ResponseHeaders => map.next_value_seed(HeaderMap { line, record, side: Side::Response })?,
                Key::Probe => record.probe = Some(map.next_value()?),
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
    Probe,
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
            "probe" => Key::Probe,
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
        // A `-` is kept: that a log does not tell of a field is not the same as that there was none.
        if !text.is_empty() {
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

const TIME: &str = "`time` to be a text or a number";
const CLIENT: &str = "`client` to be a text";
const METHOD: &str = "`method` to be a text";
const HOST: &str = "`host` to be a text";
const PATH: &str = "`path` to be a text";
const CODE: &str = "`status` to be a number";
