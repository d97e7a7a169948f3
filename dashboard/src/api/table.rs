//! Tables, as JSON and as CSV: the CSV has what the JSON has, a column a key.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::asked::Asked;
use super::desk::{Desk, Question};
use super::problem::Problem;
use super::who::Who;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// How an answer is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the description alone")]
pub(crate) struct FormatParams {
    /// `json`, or `csv`: the table alone, with `as_of` in the header `X-As-Of`, and where to go on in `X-Next-Cursor`.
    #[param(example = "json")]
    format: Option<String>,
}

/// An answer with one table in it.
pub(super) struct Answer<'a, T, R> {
    /// The whole.
    pub(super) document: &'a T,
    /// Its table.
    pub(super) rows: &'a [R],
    /// Keys of a row; those that a row lacks are empty.
    pub(super) columns: &'a [&'a str],
    /// What the file is called, without its ending.
    pub(super) name: String,
    /// Where the next page begins.
    pub(super) next: Option<&'a str>,
}

static AS_OF: HeaderName = HeaderName::from_static("x-as-of");
static NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

impl Format {
    /// How an answer is asked for.
    pub(super) fn of(asked: &mut Asked) -> Result<Self, Problem> {
        let name = |format| if format == Self::Csv { "csv" } else { "json" };
        Ok(asked.word("format", &[Self::Json, Self::Csv], name)?.unwrap_or(Self::Json))
    }

    /// The answer, written so. That a table leaves as a file is taken down.
    pub(super) fn answer<T: Serialize, R: Serialize>(
        self,
        (desk, who, question): (&Desk, &Who, &Question),
        answer: &Answer<'_, T, R>,
    ) -> Result<Response, Problem> {
        if self == Self::Json {
            return Ok(Json(answer.document).into_response());
        }
        let body = csv(answer.columns, answer.rows)?;
        let detail = format!("{} ({} rows)", question.canonical(), answer.rows.len());
        (desk.board.audit)(&who.0, "export", detail);
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
        let file = format!("attachment; filename=\"{}.csv\"", answer.name);
        let told = [(header::CONTENT_DISPOSITION, Some(file)), (AS_OF.clone(), Some(question.as_of()))];
        for (name, value) in told.into_iter().chain([(NEXT.clone(), answer.next.map(str::to_owned))]) {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        Ok(response)
    }
}

/// Rows as CSV.
fn csv<R: Serialize>(columns: &[&str], rows: &[R]) -> Result<Vec<u8>, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::bad(format!("this cannot be written as CSV: {error}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(columns).map_err(|error| wrong(&error))?;
    for row in rows {
        let row = serde_json::to_value(row).map_err(|error| wrong(&error))?;
        let none = Map::new();
        let row = row.as_object().unwrap_or(&none);
        let cells = columns.iter().map(|column| row.get(*column).map(cell).unwrap_or_default());
        csv.write_record(cells).map_err(|error| wrong(&error))?;
    }
    csv.into_inner().map_err(|error| wrong(&error))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => harmless(text.clone()),
        Value::Array(values) => harmless(values.iter().map(plain).collect::<Vec<_>>().join("; ")),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", plain(value)));
            harmless(pairs.collect::<Vec<_>>().join("; "))
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A spreadsheet takes for a formula what begins like one (OWASP, CSV injection); behind an apostrophe it is text.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formulas_are_text_and_numbers_are_numbers() {
        let rows = [
            json!({"name": "=HYPERLINK(\"http://x\")", "count": -3, "share": -0.5, "actions": {"-x": 1, "b": 2}}),
            json!({"name": "+1", "count": null, "because": ["a", "b"]}),
            json!({"name": "\tx"}),
            json!({"name": "\rx"}),
            json!({"name": "@x"}),
            json!({"name": "-x"}),
            json!({"name": "a=b, \"c\""}),
        ];
        let csv = csv(&["name", "count", "share", "actions", "because"], &rows).unwrap();
        let expected = "name,count,share,actions,because\n\
            \"'=HYPERLINK(\"\"http://x\"\")\",-3,-0.5,'-x=1; b=2,\n\
            '+1,,,,a; b\n\
            '\tx,,,,\n\
            \"'\rx\",,,,\n\
            '@x,,,,\n\
            '-x,,,,\n\
            \"a=b, \"\"c\"\"\",,,,\n";
        assert_eq!(String::from_utf8(csv).unwrap(), expected);
    }
}
