use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::rules::{
        preflight::{pods, seen},
        prelude::*,
    },
    facts::{DryRun, dry_run::DryRunOutcome},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "pod-security-blocks",
    title: "Pod Security rejects the stack's pods",
    explanation: include_str!("pod_security_blocks.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "pod-security",
    title: "Pod Security admits the stack's pods",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The label with which a namespace enforces a level.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The level that a namespace enforces.
fn level<'a>(context: &RuleContext<'a>) -> Option<&'a str> {
    let namespace = context.facts.namespace.known()?;
    let labels = namespace.metadata.labels.as_ref()?;
    labels.get(ENFORCE).map(String::as_str)
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let trials = &seen(context).pods;
    let mut refused: Vec<(String, String)> = Vec::new();
    let mut untried = None;
    for trial in trials {
        match DryRunOutcome::of(trial) {
            DryRunOutcome::Insecure(message) => {
                // The text from the level's name on.
                let why = message.split_once("violates PodSecurity ").map_or(message, |(_, why)| why);
                refused.push((workload(trial), why.to_owned()));
            }
            DryRunOutcome::Waits(until) => {
                untried = Some(Outcome::skip(format!("cannot be tested until {until}")));
            }
            // Another rejection does not show what Pod Security would have decided.
            DryRunOutcome::Denied | DryRunOutcome::Refused(_) => untried = Some(by_label(context)),
            DryRunOutcome::Unknown(why) => untried = Some(Outcome::unknown(why)),
            _ => {}
        }
    }
    if !refused.is_empty() {
        return Outcome::found(vec![finding(context, &refused)]);
    }
    untried.unwrap_or_else(|| Ok(Outcome::Pass(level(context).map(|level| format!("level {level}")))))
}

/// The outcome if pods could not be tested: from the namespace's label and the pods' specs.
fn by_label(context: &RuleContext<'_>) -> Judgement {
    context.facts.namespace.settled()?;
    let Some(level) = level(context) else {
        return Outcome::skip("not every pod could be tested; the namespace enforces no level, but the cluster may");
    };
    let refused: Vec<(String, String)> = pods(context)
        .iter()
        .filter_map(|(name, pod)| {
            let needed = needed(pod);
            (rank(needed) > rank(level)).then(|| (name.clone(), format!("it requires level {needed}")))
        })
        .collect();
    if refused.is_empty() {
        Outcome::pass_with(format!("level {level}, according to the namespace's label"))
    } else {
        Outcome::found(vec![finding(context, &refused)])
    }
}

/// The higher the rank, the more a level allows.
fn rank(level: &str) -> u8 {
    match level {
        "restricted" => 0,
        "baseline" => 1,
        _ => 2,
    }
}

/// The strictest level that admits one of the stack's pods. Only fields in which these pods differ are considered.
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
    let plain = spec.security_context.as_ref().and_then(|context| context.run_as_non_root).is_none();
    if plain { "baseline" } else { "restricted" }
}

fn finding(context: &RuleContext<'_>, refused: &[(String, String)]) -> Finding {
    let namespace = &context.facts.target.namespace;
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = pods(context).iter().map(|(_, pod)| needed(pod)).max_by_key(|level| rank(level)).unwrap_or("baseline");
    let demands = match level(context) {
        Some(level) => format!("metadata.labels of namespace {namespace}: {ENFORCE}={level}"),
        None => {
            format!("namespace {namespace} has no level, so the cluster's default applies")
        }
    };
    DIAGNOSIS
        .finding()
        .title(format!("Pod Security of namespace {namespace} rejects the pods of {}", names.join(", ")))
        .message(
            "The Deployment or StatefulSet would be created but have no pods. The operator sets the pods' security \
             context itself, so this cannot be fixed in the stack.",
        )
        .object(cluster_object("Namespace", namespace))
        .evidence(demands)
        .evidences(refused.iter().map(|(name, why)| format!("{name}: {why}")))
        .remedy(format!(
            "let the namespace enforce {wanted}, which all of the stack's pods meet; warn and audit may be stricter"
        ))
        .command(
            context.kubectl_cluster().change(format!("label namespace {namespace} {ENFORCE}={wanted} --overwrite")),
        )
        .done()
}

fn workload(trial: &DryRun) -> String {
    trial.name.trim_end_matches("-preflight").to_owned()
}
