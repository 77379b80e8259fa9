//! `server reconnect` and `server mode` beside a real control plane: Meshery Server is a stand-in.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use serde_json::Value;

use super::at;
use crate::{
    bed::{self, FakeClient, Lease, Line, Stack, rest},
    meshery_server::standin::{Generation, Link, Setup, StandIn, Write},
    schema,
};

/// A stack whose MeshSync is connected to its broker.
struct Scene {
    bed: Lease,
    stack: Arc<Stack>,
    cluster: String,
    _meshsync: FakeClient,
    /// The server's connection to the broker.
    link: Arc<Mutex<Option<FakeClient>>>,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        let stack = Arc::new(Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?);
        let meshsync = stack.meshsync(0).await?;
        let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
        let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        Ok(Self { bed, stack, cluster, _meshsync: meshsync, link: Arc::default() })
    }

    /// A server that connects to the broker and leaves it as the status of its connection is changed.
    fn server(&self, setup: Setup) -> StandIn {
        let server = StandIn::start(setup);
        let (stack, link) = (Arc::clone(&self.stack), Arc::clone(&self.link));
        server.on_write(move |written, _| {
            let mut link = link.lock().expect("a lock");
            match written.write {
                Write::Connect => *link = stack.server(0).ok(),
                Write::Disconnect => *link = None,
                _ => {}
            }
        });
        server
    }

    fn setup(&self, generation: Generation) -> Setup {
        Setup::of(generation, &self.cluster)
    }

    /// The document of a run with this exit code.
    async fn run(&self, server: &StandIn, arguments: &str, code: i32) -> Value {
        let flags = format!("server {arguments} -o json --profile meshery --meshery-server {}", server.url());
        let ran = at(&self.bed, self.bed.namespace(), &flags).run_beside().await.exits(code);
        schema::assert_fits(schema::change_validator(), &ran.json(), &ran.stderr);
        ran.json()
    }
}

#[track_caller]
fn assert_says(document: &Value, part: &str, says: &str) {
    assert!(document[part].to_string().contains(says), "{says}:\n{document:#}");
}

#[tokio::test]
async fn server_reconnects_by_the_mildest_means() -> Result<()> {
    let scene = Scene::start().await?;
    let id = Link::to(&scene.cluster, 1).id;
    for generation in [Generation::Graphql, Generation::Controllers] {
        *scene.link.lock().expect("a lock") = None;
        let server = scene.server(scene.setup(generation));
        // It does not reconnect by itself, and may not be disconnected.
        let refused = scene.run(&server, "reconnect --yes --wait 2s", 4).await;
        assert_says(&refused, "instead", "--disconnect");
        server.assert_written(&[]);
        let both = scene.run(&server, "reconnect --yes --disconnect --wait 10s", 0).await;
        assert_says(&both, "evidence", "subscribes to meshery.meshsync.core");
        server.assert_written(&[&format!("disconnect {id}"), &format!("connect {id}")]);
        // Now it receives, and even with --disconnect nothing is repeated.
        let again = scene.run(&server, "reconnect --yes --disconnect", 0).await;
        assert_eq!(again["outcome"], "unchanged", "{again:#}");
        assert_eq!(server.written().len(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn connection_that_a_killed_run_left_disconnected_is_connected_first() -> Result<()> {
    let scene = Scene::start().await?;
    let link = Link { status: "disconnected".into(), ..Link::to(&scene.cluster, 1) };
    let setup = Setup { connections: vec![link.clone()], ..scene.setup(Generation::Controllers) };
    // The end never comes: the server does not connect to the broker.
    let silent = StandIn::start(setup.clone());
    let stopped = scene.run(&silent, "reconnect --yes --wait 1s", 5).await;
    assert_says(&stopped, "reason", "the broker has no client named meshery-server");
    silent.assert_written(&[&format!("connect {}", link.id)]);
    let server = scene.server(setup);
    let done = scene.run(&server, "reconnect --yes --wait 20s", 0).await;
    assert_says(&done, "evidence", "subscribes to");
    server.assert_written(&[&format!("connect {}", link.id)]);
    Ok(())
}

#[tokio::test]
async fn mode_is_changed_only_where_there_are_modes() -> Result<()> {
    let scene = Scene::start().await?;
    for (generation, says) in [(Generation::Graphql, "GraphQL"), (Generation::Connections, "May 2026")] {
        let server = scene.server(scene.setup(generation));
        let refused = scene.run(&server, "mode embedded --yes", 4).await;
        assert_says(&refused, "reason", says);
        server.assert_written(&[]);
    }
    let embedded = Link { mode: Some("embedded".into()), ..Link::to(&scene.cluster, 1) };
    let setup = Setup { connections: vec![embedded.clone()], ..scene.setup(Generation::Controllers) };
    let server = scene.server(setup);
    let refused = scene.run(&server, "mode operator", 4).await;
    assert_says(&refused, "reason", "confirmation is required");
    server.assert_written(&[]);
    let done = scene.run(&server, "mode operator --yes --wait 20s", 0).await;
    assert_says(&done, "evidence", "operator DEPLOYED, MeshSync CONNECTED");
    let again = scene.run(&server, "mode operator --yes", 0).await;
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_eq!(server.written().len(), 1);
    Ok(())
}
