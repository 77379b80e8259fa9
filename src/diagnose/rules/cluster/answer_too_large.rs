use crate::{
    diagnose::rules::{cluster::Advice, prelude::*},
    facts::FailureReason,
    stack::base::failure::{Failure, Kind as FailedBy},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "answer-too-large",
    title: "An answer is larger than what is read",
    explains: &["observation-missing", "broker-monitor-unreachable", "broker-unreachable"],
    explanation: include_str!("answer_too_large.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice = Advice { text: TOO_LARGE, kubectl: None };

pub(crate) static CHECK: Check = Check {
    id: "answers-within-limits",
    title: "every answer is within its limit",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// What to do about answers that exceed a limit.
pub(crate) const TOO_LARGE: &str = "check the address in the kubeconfig and the proxies in front of the server, and whether the namespace holds very many objects";

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let mut evidence = Vec::new();
    let mut add = |what: String, failure: Option<&Failure>| {
        if let Some(failure) = failure.filter(|failure| failure.kind == FailedBy::TooLarge) {
            evidence.push(format!("{what}: {}", failure.message));
        }
    };
    macro_rules! answers {
        ($($name:literal: $seen:expr),* $(,)?) => {
            $(add($name.into(), $seen.failure());)*
        };
    }
    answers!(
        "Namespace": facts.namespace,
        "the definition of Broker": facts.broker_crd,
        "the definition of MeshSync": facts.meshsync_crd,
        "Deployments": facts.deployments,
        "StatefulSets": facts.statefulsets,
        "ReplicaSets": facts.replicasets,
        "Pods": facts.pods,
        "Services": facts.services,
        "EndpointSlices": facts.endpointslices,
        "NetworkPolicies": facts.networkpolicies,
        "Events": facts.events,
        "the token's Secret": facts.token,
        "the Lease": facts.lease,
        "Helm's releases": facts.helm,
        "the list of resources": facts.served,
        "custom resources elsewhere": facts.elsewhere,
        "the ConfigMap of the watch-list": facts.watch_list_config_map,
    );
    for (version, seen) in &facts.brokers {
        add(format!("brokers in {version}"), seen.failure());
    }
    for (version, seen) in &facts.meshsyncs {
        add(format!("meshsyncs in {version}"), seen.failure());
    }
    for server in &facts.broker.servers {
        let name = server.pod.as_deref().unwrap_or("a broker server");
        add(format!("the clients of {name}"), server.connections.failure());
    }
    for log in &facts.logs {
        add(format!("the log of {}", log.pod), log.lines.failure());
    }
    if let Some(preflight) = &facts.preflight {
        add("Nodes and their pods".into(), preflight.nodes.failure());
    }
    let probes = facts.broker.attempts.iter().filter_map(|attempt| {
        let failure = attempt.failure.as_ref()?;
        let name = attempt.pod.as_deref().unwrap_or("a broker server");
        (failure.reason == FailureReason::TooLarge).then(|| format!("{name}: {}", failure.message))
    });
    evidence.extend(probes);
    if evidence.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .message("It was not read to its end. What it is about is not known.")
        .evidences(evidence)
        .remedy(TOO_LARGE)
        .found()
}
