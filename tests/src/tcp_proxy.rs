//! A network that misbehaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// They pass.
    Passes,
    /// They pass this much later.
    Delayed(Duration),
    /// They vanish; connections stay open, and new ones are accepted.
    Vanishes,
}

/// Stands between a client and a server on loopback.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    traffic: watch::Sender<Traffic>,
    connections: Arc<Connections>,
}

/// They are numbered as they come.
#[derive(Debug, Default)]
struct Connections {
    opened: AtomicUsize,
    /// How many of the first ones are silent.
    silent: AtomicUsize,
    /// How many of the first ones are closed when an answer comes.
    unanswered: AtomicUsize,
}

impl TcpProxy {
    /// Passes on to this port, to begin with.
    ///
    /// # Panics
    ///
    /// If there is no port free.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (traffic, state) = watch::channel(Traffic::Passes);
        let connections = Arc::new(Connections::default());
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { continue };
                let number = counted.opened.fetch_add(1, Ordering::SeqCst);
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let is_unanswered = {
                    let connections = counted.clone();
                    move || number < connections.unanswered.load(Ordering::SeqCst)
                };
                tokio::spawn(carry(from_client, to_server, state.clone(), counted.clone(), number, || false));
                tokio::spawn(carry(
                    from_server,
                    to_client,
                    state.clone(),
                    counted.clone(),
                    number,
                    is_unanswered,
                ));
            }
        });
        Self { address, traffic, connections }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there have been.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.connections.opened.load(Ordering::SeqCst)
    }

    /// Whatever is sent on connections that are open now vanishes, as where a firewall forgot them; new ones pass.
    pub fn silence_open(&self) {
        self.connections.silent.store(self.opened(), Ordering::SeqCst);
    }

    /// On connections that are open now what the client sends passes; they are closed when an answer comes. New ones
    /// pass.
    pub fn lose_answers_of_open(&self) {
        self.connections.unanswered.store(self.opened(), Ordering::SeqCst);
    }

    /// From now on, for open connections too. What vanished does not come back.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    traffic: watch::Receiver<Traffic>,
    connections: Arc<Connections>,
    number: usize,
    is_closed_instead: impl Fn() -> bool,
) {
    let (mut buffer, mut has_vanished) = ([0; 4096], false);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if is_closed_instead() {
            break;
        }
        let now = *traffic.borrow();
        if let Traffic::Delayed(delay) = now {
            tokio::time::sleep(delay).await;
        }
        // A stream with a gap would be garbage; a real one stalls for good.
        let is_silent = number < connections.silent.load(Ordering::SeqCst);
        has_vanished |= now == Traffic::Vanishes || is_silent;
        if !has_vanished && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
