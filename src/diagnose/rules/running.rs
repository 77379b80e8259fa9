//! Rules about how `MeshSync` runs: how often, with which filters, how near to its limits.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, rollout},
    facts::stack,
    report::{Effect, Severity},
    stack::{base::seen::Seen, component::Component, output_filter::OutputFilter},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "meshsync-once",
        category: Component::Meshsync,
        title: "one MeshSync reports this cluster",
        codes: &["meshsync-duplicated"],
        facts: &["deployments"],
        after: &["installed"],
        judge: once,
    },
    Rule {
        id: "meshsync-whole",
        category: Component::Meshsync,
        title: "MeshSync publishes all that it watches",
        codes: &["meshsync-output-filter"],
        facts: &["deployments"],
        after: &["installed"],
        judge: whole,
    },
    Rule {
        id: "meshsync-memory",
        category: Component::Meshsync,
        title: "MeshSync is well below its limit of memory",
        codes: &["meshsync-high-memory"],
        facts: &["pods"],
        after: &["installed"],
        judge: memory,
    },
];

/// The percentage of its limit from which on a container is near to it.
const NEAR: u64 = 80;

/// The Deployment of `MeshSync`, or why there is nothing to judge.
pub(super) fn deployment<'a>(
    patient: &Patient<'a>,
) -> Result<&'a k8s_openapi::api::apps::v1::Deployment, Outcome> {
    match &patient.meshsync {
        Seen::Known(deployment) => Ok(deployment),
        Seen::Absent => Err(Outcome::Skip("MeshSync has no Deployment".into())),
        other => Err(Outcome::Unknown(other.why_unsettled().unwrap_or_default())),
    }
}

fn once(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    if let Some(why) = facts.deployments.why_unsettled() {
        return Outcome::Unknown(why);
    }
    let container = facts.profile.meshsync.container;
    let found: Vec<_> = facts
        .deployments
        .items()
        .iter()
        .filter(|deployment| rollout::image(deployment, container).is_some())
        .map(|deployment| {
            (
                stack::name(&deployment.metadata),
                rollout::wanted(deployment),
            )
        })
        .filter(|(_, wanted)| *wanted > 0)
        .collect();
    let wanted: i32 = found.iter().map(|(_, wanted)| wanted).sum();
    if wanted <= 1 {
        return Outcome::Pass;
    }
    let mut draft = Draft::new("meshsync-duplicated")
        .title(format!("{wanted} MeshSyncs report this cluster"))
        .message("They do not share the work: each publishes everything, so that the server gets every event several times, and the load is as many times as high.")
        .evidences(found.iter().map(|(name, wanted)| format!("Deployment {name} wants {wanted} of container {container}")));
    if let Some((name, _)) = found.first() {
        draft = draft.object(patient.object("Deployment", name));
    }
    for meshsync in patient.meshsyncs.items() {
        let name = stack::name(&meshsync.metadata);
        if let Some(size) = meshsync.spec.size.filter(|size| *size > 1) {
            let target = format!("meshsyncs.{} {name}", facts.profile.group);
            draft = draft
                .evidence(format!("MeshSync {name}: spec.size is {size}"))
                .command(patient.kubectl(
                    Effect::Write,
                    &format!(r#"patch {target} --type merge -p '{{"spec":{{"size":1}}}}'"#),
                ));
        }
    }
    let remedy = if found.len() > 1 {
        "one is enough: remove the others, each where it comes from"
    } else {
        "one is enough; set the size in the object, since the operator undoes what is scaled by hand"
    };
    Outcome::Found(vec![draft.remedy(remedy).done()])
}

fn whole(patient: &Patient<'_>, _: &States) -> Outcome {
    let deployment = match deployment(patient) {
        Ok(deployment) => deployment,
        Err(outcome) => return outcome,
    };
    let filter = OutputFilter::of(deployment, patient.facts.profile);
    let mut means = Vec::new();
    let mut evidence = Vec::new();
    let mut severity = Severity::Info;
    if filter.to_file {
        severity = Severity::Warning;
        means.push("it writes a file and publishes nothing to the broker".to_owned());
        evidence.push("-output is file".to_owned());
    }
    if let Some(namespaces) = &filter.namespaces {
        means.push(format!(
            "only objects of the namespaces {namespaces} are published, and nothing that has no namespace: no nodes, no persistent volumes"
        ));
        evidence.push(format!("-outputNamespaces is {namespaces}"));
    }
    if let Some(resources) = &filter.resources {
        means.push(format!("only {resources} are watched"));
        evidence.push(format!("-outputResources is {resources}"));
    }
    if means.is_empty() {
        return Outcome::Pass;
    }
    let name = stack::name(&deployment.metadata);
    Outcome::Found(vec![
        Draft::new("meshsync-output-filter")
            .severity(severity)
            .message(format!("Somebody asked for it, and it explains gaps: {}.", means.join("; ")))
            .object(patient.object("Deployment", name))
            .evidences(evidence.into_iter().map(|line| format!("Deployment {name}: {line}")))
            .remedy("nothing, if that is meant; else remove it where it was set: in the configuration of the connection, or on the Deployment")
            .command(patient.kubectl(Effect::Write, &format!("edit deployment/{name}")))
            .done(),
    ])
}

fn memory(patient: &Patient<'_>, _: &States) -> Outcome {
    let used = match &patient.facts.memory {
        Seen::Known(used) => used,
        Seen::Absent => {
            return Outcome::Skip(
                "the metrics API is not served here, or has not measured it".into(),
            );
        }
        // One check hangs on it, and most clusters are well without.
        other => return Outcome::Skip(other.why_unsettled().unwrap_or_default()),
    };
    let limit = patient
        .meshsync_pods
        .iter()
        .filter(|pod| stack::name(&pod.metadata) == used.pod)
        .flat_map(|pod| pod.spec.iter().flat_map(|spec| &spec.containers))
        .find(|container| container.name == used.container)
        .and_then(stack::memory_limit);
    let Some(limit) = limit.filter(|limit| *limit > 0) else {
        return Outcome::Skip("its container has no limit of memory".into());
    };
    let share = used.bytes.saturating_mul(100) / limit;
    let says = format!("{share} % of {}", mebibytes(limit));
    if share < NEAR {
        return Outcome::PassWith(says);
    }
    let name = patient.meshsync_name();
    let resource = format!("meshsyncs.{}", patient.facts.profile.group);
    let draft = Draft::new("meshsync-high-memory")
        .title(format!("MeshSync uses {says} of memory"))
        .message("At the limit Kubernetes ends it, and until it is back every change in the cluster is lost. It holds a copy of every object that it watches.")
        .object(patient.object("Pod", &used.pod))
        .evidence(format!(
            "metrics.k8s.io: container {} of pod {} uses {}",
            used.container,
            used.pod,
            mebibytes(used.bytes)
        ))
        .evidence(format!(
            "pod {}: spec.containers[].resources.limits.memory is {}",
            used.pod,
            mebibytes(limit)
        ))
        .remedy("take kinds off the watch-list that nobody looks at, Secrets and ReplicaSets first, then restart MeshSync");
    let draft = match patient.meshsyncs.items().first() {
        Some(meshsync) => draft.command(patient.kubectl(
            Effect::Write,
            &format!("edit {resource} {}", stack::name(&meshsync.metadata)),
        )),
        None => draft.command(patient.kubectl(
            Effect::Write,
            &format!("set resources deployment/{name} --limits=memory=8Gi"),
        )),
    };
    Outcome::Found(vec![draft.command(patient.restart_meshsync()).done()])
}

/// A number of bytes for people.
fn mebibytes(bytes: u64) -> String {
    format!("{} Mi", bytes >> 20)
}
