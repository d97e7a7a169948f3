//! A connection from a chosen address of the loopback, so that a test can be trusted or a stranger.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::faults::wire::{Answer, Wire};

/// Asks once, on a connection of its own.
pub(crate) fn ask_from(address: [u8; 4], to: SocketAddr, request: &[u8]) -> Answer {
    runtime().block_on(async {
        let stream = connect(address, to).await.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        Wire::on(stream).unwrap().ask(request).unwrap()
    })
}

/// Asks once by HTTP/2 without TLS; status and fields of the answer.
pub(crate) fn ask_by_http2(address: [u8; 4], to: SocketAddr, fields: &[(&str, &str)]) -> http::Response<()> {
    runtime().block_on(async {
        let (mut client, connection) = h2::client::handshake(connect(address, to).await).await.unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::get("http://help.example/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        answer.await.unwrap().map(drop)
    })
}

async fn connect(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::from(address), 0))).unwrap();
    socket.connect(to).await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
