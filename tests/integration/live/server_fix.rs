//! `check --fix` with Meshery Server: what it fixes there, and what it leaves to a person.

use anyhow::Result;
use serde_json::Value;

use super::at;
use crate::{
    bed::{self, Line, Stack, rest},
    meshery_server::standin::{Generation, Link, Setup, StandIn},
    schema,
};

/// What was done about this code.
fn fix<'a>(report: &'a Value, code: &str) -> Option<&'a Value> {
    report["fixes"].as_array()?.iter().find(|fix| fix["code"] == code)
}

#[tokio::test]
#[ignore = "it waits until the stack has settled: tests/run --exhaustive"]
async fn missing_connection_is_rediscovered_if_that_may_be_reviewed() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = stack.server(0)?;
    let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
    let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let mut setup = Setup::of(Generation::Controllers, &cluster);
    setup.connections.clear();
    let code = "server-connection-missing";
    let run = async |standin: &StandIn, arguments: &str| {
        let url = standin.url();
        let arguments = format!("check {arguments} --only server --meshery-server {url} --wait 20s -o json");
        let ran = at(&bed, bed.namespace(), &arguments).run_beside().await;
        schema::assert_fits(schema::validator(), &ran.json(), &ran.stderr);
        ran.json()
    };

    // Rediscovery restarts what the server does for every cluster, so it is not safe.
    setup.writing.rediscoverable = vec![Link::to(&cluster, 1)];
    let standin = StandIn::start(setup.clone());
    let report = run(&standin, "--fix --yes").await;
    let refused = fix(&report, code).expect("a fix");
    assert_eq!((&refused["outcome"], &refused["safety"]), (&"refused".into(), &"review".into()), "{report:#}");
    standin.assert_written(&[]);
    let report = run(&standin, "--fix=review --dry-run").await;
    assert_eq!(fix(&report, code).expect("a fix")["outcome"], "dry-run", "{report:#}");
    standin.assert_written(&[]);
    let report = run(&standin, "--fix=review --yes").await;
    let done = fix(&report, code).expect("a fix");
    assert_eq!((&done["outcome"], &done["fixed"]), (&"done".into(), &true.into()), "{report:#}");
    standin.assert_written(&["sync"]);

    // A server without a kubeconfig of this cluster needs an upload.
    setup.writing.rediscoverable.clear();
    let standin = StandIn::start(setup);
    let report = run(&standin, "--fix=review --yes").await;
    let left = fix(&report, code).expect("a fix");
    assert_eq!((&left["outcome"], &left["fixed"], &report["exitCode"]), (&"partial".into(), &false.into(), &5.into()));
    standin.assert_written(&["sync"]);
    Ok(())
}
