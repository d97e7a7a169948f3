//! Answers of our own, where no portal answers: a status and a sentence.

use std::io::ErrorKind;

use bytes::Bytes;
use http::Method;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::time::timeout;
use pingora::{Error, ErrorSource, ErrorType, Result};

use crate::door::LINGER;
use crate::door::refusal::Refusal;

/// Answers a request, and closes its connection.
pub(crate) async fn answer(session: &mut Session, refusal: Refusal) -> Result<()> {
    let text = Bytes::from(refusal.text());
    let mut response = ResponseHeader::build(refusal.status, Some(3))?;
    response.insert_header("Content-Type", "text/plain; charset=utf-8")?;
    response.insert_header("Content-Length", text.len().to_string())?;
    response.insert_header("Cache-Control", "no-store")?;
    let text = if session.req_header().method == Method::HEAD { Bytes::new() } else { text };
    session.write_error_response(response, text).await?;
    if refusal == Refusal::BODY {
        // Closing on what it still sends would take the answer from the wire.
        let _ = timeout(LINGER, session.as_downstream_mut().drain_request_body()).await;
    }
    Ok(())
}

/// What a client is told of a request that could not be passed on; `None`: it does not listen any more.
pub(crate) fn excuse(error: &Error) -> Option<Refusal> {
    Some(match (error.etype(), error.esource()) {
        (ErrorType::HTTPStatus(413), _) => Refusal::BODY,
        (ErrorType::HTTPStatus(status), _) => Refusal { status: *status, why: "the request cannot be passed on" },
        (ErrorType::ConnectTimedout | ErrorType::ReadTimedout | ErrorType::WriteTimedout, ErrorSource::Upstream) => {
            Refusal { status: 504, why: "the portal did not answer in time" }
        }
        (_, ErrorSource::Upstream) => {
            Refusal { status: 502, why: "the portal cannot be reached, or did not answer in HTTP" }
        }
        (ErrorType::ReadTimedout, ErrorSource::Downstream) => Refusal { status: 408, why: "the request took too long" },
        (ErrorType::ReadError, ErrorSource::Downstream) if is_malformed(error) => Refusal::AMBIGUOUS,
        (ErrorType::WriteError | ErrorType::ReadError | ErrorType::ConnectionClosed, ErrorSource::Downstream) => {
            return None;
        }
        (_, ErrorSource::Downstream) => Refusal::AMBIGUOUS,
        (_, ErrorSource::Internal | ErrorSource::Unset) => {
            Refusal { status: 500, why: "the portal's answer cannot be passed on" }
        }
    })
}

/// Whether the door found a body that is not written as it should be.
fn is_malformed(error: &Error) -> bool {
    error.root_cause().downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::InvalidData)
}
