//! A network that misbehaves.

use std::net::{Ipv4Addr, SocketAddr};
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
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(carry(from_client, to_server, state.clone()));
                tokio::spawn(carry(from_server, to_client, state.clone()));
            }
        });
        Self { address, traffic }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, for open connections too. What vanished does not come back.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, traffic: watch::Receiver<Traffic>) {
    let (mut buffer, mut has_vanished) = ([0; 4096], false);
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let now = *traffic.borrow();
        if let Traffic::Delayed(delay) = now {
            tokio::time::sleep(delay).await;
        }
        // A stream with a gap would be garbage; a real one stalls for good.
        has_vanished |= now == Traffic::Vanishes;
        if !has_vanished && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}
