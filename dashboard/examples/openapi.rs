//! Prints the `OpenAPI` document, as `docs/openapi.json` has it.

use std::io::{Write, stdout};

fn main() -> std::io::Result<()> {
    let mut document = serde_json::to_string_pretty(&portalmeter_dashboard::document())?;
    document.push('\n');
    stdout().write_all(document.as_bytes())
}
