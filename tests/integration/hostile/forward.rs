//! An address before the API server that injects faults into port-forwards, and lets everything else through.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional,
    },
    net::{TcpListener, TcpStream},
};

use crate::{
    bed::Cluster,
    live::{doorway::Doorway, test_parts::gate::Upstream},
};

/// What becomes of a port-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    /// It works.
    Works,
    /// It is opened, and then nothing comes.
    Silent,
    /// It is opened, and then closed.
    Closes,
    /// It is opened, and then what comes is no WebSocket frame.
    Garbage,
    /// It is opened, and then frames of channels come that do not exist.
    WrongChannel,
    /// It is opened, and the kubelet says this of the monitor's port.
    KubeletSays(&'static str),
    /// This is answered instead.
    Answers(&'static str),
}

/// Open until dropped.
pub(super) struct FaultProxy {
    pub(super) kubeconfig: PathBuf,
    _doorway: Doorway,
}

impl FaultProxy {
    pub(super) fn open(cluster: &Cluster, user: &str, fault: Forward) -> Result<Self> {
        let upstream = std::sync::Arc::new(Upstream::of(cluster, user)?);
        let doorway = Doorway::open(cluster, async move |listener: TcpListener| {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    // Whoever is gone is no fault of the test's.
                    let _ = serve(stream, &upstream, fault).await;
                });
            }
        })?;
        Ok(Self {
            kubeconfig: doorway.kubeconfig.clone(),
            _doorway: doorway,
        })
    }
}

/// One request: each has a connection of its own, on both sides.
async fn serve(stream: TcpStream, upstream: &Upstream, fault: Forward) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, upgrade) = head(&mut stream).await?;
    head.push(upstream.authorization());
    if !upgrade {
        head.push("Connection: close".into());
    }
    if let (true, Forward::Answers(words)) = (upgrade, fault) {
        stream.write_all(words.as_bytes()).await?;
        return Ok(stream.shutdown().await?);
    }
    let mut server = BufReader::new(upstream.connect().await?);
    let text = head.join("\r\n") + "\r\n\r\n";
    server.write_all(text.as_bytes()).await?;
    if !upgrade || fault == Forward::Works {
        copy_bidirectional(&mut stream, &mut server).await?;
        return Ok(());
    }
    let (answer, _) = self::head(&mut server).await?;
    stream
        .write_all((answer.join("\r\n") + "\r\n\r\n").as_bytes())
        .await?;
    match fault {
        Forward::Closes => {}
        Forward::Garbage => stream.write_all(&[b'?'; 4096]).await?,
        Forward::WrongChannel => stream.write_all(&frame(200, b"what")).await?,
        Forward::KubeletSays(words) => {
            // The first frame of each channel has the port's number.
            for (channel, port) in [(0, 8222_u16), (1, 8222), (2, 4222), (3, 4222)] {
                stream
                    .write_all(&frame(channel, &port.to_le_bytes()))
                    .await?;
            }
            stream.write_all(&frame(1, words.as_bytes())).await?;
            std::future::pending::<()>().await;
        }
        _ => {
            // It reads whatever comes, so that nothing looks broken from outside.
            let mut sink = [0; 4096];
            while stream.read(&mut sink).await? > 0 {}
        }
    }
    Ok(stream.shutdown().await?)
}

/// The lines of a head, and whether it asks for an upgrade.
async fn head<S: tokio::io::AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
) -> Result<(Vec<String>, bool)> {
    let mut lines = Vec::new();
    let mut upgrade = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            bail!("no request");
        }
        let line = line.trim_end().to_owned();
        upgrade |= line.to_lowercase().starts_with("upgrade:");
        if line.is_empty() {
            return Ok((lines, upgrade));
        }
        lines.push(line);
    }
}

/// A binary WebSocket frame of a channel, as a server sends it.
fn frame(channel: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 1).expect("a short payload");
    let mut frame = vec![0x82, 126];
    frame.extend(length.to_be_bytes());
    frame.push(channel);
    frame.extend(payload);
    frame
}
