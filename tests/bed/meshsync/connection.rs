//! The connection to the broker.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use async_nats::{Client, ConnectOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time;

/// How long to retry reaching the broker's monitor.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Connects as `meshsync` when the broker's monitor answers, from this address if it is given. The real MeshSync also
/// waits for the monitor.
pub(crate) async fn connect(url: &str, source: Option<Ipv4Addr>) -> Result<Client> {
    let rest = url.strip_prefix("nats://").unwrap_or(url);
    let (token, endpoint) = match rest.rsplit_once('@') {
        Some((token, endpoint)) => (Some(token), endpoint),
        None => (None, rest),
    };
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let start = Instant::now();
    while let Err(error) =
        time::timeout(Duration::from_secs(5), query_monitor(host)).await.map_err(Into::into).and_then(|answer| answer)
    {
        eprintln!("meshsync: the monitor of {host} does not answer: {error:#}");
        if start.elapsed() > TIMEOUT {
            bail!("the broker's monitor did not answer for {TIMEOUT:?}");
        }
        time::sleep(Duration::from_secs(1)).await;
    }
    let mut options = ConnectOptions::new()
        .name("meshsync")
        .max_reconnects(60)
        // The callback is also called for the first attempt, which must not wait.
        .reconnect_delay_callback(|attempt| Duration::from_secs(if attempt > 1 { 2 } else { 0 }));
    if let Some(token) = token {
        options = options.token(token.to_owned());
    }
    if let Some(source) = source {
        options = options.local_address(SocketAddr::from((source, 0)));
    }
    options.connect(format!("nats://{endpoint}")).await.with_context(|| format!("cannot connect to {endpoint}"))
}

async fn query_monitor(host: &str) -> Result<()> {
    let mut stream = TcpStream::connect(format!("{host}:8222")).await?;
    stream.write_all(b"GET /connz HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.split(' ').nth(1) == Some("200"), "the monitor answered {:?}", answer.lines().next());
    Ok(())
}
