//! Two server processes on one Redis: what one accepted, the other refuses.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use http::Request;
use test_services::redis::RedisServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use trusted_app_tests::sign;

/// A server in a process of its own.
struct Node {
    process: Child,
    address: String,
}

impl Node {
    fn start(redis: &RedisServer) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_replay-node"))
            .args([&redis.url(), "replay-nodes:"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The bytes of a request that the wiki signs now for alice.
fn signed(path: &str) -> Arc<[u8]> {
    let request = Request::get(format!("https://tracker.example.com{path}")).body(()).unwrap();
    let mut head = format!("GET {path} HTTP/1.1\r\nhost: tracker.example.com\r\nconnection: close\r\n");
    for (name, value) in sign(request, "alice").headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    Arc::from((head + "\r\n").into_bytes())
}

/// The status and the code of the refusal, over a connection of its own.
async fn send(address: &str, head: &[u8], start: &Barrier) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    start.wait().await;
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let error = answer.lines().find_map(|line| line.strip_prefix("x-seraph-trusted-app-error: "));
    (status, error.map(|error| error.split(';').next().unwrap().to_owned()))
}

const REQUESTS: usize = 1_000;

/// Sends the same bytes a thousand times at once, to the nodes in turn, and counts the pages, the refusals as
/// replays and what else there is.
async fn storm(nodes: &[Node; 2], path: &str) -> (usize, usize, usize) {
    let (head, start) = (signed(path), Arc::new(Barrier::new(REQUESTS)));
    let mut requests = JoinSet::new();
    for node in nodes.iter().cycle().take(REQUESTS) {
        let (address, head, start) = (node.address.clone(), Arc::clone(&head), Arc::clone(&start));
        requests.spawn(async move { send(&address, &head, &start).await });
    }
    let answers = requests.join_all().await;
    let is_replay =
        |answer: &&(u16, Option<String>)| answer.0 == 401 && answer.1.as_deref() == Some("REPLAYED");
    let served = answers.iter().filter(|answer| **answer == (200, None)).count();
    let replays = answers.iter().filter(is_replay).count();
    (served, replays, REQUESTS - served - replays)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_identical_requests_to_two_processes_one_is_accepted() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let nodes = [Node::start(&redis), Node::start(&redis)];
    for _ in 0..3 {
        let (served, replays, others) = storm(&nodes, "/rest/once").await;
        println!(
            "{REQUESTS} identical requests to two processes: {served} x 200, {replays} x 401 REPLAYED, {others} others"
        );
        assert_eq!((served, replays, others), (1, REQUESTS - 1, 0));
    }
    // It is not for want of room that they are refused.
    assert_eq!(storm(&nodes, "/rest/often").await, (REQUESTS, 0, 0));
}
