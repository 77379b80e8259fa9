//! Listening without writing.

use anyhow::Result;
use serde_json::json;

use super::{Scene, assert_evidence, assert_root, finding, hop, resource};
use crate::bed::{rest, watch_list};

#[tokio::test]
async fn silence_proves_nothing_and_nothing_is_written() -> Result<()> {
    // Some kinds of the stock list change all the time.
    let list = watch_list::of(&["configmaps.v1.", "services.v1."]);
    let scene = Scene::private(|setup| setup.whitelist(&list)).await?;
    let _meshsync = scene.meshsync().await?;
    let before = scene.writes()?;
    let report = scene.dataflow(3, "--passive 2s").await;
    assert_root(&report, "flow-nothing-seen");
    assert_evidence(finding(&report, "flow-nothing-seen"), "MeshSync had published");
    assert_eq!(report["verdict"], "unknown");
    assert_eq!(hop(&report, "events")["status"], "unknown");
    assert_eq!(scene.writes()?, before);

    // An event that is received does prove something, and its age is reported.
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" },
        "metadata": { "name": "seen", "namespace": scene.stack.namespace },
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
        result = changes => panic!("{result:?}"),
    };
    assert_eq!(hop(&report, "events")["status"], "pass");
    let seen = resource(&report, "configmaps.v1.");
    assert!(seen["modified"].as_u64() >= Some(1), "{seen}");
    assert!(seen["lastSeenMs"].is_u64(), "{seen}");
    assert!(resource(&report, "services.v1.")["lastSeenMs"].is_null());
    Ok(())
}
