//! The publishing MeshSync's own tests. Where `MESHSYNC_BIN` is set, the real one has to pass those without faults.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bed::{self, Faults, Line, Stack};

#[tokio::test]
async fn it_is_ready_when_it_has_published_what_was_there() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let start = Instant::now();
    let publisher = stack.publishing(0, &Faults::default()).await?;
    println!(
        "MeshSync has published what was there after {:?}",
        start.elapsed()
    );
    assert_eq!(publisher.health("/healthz").await?, 200);
    assert_eq!(publisher.health("/readyz").await?, 200);
    assert!(stack.nats(0).lists("meshsync").await?);
    publisher.kill();
    assert!(publisher.health("/healthz").await.is_err());
    bed::until("the broker to notice", Duration::from_secs(5), || async {
        Ok((!stack.nats(0).lists("meshsync").await?).then_some(()))
    })
    .await
}
