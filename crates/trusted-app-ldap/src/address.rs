//! Connecting to one of a host's addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use url::Url;

/// How long an address has before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first address of the URL's host that answers.
pub(crate) async fn connect(url: &Url) -> io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().unwrap_or(if url.scheme() == "ldaps" { 636 } else { 389 });
    connect_any(lookup_host(format!("{host}:{port}")).await?).await
}

/// Tries each address as soon as the ones before it failed or had their head start. An address that answers late still
/// counts.
async fn connect_any(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter().fuse();
    let mut attempts = JoinSet::new();
    let mut failure = None;
    loop {
        let next = addresses.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            attempts.spawn(TcpStream::connect(address));
        }
        let ended = if is_last {
            attempts.join_next().await
        } else {
            match tokio::time::timeout(HEAD_START, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => failure = Some(error),
            Some(Err(error)) => failure = Some(error.into()),
            None => return Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// An address whose connections are never completed: nothing is accepted, and the queue is full.
    async fn dead() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) =
            tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
        {
            queue.push(stream.unwrap());
        }
        (listener, queue)
    }

    #[tokio::test]
    async fn a_dead_address_does_not_take_the_time_of_the_next() {
        let (first, _queue) = dead().await;
        let (second, _other_queue) = dead().await;
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [&first, &second, &alive].map(|listener| listener.local_addr().unwrap());
        let begun = Instant::now();
        let connected = connect_any(addresses).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), alive.local_addr().unwrap());
        assert!(
            begun.elapsed() >= 2 * HEAD_START && begun.elapsed() < 6 * HEAD_START,
            "{:?}",
            begun.elapsed()
        );
    }

    #[tokio::test]
    async fn an_address_that_refuses_costs_no_time() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let begun = Instant::now();
        let connected = connect_any([gone, gone, alive.local_addr().unwrap()]).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), alive.local_addr().unwrap());
        assert!(begun.elapsed() < HEAD_START, "{:?}", begun.elapsed());
        let refused = connect_any([gone]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(connect_any([]).await.is_err());
    }
}
