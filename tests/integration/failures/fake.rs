//! Fake servers on loopback that do not behave as the client expects. Each runs in its own threads.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The response of an API server to an unknown user.
pub(super) const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\
     Content-Length: 65\r\n\r\n\
     {\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":401}";

/// A server. It stops listening on drop.
pub(super) struct Fake {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Receives one message for each connection.
    connections: mpsc::Receiver<()>,
    /// Every byte received.
    bytes: Arc<Mutex<Vec<u8>>>,
}

type Serve = dyn Fn(TcpStream, &Mutex<Vec<u8>>) + Send + Sync;

impl Fake {
    fn start(address: (IpAddr, u16), serve: impl Fn(TcpStream, &Mutex<Vec<u8>>) + Send + Sync + 'static) -> Self {
        let listener = bind(address);
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, connections) = mpsc::channel();
        let serve: Arc<Serve> = Arc::new(serve);
        let thread = {
            let (stop, bytes) = (stop.clone(), bytes.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let _ = sender.send(());
                    let (serve, bytes) = (serve.clone(), bytes.clone());
                    std::thread::spawn(move || serve(stream, &bytes));
                }
            })
        };
        Self { address, stop, thread: Some(thread), connections, bytes }
    }

    fn on_free_port(serve: impl Fn(TcpStream, &Mutex<Vec<u8>>) + Send + Sync + 'static) -> Self {
        Self::start((Ipv4Addr::LOCALHOST.into(), 0), serve)
    }

    /// Accepts connections, reads, and never answers.
    pub(super) fn silent() -> Self {
        Self::on_free_port(|mut stream, bytes| record(&mut stream, bytes))
    }

    /// An API server that rejects every user and records what it receives.
    pub(super) fn rejecting_everyone() -> Self {
        Self::on_free_port(|mut stream, bytes| {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
                if stream.write_all(UNAUTHORIZED.as_bytes()).is_err() {
                    return;
                }
            }
        })
    }

    /// Answers every HTTP request with this response.
    pub(super) fn http(response: &'static str) -> Self {
        Self::on_free_port(move |mut stream, _| respond(&mut stream, response))
    }

    /// Answers every HTTP request at this address with a JSON document.
    pub(super) fn json_at(address: impl Into<IpAddr>, port: u16, json: &str) -> Self {
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        Self::start((address.into(), port), move |mut stream, _| {
            respond(&mut stream, &response);
        })
    }

    /// Answers every HTTP request over TLS with this response. The certificate and its key are in PEM.
    pub(super) fn https(certificate: &str, key: &str, response: &'static str) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
            .expect("a certificate that can be served");
        let config = Arc::new(config);
        Self::on_free_port(move |stream, _| {
            if let Ok(connection) = ServerConnection::new(config.clone()) {
                respond(&mut StreamOwned::new(connection, stream), response);
            }
        })
    }

    /// Sends this text first, whatever it receives, and records what it receives.
    pub(super) fn speaker(address: impl Into<IpAddr>, port: u16, words: impl Into<String>) -> Self {
        let words = words.into();
        Self::start((address.into(), port), move |mut stream, bytes| {
            if stream.write_all(words.as_bytes()).is_ok() {
                record(&mut stream, bytes);
            }
        })
    }

    /// `host:port`.
    pub(super) fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Waits for a connection.
    pub(super) fn wait_for_connection(&self) {
        self.connections.recv_timeout(Duration::from_secs(30)).expect("a connection");
    }

    /// The number of connections since the last call.
    pub(super) fn connection_count(&self) -> usize {
        self.connections.try_iter().count()
    }

    /// Everything received so far.
    pub(super) fn received(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Listens on this address. A process that another test is starting holds a copy of every socket until it executes its
/// program, so an address that was just given up may be in use for another moment.
fn bind(address: (IpAddr, u16)) -> TcpListener {
    for _ in 0..250 {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => std::thread::sleep(Duration::from_millis(20)),
            result => return result.expect("a port"),
        }
    }
    panic!("{address:?} stays in use");
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener so that it ends.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A loopback port on which nothing listens.
pub(super) fn refused_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn record(stream: &mut TcpStream, bytes: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
    }
}

/// Reads a request's head, answers, and keeps reading. An unread byte would turn the answer into a connection reset.
fn respond(stream: &mut (impl Read + Write), response: &str) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        head.extend_from_slice(&buffer[..length]);
        if head.windows(4).any(|window| window == b"\r\n\r\n") {
            head.clear();
            if stream.write_all(response.as_bytes()).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }
}
