//! A network with a distance: a TCP relay on loopback that holds every byte back for half a round trip.
//!
//! A connection's first bytes are held back for one whole round trip more, since the relay accepts at once where a
//! distant server's handshake would have taken that long. TLS passes through untouched.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

/// Relays to an address from a port of its own, which is returned; it goes on until the process ends.
pub(crate) fn relay(to: SocketAddr, round_trip: Duration) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // A server that refuses is seen by the client as a connection that closes.
            let _ = TcpStream::connect(to).and_then(|far| join(near, far, round_trip));
        }
    });
    Ok(port)
}

fn join(near: TcpStream, far: TcpStream, round_trip: Duration) -> std::io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let half = round_trip / 2;
    carry(near.try_clone()?, far.try_clone()?, half, round_trip);
    carry(far, near, half, Duration::ZERO);
    Ok(())
}

/// Carries bytes one way: what is read now is written when its time has come, and reading never waits for writing.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration, handshake: Duration) {
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
