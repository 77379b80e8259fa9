//! Plans and goals on facts.

use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    facts::server::{ConnectionPing, Controlled, ControllerView, Diagnostic, ServerFacts},
    repair::{operation::Reached, plan::Action, server::requests},
    stack::base::failure::{Failure, Kind},
};

const CLUSTER: &str = "a773e1e1-573a-43f6-81d3-08a4da5064cf";
const PROD: &str = "535bca23-d3bd-af3e-2c7d-d5dc65e1c855";
const OTHER: &str = "ca5850db-dead-2691-5c8f-eec4bcb0dec1";

fn connection(id: &str, name: &str, cluster: &str, status: &str) -> ClusterConnection {
    ClusterConnection {
        id: id.into(),
        context_id: Some(id.replace('-', "")),
        cluster_id: Some(cluster.into()),
        name: name.into(),
        status: status.into(),
        api_server: Some(format!("https://{name}.example:6443")),
        ..ClusterConnection::default()
    }
}

fn facts_of(items: Vec<ClusterConnection>, change: impl FnOnce(&mut ServerFacts)) -> Facts {
    let total = items.len() as u64;
    let view = ControllerView { controller: Controlled::Meshsync, said: "RUNNING".into(), version: None };
    let mut server = ServerFacts {
        address: "http://localhost:9081".into(),
        session: ServerSession::LoggedIn,
        connections: Seen::Known(Connections { items, total }),
        generation: Seen::Known(ApiGeneration::Controllers),
        ping: Seen::Known("v1.35.4".into()),
        controllers: Seen::Known(vec![view]),
        ..ServerFacts::default()
    };
    change(&mut server);
    Facts { cluster_id: Seen::Known(CLUSTER.into()), server: Some(Box::new(server)), ..Facts::default() }
}

/// A server with a connection to this cluster and one to another.
fn facts() -> Facts {
    facts_of(both(), |_| {})
}

fn both() -> Vec<ClusterConnection> {
    vec![connection(PROD, "prod", CLUSTER, "connected"), connection(OTHER, "other", "another-cluster", "discovered")]
}

fn plan<T>(facts: &Facts, plan: impl FnOnce(&ServerView<'_>) -> T) -> T {
    plan(&ServerView::of(facts).expect("a server"))
}

fn goal(plan: &Plan) -> Goal {
    match plan.steps.last().map(|step| &step.action) {
        Some(Action::Server(Operation::Wait { goal, .. })) => goal.clone(),
        other => panic!("no wait: {other:?}"),
    }
}

fn request(plan: &Plan) -> String {
    match &plan.steps[0].action {
        Action::Server(operation) => {
            requests::of(operation).map(|ask| format!("{} {}", ask.payload.map_or("GET", |it| it.method), ask.path))
        }
        _ => None,
    }
    .unwrap_or_default()
}

#[track_caller]
fn lacks(goal: &Goal, facts: &Facts, says: &str) {
    match goal.judge(facts) {
        Reached::NotYet(why) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn reached(goal: &Goal, facts: &Facts, says: &str) {
    match goal.judge(facts) {
        Reached::Yes(why) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn kubeconfig(contexts: Vec<PortableContext>) -> Portable {
    Portable { contexts, files: vec!["token".into()], text: "theSecretOfTheKubeconfig".to_owned().into() }
}

fn context(name: &str, server: &str) -> PortableContext {
    PortableContext { name: name.into(), server: server.into(), ..PortableContext::default() }
}

#[test]
fn connections_are_found_by_name_and_by_every_id() {
    let connections = Connections { items: both(), total: 2 };
    for wanted in ["prod", PROD, &PROD.replace('-', ""), &PROD.to_uppercase(), CLUSTER] {
        assert_eq!(find(&connections, wanted).map(|found| found.id.as_str()), Ok(PROD), "{wanted}");
    }
    assert_eq!(find(&connections, "00000000-0000-0000-0000-000000000001"), Err(NotFound::Gone));
    assert_eq!(find(&connections, &"0".repeat(32)), Err(NotFound::Gone));
    let Err(NotFound::Misuse(why)) = find(&connections, "no") else { panic!("found") };
    assert!(why.contains("\"no\"; available: prod, other"), "{why}");
    let twice = Connections { items: vec![both()[0].clone(), connection(OTHER, "prod", "x", "discovered")], total: 2 };
    let Err(NotFound::Misuse(why)) = find(&twice, "prod") else { panic!("found") };
    assert!(why.contains(&format!("{PROD} (connected), {OTHER} (discovered)")), "{why}");
    let cut = Connections { total: 3, ..connections };
    assert!(matches!(find(&cut, "no"), Err(NotFound::Unknown(_))));
}

#[test]
fn deletion_names_what_goes_and_never_sends_an_id_that_is_none() {
    let facts = facts_of(both(), |server| {
        server.stored.insert(CLUSTER.into(), Seen::Known(25));
    });
    let planned = plan(&facts, |view| delete(view, "prod")).expect("a plan");
    assert_eq!(request(&planned), format!("DELETE /api/integrations/connections/{PROD}"));
    let warnings = planned.warnings.join("\n");
    for says in
        ["forgets connection prod", "connection to this cluster", "the last connection", "the 25 stored objects"]
    {
        assert!(warnings.contains(says), "{warnings}");
    }
    let goal = goal(&planned);
    lacks(&goal, &facts, "still listed, as connected");
    assert_eq!(goal.asks(&facts).stored, [CLUSTER]);
    let gone = facts_of(both().split_off(1), |server| {
        server.stored.insert(CLUSTER.into(), Seen::Known(0));
    });
    reached(
        &goal,
        &gone,
        "connection prod (535bca23-d3bd-af3e-2c7d-d5dc65e1c855) is no longer listed; stored objects of its cluster: 25 before, 0 now",
    );
    lacks(&goal, &facts_of(Vec::new(), |server| server.connections = Seen::NotLooked), "could not be read");

    // The same command again.
    let again = plan(&gone, |view| delete(view, PROD)).expect("a plan");
    assert!(again.is_empty() && again.unchanged.len() == 1 && again.warnings[0].contains("gone already"), "{again:?}");
    let by_name = plan(&gone, |view| delete(view, "prod")).expect_err("a refusal");
    assert!(by_name.misuse && by_name.why.contains("available: other"), "{by_name}");

    for id in ["x", "00000000-0000-0000-0000-000000000000", "..-.-.-.-."] {
        let facts = facts_of(vec![connection(id, "bad", "x", "connected")], |_| {});
        let refusal = plan(&facts, |view| delete(view, "bad")).expect_err("a refusal");
        assert!(!refusal.misuse && refusal.why.contains("servers delete another one"), "{refusal}");
        let operation = Operation::DeleteConnection(ConnectionRef { id: id.into(), ..ConnectionRef::default() });
        assert!(requests::of(&operation).is_none());
    }
}

#[test]
fn deletion_in_an_old_server_leaves_almost_everything() {
    let facts = facts_of(both(), |server| server.generation = Seen::Known(ApiGeneration::Graphql));
    let planned = plan(&facts, |view| delete(view, "other")).expect("a plan");
    assert!(planned.warnings.iter().any(|warning| warning.contains("deletes no more than that")), "{planned:?}");
    let mut several = both();
    several[1].cluster_id = Some(CLUSTER.into());
    let facts = facts_of(several, |_| {});
    let planned = plan(&facts, |view| delete(view, "prod")).expect("a plan");
    assert!(planned.warnings.iter().any(|warning| warning.contains("stay, because of other")), "{planned:?}");
}

#[test]
fn rediscovery_ends_when_the_server_uses_the_connection() {
    let inactive = |server: &mut ServerFacts| {
        server.diagnostics =
            Seen::Known(vec![Diagnostic { code: "connection_inactive".into(), ..Diagnostic::default() }]);
    };
    let before = facts_of(both(), inactive);
    let planned = plan(&before, rediscover).expect("a plan");
    assert_eq!(request(&planned), "GET /api/system/sync");
    assert!(planned.warnings[0].contains("may deploy the operator"), "{planned:?}");
    assert_eq!(planned.otherwise, [Advice::command("server contexts upload FILE")]);
    let goal = goal(&planned);
    lacks(&goal, &before, "does not use connection prod");
    lacks(&goal, &facts_of(Vec::new(), |_| {}), "no connection to this cluster");
    lacks(
        &goal,
        &facts_of(vec![connection(PROD, "prod", CLUSTER, "discovered")], |_| {}),
        "connection prod is discovered",
    );
    let unreached =
        |server: &mut ServerFacts| server.ping = Seen::failed(Failure::new(Kind::ServerError, "it returned 500"));
    lacks(&goal, &facts_of(both(), unreached), "does not reach the cluster of connection prod: it returned 500");
    lacks(&goal, &facts_of(both(), |server| server.session = ServerSession::Expired), "does not accept the session");
    reached(&goal, &facts(), "(v1.35.4), and shows MeshSync RUNNING; new or active again: prod");
    let planned = plan(&facts(), rediscover).expect("a plan");
    assert!(planned.warnings[1].contains("nothing is missing"), "{planned:?}");
}

#[test]
fn rediscovery_with_the_local_provider_of_an_old_server_is_not_enough() {
    let facts = facts_of(both(), |server| {
        server.generation = Seen::Known(ApiGeneration::Graphql);
        server.session = ServerSession::Local;
        server.controllers =
            Seen::Known(vec![ControllerView { controller: Controlled::Broker, said: "UNKOWN".into(), version: None }]);
    });
    let warnings = plan(&facts, rediscover).expect("a plan").warnings.join("\n");
    assert!(
        warnings.contains("one more connection to the broker") && warnings.contains("only an upload"),
        "{warnings}"
    );
}

#[test]
fn upload_says_what_the_server_cannot_do_with_it() {
    let contexts = vec![
        context("prod", "https://prod.example:6443"),
        PortableContext { program: Some("aws".into()), ..context("here", "https://127.0.0.1:6443") },
        PortableContext {
            provider: Some("gcp".into()),
            is_anonymous: true,
            ..context("new", "https://other.example:6443/")
        },
    ];
    let kubeconfig = kubeconfig(contexts);
    let planned = plan(&facts(), |view| upload(view, "-", &kubeconfig)).expect("a plan");
    assert_eq!(request(&planned), "POST /api/system/kubernetes");
    assert_eq!(planned.steps[0].id.to_string(), "Kubeconfig standard input");
    let warnings = planned.warnings.join("\n");
    for says in [
        "stores the credentials of contexts prod, here and new",
        "all 3 contexts are uploaded",
        "here leads to https://127.0.0.1:6443, which is this machine: a server in a container",
        "from the program aws",
        "auth-provider gcp",
        "context new has no credentials",
        "context prod exists already (connected)",
        "has connection other to the API server of context new already",
    ] {
        assert!(warnings.contains(says), "{says}:\n{warnings}");
    }
    assert!(!warnings.contains("without encryption"), "{warnings}");
    assert!(!format!("{planned:?}").contains(kubeconfig.text.expose_secret()));

    let far = facts_of(Vec::new(), |server| server.address = "http://meshery.example:9081".into());
    let warnings = plan(&far, |view| upload(view, "config", &kubeconfig)).expect("a plan").warnings.join("\n");
    assert!(warnings.contains("sent without encryption to http://meshery.example:9081"), "{warnings}");
    assert!(warnings.contains("this machine: a server elsewhere does not reach it"), "{warnings}");
}

#[test]
fn upload_ends_when_each_context_is_connected_and_pinged() {
    let kubeconfig =
        kubeconfig(vec![context("prod", "https://prod.example:6443"), context("other", "https://other.example:6443")]);
    let goal = goal(&plan(&facts(), |view| upload(view, "config", &kubeconfig)).expect("a plan"));
    lacks(&goal, &facts_of(Vec::new(), |_| {}), "no connection \"prod\"");
    assert_eq!(goal.asks(&facts()).pings, [PROD]);
    lacks(&goal, &facts(), "does not reach the cluster of connection prod: not checked");
    let pinged = |ids: &[&str]| {
        let ping = ConnectionPing { version: Seen::Known("v1.35.4".into()), ..ConnectionPing::default() };
        ids.iter().map(|id| ((*id).to_owned(), ping.clone())).collect()
    };
    lacks(&goal, &facts_of(both(), |server| server.pings = pinged(&[PROD])), "connection other is discovered");
    let mut connected = both();
    connected[1].status = "connected".into();
    let all = facts_of(connected.clone(), |server| server.pings = pinged(&[PROD, OTHER]));
    reached(&goal, &all, "MeshSync RUNNING; connection other (ca5850db-dead-2691-5c8f-eec4bcb0dec1) is connected");

    // Of two of one name, the one with the API server counts, otherwise the newest.
    let mut twice = connected;
    twice[1].name = "prod".into();
    twice[1].updated = k8s_openapi::jiff::Timestamp::from_second(1).ok();
    let connections = Connections { items: twice.clone(), total: 2 };
    let wanted = |server: &str| UploadedRef { name: "prod".into(), api_server: server.into() };
    let found = |server: &str| connected::find(&connections, &wanted(server)).map(|found| found.id.clone());
    assert_eq!(found("https://prod.example:6443/").as_deref(), Some(PROD));
    assert_eq!(found("https://renamed.example").as_deref(), Some(OTHER));
}
