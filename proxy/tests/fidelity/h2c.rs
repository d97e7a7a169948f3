//! A browser that speaks HTTP/2 without TLS, by prior knowledge.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// One connection, and what drives it.
pub(crate) struct Browser {
    runtime: Runtime,
    sender: SendRequest<Bytes>,
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) head: Response<()>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Browser {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, connection) = client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.ready().await.unwrap()
        });
        Self { runtime, sender }
    }

    /// Asks for all of this at once, each with a body and perhaps trailers; the answers in the same order.
    pub(crate) fn ask_all(
        &self,
        requests: Vec<(Request<()>, Bytes, Option<HeaderMap>)>,
    ) -> Vec<Result<Whole, h2::Error>> {
        self.runtime.block_on(async {
            let asked: Vec<_> = requests
                .into_iter()
                .map(|(head, body, trailers)| tokio::spawn(ask(self.sender.clone(), head, body, trailers)))
                .collect();
            let mut answers = Vec::new();
            for asked in asked {
                answers.push(asked.await.unwrap());
            }
            answers
        })
    }

    pub(crate) fn ask(&self, head: Request<()>, body: Bytes, trailers: Option<HeaderMap>) -> Result<Whole, h2::Error> {
        self.ask_all(vec![(head, body, trailers)]).remove(0)
    }

    pub(crate) fn get(&self, head: Request<()>) -> Whole {
        self.ask(head, Bytes::new(), None).unwrap()
    }
}

/// An answer that is read as it comes.
pub(crate) struct Stream<'b> {
    runtime: &'b Runtime,
    stream: h2::RecvStream,
}

impl Browser {
    /// Asks, and reads the head of the answer.
    pub(crate) fn open(&self, head: Request<()>) -> Stream<'_> {
        let answer = self.runtime.block_on(async {
            let mut sender = self.sender.clone().ready().await.unwrap();
            sender.send_request(head, true).unwrap().0.await.unwrap()
        });
        Stream { runtime: &self.runtime, stream: answer.into_body() }
    }
}

impl Stream<'_> {
    /// Reads until a word has come.
    pub(crate) fn hears(&mut self, word: &[u8]) {
        let mut heard = Vec::new();
        while !heard.windows(word.len()).any(|window| window == word) {
            let data = self.runtime.block_on(self.stream.data()).expect("the stream goes on").unwrap();
            let _ = self.stream.flow_control().release_capacity(data.len());
            heard.extend_from_slice(&data);
        }
    }
}

async fn ask(
    sender: SendRequest<Bytes>,
    head: Request<()>,
    mut body: Bytes,
    trailers: Option<HeaderMap>,
) -> Result<Whole, h2::Error> {
    let mut sender = sender.ready().await?;
    let (answer, mut stream) = sender.send_request(head, body.is_empty() && trailers.is_none())?;
    let sending = async {
        while !body.is_empty() {
            stream.reserve_capacity(body.len());
            let Some(room) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else { return Ok(()) };
            let part = body.split_to(room?.min(body.len()));
            let last = body.is_empty() && trailers.is_none();
            stream.send_data(part, last)?;
        }
        match trailers {
            Some(trailers) => stream.send_trailers(trailers),
            None => Ok(()),
        }
    };
    let reading = async {
        let (head, mut stream) = answer.await?.into_parts();
        let mut body = Vec::new();
        while let Some(data) = stream.data().await {
            let data = data?;
            let _ = stream.flow_control().release_capacity(data.len());
            body.extend_from_slice(&data);
        }
        let trailers = stream.trailers().await?;
        Ok(Whole { head: Response::from_parts(head, ()), body, trailers })
    };
    let (_, whole) = tokio::join!(
        async {
            let sent: Result<(), h2::Error> = sending.await;
            sent
        },
        reading
    );
    whole
}
