//! Rules about the custom resources: that they are there, can go, and were accepted.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};

use super::{Outcome, Patient, Rule, States, manifest, operator};
use crate::{
    diagnose::{Draft, mode::Mode, rollout},
    facts::{Condition, stack},
    report::Effect,
    stack::{
        base::seen::Seen,
        component::Component::{self, Operator},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "resources-present",
        category: Operator,
        title: "Broker and MeshSync exist as custom resources",
        codes: &["cr-missing"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["crds-present"],
        judge: present,
    },
    Rule {
        id: "resources-deletable",
        category: Operator,
        title: "no custom resource hangs in deletion",
        codes: &["cr-stuck-terminating"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: deletable,
    },
    Rule {
        id: "resources-accepted",
        category: Operator,
        title: "the operator could do what the custom resources say",
        codes: &["cr-failed"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: accepted,
    },
    Rule {
        id: "resources-observed",
        category: Operator,
        title: "the operator has seen the newest change of the custom resources",
        codes: &["cr-not-observed"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["installed"],
        judge: observed,
    },
];

fn present(patient: &Patient<'_>, _: &States) -> Outcome {
    let absent = |known: Option<usize>| known == Some(0);
    let count = |known: &Seen<usize>| match known {
        Seen::Known(n) => Some(*n),
        Seen::Absent => Some(0),
        _ => None,
    };
    let brokers = patient.brokers.as_ref().map(Vec::len);
    let meshsyncs = patient.meshsyncs.as_ref().map(Vec::len);
    match patient.operator_is_up() {
        Some(true) => {}
        Some(false) if patient.operator.is_absent() => {
            return Outcome::Skip("there is no operator that could act on them".into());
        }
        Some(false) => return Outcome::Skip("the operator is not up".into()),
        None => return Outcome::Unknown(patient.operator.why_unsettled().unwrap_or_default()),
    }
    let names = &patient.facts.profile;
    let mut findings = Vec::new();
    for (kind, name, seen, what) in [
        (
            "Broker",
            names.broker.resource,
            &brokers,
            "no NATS server is made, and MeshSync has nowhere to publish",
        ),
        (
            "MeshSync",
            names.meshsync.resource,
            &meshsyncs,
            "nothing watches the cluster",
        ),
    ] {
        // A MeshSync that publishes elsewhere needs no Broker.
        let needed = kind != "Broker" || patient.mode().0 != Mode::CustomBroker;
        if needed && absent(count(seen)) {
            findings.push(
                Draft::new("cr-missing")
                    .title(format!("There is no {kind} object"))
                    .message(format!("The operator runs and has nothing to do: {what}."))
                    .object(patient.object(kind, name))
                    .evidence(format!(
                        "the list of {kind} objects in namespace {} is empty",
                        patient.facts.target.namespace
                    ))
                    .remedy(format!(
                        "apply a {kind} named {name}; the operator makes the rest"
                    ))
                    .command(patient.kubectl(
                        Effect::Read,
                        &format!("get {}s.{}", kind.to_lowercase(), names.group),
                    ))
                    .done(),
            );
        }
    }
    let unseen = [
        patient.brokers.why_unsettled(),
        patient.meshsyncs.why_unsettled(),
    ];
    match unseen.into_iter().flatten().next() {
        Some(why) if findings.is_empty() => Outcome::Unknown(why),
        None if findings.is_empty() && absent(count(&brokers)) => {
            Outcome::PassWith("MeshSync does, and is told to publish to another broker".into())
        }
        _ => Outcome::of(findings),
    }
}

/// The custom resources with their kinds.
pub(super) fn metadata<'a>(
    patient: &'a Patient<'_>,
) -> impl Iterator<Item = (&'static str, &'a ObjectMeta)> {
    let brokers = patient
        .brokers
        .items()
        .iter()
        .map(|broker| ("Broker", &broker.metadata));
    let meshsyncs = patient
        .meshsyncs
        .items()
        .iter()
        .map(|meshsync| ("MeshSync", &meshsync.metadata));
    brokers.chain(meshsyncs)
}

/// Whether an object that is being deleted waits for somebody's finalizer.
pub(super) fn is_held(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some()
        && metadata
            .finalizers
            .as_ref()
            .is_some_and(|list| !list.is_empty())
}

/// Who holds an object.
pub(super) fn finalizers(metadata: &ObjectMeta) -> String {
    metadata
        .finalizers
        .as_deref()
        .unwrap_or_default()
        .join(", ")
}

/// The command that lets an object go without whoever holds it.
pub(super) fn clear_finalizers(
    patient: &Patient<'_>,
    kind: &str,
    metadata: &ObjectMeta,
) -> crate::report::Command {
    patient.kubectl(
        Effect::Destructive,
        &format!(
            r#"patch {}/{} --type merge -p '{{"metadata":{{"finalizers":null}}}}'"#,
            kind.to_lowercase(),
            stack::name(metadata)
        ),
    )
}

fn deletable(patient: &Patient<'_>, _: &States) -> Outcome {
    let stuck: Vec<(&str, &ObjectMeta)> = metadata(patient)
        .filter(|(_, metadata)| is_held(metadata))
        .collect();
    if stuck.is_empty() {
        let unseen = [
            patient.brokers.why_unsettled(),
            patient.meshsyncs.why_unsettled(),
        ];
        return match unseen.into_iter().flatten().next() {
            Some(why) if !patient.has_custom_resource() => Outcome::Unknown(why),
            _ => Outcome::Pass,
        };
    }
    match patient.operator_is_up() {
        Some(false) => {}
        Some(true) => {
            return Outcome::PassWith(
                "a deletion is under way, and the operator is there to finish it".into(),
            );
        }
        None => return Outcome::Unknown(patient.operator.why_unsettled().unwrap_or_default()),
    }
    let names: Vec<String> = stuck
        .iter()
        .map(|(kind, metadata)| format!("{} {}", kind, stack::name(metadata)))
        .collect();
    let mut draft = Draft::new("cr-stuck-terminating")
        .title(format!("{} hang{} in deletion", names.join(" and "), if names.len() == 1 { "s" } else { "" }))
        .message("Their finalizers are the operator's to clear, and no operator runs. The namespace cannot go either.");
    if let Some((kind, metadata)) = stuck.first() {
        draft = draft.object(patient.object(kind, stack::name(metadata)));
    }
    for (kind, metadata) in &stuck {
        let since = metadata
            .deletion_timestamp
            .as_ref()
            .map(|time| time.0.to_string())
            .unwrap_or_default();
        draft = draft.evidence(format!(
            "{kind} {} is being deleted since {since} and waits for {}",
            stack::name(metadata),
            finalizers(metadata)
        ));
    }
    draft = draft
        .evidence("no operator is up")
        .remedy(
            "deploy the operator again, which finishes the deletion; only if it is never to come back, clear the finalizers by hand \
             and remove the workloads yourself",
        );
    for (kind, metadata) in &stuck {
        draft = draft.command(clear_finalizers(patient, kind, metadata));
    }
    Outcome::Found(vec![draft.done()])
}

fn accepted(patient: &Patient<'_>, _: &States) -> Outcome {
    if !patient.has_custom_resource() {
        let unseen = [
            patient.brokers.why_unsettled(),
            patient.meshsyncs.why_unsettled(),
        ];
        return match unseen.into_iter().flatten().next() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no custom resource".into()),
        };
    }
    let mut findings = Vec::new();
    for broker in patient.brokers.items() {
        let generation = broker.metadata.generation;
        let failed = broker.status.conditions.iter().find(|condition| {
            condition.kind == "Ready"
                && condition.status == "False"
                && (condition.observed_generation.is_none()
                    || condition.observed_generation == generation)
        });
        if let Some(condition) = failed.filter(|condition| !is_overtaken(patient, condition)) {
            findings.push(failure(
                patient,
                "Broker",
                &broker.metadata,
                condition,
                Component::Broker,
                None,
            ));
        }
    }
    let not_ready = patient
        .meshsync
        .known()
        .and_then(|deployment| rollout::incomplete(deployment));
    for meshsync in patient.meshsyncs.items() {
        // A healthy MeshSync carries Failed=False for ever, which means that a failure happened once: the condition
        // counts only beside a workload that is not ready.
        let failed = meshsync.status.conditions.iter().find(|condition| {
            condition.kind == "Failed" || (condition.kind == "Ready" && condition.status == "False")
        });
        if let (Some(condition), Some(why)) = (failed, &not_ready) {
            findings.push(failure(
                patient,
                "MeshSync",
                &meshsync.metadata,
                condition,
                Component::Meshsync,
                Some(why.as_str()),
            ));
        }
    }
    Outcome::of(findings)
}

/// Whether the operator said a moment ago that the servers are not ready, and they are by now: it looks again within
/// seconds, and what it sees then is what counts.
fn is_overtaken(patient: &Patient<'_>, condition: &Condition) -> bool {
    let ready = patient
        .statefulsets
        .items()
        .first()
        .is_some_and(|set| rollout::set_incomplete(set).is_none());
    let said: Option<Timestamp> = condition
        .last_transition_time
        .as_deref()
        .and_then(|time| time.parse().ok());
    ready
        && condition.reason == "HealthCheckFailed"
        && said.is_some_and(|said| manifest::clock(patient).duration_since(said) < SOON)
}

/// How long the operator may take to see a change.
const SOON: SignedDuration = SignedDuration::from_mins(3);

fn observed(patient: &Patient<'_>, _: &States) -> Outcome {
    let brokers = patient.brokers.items().iter().map(|broker| {
        (
            "Broker",
            &broker.metadata,
            broker.status.conditions.as_slice(),
        )
    });
    let meshsyncs = patient.meshsyncs.items().iter().map(|meshsync| {
        (
            "MeshSync",
            &meshsync.metadata,
            meshsync.status.conditions.as_slice(),
        )
    });
    let mut judged = 0;
    let mut skipped = None;
    let mut findings = Vec::new();
    for (kind, metadata, conditions) in brokers.chain(meshsyncs) {
        let name = stack::name(metadata);
        // A deletion counts as a change, and is another rule's.
        if metadata.deletion_timestamp.is_some() {
            continue;
        }
        let seen = conditions
            .iter()
            .filter_map(|condition| condition.observed_generation)
            .max();
        let (Some(generation), Some(seen)) = (metadata.generation, seen) else {
            skipped = Some(format!(
                "{kind} {name} carries no condition that says what was seen"
            ));
            continue;
        };
        if seen >= generation {
            judged += 1;
            continue;
        }
        // Whoever wrote last, the wish has been this long as it is, or longer.
        let changed = metadata
            .managed_fields
            .iter()
            .flatten()
            .filter(|entry| entry.subresource.as_deref() != Some("status"))
            .filter_map(|entry| {
                Some((
                    entry.time.as_ref()?.0,
                    entry.manager.as_deref().unwrap_or("somebody"),
                ))
            })
            .max();
        let Some((changed, manager)) = changed else {
            skipped = Some(format!("{kind} {name} does not say when it was changed"));
            continue;
        };
        judged += 1;
        let waits = manifest::clock(patient).duration_since(changed);
        if waits < SOON {
            continue;
        }
        findings.push(unobserved(
            patient,
            kind,
            name,
            (generation, seen),
            &format!(
                "metadata.managedFields: last written by {manager} at {changed}, {} min ago",
                waits.as_mins()
            ),
        ));
    }
    match skipped {
        _ if !findings.is_empty() => Outcome::Found(findings),
        Some(why) => Outcome::Skip(why),
        None if judged > 0 => Outcome::Pass,
        None => match patient
            .brokers
            .why_unsettled()
            .or_else(|| patient.meshsyncs.why_unsettled())
        {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no custom resource that stays".into()),
        },
    }
}

fn unobserved(
    patient: &Patient<'_>,
    kind: &str,
    name: &str,
    (generation, seen): (i64, i64),
    since: &str,
) -> crate::report::Finding {
    let operator = patient.facts.profile.operator.deployment;
    Draft::new("cr-not-observed")
        .title(format!(
            "The operator has not seen the newest change of {kind} {name}"
        ))
        .message("What runs still follows the wish before.")
        .object(patient.object(kind, name))
        .evidence(format!("metadata.generation: {generation}"))
        .evidence(format!(
            "status.conditions: observedGeneration {seen} at most"
        ))
        .evidence(since)
        .remedy("see in its log what keeps the operator busy, then make it look again")
        .command(patient.kubectl(
            Effect::Read,
            &format!("logs deployment/{operator} --tail=50"),
        ))
        .command(patient.kubectl(
            Effect::Write,
            &format!("rollout restart deployment/{operator}"),
        ))
        .done()
}

fn failure(
    patient: &Patient<'_>,
    kind: &str,
    metadata: &ObjectMeta,
    condition: &Condition,
    component: Component,
    workload: Option<&str>,
) -> crate::report::Finding {
    let name = stack::name(metadata);
    let resources = operator::resources(patient);
    let mut draft = Draft::new("cr-failed")
        .title(format!(
            "The operator reports that {kind} {name} failed: {}",
            condition.reason
        ))
        .message(if condition.message.is_empty() {
            "The operator gives no message.".to_owned()
        } else {
            condition.message.clone()
        })
        .component(component)
        .object(patient.object(kind, name))
        .evidence(format!(
            "status.conditions: {}={} ({}): {}",
            condition.kind, condition.status, condition.reason, condition.message
        ));
    if let Some(why) = workload {
        draft = draft.evidence(format!("its Deployment is not ready: {why}"));
    }
    let named = format!("{}/{name}", kind.to_lowercase());
    let target = resources
        .iter()
        .find(|resource| **resource == named)
        .cloned()
        .unwrap_or(named);
    draft
        .remedy("the operator's log has the whole story")
        .command(patient.kubectl(Effect::Read, &format!("describe {target}")))
        .command(patient.kubectl(
            Effect::Read,
            &format!(
                "logs deployment/{} --tail=50",
                patient.facts.profile.operator.deployment
            ),
        ))
        .done()
}
