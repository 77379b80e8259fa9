//! Nodes that no longer report: what is proven then, and what is not.

use k8s_openapi::{
    api::core::v1::{Pod, PodReadinessGate},
    apimachinery::pkg::apis::meta::v1::Time,
};
use meshdoctor::{
    diagnose::{self, Expectation},
    facts::{Facts, NodeReadiness, recording, stack},
    report::{Report, Source, State, Status, Verdict},
    stack::base::{
        failure::{Failure, Kind},
        permission::Permission,
        seen::{Denial, Seen},
    },
};

use crate::fixture::fixture;

/// The broker and the operator run on a ready node, MeshSync on a silent one.
fn silent_meshsync() -> Facts {
    facts("node-silent-meshsync-connected")
}

fn facts(name: &str) -> Facts {
    recording::read(&fixture(name).to_string_lossy(), None, None).expect("a recording").remove(0)
}

fn report(facts: &Facts) -> Report {
    diagnose::diagnose(facts, &Expectation::default(), Source { kind: "recording", path: None })
}

fn pod_mut<'a>(facts: &'a mut Facts, prefix: &str) -> &'a mut Pod {
    let Seen::Known(pods) = &mut facts.pods else {
        panic!("the pods are known");
    };
    let named = |pod: &&mut Pod| pod.metadata.name.as_deref().is_some_and(|name| name.starts_with(prefix));
    pods.iter_mut().find(named).expect("the pod")
}

fn roots(report: &Report) -> Vec<&str> {
    report.root_causes.iter().flatten().map(String::as_str).collect()
}

fn state_of_meshsync(report: &Report) -> (State, bool) {
    let meshsync = &report.components.stack().expect("a stack").meshsync;
    (meshsync.state, meshsync.at_least)
}

fn set_idle(facts: &mut Facts, idle: &str) {
    let Seen::Known(clients) = &mut facts.broker.servers[0].connections else {
        panic!("the clients are known");
    };
    clients[0].idle = idle.into();
}

#[test]
fn message_after_the_node_fell_silent_proves_connected() {
    let report = report(&silent_meshsync());
    assert_eq!(state_of_meshsync(&report), (State::Connected, false));
    assert_eq!(roots(&report), ["node-not-ready"]);
}

#[test]
fn listed_client_of_a_silent_node_proves_only_deployed() {
    let mut facts = silent_meshsync();
    // The node has been silent for two minutes.
    set_idle(&mut facts, "2m40s");
    let report = report(&facts);
    assert_eq!(state_of_meshsync(&report), (State::Deployed, true));
    let checks = report.checks.as_deref().unwrap_or_default();
    let connected = checks.iter().find(|check| check.id == "meshsync-connected").expect("the check");
    assert_eq!(connected.status, Status::Unknown);
    assert!(connected.reason.as_deref().is_some_and(|why| why.contains("node-2")), "{:?}", connected.reason);
    assert_eq!(report.verdict, Some(Verdict::Unhealthy));
}

#[test]
fn unreadable_node_is_judged_by_what_the_control_plane_wrote_into_its_pods() {
    let denied = Seen::Denied(Denial { missing: vec![Permission::to("get", "", "nodes")] });
    let failed = Seen::failed(Failure::new(Kind::TimedOut, "timed out"));
    for seen in [denied, failed, Seen::NotLooked] {
        let mut facts = silent_meshsync();
        facts.nodes.insert("node-2".into(), seen);
        let report = report(&facts);
        assert_eq!(roots(&report), ["node-not-ready"]);
        assert_eq!(report.permissions.missing, [], "a node is optional");
    }
}

#[test]
fn pod_that_is_not_ready_for_another_reason_does_not_blame_its_node() {
    let silent = |facts: &Facts| roots(&report(facts)).contains(&"node-not-ready");

    let mut ready = silent_meshsync();
    let known = NodeReadiness { ready: "True".into(), ..NodeReadiness::default() };
    ready.nodes.insert("node-2".into(), Seen::Known(known));
    assert!(!silent(&ready), "the node itself says that it is ready");

    let mut gated = silent_meshsync();
    gated.nodes.clear();
    assert!(silent(&gated));
    let spec = pod_mut(&mut gated, "meshery-meshsync").spec.as_mut().expect("a spec");
    spec.readiness_gates = Some(vec![PodReadinessGate { condition_type: "example.com/ready".into() }]);
    assert!(!silent(&gated), "a readiness gate explains it");

    let unready = facts("meshsync-not-ready");
    assert!(!silent(&unready));
    assert_eq!(stack::nodes_to_query(&unready), ["node-1"]);
    assert!(stack::nodes_to_query(&facts("healthy")).is_empty(), "a healthy stack costs no request");
}

#[test]
fn event_proves_a_silent_node_only_if_it_is_about_the_current_condition() {
    let mut facts = facts("node-not-ready");
    facts.nodes.clear();
    let pods = ["meshery-operator", "meshery-nats", "meshery-meshsync"];
    for pod in pods {
        let status = pod_mut(&mut facts, pod).status.as_mut().expect("a status");
        for condition in status.conditions.iter_mut().flatten().filter(|it| it.type_ == "ContainersReady") {
            condition.status = "False".into();
        }
    }
    assert_eq!(roots(&report(&facts)), ["node-not-ready"]);
    let Seen::Known(events) = &mut facts.events else {
        panic!("the events are known");
    };
    for event in events.iter_mut().filter(|event| event.reason.as_deref() == Some("NodeNotReady")) {
        event.last_timestamp = Some(Time("2026-11-21T00:10:00Z".parse().expect("a time")));
    }
    assert!(!roots(&report(&facts)).contains(&"node-not-ready"));
}

#[test]
fn fault_on_another_node_remains_a_root_cause() {
    let mut facts = silent_meshsync();
    let crash = self::facts("operator-crash-loop");
    let Seen::Known(pods) = &crash.pods else {
        panic!("the pods are known");
    };
    let crashing = pods.iter().find(|pod| stack::name(&pod.metadata).starts_with("meshery-operator")).expect("a pod");
    *pod_mut(&mut facts, "meshery-operator") = crashing.clone();
    facts.deployments = match (facts.deployments, crash.deployments) {
        (Seen::Known(mine), Seen::Known(theirs)) => {
            let is_operator = |name: Option<&str>| name == Some("meshery-operator");
            let operators = theirs.into_iter().filter(|it| is_operator(it.metadata.name.as_deref()));
            let others = mine.into_iter().filter(|it| !is_operator(it.metadata.name.as_deref()));
            Seen::Known(others.chain(operators).collect())
        }
        _ => panic!("the Deployments are known"),
    };
    assert_eq!(roots(&report(&facts)), ["node-not-ready", "operator-crash-loop"]);
}
