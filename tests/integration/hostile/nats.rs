//! A NATS server that injects faults on its client port and its monitor port.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::bed;

/// The server id that the monitor and an honest client port report.
const ID: &str = "NHOSTILE";

/// The behavior of the client port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientPort {
    /// It behaves like a NATS server.
    Honest,
    /// Nothing listens.
    Refused,
    /// It accepts connections and sends nothing.
    Silent,
    /// It accepts connections and closes them at once.
    Closes,
    /// It sends this first and then nothing.
    Says(&'static str),
    /// It sends one endless line.
    EndlessLine,
    /// It greets with the id of another server.
    OtherServer,
    /// It greets and then sends nothing.
    GreetsOnly,
    /// It answers the token with this.
    Refuses(&'static str),
    /// Once a client subscribes, it sends as many messages of this size as it can.
    Floods(usize),
}

/// The behavior of the monitor port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Monitor {
    /// It behaves like the monitor of a NATS server.
    Honest,
    /// Nothing listens.
    Refused,
    /// It accepts connections and sends nothing.
    Silent,
    /// It accepts connections and closes them at once.
    Closes,
    /// It answers every request with this.
    Says(&'static str),
    /// Every answer is late.
    Late,
    /// Its response to `/varz` never ends.
    EndlessVarz,
    /// Its response to `/connz` never ends.
    EndlessConnz,
    /// It reports more connections than it delivers.
    ShortTotal,
    /// Every page says that there are more pages.
    EndlessPages,
    /// Every page is slow.
    SlowPages,
    /// It has this many clients.
    Crowd(usize),
    /// Its clients have large names and subjects.
    LargeNames,
}

/// The server. It runs until dropped.
pub(super) struct FaultBroker {
    ports: Vec<Port>,
    received: Arc<Mutex<Vec<u8>>>,
}

struct Port {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FaultBroker {
    pub(super) fn start(address: Ipv4Addr, client: ClientPort, monitor: Monitor) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let mut ports = Vec::new();
        if client != ClientPort::Refused {
            let received = received.clone();
            ports.push(Port::open((address, 4222), move |stream| {
                // A client that is gone does not fail the test.
                let _ = serve_client(stream, client, &received);
            }));
        }
        if monitor != Monitor::Refused {
            ports.push(Port::open((address, 8222), move |stream| {
                let _ = serve_monitor(stream, monitor);
            }));
        }
        Self { ports, received }
    }

    /// Everything received on the client port.
    pub(super) fn received(&self) -> String {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&received).into_owned()
    }
}

impl Port {
    fn open(address: (Ipv4Addr, u16), serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

/// Listens as soon as the port is free. A process that another test is starting has a copy of every listener of this
/// process until it runs its own program.
fn listen(address: (Ipv4Addr, u16)) -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            listener => return listener.expect("a port"),
        }
    }
}

impl Drop for FaultBroker {
    fn drop(&mut self) {
        for port in &mut self.ports {
            port.stop.store(true, Ordering::Relaxed);
            // Wakes the listener so that it ends.
            let _ = TcpStream::connect(port.address);
            if let Some(thread) = port.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

fn greeting(id: &str) -> String {
    format!(
        "INFO {{\"server_id\":\"{id}\",\"server_name\":\"meshery-nats-0\",\"version\":\"2.14.2\",\"proto\":1,\
         \"headers\":true,\"auth_required\":true,\"max_payload\":1048576}}\r\n"
    )
}

fn serve_client(mut stream: TcpStream, behavior: ClientPort, received: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let first = match behavior {
        ClientPort::Closes => return Ok(()),
        ClientPort::EndlessLine => loop {
            stream.write_all(&[b'x'; 16 * 1024])?;
        },
        ClientPort::Silent | ClientPort::Refused => String::new(),
        ClientPort::Says(words) => words.to_owned(),
        ClientPort::OtherServer => greeting("NSTRANGER"),
        _ => greeting(ID),
    };
    stream.write_all(first.as_bytes())?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut subscriptions: Vec<(String, String)> = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        received.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line.as_bytes());
        let words: Vec<&str> = line.split_whitespace().collect();
        match (behavior, words.as_slice()) {
            (ClientPort::Refuses(words), ["CONNECT", ..]) => stream.write_all(words.as_bytes())?,
            (ClientPort::Floods(size), ["SUB", subject, sid]) => {
                // In parts, to keep the memory of the test itself small.
                let part = vec![b'x'; size.min(64 * 1024)];
                loop {
                    stream.write_all(format!("MSG {subject} {sid} {size}\r\n").as_bytes())?;
                    for _ in 0..size / part.len() {
                        stream.write_all(&part)?;
                    }
                    stream.write_all(b"\r\n")?;
                }
            }
            (ClientPort::Honest | ClientPort::Floods(_), ["PING"]) => {
                stream.write_all(b"PONG\r\n")?;
            }
            (ClientPort::Honest, ["SUB", subject, sid]) => {
                subscriptions.push(((*subject).to_owned(), (*sid).to_owned()));
            }
            (_, ["PUB", subject, .., length]) => {
                let length: usize = length.parse().unwrap_or_default();
                let mut payload = vec![0; length + 2];
                lines.read_exact(&mut payload)?;
                for (of, sid) in &subscriptions {
                    if of == subject {
                        stream.write_all(format!("MSG {subject} {sid} {length}\r\n").as_bytes())?;
                        stream.write_all(&payload)?;
                    }
                }
            }
            _ => {}
        }
    }
}

fn varz() -> String {
    format!(
        "{{\"server_id\":\"{ID}\",\"server_name\":\"meshery-nats-0\",\"version\":\"2.14.2\",\"auth_required\":true,\
         \"connections\":1,\"port\":4221,\"max_connections\":65536,\"max_payload\":1048576,\"mem\":16000000}}"
    )
}

/// One connection in `/connz`.
fn connection(cid: usize, name: &str) -> String {
    format!(
        "{{\"cid\":{cid},\"name\":\"{name}\",\"ip\":\"127.0.0.1\",\"start\":\"{}\",\"subscriptions\":1,\
         \"subscriptions_list\":[\"meshery.meshsync.request\"]}}",
        bed::now_exactly()
    )
}

/// A page of `/connz`, as this behavior delivers it.
fn page(behavior: Monitor, offset: usize) -> String {
    let meshsync = connection(1, "meshsync");
    let (total, connections) = match (behavior, offset) {
        (Monitor::ShortTotal, 0) => (5000, meshsync),
        (Monitor::ShortTotal, _) => (5000, String::new()),
        (Monitor::EndlessPages | Monitor::SlowPages, 0) => (10, meshsync),
        (Monitor::EndlessPages | Monitor::SlowPages, _) => (offset + 10, connection(offset, "other")),
        (Monitor::Crowd(all), _) => {
            let name = |cid| if cid == 7 { "meshsync" } else { "other" };
            let model = connection(0, "@");
            let of_page: Vec<String> =
                (offset..all.min(offset + 1024)).map(|cid| model.replace('@', name(cid))).collect();
            (all, of_page.join(","))
        }
        (Monitor::LargeNames, 0) => {
            let long = "n".repeat(1 << 20);
            let large = connection(2, &long).replace("meshery.meshsync.request", &long);
            (2, format!("{meshsync},{large}"))
        }
        (_, 0) => (1, meshsync),
        _ => (1, String::new()),
    };
    format!("{{\"total\":{total},\"connections\":[{connections}]}}")
}

fn serve_monitor(mut stream: TcpStream, behavior: Monitor) -> std::io::Result<()> {
    if behavior == Monitor::Closes {
        return Ok(());
    }
    let mut lines = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            let path = rest.split_whitespace().next().unwrap_or_default();
            answer(&mut stream, behavior, path)?;
        }
    }
}

fn answer(stream: &mut TcpStream, behavior: Monitor, path: &str) -> std::io::Result<()> {
    let mut endless = || -> std::io::Result<()> {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n{\"a\":\"")?;
        loop {
            stream.write_all(&[b'x'; 16 * 1024])?;
        }
    };
    if behavior == Monitor::Late {
        std::thread::sleep(Duration::from_millis(300));
    }
    let is_varz = path.starts_with("/varz");
    let offset = path.split("offset=").nth(1).and_then(|offset| offset.parse().ok());
    let body = match (behavior, offset) {
        (Monitor::Silent, _) => return Ok(()),
        (Monitor::Says(words), _) => return stream.write_all(words.as_bytes()),
        (Monitor::EndlessVarz, _) if is_varz => return endless(),
        (Monitor::EndlessConnz, _) if !is_varz => return endless(),
        _ if is_varz => varz(),
        (_, Some(offset)) => {
            if behavior == Monitor::SlowPages && offset > 0 {
                std::thread::sleep(Duration::from_millis(700));
            }
            page(behavior, offset)
        }
        _ => "{\"total\":0,\"connections\":[]}".to_owned(),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
