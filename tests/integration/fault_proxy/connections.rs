//! The proxy's connections: one request each, on both sides.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use super::{Action, Fault, Moment, State, forward};

/// How long a write is delayed before it is forwarded.
const WRITE_DELAY: Duration = Duration::from_millis(700);

/// Accepts connections until the proxy shuts down.
pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut disconnect = state.disconnect.subscribe();
    loop {
        tokio::select! {
            Ok(()) = disconnect.changed() => {
                if matches!(state.fault, Fault::AtWrite(_, _, Action::ShutDown)) {
                    return;
                }
            }
            Ok((stream, _)) = listener.accept() => {
                let state = state.clone();
                let mut disconnect = state.disconnect.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = disconnect.changed() => {}
                        // A client that is gone does not fail the test.
                        _ = serve(stream, &state) => {}
                    }
                });
            }
        }
    }
}

/// The head of an HTTP message.
pub(super) struct Head {
    pub(super) lines: Vec<String>,
    length: usize,
    upgrade: bool,
}

impl Head {
    pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Result<Self> {
        let mut head = Self { lines: Vec::new(), length: 0, upgrade: false };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                bail!("the connection ended");
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(": ").unwrap_or_default();
            match name.to_lowercase().as_str() {
                "content-length" => head.length = value.parse()?,
                "upgrade" => head.upgrade = true,
                _ => {}
            }
            head.lines.push(line);
        }
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\r\n") + "\r\n\r\n"
    }

    /// Method and path of a request that changes something.
    fn write(&self) -> Option<String> {
        let line = self.lines.first()?;
        let reads = line.starts_with("GET ") || line.contains("dryRun=") || line.contains("reviews");
        let write = line.trim_end_matches(" HTTP/1.1").to_owned();
        (!reads && !self.upgrade).then_some(write)
    }
}

async fn serve(stream: TcpStream, state: &State) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Head::read(&mut stream).await?;
    let write = head.write();
    head.lines.push(state.upstream.authorization());
    if head.upgrade {
        if let Fault::Forwards(fault) = state.fault {
            return forward::serve(stream, &state.upstream, &head, fault).await;
        }
    } else {
        head.lines.push("Connection: close".into());
    }
    let mut body = vec![0; head.length];
    stream.read_exact(&mut body).await?;
    let number = write.map(|write| state.count(write));
    let mut fault = None;
    if let Fault::AtWrite(wanted, moment, action) = &state.fault {
        if matches!(action, Action::StopAnswering) && state.has_injected() {
            std::future::pending::<()>().await;
        }
        fault = (number == Some(*wanted)).then_some((*moment, action));
    }
    if let Some((Moment::Intercepted, action)) = fault {
        state.held.fetch_add(1, Ordering::SeqCst);
        let done = hold(stream, state, &head, &body, action).await;
        state.held.fetch_sub(1, Ordering::SeqCst);
        return done;
    }
    let mut server = BufReader::new(state.upstream.connect().await?);
    server.write_all(head.text().as_bytes()).await?;
    server.write_all(&body).await?;
    let Some((moment, action)) = fault else {
        copy_bidirectional(&mut stream, &mut server).await?;
        return Ok(());
    };
    let mut answer = Vec::new();
    // The server may close the connection without a TLS alert. That does not matter here.
    let _ = server.read_to_end(&mut answer).await;
    if moment == Moment::Answered {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        return state.inject(action).await;
    }
    state.inject(action).await?;
    if !matches!(action, Action::Meanwhile(_)) {
        std::future::pending::<()>().await;
    }
    stream.write_all(&answer).await?;
    Ok(stream.shutdown().await?)
}

/// Injects the fault and forwards the write after a delay.
async fn hold(
    mut stream: BufReader<TcpStream>,
    state: &State,
    head: &Head,
    body: &[u8],
    action: &Action,
) -> Result<()> {
    state.inject(action).await?;
    // This delay is the fault.
    tokio::time::sleep(match action {
        Action::Hold(time) => *time,
        _ => WRITE_DELAY,
    })
    .await;
    let mut server = state.upstream.connect().await?;
    server.write_all(head.text().as_bytes()).await?;
    server.write_all(body).await?;
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer).await;
    // The client may be gone. The write is made all the same.
    stream.write_all(&answer).await?;
    Ok(())
}
