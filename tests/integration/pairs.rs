//! Two faults at once: the one to mend first stands on top, and what merely follows is folded under it.

use k8s_openapi::{api::apps::v1::Deployment, jiff::Timestamp};
use meshdoctor::{
    diagnose::{self, Expectation},
    facts::{Attempt, Facts, FailureKind, Obstacle, ProbeFailure, Way},
    recording,
    report::{Report, Severity, Source},
    seen::{Denial, Right, Seen},
};

fn healthy() -> Facts {
    recording::read("fixtures/healthy-with-server", None, None).expect("a healthy stack")
}

fn judge(faults: &[fn(&mut Facts)]) -> Report {
    let mut facts = healthy();
    for fault in faults {
        fault(&mut facts);
    }
    let source = Source {
        kind: "recording",
        path: None,
    };
    diagnose::diagnose(&facts, &Expectation::default(), source)
}

/// The items to change; none where an earlier fault has taken them out of sight.
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

fn no_right_to_pods(facts: &mut Facts) {
    facts.pods = Seen::Denied(Denial {
        missing: vec![Right::to("list", "", "pods").in_namespace("meshery")],
    });
    facts.broker.servers.clear();
    facts.broker.attempts.clear();
}

fn no_operator(facts: &mut Facts) {
    retain(&mut facts.deployments, |d| {
        d.metadata.name.as_deref() != Some("meshery-operator")
    });
}

fn stuck_resources(facts: &mut Facts) {
    for list in facts.brokers.values_mut() {
        for broker in known(list) {
            broker.metadata.deletion_timestamp = Some(
                k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH),
            );
        }
    }
}

fn broker_down(facts: &mut Facts) {
    facts.broker.servers.clear();
    facts.broker.attempts = vec![Attempt {
        pod: Some("meshery-nats-0".into()),
        way: Way::PortForward,
        address: None,
        failure: Some(ProbeFailure {
            kind: FailureKind::Broker,
            message: "no NATS server runs in the pod".into(),
            missing: Vec::new(),
        }),
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
        if pod
            .metadata
            .name
            .as_deref()
            .is_some_and(|name| name.starts_with("meshery-meshsync"))
        {
            crash(pod);
        }
    }
    for server in &mut facts.broker.servers {
        retain(&mut server.connections, |client| client.name != "meshsync");
    }
}

fn crash(pod: &mut k8s_openapi::api::core::v1::Pod) {
    use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting};
    for status in pod
        .status
        .iter_mut()
        .flat_map(|status| status.container_statuses.iter_mut().flatten())
    {
        status.ready = false;
        status.restart_count = 5;
        status.state = Some(ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some("CrashLoopBackOff".into()),
                message: None,
            }),
            ..ContainerState::default()
        });
    }
}

fn blind(facts: &mut Facts) {
    let Seen::Known(reviews) = &mut facts.reviews else {
        panic!("a healthy stack is known");
    };
    let user = reviews[0].user.clone();
    for review in reviews.iter_mut() {
        review.allowed = false;
    }
    for entry in facts.profile.meshsync.default_watch_list {
        let (resource, group) =
            meshdoctor::watch_list::resource_and_group(entry).expect("an entry");
        for verb in ["list", "watch"] {
            reviews.push(meshdoctor::facts::Review {
                user: user.clone(),
                right: Right::to(verb, group, resource),
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
    let why = "the API server answered 500: conversion webhook for meshery.io/v1alpha2, Kind=Broker failed";
    facts
        .brokers
        .insert("v1alpha1".into(), Seen::Unreachable(why.into()));
    facts
        .meshsyncs
        .insert("v1alpha1".into(), Seen::Unreachable(why.into()));
}

/// Two faults, the finding on top, and whether the second is folded under it.
type Pair = (
    fn(&mut Facts),
    fn(&mut Facts),
    &'static str,
    Option<&'static str>,
);

/// A fault and its headline.
type Single = (fn(&mut Facts), &'static str);

#[test]
fn of_two_faults_the_one_to_mend_first_is_on_top() {
    let pairs: &[Pair] = &[
        (dead_api_server, broker_down, "cluster-unreachable", None),
        (dead_api_server, blind, "cluster-unreachable", None),
        (
            broker_down,
            disconnected,
            "broker-crash-loop",
            Some("meshsync-not-connected"),
        ),
        (
            broker_down,
            meshsync_crashes,
            "broker-crash-loop",
            Some("meshsync-crash-loop"),
        ),
        (broker_down, blind, "broker-crash-loop", None),
        (
            no_operator,
            stuck_resources,
            "cr-stuck-terminating",
            Some("operator-missing"),
        ),
        (no_operator, broker_down, "operator-missing", None),
        (
            dead_webhook,
            meshsync_crashes,
            "conversion-webhook-down",
            None,
        ),
        (
            dead_webhook,
            stuck_resources,
            "conversion-webhook-down",
            None,
        ),
        (meshsync_crashes, blind, "meshsync-crash-loop", None),
        (moving_tag, disconnected, "meshsync-not-connected", None),
        (moving_tag, blind, "meshsync-cannot-list", None),
        // What is proven stands before what could not be looked at.
        (no_right_to_pods, no_operator, "operator-missing", None),
        (no_right_to_pods, moving_tag, "permission-missing", None),
    ];
    for (first, second, top, folded) in pairs {
        for faults in [[*first, *second], [*second, *first]] {
            let report = judge(&faults);
            let roots: Vec<&str> = report
                .root_causes()
                .map(|finding| finding.code.as_str())
                .collect();
            assert_eq!(roots.first(), Some(top), "roots: {roots:?}");
            if let Some(folded) = folded {
                assert!(!roots.contains(folded), "{folded} is not folded: {roots:?}");
                assert!(
                    report
                        .findings()
                        .iter()
                        .any(|finding| finding.code == *folded),
                    "{folded} is not told"
                );
            }
        }
    }
}

#[test]
fn each_fault_alone_is_its_own_headline() {
    let single: &[Single] = &[
        (dead_api_server, "cluster-unreachable"),
        (no_right_to_pods, "permission-missing"),
        (no_operator, "operator-missing"),
        (broker_down, "broker-crash-loop"),
        (meshsync_crashes, "meshsync-crash-loop"),
        (blind, "meshsync-cannot-list"),
        (moving_tag, "moving-tag"),
        (disconnected, "meshsync-not-connected"),
        (dead_webhook, "conversion-webhook-down"),
    ];
    for (fault, top) in single {
        let report = judge(&[*fault]);
        let roots: Vec<&str> = report
            .root_causes()
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(roots.first(), Some(top), "{roots:?}");
    }
    let healthy = judge(&[]);
    let alarms = healthy
        .findings()
        .iter()
        .filter(|finding| finding.severity != Severity::Info);
    assert_eq!(alarms.count(), 0);
}

// Why MeshSync is not connected: of several reasons the one that hides the others.

/// The containers of MeshSync's pods.
fn meshsync_containers(
    facts: &mut Facts,
) -> impl Iterator<Item = &mut k8s_openapi::api::core::v1::Container> {
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
    retain(&mut facts.pods, |pod| {
        pod.metadata.name.as_deref() != Some("meshery-nats-0")
    });
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
    facts.networkpolicies = Seen::Known(vec![
        serde_json::from_value(policy).expect("a NetworkPolicy"),
    ]);
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
fn the_reason_why_meshsync_is_not_connected_is_the_first_in_the_order() {
    type Fault = fn(&mut Facts);
    let reasons: [(Fault, &str); 5] = [
        (no_broker_runs, "The broker is down"),
        (
            wrong_address,
            "It is told to publish to nats://$(NATS_TOKEN)@meshery-broker:4222",
        ),
        (denied_by_policy, "A NetworkPolicy keeps it from port 4222"),
        (
            newer_secret,
            "Its token is older than Secret meshery-nats-auth",
        ),
        (lost, "It was connected until"),
    ];
    for first in 0..reasons.len() {
        let mut faults: Vec<Fault> = vec![not_connected];
        // The last one first: without a server nothing else can be changed of it.
        faults.extend(reasons[first..].iter().rev().map(|(fault, _)| *fault));
        let report = judge(&faults);
        let finding = report
            .findings()
            .iter()
            .find(|finding| finding.code == "meshsync-not-connected")
            .expect("not connected");
        let words = reasons[first].1;
        assert!(
            finding.message.starts_with(words),
            "{words}: {}",
            finding.message
        );
    }
}
