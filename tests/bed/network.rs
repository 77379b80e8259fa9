//! Free ports, and the loopback addresses that belong to one cluster.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

/// Free TCP ports on the loopback address, all different. Another process may take one before it is used, so a start
/// that fails is worth repeating.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback address")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Whether something accepts connections there.
pub fn answers(address: Ipv4Addr, port: u16) -> bool {
    TcpStream::connect_timeout(&(address, port).into(), Duration::from_millis(200)).is_ok()
}

/// The 256 loopback addresses of one cluster: Services get theirs from here, and brokers listen on them.
///
/// The range is spelt by the API server's port, of which no two clusters of a machine have the same at a time.
#[derive(Debug)]
pub struct Addresses {
    high: u8,
    low: u8,
    next: AtomicU8,
}

impl Addresses {
    /// The range that goes with an API server's port.
    pub fn of_port(port: u16) -> Self {
        let [high, low] = port.to_be_bytes();
        Self { high, low, next: AtomicU8::new(0) }
    }

    /// In the notation of `--service-cluster-ip-range`.
    pub fn cidr(&self) -> String {
        format!("127.{}.{}.0/24", self.high, self.low)
    }

    /// An address for a broker that is not behind a Service's own. They come from the low end, which Kubernetes leaves
    /// for addresses that are asked for by name (of 256 addresses, the first 16), and come round again.
    pub fn spare(&self) -> Ipv4Addr {
        let last = 2 + self.next.fetch_add(1, Ordering::Relaxed) % 14;
        Ipv4Addr::new(127, self.high, self.low, last)
    }
}
