//! `system reset data` and `system reset database` against a stand-in of Meshery Server, beside a real control plane.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use serde_json::Value;

use super::{
    at,
    pty_session::{PtySession, emulated},
};
use crate::{
    bed::{self, FakeClient, Lease, Line, Stack, rest},
    meshery_server::installed,
    meshery_server::standin::{
        CLUSTER_SECRET, Fate, Generation, Inventory, Link, Login, Said, Setup, StandIn, Write, token,
    },
    schema,
    tool::{Ran, Tool, signal},
};

/// Another cluster's connection, which no reset of this cluster's data touches.
const OTHER: &str = "00000000-0000-0000-0000-000000000000";

/// A stack that works, with `MeshSync` and Meshery Server connected to its broker.
struct Scene {
    bed: Lease,
    stack: Stack,
    cluster: String,
    /// The objects of the cluster by kind.
    counts: BTreeMap<String, u64>,
    meshsync: Option<FakeClient>,
    _server: FakeClient,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        // The other kinds change with the tests beside this one.
        let watched = ["nodes.v1.", "namespaces.v1."]
            .map(|resource| serde_json::json!({ "Resource": resource, "Events": ["ADDED", "MODIFIED", "DELETED"] }));
        let list = Value::from(watched.to_vec()).to_string();
        let stack = Stack::of(Line::Current).whitelist(&list).namespace(bed.namespace()).start(&bed).await?;
        let meshsync = Some(stack.meshsync(0).await?);
        let server = stack.server(0)?;
        let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
        let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let mut scene = Self { bed, stack, cluster, counts: BTreeMap::new(), meshsync, _server: server };
        // What a server tells beside its own numbers are those of the cluster.
        let standin = StandIn::start(Setup::of(Generation::Controllers, &scene.cluster));
        let status = scene.tool("server status -o json", &standin).run_beside().await.exits(0).json();
        let kinds = status["components"]["server"]["data"]["kinds"].as_array().cloned().unwrap_or_default();
        let count = |kind: &Value| Some((kind["kind"].as_str()?.to_owned(), kind["served"].as_u64()?));
        scene.counts = kinds.iter().filter_map(count).collect();
        assert!(scene.counts.contains_key("Namespace"), "{status:#}");
        Ok(scene)
    }

    /// A server that stores what the cluster has, and finds its kubeconfig after a reset.
    fn setup(&self, generation: Generation) -> Setup {
        let mut setup = Setup { counts: self.counts.clone(), ..Setup::of(generation, &self.cluster) };
        setup.connections.push(Link::to(OTHER, 2));
        setup.writing.rediscoverable = vec![Link::to(&self.cluster, 1)];
        setup
    }

    fn standin(&self, generation: Generation) -> StandIn {
        StandIn::start(self.setup(generation))
    }

    fn tool(&self, arguments: &str, standin: &StandIn) -> Tool {
        let named = format!("{arguments} --meshery-server {}", standin.url());
        at(&self.bed, self.bed.namespace(), &named)
    }

    /// The document of a reset.
    async fn reset(&self, arguments: &str, standin: &StandIn, code: i32) -> Value {
        let ran = self.tool(&format!("system reset {arguments} -o json"), standin).run_beside().await;
        assert_no_secret(&ran);
        assert_eq!(ran.code, code, "{arguments}: {}\n{}\n{:#?}", ran.stdout, ran.stderr, standin.written());
        let report = ran.json();
        schema::assert_fits(schema::change_validator(), &report, &ran.stderr);
        assert_eq!(report["exitCode"], code, "{report:#}");
        report
    }
}

#[track_caller]
fn assert_no_secret(ran: &Ran) {
    assert!(!ran.stdout.contains(CLUSTER_SECRET) && !ran.stderr.contains(CLUSTER_SECRET), "{ran:?}");
}

#[track_caller]
fn assert_says(report: &Value, field: &str, text: &str) {
    assert!(report[field].to_string().contains(text), "{text}: {report:#}");
}

#[tokio::test]
async fn data_is_deleted_and_received_again() -> Result<()> {
    let scene = Scene::start().await?;
    for generation in Generation::ALL {
        let standin = scene.standin(generation);
        let planned = scene.reset("data --dry-run", &standin, 0).await;
        assert_says(&planned, "warnings", "MeshSync is restarted");
        standin.assert_written(&[]);
    }
    let standin = scene.standin(Generation::Controllers);
    // In between, the server stores nothing.
    standin.change(|setup| setup.writing.refill = Some(Duration::from_millis(600)));
    let report = scene.reset("data --yes --wait 20s", &standin, 0).await;
    assert_says(&report, "evidence", "objects stored before");
    assert_says(&report, "evidence", "at the lowest in between");
    let arrived = standin.written();
    assert!(arrived.len() == 1 && arrived[0].starts_with("flush "), "{arrived:?}");
    // Without a session, and if nothing would fill the data again, nothing is sent.
    let standin = StandIn::start(Setup { login: Login::Remote(token("s")), ..scene.setup(Generation::Controllers) });
    let report = scene.reset("data --yes", &standin, 4).await;
    assert_says(&report, "reason", "wants a login");
    standin.assert_written(&[]);
    let standin = scene.standin(Generation::Controllers);
    standin.change(|setup| setup.diagnostics = vec![Setup::diagnostic("connection_inactive")]);
    let report = scene.reset("data --yes", &standin, 4).await;
    assert_says(&report, "instead", "server contexts rediscover --context bed --meshery-server");
    standin.assert_written(&[]);
    Ok(())
}

/// Every way to start a reset without a terminal, or with the wrong word at one, changes nothing.
#[tokio::test]
async fn reset_without_its_own_confirmation_sends_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    let standin = scene.standin(Generation::Controllers);
    for arguments in ["", "--no-input", "-o json", "-q", "-o yaml --no-input"] {
        for (what, needed) in [("data", "--yes was not given"), ("database", "--yes is not enough")] {
            let arguments = format!("system reset {what} {arguments}");
            for input in [None, Some("y\n"), Some("127.0.0.1\n")] {
                let tool = scene.tool(&arguments, &standin);
                let tool = input.map_or(scene.tool(&arguments, &standin), |input| tool.stdin(input));
                let ran = tool.run_beside().await.exits(4);
                assert!(format!("{}{}", ran.stdout, ran.stderr).contains(needed), "{arguments}: {ran:?}");
            }
        }
    }
    for (arguments, said) in [
        ("--yes", "to confirm, add --confirm 127.0.0.1"),
        ("--yes --confirm localhost", "--confirm must be"),
        ("--yes --confirm y", "--confirm must be"),
        ("--confirm 127.0.0.1:9081", "--confirm must be"),
    ] {
        let ran = scene.tool(&format!("system reset database {arguments}"), &standin).run_beside().await.exits(4);
        assert!(ran.stdout.contains(said) || ran.stderr.contains(said), "{arguments}: {ran:?}");
    }
    // At a terminal too, --yes alone does not confirm, and another word than the host does not either.
    for (arguments, prompt, word) in [
        ("database --no-backup --yes", "Type 127.0.0.1 to confirm", "y\r"),
        ("database --no-backup", "Type 127.0.0.1 to confirm", "meshery\r"),
        ("data", "[y/N]", "\r"),
    ] {
        let mut session = PtySession::start(scene.tool(&format!("system reset {arguments}"), &standin))?;
        session.until_shown(prompt).await?;
        session.type_in(word)?;
        let (code, screen) = session.end().await?;
        assert_eq!(code, 4, "{screen}");
        assert!(emulated(&screen).contains("not confirmed"), "{screen}");
    }
    standin.assert_only_read();
    standin.assert_written(&[]);
    Ok(())
}

#[tokio::test]
async fn database_is_reset_and_what_is_missing_is_named() -> Result<()> {
    let scene = Scene::start().await?;
    for generation in Generation::ALL {
        let standin = scene.standin(generation);
        let planned = scene.reset("database --dry-run", &standin, 0).await;
        assert_says(&planned, "warnings", "drops every table, for all its users");
        assert_says(&planned, "warnings", "/config/.archive/mesherydbYYYYMMDDhhmm07.sql");
        standin.assert_written(&[]);
        let file = scene.bed.file(&format!("list-{generation:?}-{}.json", scene.bed.namespace()));
        let confirmed = format!("database --confirm 127.0.0.1 --wait 20s --backup {}", file.display());
        let report = scene.reset(&confirmed, &standin, 0).await;
        assert_says(&report, "evidence", "before the reset");
        assert_says(&report, "evidence", "is connected; not there anymore:");
        assert_says(&report, "warnings", &file.display().to_string());
        standin.assert_written(&["reset", "sync"]);
        let listed = std::fs::read_to_string(&file)?;
        assert!(listed.contains(OTHER) && !listed.contains(CLUSTER_SECRET), "{listed}");
        std::fs::remove_file(&file)?;
    }
    // At a terminal the word is typed.
    let standin = scene.standin(Generation::Controllers);
    let mut session = PtySession::start(scene.tool("system reset database --no-backup --yes --wait 20s", &standin))?;
    session.until_shown("This cannot be undone. Type 127.0.0.1 to confirm").await?;
    standin.assert_written(&[]);
    session.type_in("127.0.0.1\r")?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 0, "{screen}");
    let shown = emulated(&screen);
    assert!(shown.contains("Seen: ") && shown.contains("not there anymore:"), "{shown}");
    Ok(())
}

impl Scene {
    /// When `MeshSync` was restarted last.
    async fn restarted_at(&self) -> Result<Value> {
        let live = rest::get(&self.stack.client, &self.meshsync_path()).await?;
        Ok(live["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone())
    }

    fn meshsync_path(&self) -> String {
        self.stack.path("apps/v1", "Deployment", "meshery-meshsync")
    }

    /// Plays `MeshSync` through its next restart: a new connection, and the server receives everything again.
    async fn play_restart(&mut self, before: &Value, standin: &StandIn) -> Result<()> {
        bed::until("a restart of MeshSync", Duration::from_secs(60), || async {
            let live = rest::get(&self.stack.client, &self.meshsync_path()).await?;
            Ok((self.restarted_at().await? != *before && is_rolled_out(&live)).then_some(()))
        })
        .await?;
        self.meshsync = None;
        self.meshsync = Some(self.stack.meshsync(0).await?);
        standin.change(|setup| {
            setup.writing.refill = Some(Duration::ZERO);
            setup.receive_again();
        });
        Ok(())
    }

    /// Starts a reset, and kills it when this change has arrived.
    async fn killed_at(&self, arguments: &str, standin: &StandIn, words: &str) -> Result<()> {
        let tool = self.tool(&format!("system reset {arguments}"), standin);
        let (send, receive) = std::sync::mpsc::channel();
        let run = tokio::task::spawn_blocking(move || tool.run_with_pid(move |pid| send.send(pid).expect("a test")));
        standin.until_written(words).await;
        signal(receive.recv()?, "KILL");
        let ran = run.await?;
        assert_eq!(ran.code, -1, "{ran:?}");
        Ok(())
    }
}

/// Whether the rollout of a Deployment is complete.
fn is_rolled_out(live: &Value) -> bool {
    let status = &live["status"];
    status["observedGeneration"] == live["metadata"]["generation"]
        && ["replicas", "readyReplicas", "updatedReplicas"].iter().all(|number| status[number] == 1)
}

#[tokio::test]
#[ignore = "waits for ends that do not come: tests/run --exhaustive"]
async fn meshsync_is_restarted_if_the_data_does_not_come_back() -> Result<()> {
    let mut scene = Scene::start().await?;
    for generation in Generation::ALL {
        let first = if generation == Generation::Controllers { "flush" } else { "resync" };
        let standin = scene.standin(generation);
        // Nothing comes by itself. The generation of 2024 does not even delete.
        standin.change(|setup| {
            setup.writing.refill = None;
            if generation == Generation::Graphql {
                setup.writing.inventory = Inventory::Empty;
            }
        });
        // Nobody plays MeshSync: it is not connected after its restart.
        let report = scene.reset("data --yes --wait 4s", &standin, 5).await;
        assert!(report["steps"].to_string().contains("restart"), "{report:#}");
        assert_says(&report, "reason", "timed out after 4 s");
        scene.meshsync = None;
        scene.meshsync = Some(scene.stack.meshsync(0).await?);
        standin.forget();
        let before = scene.restarted_at().await?;
        let tool = scene.tool("system reset data --yes --wait 30s -o json", &standin);
        let run = tokio::spawn(async move { tool.run_beside().await });
        standin.until_written(first).await;
        scene.play_restart(&before, &standin).await?;
        let ran = run.await?;
        assert_eq!(ran.code, 0, "{generation:?}: {}\n{}", ran.stdout, ran.stderr);
        let report = ran.json();
        assert_says(&report, "evidence", "in the cluster (");
        if generation == Generation::Graphql {
            assert_says(&report, "evidence", "the server deleted nothing");
        }
        assert_eq!(standin.written().len(), 1, "{:?}", standin.written());
    }
    Ok(())
}

#[tokio::test]
#[ignore = "waits for ends that do not come: tests/run --exhaustive"]
async fn data_that_does_not_come_back_ends_with_5_and_the_same_command_continues() -> Result<()> {
    let scene = Scene::start().await?;
    // The restart of MeshSync is not possible for this server, which runs it itself.
    let mut setup = scene.setup(Generation::Controllers);
    for link in &mut setup.connections {
        link.mode = Some("embedded".into());
    }
    setup.writing.refill = None;
    let standin = StandIn::start(setup);
    let report = scene.reset("data --yes --wait 2s", &standin, 5).await;
    assert_says(&report, "reason", "timed out after 2 s");
    assert_says(&report, "evidence", "0 at the lowest");
    assert_says(&report, "instead", "server status");
    standin.change(|setup| setup.writing.refill = Some(Duration::from_millis(200)));
    scene.reset("data --yes --wait 20s", &standin, 0).await;
    assert_eq!(standin.written().len(), 2, "{:?}", standin.written());
    // Killed half-way.
    standin.forget();
    standin.change(|setup| setup.writing.refill = None);
    scene.killed_at("data --yes --wait 20s", &standin, "flush").await?;
    standin.change(|setup| setup.writing.refill = Some(Duration::from_millis(200)));
    scene.reset("data --yes --wait 20s", &standin, 0).await;
    // What the server refuses is said, and what may have happened is not denied.
    for (fate, said, instead) in [
        (Fate::Refused(409, Said::Json("no active session")), "no active session", "server contexts rediscover"),
        (Fate::Refused(500, Said::Text("database is locked")), "database is locked", "server status"),
        (Fate::Cut, "may have done it nevertheless", "server status"),
    ] {
        standin.change(|setup| setup.writing.fates = [(Write::Flush, fate.clone())].into());
        let report = scene.reset("data --yes --wait 2s", &standin, 5).await;
        assert_says(&report, "reason", said);
        assert_says(&report, "instead", instead);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "waits for ends that do not come: tests/run --exhaustive"]
async fn reset_of_the_database_continues_without_a_second_drop() -> Result<()> {
    let scene = Scene::start().await?;
    let file = scene.bed.file(&format!("list-{}.json", scene.bed.namespace()));
    let arguments = |wait: &str| format!("database --confirm 127.0.0.1 --wait {wait} --backup {}", file.display());
    for generation in Generation::ALL {
        let standin = scene.standin(generation);
        let _ = std::fs::remove_file(&file);
        // The server finds no kubeconfig.
        let found = std::mem::take(&mut standin.setup().writing.rediscoverable);
        standin.change(|setup| setup.writing.rediscoverable.clear());
        let report = scene.reset(&arguments("2s"), &standin, 5).await;
        assert_says(&report, "reason", "the server lists no connection; missing:");
        assert_says(&report, "instead", "server contexts upload FILE");
        standin.assert_written(&["reset", "sync"]);
        standin.change(|setup| setup.writing.rediscoverable = found.clone());
        let report = scene.reset(&arguments("20s"), &standin, 0).await;
        assert_says(&report, "evidence", "not there anymore");
        standin.assert_written(&["reset", "sync", "sync"]);

        // Killed after the drop, and after the connection came back.
        for at in ["reset", "sync"] {
            let standin = scene.standin(generation);
            let _ = std::fs::remove_file(&file);
            standin.on_write(|_, setup| {
                for link in &mut setup.writing.rediscoverable {
                    link.updated = "2026-11-23T01:00:00Z".into();
                }
            });
            scene.killed_at(&arguments("20s"), &standin, at).await?;
            let report = scene.reset(&arguments("20s"), &standin, 0).await;
            let resets = standin.written().iter().filter(|written| *written == "reset").count();
            assert_eq!(resets, 1, "{at}: {:?}\n{report:#}", standin.written());
            assert_says(&report, "warnings", "nothing is dropped");
        }
        // Without an answer, the reset may have been carried out, and was.
        let standin = scene.standin(generation);
        let _ = std::fs::remove_file(&file);
        standin.change(|setup| setup.writing.fates = [(Write::Reset, Fate::Cut)].into());
        let report = scene.reset(&arguments("2s"), &standin, 5).await;
        assert_says(&report, "reason", "may have done it nevertheless");
        scene.reset(&arguments("20s"), &standin, 0).await;
        standin.assert_written(&["reset", "sync"]);
    }
    // Through a port-forward, the word is the context and the namespace.
    let _ = std::fs::remove_file(&file);
    let standin = scene.standin(Generation::Controllers);
    installed::install(&scene.bed, &standin).await?;
    let namespace = scene.bed.namespace();
    for (word, code) in [("127.0.0.1".to_owned(), 4), (namespace.to_owned(), 4), (format!("bed/{namespace}"), 0)] {
        let arguments = format!("system reset database --no-backup --wait 20s --confirm {word}");
        at(&scene.bed, namespace, &arguments).run_beside().await.exits(code);
        assert_eq!(standin.written().is_empty(), code != 0, "{word}: {:?}", standin.written());
    }
    let standin = StandIn::start(Setup { login: Login::Remote(token("s")), ..scene.setup(Generation::Controllers) });
    scene.reset(&arguments("2s"), &standin, 4).await;
    standin.assert_written(&[]);
    Ok(())
}
