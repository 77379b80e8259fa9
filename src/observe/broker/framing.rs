//! Passes on what a NATS server sends, within limits. The client library accepts lines and messages of any size.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter,
};

use crate::stack::base::limits;

/// Copies what a server sends until the connection ends or breaks the protocol. A message above the limit is dropped
/// and counted.
pub(crate) async fn copy<R, W>(from: R, to: W, lost: &Arc<AtomicU64>) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut from = BufReader::new(from);
    let mut to = BufWriter::new(to);
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.buffer().is_empty() {
            to.flush().await?;
        }
        let length = (&mut from).take(limits::NATS_LINE as u64).read_until(b'\n', &mut line).await?;
        if length == 0 {
            return to.flush().await;
        }
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match payload(&line)? {
            None => to.write_all(&line).await?,
            Some(size) => {
                // A payload is followed by a line end.
                let rest = size as u64 + 2;
                if size > limits::MESSAGE {
                    lost.fetch_add(1, Ordering::Relaxed);
                    pass(&mut from, &mut tokio::io::sink(), rest).await?;
                } else {
                    to.write_all(&line).await?;
                    pass(&mut from, &mut to, rest).await?;
                }
            }
        }
    }
}

async fn pass<R, W>(from: &mut R, to: &mut W, length: u64) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let passed = tokio::io::copy_buf(&mut from.take(length), to).await?;
    if passed < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// The number of payload bytes after a line. `None` if there is no payload.
fn payload(line: &[u8]) -> io::Result<Option<usize>> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let line = std::str::from_utf8(line).map_err(|_| malformed())?;
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        // MSG subject sid [reply] size, and HMSG subject sid [reply] headers size.
        Some(verb) if verb.eq_ignore_ascii_case("MSG") || verb.eq_ignore_ascii_case("HMSG") => {
            let size = words.last().and_then(|word| word.parse().ok());
            size.map(Some).ok_or_else(malformed)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn copied(sent: &[u8]) -> (Vec<u8>, io::Result<()>, u64) {
        let lost = Arc::new(AtomicU64::new(0));
        let mut out = Vec::new();
        let result = copy(sent, &mut out, &lost).await;
        (out, result, lost.load(Ordering::Relaxed))
    }

    fn run(sent: &[u8]) -> (Vec<u8>, io::Result<()>, u64) {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .map(|runtime| runtime.block_on(copied(sent)))
            .expect("a runtime")
    }

    #[test]
    fn messages_within_the_limits_pass_unchanged() {
        let sent = b"PING\r\nMSG a 1 5\r\nPING\n\r\n+OK\r\nHMSG a 1 b 3 7\r\n\r\n\r\nabc\r\n-ERR 'no'\r\n";
        let (out, result, lost) = run(sent);
        assert!(result.is_ok());
        assert_eq!((out.as_slice(), lost), (&sent[..], 0));
    }

    #[test]
    fn oversized_message_is_dropped_and_counted() {
        let size = limits::MESSAGE + 1;
        let mut sent = format!("MSG a 1 {size}\r\n").into_bytes();
        sent.extend(std::iter::repeat_n(b'x', size));
        sent.extend(b"\r\nMSG a 1 2\r\nok\r\n");
        let (out, result, lost) = run(&sent);
        assert!(result.is_ok());
        assert_eq!((out.as_slice(), lost), (&b"MSG a 1 2\r\nok\r\n"[..], 1));
    }

    #[test]
    fn endless_line_or_malformed_message_ends_the_connection() {
        assert!(run(&vec![b'x'; limits::NATS_LINE + 1]).1.is_err());
        assert!(run(b"MSG a 1 many\r\n").1.is_err());
        assert!(run(b"MSG a 1 5\r\nabc").1.is_err());
    }
}
