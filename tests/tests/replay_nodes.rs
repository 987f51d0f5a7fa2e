//! Two server processes on one Redis: what one accepted, the other refuses, by either scheme.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use test_services::redis::RedisServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower_trusted_app::SystemClock;
use trusted_app_tests::once::Once;

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

    /// Sends this on a connection that waits for others.
    async fn receives(&self, head: &[u8]) -> Answer {
        send(&self.address, head, &Barrier::new(1)).await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The bytes of a request that is signed now for alice, and sent for another target.
fn signed_and_sent(once: Once, signed: &str, sent: &str) -> Arc<[u8]> {
    let request = Request::get(format!("https://tracker.example.com{signed}")).body(()).unwrap();
    let mut head = format!("GET {sent} HTTP/1.1\r\nhost: tracker.example.com\r\nconnection: close\r\n");
    for (name, value) in once.sign(request, "alice", &SystemClock).headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    Arc::from((head + "\r\n").into_bytes())
}

fn signed(once: Once, number: usize) -> Arc<[u8]> {
    let target = format!("/rest/issues?{number}");
    signed_and_sent(once, &target, &target)
}

/// Status, and scheme and code of the refusal.
type Answer = (u16, Option<(Once, String)>);

fn served() -> Answer {
    (200, None)
}

fn refused(once: Once, status: u16, code: &str) -> Answer {
    (status, Some((once, code.to_owned())))
}

/// The answer, over a connection of its own.
async fn send(address: &str, head: &[u8], start: &Barrier) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    start.wait().await;
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let code = |once: Once| {
        let error = answer.lines().find_map(|line| line.strip_prefix(once.error_field()))?;
        Some((once, error.strip_prefix(": ")?.split(';').next()?.to_owned()))
    };
    (status, Once::BOTH.into_iter().find_map(code))
}

const REQUESTS: usize = 1_000;

/// Sends a thousand requests at once, to the nodes in turn, and counts those that are served, those that are refused so
/// and what else there is.
async fn storm(nodes: &[Node; 2], requests: Vec<Arc<[u8]>>, refusal: Answer) -> (usize, usize, usize) {
    assert_eq!(requests.len(), REQUESTS);
    let start = Arc::new(Barrier::new(REQUESTS));
    let mut sent = JoinSet::new();
    for (node, head) in nodes.iter().cycle().zip(requests) {
        let (address, start) = (node.address.clone(), Arc::clone(&start));
        sent.spawn(async move { send(&address, &head, &start).await });
    }
    let answers = sent.join_all().await;
    let count = |of: &Answer| answers.iter().filter(|answer| *answer == of).count();
    let (served, refused) = (count(&served()), count(&refusal));
    (served, refused, REQUESTS - served - refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_identical_requests_to_two_processes_one_is_accepted() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let nodes = [Node::start(&redis), Node::start(&redis)];
    for once in Once::BOTH {
        let replayed = refused(once, 401, once.replayed());
        for round in 0..3 {
            let identical = vec![signed(once, round); REQUESTS];
            let (served, replays, others) = storm(&nodes, identical, replayed.clone()).await;
            println!(
                "{once:?}: {REQUESTS} identical requests to two processes: {served} x 200, {replays} x 401 {}, \
                 {others} others",
                once.replayed()
            );
            assert_eq!((served, replays, others), (1, REQUESTS - 1, 0));
        }
        // It is not for want of room that they are refused.
        let different = (10..).take(REQUESTS).map(|number| signed(once, number)).collect();
        assert_eq!(storm(&nodes, different, replayed).await, (REQUESTS, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_signatures_leave_redis_empty() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let nodes = [Node::start(&redis), Node::start(&redis)];
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut claims = async || redis::cmd("DBSIZE").query_async::<usize>(&mut connection).await.unwrap();
    for (number, once) in Once::BOTH.into_iter().enumerate() {
        let forged = |number| signed_and_sent(once, &format!("/rest/issues?{number}"), "/rest/others");
        let bad = refused(once, 401, once.bad_signature());
        assert_eq!(storm(&nodes, (0..REQUESTS).map(forged).collect(), bad).await, (0, REQUESTS, 0));
        assert_eq!(claims().await, number);
        // It is not for want of claiming.
        assert_eq!(nodes[0].receives(&signed(once, 0)).await, served());
        assert_eq!(claims().await, number + 1);
    }
}

#[tokio::test]
async fn without_redis_both_processes_refuse_and_nothing_is_forgotten() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let nodes = [Node::start(&redis), Node::start(&redis)];
    for once in Once::BOTH {
        let [before, meanwhile] = [0, 1].map(|number| signed(once, number));
        let [unavailable, replayed] = [(503, once.unavailable()), (401, once.replayed())]
            .map(|(status, code)| refused(once, status, code));
        assert_eq!(nodes[0].receives(&before).await, served());
        assert_eq!(nodes[1].receives(&before).await, replayed);

        redis.stop();
        for node in &nodes {
            assert_eq!(node.receives(&before).await, unavailable);
            assert_eq!(node.receives(&meanwhile).await, unavailable);
        }

        redis.start_again();
        let patience = Instant::now() + PATIENCE;
        for (number, node) in nodes.iter().enumerate() {
            while node.receives(&signed(once, 2 + number)).await == unavailable {
                assert!(Instant::now() < patience, "it does not recover");
            }
            assert_eq!(node.receives(&before).await, replayed);
        }
        // It never reached Redis, so it counts now.
        assert_eq!(nodes[1].receives(&meanwhile).await, served());
        assert_eq!(nodes[0].receives(&meanwhile).await, replayed);
    }
}
