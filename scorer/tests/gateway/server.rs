//! The server by real connections: what is in flight at a shutdown is answered, and nothing new is taken.

use crate::harness::gateway;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_request_in_flight_at_shutdown_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (gateway, token, mut tasks) = (gateway(), CancellationToken::new(), JoinSet::new());
    let stop = token.clone();
    tasks.spawn(async move { gateway.serve(listener, stop).await });

    let mut idle = TcpStream::connect(address).await.unwrap();
    assert!(exchange(&mut idle, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.starts_with("HTTP/1.1 200 OK"));
    let mut busy = TcpStream::connect(address).await.unwrap();
    let head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 17\r\nexpect: 100-continue\r\n\r\n";
    let begun = exchange(&mut busy, head).await;
    assert!(begun.starts_with("HTTP/1.1 100"), "the gateway waits for the body: {begun}");

    token.cancel();
    let mut rest = Vec::new();
    tokio::time::timeout(DEADLINE, idle.read_to_end(&mut rest)).await.expect("an idle connection is closed").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");

    busy.write_all(br#"{"text": "great"}"#).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, busy.read_to_string(&mut answer)).await.expect("answered and closed").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(r#""sentiment":"positive""#), "{answer}");
    tokio::time::timeout(DEADLINE, tasks.join_next()).await.expect("the server ends").unwrap().unwrap();
}

/// Sends and returns what comes back at once.
async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 4096];
    let length = tokio::time::timeout(DEADLINE, stream.read(&mut answer)).await.expect("answered").unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}
