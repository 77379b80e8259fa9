//! A healthy stack gives no alarm. A stack that ships with known faults gives exactly those.

use std::net::Ipv4Addr;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check};
use crate::bed::{self, Line, Stack};

/// The codes of all findings above severity `info`, sorted.
fn alarms(report: &Value) -> Vec<&str> {
    let mut alarms: Vec<&str> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["severity"] != "info")
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    alarms.sort_unstable();
    alarms
}

/// The ids of the checks with status `unknown`.
fn unknown(report: &Value) -> Vec<&str> {
    report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|check| check["status"] == "unknown")
        .filter_map(|check| check["id"].as_str())
        .collect()
}

#[tokio::test]
async fn healthy_current_stack_has_no_alarms_with_or_without_a_server() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(alarms(&report), Vec::<&str>::new(), "{report:#}");
    assert_eq!(unknown(&report), Vec::<&str>::new(), "{report:#}");
    assert_eq!(report["verdict"], "healthy");
    let _server = stack.server(0)?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(alarms(&report), Vec::<&str>::new(), "{report:#}");
    let strict = at(&bed, bed.namespace(), "system check --fail-on warning").run_beside().await;
    assert_eq!(strict.code, 0, "{}", strict.stdout);
    Ok(())
}

#[tokio::test]
async fn stock_current_stack_reports_only_meshsync_cannot_list() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).stock().start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(alarms(&report), ["meshsync-cannot-list"], "{report:#}");
    assert_eq!(unknown(&report), Vec::<&str>::new(), "{report:#}");
    assert_eq!(report["verdict"], "unhealthy");
    Ok(())
}

#[tokio::test]
async fn healthy_old_stack_reports_only_its_known_faults() -> Result<()> {
    let bed = bed::lease().await?;
    let address = Ipv4Addr::new(127, 0, 0, 2);
    let stack = Stack::of(Line::Old).namespace(bed.namespace()).ingress(address).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    // If the load balancer exists first, the old operator writes its address instead of a guess.
    let endpoint = json!({ "endpoint": { "external": format!("{address}:4222") } });
    bed.patch_status(&stack.custom_path("Broker"), &endpoint).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(
        alarms(&report),
        ["broker-unauthenticated", "crd-outdated", "moving-tag", "operator-old-line", "over-privileged",],
        "{report:#}"
    );
    assert_eq!(unknown(&report), Vec::<&str>::new(), "{report:#}");
    Ok(())
}
