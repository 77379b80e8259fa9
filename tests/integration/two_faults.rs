//! Two faults at once: the one to fix first is on top, and its consequences are folded under it.

use k8s_openapi::{api::apps::v1::Deployment, jiff::Timestamp};
use meshdoctor::{
    diagnose::{self, Expectation},
    facts::{
        Attempt, Change, Facts, FailureReason, FlowTest, HeldBack, Obstacle, Passive, ProbeFailure, ServerTest, Step,
        recording,
    },
    report::{Report, Route, Severity, Source},
    stack::base::{
        failure::{Failure, Kind},
        permission::Permission,
        seen::{Denial, Seen},
    },
};

use crate::fixture::fixture;

fn healthy() -> Facts {
    let path = fixture("healthy-with-server");
    recording::read(&path.to_string_lossy(), None, None).expect("a healthy stack").remove(0)
}

fn report_for(faults: &[fn(&mut Facts)]) -> Report {
    let mut facts = healthy();
    for fault in faults {
        fault(&mut facts);
    }
    let source = Source { kind: "recording", path: None };
    diagnose::diagnose(&facts, &Expectation::default(), source)
}

/// The items to change. Empty if an earlier fault has hidden them.
fn known<T>(seen: &mut Seen<Vec<T>>) -> impl Iterator<Item = &mut T> {
    let items = match seen {
        Seen::Known(items) => Some(items),
        _ => None,
    };
    items.into_iter().flatten()
}

fn retain<T>(seen: &mut Seen<Vec<T>>, wanted: impl FnMut(&T) -> bool) {
    if let Seen::Known(items) = seen {
        items.retain(wanted);
    }
}

// The faults.

fn dead_api_server(facts: &mut Facts) {
    facts.obstacle = Some(Obstacle {
        code: "cluster-unreachable".into(),
        message: "the API server cannot be reached".into(),
        evidence: vec!["asked".into()],
        remedy: None,
    });
    facts.pods = Seen::NotLooked;
    facts.deployments = Seen::NotLooked;
}

fn no_permission_for_pods(facts: &mut Facts) {
    facts.pods = Seen::Denied(Denial { missing: vec![Permission::to("list", "", "pods").in_namespace("meshery")] });
    facts.broker.servers.clear();
    facts.broker.attempts.clear();
}

fn no_operator(facts: &mut Facts) {
    retain(&mut facts.deployments, |d| d.metadata.name.as_deref() != Some("meshery-operator"));
}

fn stuck_resources(facts: &mut Facts) {
    for list in facts.brokers.values_mut() {
        for broker in known(list) {
            broker.metadata.deletion_timestamp =
                Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        }
    }
}

fn broker_down(facts: &mut Facts) {
    facts.broker.servers.clear();
    facts.broker.attempts = vec![Attempt {
        pod: Some("meshery-nats-0".into()),
        route: Route::PortForward,
        address: None,
        failure: Some(ProbeFailure::broker(FailureReason::NoServer, "no NATS server runs in the pod")),
    }];
    for set in known(&mut facts.statefulsets) {
        set.status.as_mut().expect("a status").ready_replicas = Some(0);
    }
    for pod in known(&mut facts.pods) {
        if pod.metadata.name.as_deref() == Some("meshery-nats-0") {
            crash(pod);
        }
    }
}

fn meshsync_crashes(facts: &mut Facts) {
    let deployment: &mut Deployment = known(&mut facts.deployments)
        .find(|d| d.metadata.name.as_deref() == Some("meshery-meshsync"))
        .expect("MeshSync");
    let status = deployment.status.as_mut().expect("a status");
    status.ready_replicas = None;
    status.available_replicas = None;
    for pod in known(&mut facts.pods) {
        if pod.metadata.name.as_deref().is_some_and(|name| name.starts_with("meshery-meshsync")) {
            crash(pod);
        }
    }
    for server in &mut facts.broker.servers {
        retain(&mut server.connections, |client| client.name != "meshsync");
    }
}

fn crash(pod: &mut k8s_openapi::api::core::v1::Pod) {
    use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting};
    for status in pod.status.iter_mut().flat_map(|status| status.container_statuses.iter_mut().flatten()) {
        status.ready = false;
        status.restart_count = 5;
        status.state = Some(ContainerState {
            waiting: Some(ContainerStateWaiting { reason: Some("CrashLoopBackOff".into()), message: None }),
            ..ContainerState::default()
        });
    }
}

fn cannot_list(facts: &mut Facts) {
    let Seen::Known(reviews) = &mut facts.reviews else {
        panic!("a healthy stack is known");
    };
    let user = reviews[0].user.clone();
    for review in reviews.iter_mut() {
        review.allowed = false;
    }
    for entry in facts.profile.meshsync.default_watch_list {
        let (resource, group) = meshdoctor::stack::watch_list::resource_and_group(entry).expect("an entry");
        for verb in ["list", "watch"] {
            reviews.push(meshdoctor::facts::Review {
                user: user.clone(),
                permission: Permission::to(verb, group, resource),
                allowed: resource == "secrets",
            });
        }
    }
}

fn moving_tag(facts: &mut Facts) {
    for deployment in known(&mut facts.deployments) {
        let spec = deployment.spec.as_mut().expect("a spec");
        for container in &mut spec.template.spec.as_mut().expect("a pod").containers {
            container.image = container
                .image
                .take()
                .map(|image| image.replace(":1.", ":stable-latest#"))
                .map(|image| image.split('#').next().unwrap_or_default().to_owned());
        }
    }
}

fn disconnected(facts: &mut Facts) {
    for server in &mut facts.broker.servers {
        retain(&mut server.connections, |client| client.name != "meshsync");
    }
}

fn dead_webhook(facts: &mut Facts) {
    let why = Failure::new(
        Kind::ConversionWebhook,
        "the API server returned 500: conversion webhook for meshery.io/v1alpha2, Kind=Broker failed",
    );
    facts.brokers.insert("v1alpha1".into(), Seen::failed(why.clone()));
    facts.meshsyncs.insert("v1alpha1".into(), Seen::failed(why));
}

// The results of a data flow test.

fn flow(facts: &mut Facts) -> &mut FlowTest {
    let servers = facts.broker.servers.iter().map(|server| ServerTest {
        server_id: server.varz.server_id.clone(),
        round_trips: vec![400],
        ..ServerTest::default()
    });
    let servers = servers.collect();
    let test = facts.test.get_or_insert_default();
    test.flow.get_or_insert_with(|| FlowTest {
        subject: "meshery.meshsync.core".into(),
        wait: 5_000_000,
        servers,
        ..FlowTest::default()
    })
}

/// Three changes. The broker delivered these events, with this cluster id.
fn changes(facts: &mut Facts, arrived: &[&str], cluster: &str) {
    let changes = ["ADDED", "MODIFIED", "DELETED"].map(|event| {
        let arrived = arrived.contains(&event);
        Change {
            round: 1,
            event: event.into(),
            expected: true,
            acknowledged: Some(5_000),
            received: arrived.then_some(6_000),
            cluster_id: arrived.then(|| cluster.into()),
            copies: u64::from(arrived),
            ..Change::default()
        }
    });
    flow(facts).changes = changes.into();
}

fn silent(facts: &mut Facts) {
    changes(facts, &[], "");
    flow(facts).meta = Step { micros: Seen::Known(2_000), detail: "v1.0.3".into() };
}

fn event_lost(facts: &mut Facts) {
    changes(facts, &["ADDED", "MODIFIED"], "a773e1e1-573a-43f6-81d3-08a4da5064cf");
}

fn no_cluster_named(facts: &mut Facts) {
    changes(facts, &["ADDED", "MODIFIED", "DELETED"], "");
}

fn nothing_seen(facts: &mut Facts) {
    flow(facts).passive = Some(Passive { window: 10_000_000, before: Some(0), after: Some(0) });
}

fn not_watched(facts: &mut Facts) {
    flow(facts).held_back = Some(HeldBack::NotWatched {
        kind: "ConfigMap".into(),
        why: "the watch-list does not have configmaps.v1.".into(),
        instead: None,
    });
}

/// Gives this watch-list to every MeshSync.
fn set_watch_list(facts: &mut Facts, data: &serde_json::Value) {
    for list in facts.meshsyncs.values_mut() {
        for meshsync in known(list) {
            meshsync.spec.watch_list = Some(serde_json::json!({ "data": data }));
        }
    }
}

fn empty_list(facts: &mut Facts) {
    set_watch_list(facts, &serde_json::json!({}));
}

fn list_of_nothing(facts: &mut Facts) {
    let entries = r#"[{"Resource": "pod.v1.", "Events": ["ADDED", "MODIFIED", "DELETED"]}]"#;
    set_watch_list(facts, &serde_json::json!({ "whitelist": entries }));
}

/// Two faults, the finding on top, and the finding that must be folded under it, if any.
type Pair = (fn(&mut Facts), fn(&mut Facts), &'static str, Option<&'static str>);

/// A fault and its root cause.
type Single = (fn(&mut Facts), &'static str);

#[test]
fn of_two_faults_the_one_to_fix_first_is_on_top() {
    let pairs: &[Pair] = &[
        (dead_api_server, broker_down, "cluster-unreachable", None),
        (dead_api_server, cannot_list, "cluster-unreachable", None),
        (broker_down, disconnected, "broker-crash-loop", Some("meshsync-not-connected")),
        (broker_down, meshsync_crashes, "broker-crash-loop", Some("meshsync-crash-loop")),
        (broker_down, cannot_list, "broker-crash-loop", None),
        (no_operator, stuck_resources, "cr-stuck-terminating", Some("operator-missing")),
        (no_operator, broker_down, "operator-missing", None),
        (dead_webhook, meshsync_crashes, "conversion-webhook-down", None),
        (dead_webhook, stuck_resources, "conversion-webhook-down", None),
        (meshsync_crashes, cannot_list, "meshsync-crash-loop", None),
        (moving_tag, disconnected, "meshsync-not-connected", None),
        (moving_tag, cannot_list, "meshsync-cannot-list", None),
        // Proven faults come before what could not be checked.
        (no_permission_for_pods, no_operator, "operator-missing", None),
        (no_permission_for_pods, moving_tag, "permission-missing", None),
    ];
    assert_ranked(pairs);
}

#[test]
fn test_findings_are_caused_by_known_faults_of_the_stack() {
    assert_ranked(&[
        (cannot_list, silent, "meshsync-cannot-list", Some("meshsync-silent")),
        (cannot_list, no_cluster_named, "meshsync-cannot-list", Some("flow-wrong-cluster-id")),
        (empty_list, silent, "watch-list-empty", Some("meshsync-silent")),
        (list_of_nothing, not_watched, "watch-list-matches-nothing", Some("flow-not-watched")),
        (disconnected, nothing_seen, "meshsync-not-connected", Some("flow-nothing-seen")),
        (meshsync_crashes, silent, "meshsync-crash-loop", Some("meshsync-silent")),
        (no_operator, silent, "operator-missing", None),
        (moving_tag, event_lost, "flow-event-missing", None),
    ]);
}

/// Diagnoses each pair in both orders.
fn assert_ranked(pairs: &[Pair]) {
    for (first, second, top, folded) in pairs {
        for faults in [[*first, *second], [*second, *first]] {
            let report = report_for(&faults);
            let roots: Vec<&str> = report.root_causes().map(|finding| finding.code.as_str()).collect();
            assert_eq!(roots.first(), Some(top), "roots: {roots:?}");
            if let Some(folded) = folded {
                assert!(!roots.contains(folded), "{folded} is not folded: {roots:?}");
                assert!(report.findings().iter().any(|finding| finding.code == *folded), "{folded} is not reported");
            }
        }
    }
}

#[test]
fn each_fault_alone_is_the_root_cause() {
    let single: &[Single] = &[
        (dead_api_server, "cluster-unreachable"),
        (no_permission_for_pods, "permission-missing"),
        (no_operator, "operator-missing"),
        (broker_down, "broker-crash-loop"),
        (meshsync_crashes, "meshsync-crash-loop"),
        (cannot_list, "meshsync-cannot-list"),
        (moving_tag, "moving-tag"),
        (disconnected, "meshsync-not-connected"),
        (dead_webhook, "conversion-webhook-down"),
        (silent, "meshsync-silent"),
        (event_lost, "flow-event-missing"),
        (no_cluster_named, "flow-wrong-cluster-id"),
        (nothing_seen, "flow-nothing-seen"),
        (not_watched, "flow-not-watched"),
    ];
    for (fault, top) in single {
        let report = report_for(&[*fault]);
        let roots: Vec<&str> = report.root_causes().map(|finding| finding.code.as_str()).collect();
        assert_eq!(roots.first(), Some(top), "{roots:?}");
    }
    let healthy = report_for(&[]);
    let alarms = healthy.findings().iter().filter(|finding| finding.severity != Severity::Info);
    assert_eq!(alarms.count(), 0);
}

// Why MeshSync is not connected: of several reasons, the one that hides the others.

/// The containers of MeshSync's pods.
fn meshsync_containers(facts: &mut Facts) -> impl Iterator<Item = &mut k8s_openapi::api::core::v1::Container> {
    known(&mut facts.pods)
        .filter_map(|pod| pod.spec.as_mut())
        .flat_map(|spec| &mut spec.containers)
        .filter(|container| container.name == "meshsync")
}

fn not_connected(facts: &mut Facts) {
    for server in &mut facts.broker.servers {
        retain(&mut server.connections, |client| client.name != "meshsync");
    }
}

fn no_broker_runs(facts: &mut Facts) {
    facts.broker.servers.clear();
    facts.broker.attempts.clear();
    retain(&mut facts.pods, |pod| pod.metadata.name.as_deref() != Some("meshery-nats-0"));
}

fn wrong_address(facts: &mut Facts) {
    for container in meshsync_containers(facts) {
        for variable in container.env.iter_mut().flatten() {
            if variable.name == "BROKER_URL" {
                variable.value = Some("nats://$(NATS_TOKEN)@meshery-broker:4222".into());
            }
        }
    }
}

fn denied_by_policy(facts: &mut Facts) {
    let policy = serde_json::json!({
        "metadata": { "name": "deny-all", "namespace": "meshery" },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"] },
    });
    facts.networkpolicies = Seen::Known(vec![serde_json::from_value(policy).expect("a NetworkPolicy")]);
}

fn newer_secret(facts: &mut Facts) {
    let taken_at = facts.taken_at;
    if let Seen::Known(token) = &mut facts.token {
        token.created = Some(taken_at);
    }
}

fn lost(facts: &mut Facts) {
    let stop = Some(facts.taken_at);
    for server in &mut facts.broker.servers {
        server.closed = Seen::Known(vec![meshdoctor::facts::ClosedConnection {
            name: "meshsync".into(),
            start: stop,
            stop,
            reason: "Stale Connection".into(),
            ..Default::default()
        }]);
    }
}

#[test]
fn first_applicable_reason_explains_the_missing_connection() {
    type Fault = fn(&mut Facts);
    let reasons: [(Fault, &str); 5] = [
        (no_broker_runs, "The broker is down"),
        (wrong_address, "It is configured to publish to nats://$(NATS_TOKEN)@meshery-broker:4222"),
        (denied_by_policy, "A NetworkPolicy blocks it from port 4222"),
        (newer_secret, "Its token is older than Secret meshery-nats-auth"),
        (lost, "It was connected until"),
    ];
    for first in 0..reasons.len() {
        let mut faults: Vec<Fault> = vec![not_connected];
        // In reverse order: without a server, nothing else about it can be changed.
        faults.extend(reasons[first..].iter().rev().map(|(fault, _)| *fault));
        let report = report_for(&faults);
        let finding =
            report.findings().iter().find(|finding| finding.code == "meshsync-not-connected").expect("not connected");
        let words = reasons[first].1;
        assert!(finding.message.starts_with(words), "{words}: {}", finding.message);
    }
}
