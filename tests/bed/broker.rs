//! A real nats-server that runs for a broker pod.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::cluster::Cluster;
use super::network;
use super::process::Process;
use super::programs;

/// A nats-server on a loopback address, with client port 4222 and monitor port 8222; killed on drop.
#[derive(Debug)]
pub struct Broker {
    /// The name of the pod, or another name if the server belongs to no pod.
    pub name: String,
    /// The address on which it listens.
    pub address: Ipv4Addr,
    /// The token that clients must present.
    pub token: Option<String>,
    process: Process,
}

/// Idle client connections; closed on drop.
#[derive(Debug)]
pub struct IdleConnections {
    _connections: Vec<BufReader<TcpStream>>,
}

impl Broker {
    /// Starts a server and waits until both ports accept connections.
    pub async fn start(cluster: &Cluster, name: &str, address: Ipv4Addr, token: Option<&str>) -> Result<Self> {
        let monitor = ["-m".to_owned(), "8222".to_owned()];
        Self::launch(cluster, name, address, token, &monitor).await
    }

    /// Starts a server with further settings, given as the text of a configuration file.
    pub async fn with_config(
        cluster: &Cluster,
        name: &str,
        address: Ipv4Addr,
        token: Option<&str>,
        config: &str,
    ) -> Result<Self> {
        let file = cluster.file(&format!("nats-{address}.conf"));
        std::fs::write(&file, config)?;
        let file = file.to_string_lossy().into_owned();
        let more = ["-m".to_owned(), "8222".to_owned(), "-c".to_owned(), file];
        Self::launch(cluster, name, address, token, &more).await
    }

    /// Starts a server without a monitor port.
    pub async fn without_monitor(
        cluster: &Cluster,
        name: &str,
        address: Ipv4Addr,
        token: Option<&str>,
    ) -> Result<Self> {
        Self::launch(cluster, name, address, token, &[]).await
    }

    async fn launch(
        cluster: &Cluster,
        name: &str,
        address: Ipv4Addr,
        token: Option<&str>,
        more: &[String],
    ) -> Result<Self> {
        let monitored = !more.is_empty();
        let mut args = vec!["-a".to_owned(), address.to_string(), "-p".into(), "4222".into()];
        args.extend_from_slice(more);
        args.extend(["-n".to_owned(), name.to_owned()]);
        if let Some(token) = token {
            args.extend(["--auth".to_owned(), token.to_owned()]);
        }
        let log = cluster.file(&format!("nats-{address}.log"));
        let process = Process::start("nats-server", &log, &programs::program("nats-server")?, &args, &[])?;
        let start = std::time::Instant::now();
        while !(network::is_listening(address, 4222) && (!monitored || network::is_listening(address, 8222))) {
            if process.exit_status().is_some() || start.elapsed() > Duration::from_secs(10) {
                bail!("nats-server does not listen on {address}; its log ends with:\n{}", process.log_tail(15));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Self { name: name.to_owned(), address, token: token.map(str::to_owned), process })
    }

    /// `host:port` of the client port.
    pub fn endpoint(&self) -> String {
        format!("{}:4222", self.address)
    }

    /// The URL that MeshSync gets, with the token.
    pub fn url(&self) -> String {
        self.url_with(self.token.as_deref())
    }

    /// The URL with another token.
    pub fn url_with(&self, token: Option<&str>) -> String {
        let login = token.map(|token| format!("{token}@")).unwrap_or_default();
        format!("nats://{login}{}", self.endpoint())
    }

    /// Connects a client named `bed`.
    pub async fn client(&self) -> Result<async_nats::Client> {
        let mut options = async_nats::ConnectOptions::new().name("bed");
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        let client = options.connect(self.endpoint()).await;
        client.with_context(|| format!("cannot connect to {}", self.endpoint()))
    }

    /// Subscribes to a subject; receives every message published from now on.
    pub async fn listen(&self, subject: &str) -> Result<async_nats::Subscriber> {
        let client = self.client().await?;
        let messages = client.subscribe(subject.to_owned()).await?;
        client.flush().await?;
        Ok(messages)
    }

    /// Whether the monitor lists a client with this name.
    pub async fn has_client(&self, client: &str) -> Result<bool> {
        let answer = self.connections("").await?;
        Ok(answer.contains(&format!("\"name\": \"{client}\"")))
    }

    /// Whether the monitor lists a client that subscribes to this subject.
    pub async fn has_subscriber(&self, subject: &str) -> Result<bool> {
        let answer = self.connections("&subs=1").await?;
        Ok(answer.contains(&format!("\"{subject}\"")))
    }

    async fn connections(&self, more: &str) -> Result<String> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect((self.address, 8222)).await?;
        let request = format!("GET /connz?limit=100000{more} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Kills the server: its ports refuse connections.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Pauses the server: its ports accept connections but nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.process.pause()
    }

    /// Starts lame duck mode: the server refuses new clients and disconnects the others, as a pod's preStop hook does.
    pub fn lame_duck(&self) -> Result<()> {
        self.process.signal("USR2")
    }

    /// Overflows the buffer of a client that does not read, until the server disconnects it as a slow consumer.
    pub fn overflow_slow_consumer(&self) -> Result<()> {
        let mut reader = self.connect_raw("reader")?;
        reader.get_mut().write_all(b"SUB flood 1\r\nPING\r\n")?;
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut writer = self.connect_raw("writer")?;
        writer.get_ref().set_read_timeout(Some(Duration::from_secs(30)))?;
        let size = 60_000;
        let message = format!("PUB flood {size}\r\n{}\r\n", "x".repeat(size));
        // Far more than the buffers of both sockets and the server together.
        for _ in 0..400 {
            writer.get_mut().write_all(message.as_bytes())?;
        }
        writer.get_mut().write_all(b"PING\r\n")?;
        line.clear();
        writer.read_line(&mut line)?;
        ensure!(line.starts_with("PONG"), "nats-server answered {line:?}");
        Ok(())
    }

    /// Resumes a paused server.
    pub fn resume(&self) -> Result<()> {
        self.process.resume()
    }

    /// Opens idle client connections with distinct names. Each uses a file descriptor of this process.
    pub fn open_idle_connections(&self, count: usize) -> Result<IdleConnections> {
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let connection = self.connect_raw(&format!("idle-{number}"));
            connections.push(connection.with_context(|| {
                format!("connection {number} of {count}; the limit on open files (ulimit -n) may be too low")
            })?);
        }
        Ok(IdleConnections { _connections: connections })
    }

    /// Opens a plain TCP connection and completes the NATS handshake.
    fn connect_raw(&self, name: &str) -> Result<BufReader<TcpStream>> {
        let mut stream = BufReader::new(TcpStream::connect((self.address, 4222))?);
        stream.get_ref().set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let mut hello = format!(r#"CONNECT {{"verbose":false,"name":"{name}","lang":"bed","version":"1""#);
        if let Some(token) = &self.token {
            write!(hello, r#","auth_token":"{token}""#)?;
        }
        hello.push_str("}\r\nPING\r\n");
        stream.get_mut().write_all(hello.as_bytes())?;
        line.clear();
        stream.read_line(&mut line)?;
        ensure!(line.starts_with("PONG"), "nats-server answered {line:?}");
        Ok(stream)
    }
}
