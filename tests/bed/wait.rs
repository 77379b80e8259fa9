//! Waits for a condition, with a timeout and a message.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The polling interval.
pub const STEP: Duration = Duration::from_millis(50);

/// Polls until the result has not changed for this time.
pub async fn until_stable<T, F>(what: &str, stable: Duration, limit: Duration, mut poll: impl FnMut() -> F) -> Result<T>
where
    T: PartialEq,
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    let mut last = poll().await?;
    let mut since = Instant::now();
    loop {
        tokio::time::sleep(STEP).await;
        let now = poll().await?;
        if now != last {
            last = now;
            since = Instant::now();
        } else if since.elapsed() > stable {
            return Ok(last);
        }
        if start.elapsed() > limit {
            bail!("timed out after {} s waiting for {what}", limit.as_secs());
        }
    }
}

/// Polls until there is a result.
pub async fn until<T, F>(what: &str, limit: Duration, mut poll: impl FnMut() -> F) -> Result<T>
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
        tokio::time::sleep(STEP).await;
    }
}
