use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{
        Facts,
        server::{ClusterConnection, Connections, NamedBy, ServerFacts, ServerSession},
    },
    repair::{operation::Reached, plan::Step},
    stack::base::seen::Seen,
};

const ID: &str = "535bca23-d3bd-af3e-2c7d-d5dc00000001";
const CLUSTER: &str = "a773e1e1-573a-43f6-81d3-08a4da5064cf";

/// The facts of a server in this mode beside these Deployments.
fn facts(mode: Option<&str>, generation: Seen<ApiGeneration>, deployments: &[Value]) -> Facts {
    let connection = ClusterConnection {
        id: ID.into(),
        cluster_id: Some(CLUSTER.into()),
        name: "prod".into(),
        status: "connected".into(),
        mode: mode.map(str::to_owned),
        ..ClusterConnection::default()
    };
    let server = ServerFacts {
        address: "http://localhost:9081".into(),
        named_by: NamedBy::Flag,
        session: ServerSession::LoggedIn,
        generation,
        connections: Seen::Known(Connections { items: vec![connection], total: 1 }),
        ..ServerFacts::default()
    };
    let deployments = deployments.iter().map(|it| serde_json::from_value(it.clone()).expect("a Deployment"));
    Facts {
        cluster_id: Seen::Known(CLUSTER.into()),
        server: Some(Box::new(server)),
        pods: Seen::Known(Vec::new()),
        deployments: Seen::Known(deployments.collect()),
        brokers: BTreeMap::from([("v1alpha1".to_owned(), Seen::Known(Vec::new()))]),
        meshsyncs: BTreeMap::from([("v1alpha1".to_owned(), Seen::Known(Vec::new()))]),
        ..Facts::default()
    }
}

fn newest() -> Seen<ApiGeneration> {
    Seen::Known(ApiGeneration::Controllers)
}

fn deployment(name: &str, manager: &str, env: &Value) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": { "app.kubernetes.io/managed-by": manager },
            "annotations": { "meta.helm.sh/release-name": name },
        },
        "spec": { "selector": {}, "template": { "spec": { "containers": [{ "name": name, "env": env }] } } },
        "status": {},
    })
}

fn plan_of(facts: &Facts, embedded: bool) -> Result<Plan, Refusal> {
    plan(&ServerView::of(facts)?, embedded)
}

fn verbs(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(Step::verb).collect()
}

#[test]
fn plan_says_what_goes_and_what_comes() {
    let helm = deployment("meshery-operator", "Helm", &json!([]));
    let plan = plan_of(&facts(Some("operator"), newest(), &[helm]), true).expect("a plan");
    assert_eq!(verbs(&plan), ["switch", "wait"]);
    assert!(plan.warnings[0].contains("removes the operator") && plan.warnings[0].ends_with("meshery-operator"));
    let own = deployment("meshery-operator", "kubectl", &json!([]));
    let plan = plan_of(&facts(None, newest(), &[own]), true).expect("a plan");
    assert!(plan.warnings[0].contains("did not install Deployment meshery-operator"), "{:?}", plan.warnings);
    let plan = plan_of(&facts(Some("embedded"), newest(), &[]), false).expect("a plan");
    assert_eq!(verbs(&plan), ["switch", "wait"]);
    assert!(plan.warnings[0].contains("installs the operator"), "{:?}", plan.warnings);
}

#[test]
fn mode_in_effect_is_unchanged_and_one_that_is_not_is_waited_for() {
    let gone = facts(Some("embedded"), newest(), &[]);
    let plan = plan_of(&gone, true).expect("a plan");
    assert!(plan.steps.is_empty() && plan.seen[0].contains("is embedded"), "{plan:?}");
    let helm = deployment("meshery-operator", "Helm", &json!([]));
    let there = facts(Some("embedded"), newest(), &[helm]);
    let plan = plan_of(&there, true).expect("a plan");
    assert_eq!(verbs(&plan), ["wait"]);
    let judged = Goal::Mode(true).judge(&there);
    assert_eq!(judged, Reached::NotYet("still there: Deployment meshery-operator".into()));
    // What the server did not install stays.
    let own = deployment("meshery-operator", "kubectl", &json!([]));
    let judged = Goal::Mode(true).judge(&facts(Some("embedded"), newest(), &[own]));
    assert!(matches!(&judged, Reached::Yes(seen) if seen.contains("stays")), "{judged:?}");
    // Operator mode is in effect only if MeshSync is connected.
    let operator = facts(Some("operator"), newest(), &[]);
    assert_eq!(verbs(&plan_of(&operator, false).expect("a plan")), ["wait"]);
    let judged = Goal::Mode(false).judge(&operator);
    assert_eq!(judged, Reached::NotYet("operator NOTDEPLOYED, MeshSync UNDEPLOYED".into()));
    let judged = Goal::Mode(false).judge(&gone);
    assert_eq!(judged, Reached::NotYet("the mode of connection prod is embedded".into()));
}

#[test]
fn other_generations_are_refused_by_name() {
    for (generation, words) in [
        (Seen::Known(ApiGeneration::Graphql), "generation with GraphQL"),
        (Seen::Known(ApiGeneration::Connections), "generation of May 2026"),
        (Seen::Absent, "no request that is known"),
    ] {
        for embedded in [true, false] {
            let refusal = plan_of(&facts(None, generation.clone(), &[]), embedded).expect_err("a refusal");
            assert!(refusal.why.contains(words) && !refusal.undetermined, "{refusal:?}");
            assert!(!refusal.instead.is_empty(), "{refusal:?}");
        }
    }
    let unknown = plan_of(&facts(None, Seen::failed("no answer"), &[]), true).expect_err("a refusal");
    assert!(unknown.undetermined, "{unknown:?}");
}

#[test]
fn forbidden_operator_and_unused_connection_are_refused() {
    let env = json!([{ "name": "DISABLE_OPERATOR", "value": "true" }]);
    let forbidden = facts(Some("embedded"), newest(), &[deployment("meshery", "Helm", &env)]);
    let refusal = plan_of(&forbidden, false).expect_err("a refusal");
    assert!(refusal.why.contains("DISABLE_OPERATOR is true"), "{refusal:?}");
    let mut unused = facts(Some("embedded"), newest(), &[]);
    let server = unused.server.as_mut().expect("a server");
    let mut all = server.connections.known().cloned().expect("connections");
    all.items[0].status = "disconnected".into();
    server.connections = Seen::Known(all.clone());
    let refusal = plan_of(&unused, false).expect_err("a refusal");
    assert_eq!(refusal.instead, [Advice::command("server reconnect")]);
    // A server takes another connection for an ID that is no UUID.
    all.items[0].status = "connected".into();
    for id in ["00000000-0000-0000-0000-000000000000", "7", "535bca23d3bdaf3e2c7dd5dc00000001"] {
        all.items[0].id = id.into();
        unused.server.as_mut().expect("a server").connections = Seen::Known(all.clone());
        let refusal = plan_of(&unused, true).expect_err("a refusal");
        assert!(refusal.why.contains("is not a UUID"), "{refusal:?}");
    }
}
