//! Faults in port-forwards.

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{connections::Head, upstream::Upstream};

/// What happens to a port-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forward {
    /// It opens and then sends nothing.
    Silent,
    /// It opens and then closes.
    Closes,
    /// It opens and then sends bytes that are not WebSocket frames.
    Garbage,
    /// It opens and then sends frames of channels that do not exist.
    WrongChannel,
    /// It opens and the kubelet reports this error for the monitor port.
    KubeletSays(&'static str),
    /// The proxy sends this response instead.
    Answers(&'static str),
}

pub(super) async fn serve(
    mut stream: BufReader<TcpStream>,
    upstream: &Upstream,
    head: &Head,
    fault: Forward,
) -> Result<()> {
    if let Forward::Answers(words) = fault {
        stream.write_all(words.as_bytes()).await?;
        return Ok(stream.shutdown().await?);
    }
    let mut server = BufReader::new(upstream.connect().await?);
    server.write_all(head.text().as_bytes()).await?;
    let answer = Head::read(&mut server).await?;
    stream.write_all(answer.text().as_bytes()).await?;
    match fault {
        Forward::Closes | Forward::Answers(_) => {}
        Forward::Garbage => stream.write_all(&[b'?'; 4096]).await?,
        Forward::WrongChannel => stream.write_all(&frame(200, b"what")).await?,
        Forward::KubeletSays(words) => {
            // The first frame of each channel contains the port number.
            for (channel, port) in [(0, 8222_u16), (1, 8222), (2, 4222), (3, 4222)] {
                stream.write_all(&frame(channel, &port.to_le_bytes())).await?;
            }
            stream.write_all(&frame(1, words.as_bytes())).await?;
            std::future::pending::<()>().await;
        }
        Forward::Silent => {
            // It reads everything, so that nothing looks broken from outside.
            let mut sink = [0; 4096];
            while stream.read(&mut sink).await? > 0 {}
        }
    }
    Ok(stream.shutdown().await?)
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
