//! Meshery Server beside a real control plane: named by the user, or found in the cluster.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{at, codes};
use crate::{
    bed::{self, FakeClient, Lease, Line, Stack, rest, rest::BED},
    meshery_server::{
        SessionFiles, installed,
        standin::{CLUSTER_SECRET, Data, Generation, Link, Login, Ping, Product, Setup, StandIn, token},
    },
    schema,
    tool::{Ran, states},
};

/// It is in the token.
const SECRET: &str = "theSignatureOfTheTokenForMesheryServer0123456789";

/// The product's cookie of the local provider.
const LOCAL: &str = "meshery-provider=None";

/// What a case changes in the server.
type Change = fn(&mut Setup);

/// A stack that works, with MeshSync and Meshery Server connected to its broker.
struct Scene {
    bed: Lease,
    stack: Stack,
    cluster: String,
    meshsync: Option<FakeClient>,
    server: Option<FakeClient>,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
        let meshsync = Some(stack.meshsync(0).await?);
        let server = Some(stack.server(0)?);
        let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
        let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        Ok(Self { bed, stack, cluster, meshsync, server })
    }

    /// What a server is like that knows this cluster.
    fn setup(&self) -> Setup {
        Setup::of(Generation::Controllers, &self.cluster)
    }

    /// The same, with a remote provider.
    fn remote(&self) -> Setup {
        Setup { login: Login::Remote(token(SECRET)), ..self.setup() }
    }

    /// Installs a server in the cluster.
    async fn install(&self, standin: &StandIn) -> Result<()> {
        installed::install(&self.bed, standin).await
    }

    async fn run(&self, arguments: &str) -> Ran {
        at(&self.bed, self.bed.namespace(), arguments).run_beside().await
    }

    /// The report of `system check` with these arguments.
    async fn check(&self, arguments: &str) -> Value {
        let ran = self.run(&format!("system check -o json {arguments}")).await;
        assert_no_secret(&ran);
        let report = ran.json();
        schema::assert_fits(schema::validator(), &report, &ran.stderr);
        report
    }

    /// The facts about the server with these arguments.
    async fn facts(&self, arguments: &str) -> Value {
        let ran = self.run(&format!("record - {arguments}")).await.exits(0);
        assert_no_secret(&ran);
        server_in(&ran.json()).unwrap_or_default()
    }

    /// A user who may do everything that `system check` does, but not open a port-forward.
    async fn without_port_forward(&self) -> Result<PathBuf> {
        let user = self.bed.user()?;
        let printed = self.run(&format!("rbac check --to-user {user}")).await.exits(0);
        let documents = serde_yaml::Deserializer::from_str(&printed.stdout);
        let mut objects = documents.map(Value::deserialize).collect::<Result<Vec<_>, _>>()?;
        let mut taken = 0;
        let rules = objects.iter_mut().filter_map(|object| object.get_mut("rules")?.as_array_mut());
        for rule in rules.flatten() {
            if rule["resources"].to_string().contains("pods/portforward") {
                rule["verbs"] = json!(["get"]);
                taken += 1;
            }
        }
        assert_eq!(taken, 1, "{objects:#?}");
        self.bed.apply(BED, &objects).await?;
        self.bed.until_allowed_in(Some(self.bed.namespace()), &user, "list pods", true).await?;
        self.bed.kubeconfig_for(&user)
    }
}

#[track_caller]
fn assert_no_secret(ran: &Ran) {
    for secret in [SECRET, &token(SECRET), CLUSTER_SECRET] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{}\n{}", ran.stdout, ran.stderr);
    }
}

/// The facts about a server, wherever they are in a recording.
fn server_in(recording: &Value) -> Option<Value> {
    match recording {
        Value::Object(fields) => fields
            .get("server")
            .filter(|server| server.get("namedBy").is_some())
            .cloned()
            .or_else(|| fields.values().find_map(server_in)),
        Value::Array(items) => items.iter().find_map(server_in),
        _ => None,
    }
}

/// The codes of findings that are not about Meshery Server's side.
fn of_cluster(report: &Value) -> Vec<&str> {
    let is_of_server = |code: &str| ["server-", "database-", "adapter-"].iter().any(|prefix| code.starts_with(prefix));
    codes(report).into_iter().filter(|code| !is_of_server(code)).collect()
}

#[tokio::test]
async fn server_in_the_cluster_is_asked_with_the_local_provider() -> Result<()> {
    let scene = Scene::start().await?;
    for generation in Generation::ALL {
        let standin = StandIn::start(Setup::of(generation, &scene.cluster));
        scene.install(&standin).await?;
        let facts = scene.facts("").await;
        assert_eq!((&facts["namedBy"], &facts["route"]), (&"service".into(), &"port-forward".into()), "{facts:#}");
        assert_eq!(facts["session"], "local", "{facts:#}");
        let expected = match generation {
            Generation::Graphql => "graphql",
            Generation::Connections => "connections",
            Generation::Controllers => "controllers",
        };
        assert!(facts["generation"].to_string().contains(expected), "{facts:#}");
        assert!(facts["connections"].to_string().contains(&scene.cluster), "{facts:#}");
        assert_eq!(standin.cookies(), [LOCAL]);
        standin.assert_only_read();
        // The states are those of the cluster itself.
        let report = scene.check("").await;
        assert_eq!(states(&report), "DEPLOYED/CONNECTED/CONNECTED", "{report:#}");
        standin.assert_only_read();
    }
    Ok(())
}

#[tokio::test]
async fn service_gets_a_token_only_if_its_context_is_named() -> Result<()> {
    let scene = Scene::start().await?;
    let standin = StandIn::start(scene.remote());
    scene.install(&standin).await?;
    let files = SessionFiles::new().context("here", "http://localhost:9081", "kubernetes", &token(SECRET)).context(
        "other",
        "http://192.0.2.1:9081",
        "docker",
        "anotherToken0123456789",
    );
    let config = files.config();
    let config = config.to_str().unwrap_or_default();

    let facts = scene.facts(&format!("--meshery-config {config}")).await;
    assert_eq!(facts["session"], "noToken", "{facts:#}");
    assert_eq!(standin.cookies(), [LOCAL]);
    let report = scene.check(&format!("--meshery-config {config}")).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/CONNECTED", "{report:#}");
    assert!(!standin.received("token="), "{:?}", standin.arrived());

    let facts = scene.facts(&format!("--meshery-config {config} --meshery-context here")).await;
    assert_eq!(facts["session"], "loggedIn", "{facts:#}");
    assert!(standin.received(&format!("token={}", token(SECRET))));
    assert!(!standin.received("anotherToken"));
    standin.assert_only_read();
    Ok(())
}

#[tokio::test]
async fn denied_port_forward_says_nothing_about_the_cluster() -> Result<()> {
    let scene = Scene::start().await?;
    let kubeconfig = scene.without_port_forward().await?;
    let run =
        async |command: &str| at(&scene.bed, scene.bed.namespace(), command).kubeconfig(&kubeconfig).run_beside().await;
    let before = run("system check -o json").await;
    let standin = StandIn::start(scene.setup());
    scene.install(&standin).await?;
    let after = run("system check -o json").await;
    assert_eq!(before.code, after.code, "{}", after.stdout);
    assert_eq!(states(&before.json()), states(&after.json()));
    let facts = server_in(&run("record -").await.exits(0).json()).unwrap_or_default();
    assert_eq!(facts["unreachable"]["step"], "port-forward", "{facts:#}");
    assert!(facts["unreachable"]["missing"].to_string().contains("portforward"), "{facts:#}");
    assert_eq!(standin.requests(), [""; 0]);
    // A server that is named needs no port-forward.
    let named = run(&format!("record - --meshery-server {}", standin.url())).await.exits(0);
    assert_eq!(server_in(&named.json()).unwrap_or_default()["session"], "local");
    Ok(())
}

#[tokio::test]
async fn server_without_permissions_cannot_deploy_the_operator() -> Result<()> {
    let scene = Scene::start().await?;
    let standin = StandIn::start(scene.setup());
    scene.install(&standin).await?;
    let namespace = scene.bed.namespace();
    let deployment = |name: &str| rest::path("apps/v1", "Deployment", namespace, name);
    let client = &scene.stack.client;
    let mode = json!({ "name": "MESHSYNC_DEFAULT_DEPLOYMENT_MODE", "value": "operator" });
    let containers = json!([{ "name": "meshery", "image": "meshery/meshery:stable-v0.8.150", "env": [mode] }]);
    let change = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    rest::merge(client, &deployment("meshery"), &change).await?;
    // Its new pod is not forwarded to the stand-in.
    let named = format!("--meshery-server {}", standin.url());
    assert!(!codes(&scene.check(&named).await).contains(&"server-cannot-deploy-operator"));
    rest::delete(client, &deployment("meshery-operator")).await?;
    // Its account is the namespace's default one, which may create nothing.
    let report = scene.check(&named).await;
    let found = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == "server-cannot-deploy-operator");
    let evidence = found.map(|finding| finding["evidence"].to_string()).unwrap_or_default();
    assert!(evidence.contains("/default may not create deployments.apps"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn named_server_is_asked_instead_of_the_one_in_the_cluster() -> Result<()> {
    let scene = Scene::start().await?;
    let (found, named) = (StandIn::start(scene.setup()), StandIn::start(scene.remote()));
    scene.install(&found).await?;
    let files = SessionFiles::new().context("here", &named.url(), "docker", &token(SECRET));
    let config = files.config();
    let config = config.to_str().unwrap_or_default();
    let flags = format!("--meshery-config {config} --meshery-server {}", named.url());
    let facts = scene.facts(&flags).await;
    assert_eq!((&facts["namedBy"], &facts["session"]), (&"flag".into(), &"loggedIn".into()), "{facts:#}");
    let facts = scene.facts(&format!("--meshery-config {config} --meshery-context here")).await;
    assert_eq!((&facts["namedBy"], &facts["session"]), (&"context".into(), &"loggedIn".into()), "{facts:#}");
    let ran = at(&scene.bed, scene.bed.namespace(), &format!("record - --meshery-config {config}"));
    let ran = ran.env("MESHERY_SERVER", named.url()).run_beside().await.exits(0);
    assert_eq!(server_in(&ran.json()).unwrap_or_default()["namedBy"], "environment");
    assert_eq!(found.requests(), [""; 0]);
    named.assert_only_read();
    // A server with another origin than the context's does not get the token.
    let other = StandIn::start(scene.remote());
    let facts = scene.facts(&format!("--meshery-config {config} --meshery-server {}", other.url())).await;
    assert_eq!(facts["session"], "noToken", "{facts:#}");
    assert!(!other.received(&token(SECRET)) && !other.requests().is_empty());
    Ok(())
}

/// The requests to the API server that `-v` names, without their times.
fn requests(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines().filter_map(|line| line.split(": ").next());
    let mut asked: Vec<_> = lines.filter(|line| line.starts_with("GET ") || line.starts_with("POST ")).collect();
    asked.sort_unstable();
    asked
}

#[tokio::test]
async fn without_a_server_nothing_more_is_requested() -> Result<()> {
    let scene = Scene::start().await?;
    let check = async |arguments: &str| scene.run(&format!("system check -o json -v {arguments}")).await;
    let plain = check("").await;
    let asked = requests(&plain);
    assert!(asked.len() > 15, "{}", plain.stderr);
    for word in ["Meshery Server", "limit=1:", "9081", "/api/user"] {
        assert!(!plain.stderr.contains(word), "{word}: {}", plain.stderr);
    }
    assert!(!plain.stdout.contains("namedBy"), "{}", plain.stdout);

    // A current context alone names no server.
    let files = SessionFiles::new().context("here", "http://127.0.0.1:1", "docker", &token(SECRET));
    let with_config = check(&format!("--meshery-config {}", files.config().display())).await;
    assert_eq!(asked, requests(&with_config));

    // With a server, the cluster's own objects are counted, and nothing else is requested.
    let standin = StandIn::start(scene.setup());
    let named = check(&format!("--meshery-server {}", standin.url())).await;
    let (counts, others): (Vec<&str>, Vec<&str>) =
        requests(&named).into_iter().partition(|request| request.ends_with("?limit=1"));
    assert_eq!(asked, others);
    assert!((1..=6).contains(&counts.len()), "{counts:?}");
    Ok(())
}

#[tokio::test]
async fn states_are_the_same_with_and_without_a_server() -> Result<()> {
    let mut scene = Scene::start().await?;
    // What each server says about the controllers, whatever they are.
    let liar = Setup { states: ["NOTDEPLOYED", "UNDEPLOYED", "UNKOWN"], ..scene.setup() };
    let standins = [
        StandIn::start(scene.setup()),
        StandIn::start(Setup::of(Generation::Graphql, &scene.cluster)),
        StandIn::start(Setup::of(Generation::Connections, &scene.cluster)),
        StandIn::start(liar),
    ];
    for is_connected in [true, false] {
        if !is_connected {
            scene.meshsync = None;
            bed::until("MeshSync to be gone", Duration::from_secs(10), || async {
                Ok((!scene.stack.nats(0).has_client("meshsync").await?).then_some(()))
            })
            .await?;
        }
        let alone = scene.check("").await;
        for standin in &standins {
            let with = scene.check(&format!("--meshery-server {}", standin.url())).await;
            assert_eq!(states(&with), states(&alone), "{with:#}");
            assert_eq!(of_cluster(&with), of_cluster(&alone), "{with:#}");
            assert!(standin.requests().contains(&"GET /api/user".to_owned()));
            standin.assert_only_read();
        }
    }
    Ok(())
}

/// The troubleshooting guide's cases, and those of the server's own kubeconfig.
#[tokio::test]
async fn cases_of_the_guide_are_recognized() -> Result<()> {
    let mut scene = Scene::start().await?;
    // A server that has just connected may still receive its first data.
    scene.server = None;
    bed::until("the server to be gone", Duration::from_secs(10), || async {
        Ok((!scene.stack.nats(0).has_client("meshery-server").await?).then_some(()))
    })
    .await?;
    let unreachable = |setup: &mut Setup| setup.connections[0].ping = Ping::Unreachable;
    let cases: [(&str, Change); 7] = [
        ("database-empty", |setup| setup.data = Data::Empty),
        ("database-corrupt", |setup| setup.data = Data::Malformed),
        ("database-corrupt", |setup| setup.data = Data::NoTable),
        ("server-cannot-reach-cluster", unreachable),
        ("server-kubeconfig-invalid", |setup| setup.connections[0].ping = Ping::KubeconfigInvalid),
        ("server-connection-missing", |setup| setup.connections.clear()),
        ("database-reset-orphaned-contexts", |setup| {
            setup.orphaned = setup.connections.first().map(|link| link.cluster.clone());
            setup.connections.clear();
        }),
    ];
    let alone = scene.check("").await;
    for generation in Generation::ALL {
        for (code, change) in cases {
            let mut setup = Setup::of(generation, &scene.cluster);
            // Another cluster's connection is no reason for anything.
            setup.connections.push(Link::to("00000000-0000-0000-0000-000000000000", 2));
            change(&mut setup);
            let standin = StandIn::start(setup);
            let with = scene.check(&format!("--meshery-server {}", standin.url())).await;
            assert!(codes(&with).contains(&code), "{generation:?}, {code}: {:?}\n{:#}", codes(&with), with["checks"]);
            assert_eq!(states(&with), states(&alone), "{with:#}");
            assert_eq!(of_cluster(&with), of_cluster(&alone), "{with:#}");
            standin.assert_only_read();
        }
    }
    Ok(())
}

#[tokio::test]
async fn server_status_needs_a_session() -> Result<()> {
    let scene = Scene::start().await?;
    let standin = StandIn::start(scene.remote());
    let run = async |arguments: &str| {
        let ran = scene.run(&format!("server status -o json {arguments}")).await;
        assert_no_secret(&ran);
        schema::assert_fits(schema::validator(), &ran.json(), &ran.stderr);
        ran
    };
    run("").await.exits(3);
    run(&format!("--meshery-server {}", standin.url())).await.exits(3);
    let files = SessionFiles::new().context("here", &standin.url(), "docker", &token(SECRET));
    let named = format!("--meshery-context here --meshery-config {}", files.config().display());
    let report = run(&named).await.exits(0).json();
    let server = &report["components"]["server"];
    assert_eq!(
        (&server["session"], &server["connection"]["clusterId"]),
        (&"logged-in".into(), &scene.cluster.as_str().into())
    );
    standin.assert_only_read();
    // The server that was merely found is enough, if it needs no token.
    let found = StandIn::start(scene.setup());
    scene.install(&found).await?;
    let report = run("").await.exits(0).json();
    assert_eq!(report["components"]["server"]["session"], "local", "{report:#}");
    found.assert_only_read();
    Ok(())
}

#[tokio::test]
async fn server_of_meshplay_gets_its_own_cookie() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = rest::get(&bed.client().await?, "/api/v1/namespaces/kube-system").await?;
    let cluster = namespace["metadata"]["uid"].as_str().unwrap_or_default();
    let setup = Setup { product: Product::Meshplay, ..Setup::of(Generation::Graphql, cluster) };
    let standin = StandIn::start(setup);
    let flags = format!("record - --profile meshplay --meshery-server {}", standin.url());
    let ran = at(&bed, bed.namespace(), &flags).run_beside().await.exits(0);
    let facts = server_in(&ran.json()).unwrap_or_default();
    assert_eq!(
        (&facts["session"], &facts["generation"]),
        (&"local".into(), &json!({ "known": "graphql" })),
        "{facts:#}"
    );
    assert_eq!(standin.cookies(), ["meshplay-provider=None"]);
    standin.assert_only_read();
    Ok(())
}
