//! Rules about the operator.

use super::{Outcome, Patient, Rule, States, manifest, workload};
use crate::{
    diagnose::{Draft, last_words, patient::Line, rollout},
    facts::stack,
    report::Effect,
    stack::{base::seen::Seen, component::Component::Operator},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "operator-deployed",
        category: Operator,
        title: "an operator looks after the custom resources",
        codes: &["operator-missing"],
        facts: &["deployments"],
        after: &["installed"],
        judge: deployed,
    },
    Rule {
        id: "operator-workload",
        category: Operator,
        title: "the operator's pods are well",
        codes: &[
            "operator-crash-loop",
            "operator-image-pull",
            "operator-unschedulable",
            "operator-pods-refused",
            "operator-scaled-to-zero",
            "operator-not-ready",
        ],
        facts: &["deployments", "pods"],
        after: &["installed"],
        judge: |patient, _| workload::judge(patient, Operator),
    },
    Rule {
        id: "operator-reconciles",
        category: Operator,
        title: "the operator can do what the custom resources ask",
        codes: &["operator-reconcile-failing"],
        facts: &["brokers.v1alpha1", "meshsyncs.v1alpha1"],
        after: &["operator-deployed"],
        judge: reconciles,
    },
    Rule {
        id: "operator-line",
        category: Operator,
        title: "the operator is of the current line",
        codes: &["operator-old-line"],
        facts: &["deployments"],
        after: &["installed"],
        judge: line,
    },
];

fn deployed(patient: &Patient<'_>, _: &States) -> Outcome {
    match &patient.operator {
        Seen::Known(_) => Outcome::Pass,
        Seen::Absent if patient.has_custom_resource() => {
            let name = patient.facts.profile.operator.deployment;
            let resources = resources(patient);
            Outcome::Found(vec![
                Draft::new("operator-missing")
                    .title("There is no operator, and its custom resources live on")
                    .message(
                        "What runs goes on running, and nobody heals, changes or removes it. Deleting a custom resource \
                         hangs for ever, since only the operator clears the finalizers.",
                    )
                    .object(patient.object("Deployment", name))
                    .evidence(format!("there is no Deployment {name}"))
                    .evidence(format!("there are {}", resources.join(", ")))
                    .remedy("deploy the operator again: it adopts what is there; do not delete the custom resources first")
                    .command(patient.meshdoctor(Effect::Write, "system redeploy operator"))
                    .command(patient.kubectl(Effect::Read, "get deployments,brokers,meshsyncs"))
                    .done(),
            ])
        }
        Seen::Absent if patient.is_standalone() => {
            Outcome::Skip("MeshSync runs without operator here, and needs none".into())
        }
        Seen::Absent => Outcome::Skip("there is no operator and no custom resource".into()),
        other => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}

fn reconciles(patient: &Patient<'_>, _: &States) -> Outcome {
    let container = patient.facts.profile.operator.container;
    if patient.operator_is_up() != Some(true) {
        return Outcome::Skip("the operator is not up".into());
    }
    // Its log is read only when the custom resources show that something is amiss.
    let words = patient
        .pods_of(Operator)
        .iter()
        .map(|pod| {
            last_words::of(
                patient.facts,
                Operator,
                stack::name(&pod.metadata),
                container,
            )
        })
        .find(|words| !words.evidence.is_empty());
    let Some(words) = words else {
        return Outcome::Pass;
    };
    let name = patient.facts.profile.operator.deployment;
    let means = words.signature.map(|signature| signature.says);
    let remedy = words.signature.map_or(
        "mend what the lines name; the operator tries again by itself",
        |s| s.remedy,
    );
    Outcome::Found(vec![
        Draft::new("operator-reconcile-failing")
            .message(match means {
                Some(means) => format!("The operator runs and fails again and again: {means}."),
                None => {
                    "The operator runs and fails again and again; its log says at what.".to_owned()
                }
            })
            .object(patient.object("Deployment", name))
            .evidences(words.evidence)
            .remedy(remedy)
            .command(patient.kubectl(
                Effect::Read,
                &format!("logs deployment/{name} -c {container} --tail=50"),
            ))
            .done(),
    ])
}

/// The custom resources that are there, as kubectl names them.
pub(super) fn resources(patient: &Patient<'_>) -> Vec<String> {
    let brokers = patient
        .brokers
        .items()
        .iter()
        .map(|broker| format!("broker/{}", stack::name(&broker.metadata)));
    let meshsyncs = patient
        .meshsyncs
        .items()
        .iter()
        .map(|meshsync| format!("meshsync/{}", stack::name(&meshsync.metadata)));
    brokers.chain(meshsyncs).collect()
}

fn line(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    if profile.broker.current.is_none() {
        return Outcome::Skip(format!("{} has one line only", profile.product));
    }
    if let Some((Line::Current, _)) = manifest::mismatch(patient) {
        return Outcome::Skip("its image is of the current line, and its manifest is not".into());
    }
    match patient.line {
        Some(Line::Current) => Outcome::Pass,
        Some(Line::Old) => {
            let image = patient
                .operator
                .known()
                .and_then(|deployment| rollout::image(deployment, profile.operator.container));
            let mut draft = Draft::new("operator-old-line").message(
                "It is 0.8 or older: no token on the broker, no finalizers, no conditions, and a ServiceAccount that may do everything.",
            );
            if let Some(image) = image {
                draft = draft
                    .object(patient.object("Deployment", profile.operator.deployment))
                    .evidence(format!(
                        "Deployment {} runs {image}",
                        profile.operator.deployment
                    ));
            }
            if patient.operator.known().is_some() {
                draft = draft.evidence(format!(
                    "its pod has the container {}, which only the old line's manifests have",
                    profile.operator.old_line_container
                ));
            } else {
                draft = draft.evidence(format!(
                    "the broker's StatefulSet is {}",
                    profile.broker.old
                ));
            }
            Outcome::Found(vec![
                draft
                    .remedy(
                        "upgrade to 1.0.5; the broker's address, Service type and token change with it, so readers outside must follow",
                    )
                    .done(),
            ])
        }
        None => Outcome::Unknown("nothing that tells the lines apart was seen".into()),
    }
}
