//! Rules about reaching the cluster, and being allowed to look.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, inventory::shown_version, states},
    facts::{FailureKind, FailureReason},
    report::{Effect, Kind, Severity},
    stack::{
        base::{
            failure::{Failure, Kind as FailedBy},
            permission::Permission,
            seen::Seen,
        },
        component::Component::Cluster,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "api-reachable",
        category: Cluster,
        title: "the API server answers us",
        codes: &[
            "kubeconfig-missing",
            "kubeconfig-invalid",
            "exec-plugin-failed",
            "cluster-unreachable",
            "tls-untrusted",
            "not-an-api-server",
            "credentials-rejected",
            "interrupted",
            "internal-error",
            "answer-too-large",
        ],
        facts: &["version"],
        after: &[],
        judge: api_reachable,
    },
    Rule {
        id: "version-supported",
        category: Cluster,
        title: "the Kubernetes version is supported",
        codes: &["kubernetes-too-old"],
        facts: &["version"],
        after: &["api-reachable"],
        judge: version_supported,
    },
    Rule {
        id: "answers-within-limits",
        category: Cluster,
        title: "every answer is within its limit",
        codes: &["answer-too-large"],
        facts: &[],
        after: &["api-reachable"],
        judge: answers_within_limits,
    },
    Rule {
        id: "states-observable",
        category: Cluster,
        title: "everything that decides a state can be looked at",
        codes: &["permission-missing", "observation-missing"],
        facts: &["pods"],
        after: &["api-reachable"],
        judge: states_observable,
    },
];

/// The oldest minor version whose API servers accept the CRDs' validation rules.
const OLDEST_MINOR: u32 = 25;

fn api_reachable(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(obstacle) = &patient.facts.obstacle else {
        return match &patient.facts.target.server {
            Some(server) => Outcome::PassWith(server.clone()),
            None => Outcome::Pass,
        };
    };
    let explain = patient
        .facts
        .target
        .context
        .as_ref()
        .map(|context| format!("context: {context}"));
    let mut draft = Draft::new(&obstacle.code)
        .message(sentence(&obstacle.message))
        .evidences(obstacle.evidence.iter().cloned())
        .evidences(explain);
    let (text, command) = match obstacle.code.as_str() {
        "kubeconfig-missing" => (
            "point KUBECONFIG or --kubeconfig at the cluster's kubeconfig, or give a recording with --from",
            Some("kubectl config view"),
        ),
        "kubeconfig-invalid" => (
            "mend the kubeconfig at the place named above",
            Some("kubectl config view"),
        ),
        "exec-plugin-failed" => (
            "run the plugin's command by hand; it must print an ExecCredential",
            None,
        ),
        "cluster-unreachable" => (
            "see whether the cluster runs, and whether this machine has a way to it: VPN, proxy, firewall, DNS",
            Some("kubectl cluster-info"),
        ),
        "tls-untrusted" => (
            "fetch a fresh kubeconfig, which carries the cluster's CA; do not skip the verification",
            None,
        ),
        "not-an-api-server" => (
            "see whether the kubeconfig's server address is right, and whether a proxy or login page stands before it",
            None,
        ),
        "interrupted" => ("run the same command again", None),
        "internal-error" => (
            "report it to the project, with what `-v` prints; a recording may still work",
            None,
        ),
        "answer-too-large" => (TOO_LARGE, None),
        _ => (
            "log in again, or fetch a fresh kubeconfig",
            Some("kubectl auth whoami"),
        ),
    };
    draft = draft.remedy(obstacle.remedy.clone().unwrap_or_else(|| text.into()));
    if let Some(command) = command {
        let rest = command.strip_prefix("kubectl ").unwrap_or(command);
        draft = draft.command(patient.kubectl_cluster(Effect::Read, rest));
    }
    Outcome::Found(vec![draft.done()])
}

/// What to do about answers that exceed a limit.
const TOO_LARGE: &str = "check the address in the kubeconfig and the proxies in front of the server, and whether the namespace holds very many objects";

fn answers_within_limits(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
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
        add(
            format!("the clients of {name}"),
            server.connections.failure(),
        );
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
        return Outcome::Pass;
    }
    Outcome::Found(vec![
        Draft::new("answer-too-large")
            .message("It was not read to its end. What it is about is not known.")
            .evidences(evidence)
            .remedy(TOO_LARGE)
            .done(),
    ])
}

/// A sentence of its own: capital letter, full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", chars.as_str())
}

fn version_supported(patient: &Patient<'_>, _: &States) -> Outcome {
    let version = match &patient.facts.version {
        Seen::Known(version) => version,
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let shown = shown_version(version);
    let digits: String = version
        .minor
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    match (version.major.as_str(), digits.parse::<u32>()) {
        ("1", Ok(minor)) if minor < OLDEST_MINOR => Outcome::Found(vec![
            Draft::new("kubernetes-too-old")
                .title(format!("Kubernetes {shown} is older than 1.{OLDEST_MINOR}"))
                .message("The custom resource definitions hold validation rules that this API server does not know.")
                .evidence(format!("/version says {shown}"))
                .remedy(format!("upgrade the cluster to 1.{OLDEST_MINOR} or later"))
                .done(),
        ]),
        (_, Ok(_)) => Outcome::PassWith(shown),
        _ => Outcome::Unknown(format!("the version {shown} cannot be read")),
    }
}

fn states_observable(patient: &Patient<'_>, states: &States) -> Outcome {
    let deciding = states::deciding_denials(patient);
    let others = states::other_denials(patient);
    let mut findings = Vec::new();
    if !deciding.is_empty() {
        findings.push(permission(patient, &deciding, Severity::Error));
    }
    if !others.is_empty() {
        findings.push(permission(patient, &others, Severity::Info));
    }
    findings.extend(missing_observation(patient, states));
    Outcome::of(findings)
}

fn permission(
    patient: &Patient<'_>,
    rights: &[Permission],
    severity: Severity,
) -> crate::report::Finding {
    let deciding = severity == Severity::Error;
    let shown: Vec<String> = rights.iter().map(Permission::to_string).collect();
    let who = match &patient.facts.target.user {
        Some(user) => format!("user {user}"),
        None => "we".to_owned(),
    };
    Draft::new("permission-missing")
        .severity(severity)
        .title(match (deciding, rights.len()) {
            (true, 1) => "A right is missing that decides a state".to_owned(),
            (true, n) => format!("{n} rights are missing that decide a state"),
            (false, 1) => "A right is missing for a check that decides no state".to_owned(),
            (false, n) => format!("{n} rights are missing for checks that decide no state"),
        })
        .message(if deciding {
            format!("What {who} may not look at is not known, and is not called missing.")
        } else {
            "The checks concerned are unknown; nothing else changes.".to_owned()
        })
        .evidences(shown)
        .remedy("have somebody who may grant rights apply the smallest role")
        .command(patient.meshdoctor(Effect::Read, "rbac check"))
        .done()
}

/// What was neither denied nor seen, and leaves a state open.
fn missing_observation(patient: &Patient<'_>, states: &States) -> Option<crate::report::Finding> {
    let facts = patient.facts;
    let mut missing: Vec<String> = Vec::new();
    let mut add = |what: &str, why: Option<String>, denied: bool| {
        if let Some(why) = why.filter(|_| !denied) {
            missing.push(format!("{what}: {why}"));
        }
    };
    macro_rules! unseen {
        ($what:literal, $seen:expr) => {
            add(
                $what,
                $seen.why_unsettled(),
                matches!($seen, Seen::Denied(_)),
            )
        };
    }
    if states.operator.undetermined.is_some() || states.meshsync.undetermined.is_some() {
        unseen!("Deployments", &facts.deployments);
    }
    if states.meshsync.undetermined.is_some() || states.broker.undetermined.is_some() {
        unseen!("Pods", &facts.pods);
    }
    if states.meshsync.undetermined.is_some() {
        unseen!("MeshSync objects", &patient.meshsyncs);
    }
    if states.broker.undetermined.is_some() {
        unseen!("Broker objects", &patient.brokers);
    }
    let standalone = patient.is_standalone() && states.meshsync.undetermined.is_some();
    let broker_open =
        standalone || states.meshsync.report.at_least || states.broker.report.at_least;
    let explained = facts
        .broker
        .attempts
        .iter()
        .filter_map(|attempt| attempt.failure.as_ref())
        .any(|failure| failure.kind != FailureKind::Stranger)
        || facts.broker.servers.iter().any(|s| s.monitor.is_some());
    let pods_unseen = !facts.pods.is_settled();
    if broker_open && !explained && !pods_unseen {
        let why = patient
            .unseen_clients()
            .or_else(|| patient.unseen_own_clients());
        add("the broker's clients", why, false);
    }
    if missing.is_empty() {
        return None;
    }
    Some(
        Draft::new("observation-missing")
            .kind(Kind::Obstacle)
            .message("The states that hang on it are unknown, or the highest that is proven.")
            .evidences(missing)
            .remedy(
                "look again with everything in view: the text of `explain` says how to record it",
            )
            .command(patient.meshdoctor(Effect::Read, "record facts.json"))
            .done(),
    )
}
