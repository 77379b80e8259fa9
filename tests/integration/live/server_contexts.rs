//! `server contexts` beside a real control plane: Meshery Server is a stand-in.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::at;
use crate::{
    bed::{self, Lease, rest},
    meshery_server::{
        SessionFiles,
        standin::{CLUSTER_SECRET, Fate, Generation, Link, Login, Ping, Said, Setup, StandIn, Upload, Write, token},
    },
    schema,
    tool::{Ran, signal},
};

/// It is in the token of Meshery Server.
const SECRET: &str = "theSignatureOfTheTokenForMesheryServer0123456789";

/// They are in the kubeconfig.
const CREDENTIALS: [&str; 2] =
    ["theTokenInTheUploadedKubeconfig0123456789", "theTokenInAFileOfTheKubeconfig0123456789"];

/// The words at the end of an answer that the same command continues.
const AGAIN: &str = "Run the same command again to continue.";

/// What a case changes in the server.
type Change = fn(&mut Setup);

struct Scene {
    bed: Lease,
    cluster: String,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        let namespace = rest::get(&bed.client().await?, "/api/v1/namespaces/kube-system").await?;
        let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let folder = tempfile::tempdir()?;
        let [first, second] = CREDENTIALS;
        std::fs::write(folder.path().join("token"), second)?;
        let text = format!(
            "{{kind: Config, contexts: [{{name: prod, context: {{cluster: a, user: a}}}}, {{name: test, context: {{cluster: b, \
             user: b}}}}], clusters: [{{name: a, cluster: {{server: 'https://prod.example:6443'}}}}, {{name: b, cluster: \
             {{server: 'https://test.example:6443'}}}}], users: [{{name: a, user: {{token: {first}}}}}, {{name: b, user: \
             {{tokenFile: token}}}}]}}"
        );
        std::fs::write(folder.path().join("config"), text)?;
        Ok(Self { bed, cluster, folder })
    }

    fn setup(&self, generation: Generation) -> Setup {
        Setup::of(generation, &self.cluster)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// `server contexts` with these arguments, of which `FILE` is the kubeconfig.
    fn tool(&self, standin: &StandIn, arguments: &str) -> crate::tool::Tool {
        let arguments = arguments.replace("FILE", &self.file().to_string_lossy());
        let flags = format!("server contexts {arguments} --profile meshery --meshery-server {}", standin.url());
        at(&self.bed, self.bed.namespace(), &flags)
    }

    async fn run(&self, standin: &StandIn, arguments: &str) -> Ran {
        let ran = self.tool(standin, arguments).run_beside().await;
        assert_no_secret(&ran);
        ran
    }

    /// A change with this exit code, as its document.
    async fn change(&self, standin: &StandIn, arguments: &str, code: i32) -> Value {
        let wait = if arguments.contains("--wait") { "" } else { "--wait 30s" };
        let ran = self.run(standin, &format!("{arguments} {wait} -o json")).await.exits(code);
        schema::assert_fits(schema::change_validator(), &ran.json(), &ran.stderr);
        ran.json()
    }

    /// The contexts with this exit code.
    async fn contexts(&self, standin: &StandIn, arguments: &str, code: i32) -> Vec<Value> {
        let ran = self.run(standin, &format!("{arguments} -o json")).await.exits(code);
        schema::assert_fits(schema::validator(), &ran.json(), &ran.stderr);
        assert_eq!(ran.json()["kind"], "ServerContexts");
        ran.json()["contexts"].as_array().cloned().unwrap_or_default()
    }
}

#[track_caller]
fn assert_no_secret(ran: &Ran) {
    for secret in [SECRET, &token(SECRET), CLUSTER_SECRET, CREDENTIALS[0], CREDENTIALS[1]] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{}\n{}", ran.stdout, ran.stderr);
    }
}

fn names(contexts: &[Value]) -> Vec<&str> {
    contexts.iter().map(|context| context["name"].as_str().unwrap_or_default()).collect()
}

#[track_caller]
fn assert_says(document: &Value, part: &str, says: &str) {
    assert!(document[part].to_string().contains(says), "{says}:\n{document:#}");
}

/// Uploads two contexts, and deletes one, with the evidence of both.
async fn upload_and_delete(scene: &Scene, generation: Generation) {
    let mut setup = scene.setup(generation);
    setup.writing.takes = std::time::Duration::from_millis(700);
    let standin = StandIn::start(setup);
    let done = scene.change(&standin, "upload FILE --yes -v", 0).await;
    assert_says(&done, "evidence", "the server registered prod as connection");
    assert_says(&done, "evidence", "is connected, the server reaches its cluster (v1.35.4)");
    standin.assert_written(&["upload prod, test"]);
    // What is sent refers to no file.
    assert!(standin.received(CREDENTIALS[0]) && standin.received(CREDENTIALS[1]) && !standin.received("tokenFile"));
    let contexts = scene.contexts(&standin, "list", 0).await;
    assert_eq!(names(&contexts), ["bed", "prod", "test"]);
    assert_eq!(contexts[0]["thisCluster"], true);
    let pinged = scene.contexts(&standin, "ping prod", 0).await;
    assert_eq!((names(&pinged), &pinged[0]["ping"]["version"]), (vec!["prod"], &"v1.35.4".into()));

    let again = scene.change(&standin, "upload FILE --only prod --yes", 0).await;
    assert_says(&again, "warnings", "context prod exists already (connected)");
    standin.forget();
    let done = scene.change(&standin, "delete prod --yes", 0).await;
    assert_says(&done, "evidence", "is no longer listed; stored objects of its cluster: ");
    let id = pinged[0]["connectionId"].as_str().unwrap_or_default();
    standin.assert_written(&[&format!("delete connection {id}")]);
    assert_eq!(names(&scene.contexts(&standin, "list", 0).await), ["bed", "test"]);
    let gone = scene.change(&standin, &format!("delete {id} --yes"), 0).await;
    assert_eq!(gone["outcome"], "unchanged");
    let unknown = scene.run(&standin, "delete prod --yes").await.exits(2);
    assert!(unknown.stderr.contains("available: bed, test"), "{}", unknown.stderr);
    standin.assert_nothing_written_twice();
}

#[tokio::test]
async fn contexts_are_uploaded_listed_pinged_and_deleted() -> Result<()> {
    let scene = Scene::start().await?;
    upload_and_delete(&scene, Generation::Controllers).await;
    Ok(())
}

#[tokio::test]
#[ignore = "repeats it with older servers: tests/run --exhaustive"]
async fn contexts_are_uploaded_and_deleted_in_older_servers() -> Result<()> {
    let scene = Scene::start().await?;
    upload_and_delete(&scene, Generation::Graphql).await;
    upload_and_delete(&scene, Generation::Connections).await;
    Ok(())
}

#[tokio::test]
async fn nothing_is_changed_without_consent_or_login() -> Result<()> {
    let scene = Scene::start().await?;
    let local = StandIn::start(scene.setup(Generation::Controllers));
    let remote = StandIn::start(Setup { login: Login::Remote(token(SECRET)), ..scene.setup(Generation::Graphql) });
    for arguments in ["rediscover", "upload FILE", "delete bed"] {
        let planned = scene.change(&local, &format!("{arguments} --dry-run"), 0).await;
        assert_eq!(planned["outcome"], "dry-run");
        let refused = scene.change(&local, arguments, 4).await;
        assert_says(&refused, "reason", "--yes was not given");
        let refused = scene.change(&remote, &format!("{arguments} --yes"), 4).await;
        assert_says(&refused, "reason", "wants a login");
    }
    scene.contexts(&remote, "list", 3).await;
    scene.contexts(&remote, "ping", 3).await;
    for (arguments, says) in [
        ("upload FILE --only no --yes", "does not exist in"),
        ("upload /nowhere --yes", "no such file"),
        ("ping no", "available: bed"),
        ("delete no --yes", "available: bed"),
    ] {
        let ran = scene.run(&local, arguments).await.exits(2);
        assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
    }
    local.assert_written(&[]);
    remote.assert_written(&[]);
    // With the token it is accepted.
    let files = SessionFiles::new().context("here", &remote.url(), "docker", &token(SECRET));
    let arguments = format!("upload FILE --only test --yes --meshery-config {}", files.config().display());
    scene.change(&remote, &arguments, 0).await;
    remote.assert_written(&["upload test"]);
    Ok(())
}

#[tokio::test]
async fn end_that_never_comes_is_continued_by_the_same_command() -> Result<()> {
    let scene = Scene::start().await?;
    // Nobody has used the server since it was restarted.
    let standin = StandIn::start(Setup { alive: false, ..scene.setup(Generation::Controllers) });
    standin.change(|setup| {
        setup.writing.fates.insert(Write::Sync, Fate::Stuck);
        setup.writing.fates.insert(Write::Upload, Fate::Stuck);
    });
    let ran = scene.run(&standin, "rediscover --yes --wait 1s").await.exits(5);
    assert!(ran.stdout.contains("it shows no state of the controllers"), "{}", ran.stdout);
    assert!(ran.stdout.contains(AGAIN) && ran.stdout.contains("server contexts upload FILE"), "{}", ran.stdout);
    let stuck = scene.change(&standin, "upload FILE --only prod --yes --wait 1s", 5).await;
    assert_says(&stuck, "reason", "connection prod is registered");
    standin.change(|setup| setup.writing.fates.clear());
    let done = scene.change(&standin, "rediscover --yes", 0).await;
    assert_says(&done, "evidence", "new or active again: bed");
    scene.change(&standin, "upload FILE --only prod --yes", 0).await;
    Ok(())
}

/// What becomes of the uploaded context.
fn of_prod(setup: &mut Setup, what: Upload) {
    setup.writing.uploads.insert("prod".into(), what);
}

/// What a server says of contexts that it does not take, and of changes that it does not make.
#[tokio::test]
#[ignore = "tries every server and every refusal: tests/run --exhaustive"]
async fn refusals_of_the_server_are_named() -> Result<()> {
    let scene = Scene::start().await?;
    let cases: [(&str, &str, Change); 9] = [
        ("upload FILE", "ignores context prod", |setup| of_prod(setup, Upload::Ignored)),
        ("upload FILE", "failed to store context prod", |setup| of_prod(setup, Upload::Errored)),
        ("upload FILE", "not reach", |setup| of_prod(setup, Upload::Unreachable)),
        ("upload FILE", "it returned 500: full", |setup| {
            setup.writing.fates.insert(Write::Upload, Fate::Refused(500, Said::Text("full")));
        }),
        ("upload FILE", "may have done it nevertheless", |setup| {
            setup.writing.fates.insert(Write::Upload, Fate::Cut);
        }),
        ("delete bed", "it wants a login", |setup| {
            setup.writing.fates.insert(Write::DeleteConnection, Fate::Redirected("/auth/login".into()));
        }),
        ("delete bed", "it is still listed, as connected", |setup| {
            setup.writing.fates.insert(Write::DeleteConnection, Fate::Ignored);
        }),
        ("delete bed", "may have done it nevertheless", |setup| {
            setup.writing.fates.insert(Write::DeleteConnection, Fate::CutBefore);
        }),
        ("rediscover", "no connection to this cluster", |setup| setup.connections.clear()),
    ];
    for generation in Generation::ALL {
        for (arguments, says, change) in cases {
            let mut setup = scene.setup(generation);
            change(&mut setup);
            let standin = StandIn::start(setup);
            let document = scene.change(&standin, &format!("{arguments} --yes --wait 1s"), 5).await;
            assert_says(&document, "reason", says);
            assert_eq!(standin.written().len(), 1, "{generation:?}: {arguments}");
            let id = scene.contexts(&standin, "list", 0).await;
            standin.change(|setup| {
                setup.writing.fates.clear();
                setup.writing.uploads.clear();
                setup.writing.rediscoverable.push(Link::to(&setup.writing.home, 7));
                setup.alive = true;
                setup.connections.iter_mut().for_each(|link| link.ping = Ping::Version("v1.35.4".into()));
            });
            // Of a connection that is gone the name is unknown.
            if arguments.starts_with("delete") && names(&id).is_empty() {
                continue;
            }
            scene.change(&standin, &format!("{arguments} --yes"), 0).await;
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "tries every server and every command: tests/run --exhaustive"]
async fn killed_run_is_continued_by_the_same_command() -> Result<()> {
    let scene = Scene::start().await?;
    for generation in Generation::ALL {
        for arguments in ["rediscover --yes", "upload FILE --yes", "delete bed --yes"] {
            let mut setup = scene.setup(generation);
            setup.writing.takes = std::time::Duration::from_millis(300);
            let id = setup.connections[0].id.clone();
            let standin = StandIn::start(setup);
            let (pid, killed) = (std::sync::Arc::new(std::sync::Mutex::new(0)), std::sync::Arc::default());
            let (own, was): (_, std::sync::Arc<std::sync::atomic::AtomicBool>) =
                (pid.clone(), std::sync::Arc::clone(&killed));
            standin.on_write(move |_, _| {
                if !was.swap(true, std::sync::atomic::Ordering::SeqCst) {
                    signal(*own.lock().expect("a process"), "KILL");
                }
            });
            let tool = scene.tool(&standin, arguments);
            let ran = tokio::task::spawn_blocking(move || {
                tool.run_with_pid(|started| *pid.lock().expect("a process") = started)
            })
            .await?;
            assert_eq!(ran.code, -1, "{arguments}: {}", ran.stderr);
            // By its ID, a connection that is gone is no mistake.
            let again = arguments.replace("bed", &id);
            scene.change(&standin, &again, 0).await;
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "waits for a ping that hangs: tests/run --exhaustive"]
async fn ping_tells_clusters_apart_that_are_not_reached() -> Result<()> {
    let scene = Scene::start().await?;
    for generation in Generation::ALL {
        let mut setup = scene.setup(generation);
        let link = |number, name: &str, ping| Link { name: name.into(), ping, ..Link::to("another-cluster", number) };
        setup.connections.push(link(2, "late", Ping::Late(std::time::Duration::from_secs(5))));
        let standin = StandIn::start(setup);
        let ran = scene.run(&standin, "ping --request-timeout 1s").await.exits(3);
        assert!(ran.stdout.contains("late") && ran.stdout.contains("unknown"), "{}", ran.stdout);
        standin.change(|setup| setup.connections.push(link(3, "gone", Ping::Unreachable)));
        let pinged = scene.contexts(&standin, "ping --request-timeout 1s", 1).await;
        let reached: Vec<&Value> = pinged.iter().map(|context| &context["ping"]["reached"]).collect();
        assert_eq!(reached, [&true.into(), &Value::Null, &false.into()], "{pinged:#?}");
        scene.contexts(&standin, "ping bed", 0).await;
        scene.contexts(&standin, "ping gone", 1).await;
        standin.change(|setup| setup.connections.clear());
        scene.contexts(&standin, "ping", 3).await;
        standin.assert_written(&[]);
    }
    Ok(())
}
