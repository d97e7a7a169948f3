//! Answers of our own, where no portal answers: a status and a sentence.

use bytes::Bytes;
use http::Method;
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

/// Answers a request, and closes its connection.
pub(crate) async fn answer(session: &mut Session, status: u16, text: Bytes) -> Result<()> {
    let mut response = ResponseHeader::build(status, Some(3))?;
    response.insert_header("Content-Type", "text/plain; charset=utf-8")?;
    response.insert_header("Content-Length", text.len().to_string())?;
    response.insert_header("Cache-Control", "no-store")?;
    let text = if session.req_header().method == Method::HEAD { Bytes::new() } else { text };
    session.write_error_response(response, text).await
}
