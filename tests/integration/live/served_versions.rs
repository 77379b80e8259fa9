//! Custom resources that can be read in only one of the served versions.

use anyhow::Result;

use super::{check, codes};
use crate::{
    bed::{self, Line, Stack},
    tool::{roots, states},
};

async fn with_a_dead_webhook(stored: &'static str) -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).stored_as(stored).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    stack.break_conversion().await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "stored as {stored}");
    assert_eq!(roots(&report).first().map(String::as_str), Some("conversion-webhook-down"));
    assert!(!codes(&report).contains(&"observation-missing"));
    Ok(())
}

#[tokio::test]
async fn new_objects_are_read_in_the_new_version() -> Result<()> {
    with_a_dead_webhook("v1alpha2").await
}

#[tokio::test]
async fn old_objects_are_read_in_the_old_version() -> Result<()> {
    with_a_dead_webhook("v1alpha1").await
}
