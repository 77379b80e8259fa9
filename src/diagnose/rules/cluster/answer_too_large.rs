use crate::{
    diagnose::rules::prelude::*,
    facts::{FailureReason, observed},
    stack::base::failure::{Failure, Kind as FailedBy},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "answer-too-large",
    title: "A response exceeds the size limit",
    explains: &["observation-missing", "broker-monitor-unreachable", "broker-unreachable"],
    explanation: include_str!("answer_too_large.md"),
    remedy: "check the address in the kubeconfig, proxies in front of the API server, and whether the namespace has \
             very many objects",
    cure: Cure::Person(because::CAPACITY),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "answers-within-limits",
    title: "every response is within its size limit",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let mut evidence = Vec::new();
    let mut add = |what: String, failure: Option<&Failure>| {
        if let Some(failure) = failure.filter(|failure| failure.kind == FailedBy::TooLarge) {
            evidence.push(format!("{what}: {}", failure.message));
        }
    };
    for outcome in observed::outcomes(facts) {
        add(outcome.title(), outcome.seen.failure());
    }
    add("the token's Secret".into(), facts.token.failure());
    add("Helm's releases".into(), facts.helm.failure());
    add("the list of served resources".into(), facts.served.failure());
    add("custom resources in other namespaces".into(), facts.elsewhere.failure());
    add("the watch-list ConfigMap".into(), facts.watch_list_config_map.failure());
    for server in &facts.broker.servers {
        let name = server.pod.as_deref().unwrap_or("a broker server");
        add(format!("the clients of {name}"), server.connections.failure());
    }
    for log in &facts.logs {
        add(format!("the log of {}", log.pod), log.lines.failure());
    }
    if let Some(preflight) = &facts.preflight {
        add("nodes and their pods".into(), preflight.nodes.failure());
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
        .message("It was not read completely, so its contents are unknown.")
        .evidences(evidence)
        .remedy(DIAGNOSIS.remedy)
        .found()
}
