//! Accepts connections, within limits.
//!
//! A connection beyond the limits is closed at once. Errors of `accept` are not
//! passed on: out of descriptors it fails again immediately, and retrying without
//! a pause would burn a core. May import: nothing of ours.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Counts of open connections.
#[derive(Debug)]
struct Places {
    open: Mutex<Open>,
    total: usize,
    per_address: usize,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Places {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = client(address);
        let mut open = self.open.lock();
        let here = open.by_address.get(&address).copied().unwrap_or(0);
        let crowded = here >= self.per_address && !address.is_loopback();
        if crowded || open.total >= self.total {
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, here + 1);
        Some(Place { places: Arc::clone(self), address })
    }
}

/// The part of an address that stands for one client: with IPv6 a client owns at
/// least a /64.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    }
}

/// Held while a connection is open.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// The connections of a listener: at most `total` at a time, and `per_address`
/// from one address unless it is loopback.
pub(super) fn connections(
    listener: TcpListener,
    total: usize,
    per_address: usize,
) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Places { open: Mutex::default(), total, per_address });
    stream::unfold((listener, places), |(listener, places)| async move {
        loop {
            match accept(&listener, &places).await {
                Ok(Some(connection)) => return Some((Ok(connection), (listener, places))),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}

async fn accept(listener: &TcpListener, places: &Arc<Places>) -> io::Result<Option<Connection>> {
    let (tcp, remote) = listener.accept().await?;
    let Some(place) = places.enter(remote.ip()) else {
        tracing::debug!("connection closed: too many are open");
        return Ok(None);
    };
    // Answers are small: waiting to fill a packet would only delay them.
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "connection closed: it is gone already");
        return Ok(None);
    }
    Ok(Some(Connection { tcp, remote, _place: place }))
}

/// One accepted connection; its place is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    tcp: TcpStream,
    remote: SocketAddr,
    _place: Place,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;
    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.tcp.local_addr().ok(), remote_addr: Some(self.remote) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(context, parts)
    }
    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let places = Arc::new(Places { open: Mutex::default(), total: 4, per_address: 2 });
        let enter = |address: &str| places.enter(address.parse().unwrap());
        let first = enter("192.0.2.1");
        let second = enter("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none(), "one address, two places");
        let third = enter("2001:db8::1");
        let fourth = enter("2001:db8::2");
        assert!(third.is_some() && fourth.is_some());
        assert!(enter("192.0.2.2").is_none(), "four places in all");
        drop(fourth);
        assert!(enter("192.0.2.2").is_some());
        drop((first, second, third));
        assert!(places.open.lock().by_address.is_empty());
        let _local: Vec<_> = (0..4).map(|_| enter("127.0.0.1").unwrap()).collect();
        assert!(enter("127.0.0.1").is_none(), "loopback has no share of its own but the total holds");
    }
}
