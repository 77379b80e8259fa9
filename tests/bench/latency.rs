//! A network with latency: a TCP relay on loopback that delays every byte by half a round trip.
//!
//! The first bytes of a connection are delayed by one more round trip, because the relay accepts immediately, while the
//! TCP handshake with a remote server takes that long. TLS passes through unchanged.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Relays connections to an address until the process ends, and returns the port of the relay.
pub(crate) fn relay(to: SocketAddr, round_trip: Duration) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // If the server refuses the connection, the client's connection is closed.
            let _ = TcpStream::connect(to).and_then(|server| connect(client, server, round_trip));
        }
    });
    Ok(port)
}

fn connect(client: TcpStream, server: TcpStream, round_trip: Duration) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let half = round_trip / 2;
    copy(client.try_clone()?, server.try_clone()?, half, round_trip);
    copy(server, client, half, Duration::ZERO);
    Ok(())
}

/// Copies bytes in one direction with a delay. Reading never waits for writing.
fn copy(mut from: TcpStream, mut to: TcpStream, delay: Duration, handshake: Duration) {
    let (send, receive) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut extra = handshake;
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay + std::mem::take(&mut extra);
            if send.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receive {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
