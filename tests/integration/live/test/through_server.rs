//! `test dataflow --through-server`: the object is followed into the data of Meshery Server.

use anyhow::Result;

use super::{Scene, assert_evidence, events, finding, hop, reported, step_result};
use crate::{
    live::at,
    meshery_server::standin::{Generation, Login, Probe, Setup, StandIn, token},
    tool::roots,
};

/// Whether nothing was created.
fn is_untouched(before: &[String], after: &[String]) -> bool {
    before == after
}

/// A server whose data shows the object between these searches.
async fn standin(scene: &Scene, stored: usize, removed: usize) -> Result<StandIn> {
    let cluster = scene.cluster_id().await?;
    let setup = Setup::of(Generation::Controllers, cluster.as_str().unwrap_or_default());
    Ok(StandIn::start(Setup { probe: Some(Probe { stored, removed }), ..setup }))
}

#[tokio::test]
async fn object_is_followed_until_the_server_shows_it_and_no_longer_shows_it() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let _server = scene.stack.server(0)?;
    // Found by the second and third search, so the fourth no longer finds it.
    let standin = standin(&scene, 2, 4).await?;
    let report = scene.dataflow(0, &format!("--through-server --meshery-server {}", standin.url())).await;
    assert_eq!(events(&report), ["pass"; 3]);
    for id in ["stored", "removed"] {
        assert_eq!(step_result(&report, id), ("pass".into(), 1), "{:#}", report["test"]);
    }
    // The first search is too early, and the next one is 250 ms later.
    assert!(hop(&report, "stored")["timing"]["minMicros"].as_u64() >= Some(250_000), "{:#}", report["test"]);
    assert!(!roots(&report).iter().any(|code| code == "server-not-storing"), "{:#}", report["findings"]);
    standin.assert_only_read();
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn object_that_the_server_never_shows_is_a_fault_of_the_server() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let _server = scene.stack.server(0)?;
    let standin = standin(&scene, usize::MAX, usize::MAX).await?;
    let flags = format!("--through-server --wait 1s --meshery-server {}", standin.url());
    let report = scene.dataflow(1, &flags).await;
    assert!(roots(&report).iter().any(|code| code == "server-not-storing"), "{:#}", report["findings"]);
    assert_eq!(events(&report), ["pass"; 3]);
    assert_eq!(hop(&report, "stored")["status"], "fail");
    assert_evidence(finding(&report, "server-not-storing"), "did not show the object within 1 s");
    standin.assert_only_read();
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn nothing_is_created_without_a_server_that_accepts_us() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let cluster = scene.cluster_id().await?;
    let cluster = cluster.as_str().unwrap_or_default();
    let healthy = Setup::of(Generation::Controllers, cluster);
    let remote = StandIn::start(Setup { login: Login::Remote(token("secret0123456789")), ..healthy.clone() });
    let stranger = StandIn::start(Setup { connections: Vec::new(), ..healthy });
    let before = scene.writes()?;
    for (flags, words) in [
        (String::new(), "name one with --meshery-server"),
        (format!("--meshery-server {}", remote.url()), "log in"),
        (format!("--meshery-server {}", stranger.url()), "has no connection to this cluster"),
        ("--meshery-server http://127.0.0.1:1".to_owned(), "cannot be reached"),
    ] {
        let arguments = format!("test dataflow -o json --through-server {flags}");
        let ran = at(&scene.bed, &scene.stack.namespace, &arguments).run_beside().await.exits(3);
        let report = reported(&ran);
        let tried = hop(&report, "tried");
        assert_eq!(tried["status"], "unknown", "{tried}");
        assert!(tried["detail"].to_string().contains(words), "{words}: {tried}");
    }
    assert!(is_untouched(&before, &scene.writes()?));
    Ok(())
}
