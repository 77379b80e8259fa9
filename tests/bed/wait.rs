//! Waits for a condition, with a timeout and a message.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The polling interval.
pub const STEP: Duration = Duration::from_millis(50);

/// Polls until the result has not changed for this time. Polls only three times in it, because some polls read a whole
/// cluster.
pub async fn until_stable<T, F>(what: &str, stable: Duration, limit: Duration, mut poll: impl FnMut() -> F) -> Result<T>
where
    T: PartialEq,
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    let mut last = poll().await?;
    let mut since = Instant::now();
    loop {
        tokio::time::sleep(stable / 3).await;
        let now = poll().await?;
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() >= stable {
            return Ok(last);
        }
        if start.elapsed() > limit {
            bail!("timed out after {} s waiting for {what}", limit.as_secs());
        }
    }
}

/// Polls until there is a result.
pub async fn until<T, F>(what: &str, limit: Duration, poll: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    until_every(STEP, what, limit, poll).await
}

/// [`until`] with another pause, for a poll that takes much of the processor.
pub async fn until_every<T, F>(pause: Duration, what: &str, limit: Duration, mut poll: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = poll().await? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("timed out after {} s waiting for {what}", limit.as_secs());
        }
        tokio::time::sleep(pause).await;
    }
}
