//! Waiting for something to become true, with a deadline and a sentence when it does not.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often things are looked at.
pub const STEP: Duration = Duration::from_millis(50);

/// Asks until the answer has stayed the same for this time.
pub async fn until_still<T, F>(what: &str, still: Duration, limit: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    T: PartialEq,
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    let mut last = ask().await?;
    let mut since = Instant::now();
    loop {
        tokio::time::sleep(STEP).await;
        let now = ask().await?;
        if now != last {
            last = now;
            since = Instant::now();
        } else if since.elapsed() > still {
            return Ok(last);
        }
        if start.elapsed() > limit {
            bail!("waited {} s for {what}", limit.as_secs());
        }
    }
}

/// Asks until there is an answer.
pub async fn until<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("waited {} s for {what}", limit.as_secs());
        }
        tokio::time::sleep(STEP).await;
    }
}
