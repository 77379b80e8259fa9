//! Listening without writing.

use anyhow::Result;
use serde_json::json;

use super::{Scene, assert_evidence, assert_root, finding, hop, resource};
use crate::bed::{rest, watch_list};

#[tokio::test]
async fn nothing_heard_proves_nothing_and_nothing_is_written() -> Result<()> {
    // Of the kinds of the stock list some change all the time.
    let list = watch_list::of(&["configmaps.v1.", "services.v1."]);
    let scene = Scene::recorded(|setup| setup.whitelist(&list)).await?;
    let _meshsync = scene.meshsync().await?;
    let before = scene.writes()?;
    let report = scene.dataflow(3, "--passive 2s").await;
    assert_root(&report, "flow-nothing-seen");
    assert_evidence(finding(&report, "flow-nothing-seen"), "MeshSync had published");
    assert_eq!(report["verdict"], "unknown");
    assert_eq!(hop(&report, "events")["status"], "unknown");
    assert_eq!(scene.writes()?, before);

    // Something heard does prove something, and how long ago it was is told.
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" },
        "metadata": { "name": "heard", "namespace": scene.stack.namespace },
    });
    let changes = async {
        let path = rest::path_of(&object)?;
        rest::write(&scene.stack.client, rest::BED, &object).await?;
        for number in 0.. {
            let change = json!({ "data": { "a": number.to_string() } });
            rest::merge(&scene.stack.client, &path, &change).await?;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let report = tokio::select! {
        report = scene.dataflow(0, "--passive 2s") => report,
        ended = changes => panic!("{ended:?}"),
    };
    assert_eq!(hop(&report, "events")["status"], "pass");
    let heard = resource(&report, "configmaps.v1.");
    assert!(heard["modified"].as_u64() >= Some(1), "{heard}");
    assert!(heard["lastSeenMs"].is_u64(), "{heard}");
    assert!(resource(&report, "services.v1.")["lastSeenMs"].is_null());
    Ok(())
}
