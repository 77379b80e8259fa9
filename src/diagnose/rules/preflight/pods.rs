//! Do Pod Security and the quotas of the namespace let the stack's pods in?

use k8s_openapi::api::core::v1::Pod;

use super::{Outcome, Patient, Rule, States, objects, seen};
use crate::{
    diagnose::Draft,
    facts::{DryRun, dry_run::Tried, stack},
    report::{Effect, Finding, ObjectRef},
    stack::{component::Component::Installation, manifests},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "pod-security",
        category: Installation,
        title: "Pod Security lets the stack's pods in",
        codes: &["pod-security-blocks"],
        facts: &["preflight", "namespace"],
        after: &["api-reachable"],
        judge: pod_security,
    },
    Rule {
        id: "takes-pods",
        category: Installation,
        title: "quotas and policies let the stack's pods in",
        codes: &["install-rejected"],
        facts: &["preflight"],
        after: &["api-reachable"],
        judge: pods_taken,
    },
];

/// The label by which a namespace demands a level.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The level that a namespace demands.
fn level<'a>(patient: &Patient<'a>) -> Option<&'a str> {
    let namespace = patient.facts.namespace.known()?;
    let labels = namespace.metadata.labels.as_ref()?;
    labels.get(ENFORCE).map(String::as_str)
}

fn pod_security(patient: &Patient<'_>, _: &States) -> Outcome {
    let trials = &seen(patient).pods;
    let mut refused: Vec<(String, String)> = Vec::new();
    let mut untried = None;
    for trial in trials {
        match Tried::of(trial) {
            Tried::Insecure(message) => {
                // The name of the level, then what is against it.
                let why = message
                    .split_once("violates PodSecurity ")
                    .map_or(message, |(_, why)| why);
                refused.push((workload(trial), why.to_owned()));
            }
            Tried::Waits(until) => {
                untried = Some(Outcome::Skip(format!("it cannot be tried until {until}")));
            }
            // Another refusal says nothing of what Pod Security would have said.
            Tried::Denied | Tried::Refused(_) => untried = Some(by_label(patient)),
            Tried::Open(why) => untried = Some(Outcome::Unknown(why)),
            _ => {}
        }
    }
    if !refused.is_empty() {
        return Outcome::Found(vec![finding(patient, &refused)]);
    }
    match untried {
        Some(outcome) => outcome,
        None => match level(patient) {
            Some(level) => Outcome::PassWith(format!("level {level}")),
            None => Outcome::Pass,
        },
    }
}

/// Where pods could not be tried: by the namespace's label and the pods themselves.
fn by_label(patient: &Patient<'_>) -> Outcome {
    if let Some(why) = patient.facts.namespace.why_unsettled() {
        return Outcome::Unknown(why);
    }
    let Some(level) = level(patient) else {
        return Outcome::Skip(
            "not every pod could be tried; the namespace demands no level of its own, the cluster may"
                .into(),
        );
    };
    let refused: Vec<(String, String)> = pods(patient)
        .iter()
        .filter_map(|(name, pod)| {
            let needed = needed(pod);
            (rank(needed) > rank(level)).then(|| (name.clone(), format!("it needs level {needed}")))
        })
        .collect();
    if refused.is_empty() {
        Outcome::PassWith(format!("level {level}, read off the namespace"))
    } else {
        Outcome::Found(vec![finding(patient, &refused)])
    }
}

fn pods(patient: &Patient<'_>) -> Vec<(String, Pod)> {
    let facts = patient.facts;
    manifests::pods(facts.profile, &facts.target.namespace)
        .iter()
        .filter_map(|object| {
            let pod = manifests::typed(object)?;
            let name = stack::name(&pod.metadata).trim_end_matches("-preflight");
            Some((name.to_owned(), pod))
        })
        .collect()
}

/// How much a level allows.
fn rank(level: &str) -> u8 {
    match level {
        "restricted" => 0,
        "baseline" => 1,
        _ => 2,
    }
}

/// The strictest level that lets a pod of ours in. Only what our pods differ in is looked at.
fn needed(pod: &Pod) -> &'static str {
    let Some(spec) = &pod.spec else {
        return "restricted";
    };
    let takes_host_ports = spec
        .containers
        .iter()
        .flat_map(|container| container.ports.iter().flatten())
        .any(|port| port.host_port.is_some());
    if takes_host_ports {
        return "privileged";
    }
    let plain = spec
        .security_context
        .as_ref()
        .and_then(|context| context.run_as_non_root)
        .is_none();
    if plain { "baseline" } else { "restricted" }
}

fn finding(patient: &Patient<'_>, refused: &[(String, String)]) -> Finding {
    let namespace = &patient.facts.target.namespace;
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = pods(patient)
        .iter()
        .map(|(_, pod)| needed(pod))
        .max_by_key(|level| rank(level))
        .unwrap_or("baseline");
    let demands = match level(patient) {
        Some(level) => format!("metadata.labels of namespace {namespace}: {ENFORCE}={level}"),
        None => {
            format!("namespace {namespace} bears no level: the cluster's own default is enforced")
        }
    };
    Draft::new("pod-security-blocks")
        .title(format!(
            "Pod Security of namespace {namespace} keeps out the pods of {}",
            names.join(", ")
        ))
        .message(
            "The Deployment or StatefulSet would be made, and stay without pods. The operator sets the pods' security \
             context itself, so that it cannot be mended in the stack.",
        )
        .object(ObjectRef {
            kind: "Namespace".into(),
            namespace: None,
            name: namespace.clone(),
        })
        .evidence(demands)
        .evidences(refused.iter().map(|(name, why)| format!("{name}: {why}")))
        .remedy(format!(
            "let the namespace enforce {wanted}, which all of the stack's pods keep to; warn and audit may stay stricter"
        ))
        .command(patient.kubectl_cluster(
            Effect::Write,
            &format!("label namespace {namespace} {ENFORCE}={wanted} --overwrite"),
        ))
        .done()
}

fn workload(trial: &DryRun) -> String {
    trial.name.trim_end_matches("-preflight").to_owned()
}

fn pods_taken(patient: &Patient<'_>, _: &States) -> Outcome {
    let mut findings = Vec::new();
    let mut untried = None;
    for trial in &seen(patient).pods {
        match Tried::of(trial) {
            Tried::Refused(answer) => findings.push(objects::refused(patient, trial, answer)),
            Tried::Waits(until) => {
                untried = Some(Outcome::Skip(format!("they cannot be tried until {until}")));
            }
            Tried::Denied => {
                untried = Some(Outcome::Skip(
                    "we may not create pods, which an installation need not and trying them does"
                        .into(),
                ));
            }
            Tried::Open(why) => untried = Some(Outcome::Unknown(why)),
            _ => {}
        }
    }
    match untried {
        _ if !findings.is_empty() => Outcome::Found(findings),
        Some(outcome) => outcome,
        None => Outcome::PassWith("each by itself".into()),
    }
}
