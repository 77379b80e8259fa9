//! Free ports, and the loopback addresses of one cluster.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

/// Finds free TCP ports on the loopback address, all different. Another process may take one before it is used, so a
/// failed start should be retried.
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

/// Whether something accepts connections on this address and port.
pub fn is_listening(address: Ipv4Addr, port: u16) -> bool {
    TcpStream::connect_timeout(&(address, port).into(), Duration::from_millis(200)).is_ok()
}

/// The loopback address from which the program of a pod connects. Two pods seldom have the same one, as in a real
/// cluster.
pub fn address_of_pod() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    Ipv4Addr::new(127, 0, 1, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The 256 loopback addresses of one cluster: Services get their cluster IPs from this range, and broker servers listen
/// on it.
///
/// The range is derived from the API server's port, which is unique among the clusters that run on a machine.
#[derive(Debug)]
pub struct Addresses {
    high: u8,
    low: u8,
    next: AtomicU8,
}

impl Addresses {
    /// The range for an API server's port.
    pub fn of_port(port: u16) -> Self {
        let [high, low] = port.to_be_bytes();
        Self { high, low, next: AtomicU8::new(0) }
    }

    /// The range in the notation of `--service-cluster-ip-range`.
    pub fn cidr(&self) -> String {
        format!("127.{}.{}.0/24", self.high, self.low)
    }

    /// An address that is not the cluster IP of a Service. It is one of the lowest, which Kubernetes does not assign
    /// automatically (of 256 addresses, the first 16). The addresses are reused in turn.
    pub fn spare(&self) -> Ipv4Addr {
        let last = 2 + self.next.fetch_add(1, Ordering::Relaxed) % 14;
        Ipv4Addr::new(127, self.high, self.low, last)
    }
}
