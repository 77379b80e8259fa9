//! A small HTTP server whose responses are written byte by byte, so that it can break every rule.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// One request.
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// The headers, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The number of earlier requests with this method and path, whatever the query.
    pub(crate) before: usize,
}

impl Request {
    /// The value of a header, whose name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Writes the response to a request. An error ends the connection.
pub(crate) type Answer = fn(&Request, &mut dyn Write) -> io::Result<()>;

/// A server. It stops listening on drop.
pub(crate) struct Peer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    requests: Arc<Mutex<HashMap<String, usize>>>,
}

impl Peer {
    pub(crate) fn start(answer: impl Fn(&Request, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let counts = requests.clone();
        Self::accepting(requests, move |stream| {
            let _ = serve(&stream, &answer, &counts);
        })
    }

    /// A server that does not speak HTTP. The connection ends when `serve` returns.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::accepting(Arc::default(), serve)
    }

    fn accepting(
        requests: Arc<Mutex<HashMap<String, usize>>>,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let serve = Arc::new(serve);
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A client that is gone ends the thread.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
                let _ = stream.set_nodelay(true);
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, stop, thread: Some(thread), requests }
    }

    /// `127.0.0.1:port`.
    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The number of requests with a method and path, such as `GET /version`.
    pub(crate) fn requests(&self, what: &str) -> usize {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.get(what).copied().unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener so that it ends.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    stream: &TcpStream,
    answer: &impl Fn(&Request, &mut dyn Write) -> io::Result<()>,
    requests: &Mutex<HashMap<String, usize>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(mut request) = read(&mut reader)? {
        {
            let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
            let count = requests.entry(format!("{} {}", request.method, request.path)).or_default();
            request.before = *count;
            *count += 1;
        }
        answer(&request, &mut writer)?;
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut length = 0;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Request { method, path, query, headers, body, before: 0 }))
}

/// Writes a complete response.
pub(crate) fn respond(
    to: &mut dyn Write,
    status: u16,
    kind: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
) -> io::Result<()> {
    let body = body.as_ref();
    let head =
        format!("HTTP/1.1 {status} Some\r\nContent-Type: {kind}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    to.write_all(&[head.as_bytes(), body].concat())
}

/// Writes a response as an API server does.
pub(crate) fn json(to: &mut dyn Write, status: u16, body: &str) -> io::Result<()> {
    respond(to, status, "application/json", "", body)
}

/// A Kubernetes `Status`.
pub(crate) fn status(code: u16, message: &str) -> String {
    serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": message, "code": code,
    })
    .to_string()
}

/// Ends the connection.
pub(crate) fn hang_up() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionAborted.into())
}
