//! Rules about what holds the stack's objects: the namespace, and the definitions of their kinds.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Outcome, Patient, Rule, States, resources};
use crate::{
    diagnose::{Draft, rollout},
    facts::{Crd, stack},
    report::{Command, Effect, Finding, ObjectRef},
    stack::{base::seen::Seen, component::Component::Installation},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "namespace-stays",
        category: Installation,
        title: "the namespace is not being deleted",
        codes: &["namespace-terminating"],
        facts: &["namespace"],
        after: &["api-reachable"],
        judge: namespace_stays,
    },
    Rule {
        id: "crds-usable",
        category: Installation,
        title: "the custom resource definitions are served and stay",
        codes: &["crd-not-established", "crd-terminating"],
        facts: &["crd/broker", "crd/meshsync"],
        after: &["api-reachable"],
        judge: crds_usable,
    },
    Rule {
        id: "no-former-group",
        category: Installation,
        title: "no definitions of the old API group remain",
        codes: &["old-crd-group"],
        facts: &["crd/broker", "crd/meshsync"],
        after: &["api-reachable"],
        judge: no_former_group,
    },
];

fn namespace_stays(patient: &Patient<'_>, _: &States) -> Outcome {
    let name = &patient.facts.target.namespace;
    let namespace = match &patient.facts.namespace {
        Seen::Known(namespace) => namespace,
        Seen::Absent => return Outcome::Skip(format!("there is no namespace {name}")),
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let status = namespace.status.as_ref();
    let since = namespace.metadata.deletion_timestamp.as_ref();
    let terminating =
        status.and_then(|status| status.phase.as_deref()) == Some("Terminating") || since.is_some();
    if !terminating {
        return Outcome::Pass;
    }
    let held: Vec<String> = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        // The other conditions say what went well.
        .filter(|condition| condition.status == "True")
        .map(|condition| {
            format!(
                "status.conditions: {}: {}",
                condition.type_,
                condition.message.as_deref().unwrap_or("no message")
            )
        })
        .collect();
    let holding = held_resources(patient);
    let mut draft = Draft::new("namespace-terminating")
        .title(format!("Namespace {name} is being deleted"))
        .message(
            "Nothing new can be made in it, so nobody can deploy the stack there. It goes when its last object does, and \
             an object goes when nobody holds it by a finalizer.",
        )
        .object(ObjectRef {
            kind: "Namespace".into(),
            namespace: None,
            name: name.clone(),
        })
        .evidence(match since {
            Some(time) => format!("metadata.deletionTimestamp: {}", time.0),
            None => "status.phase: Terminating".to_owned(),
        })
        .evidences(held)
        .evidences(holding.iter().map(|(kind, metadata)| {
            format!(
                "{kind} {} is being deleted and waits for {}",
                stack::name(metadata),
                resources::finalizers(metadata)
            )
        }));
    draft = if holding.is_empty() {
        draft.remedy(
            "follow the object or the API group that is named above; the namespace's own finalizer is not the culprit",
        )
    } else if patient.operator_is_up() == Some(true) {
        draft.remedy(
            "the operator is there to finish what waits for it: wait for the deletion to end",
        )
    } else {
        draft.remedy(
            "no operator is left to clear the finalizers, and none can be deployed here: clear them by hand, then wait",
        )
    };
    if patient.operator_is_up() != Some(true) {
        for (kind, metadata) in holding {
            draft = draft.command(resources::clear_finalizers(patient, kind, metadata));
        }
    }
    Outcome::Found(vec![
        draft
            .command(patient.kubectl_cluster(
                Effect::Read,
                &format!(
                    "wait --for=delete namespace/{} --timeout=300s",
                    crate::stack::base::words::quoted(name)
                ),
            ))
            .done(),
    ])
}

/// The custom resources that wait for their finalizers.
fn held_resources<'a>(patient: &'a Patient<'_>) -> Vec<(&'static str, &'a ObjectMeta)> {
    resources::metadata(patient)
        .filter(|(_, metadata)| resources::is_held(metadata))
        .collect()
}

fn crds_usable(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let crds = [
        (&facts.broker_crd, facts.profile.broker_crd()),
        (&facts.meshsync_crd, facts.profile.meshsync_crd()),
    ];
    let findings: Vec<Finding> = crds
        .iter()
        .filter_map(|(crd, name)| Some((crd.known()?, name)))
        .filter_map(|(crd, name)| {
            terminating(patient, crd, name).or_else(|| unserved(patient, crd, name))
        })
        .collect();
    if findings.is_empty() {
        if let Some(why) = crds.iter().find_map(|(crd, _)| crd.why_unsettled()) {
            return Outcome::Unknown(why);
        }
        if crds.iter().all(|(crd, _)| crd.is_absent()) {
            return Outcome::Skip("there is no definition".into());
        }
    }
    Outcome::of(findings)
}

fn reference(name: &str) -> ObjectRef {
    ObjectRef {
        kind: "CustomResourceDefinition".into(),
        namespace: None,
        name: name.into(),
    }
}

fn terminating(patient: &Patient<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let since = crd.metadata.deletion_timestamp.as_ref()?;
    let kind = &crd.spec.names.kind;
    let held: Vec<(&str, &ObjectMeta)> = held_resources(patient)
        .into_iter()
        .filter(|(held, _)| held == kind)
        .collect();
    let mut draft = Draft::new("crd-terminating")
        .title(format!("The definition {name} is being deleted and waits for its objects"))
        .message(
            "No object of the kind can be made until it is gone and applied again. What hangs is not the definition, but \
             an object of its kind somewhere in the cluster.",
        )
        .object(reference(name))
        .evidence(format!("metadata.deletionTimestamp: {}", since.0))
        .evidence(format!("metadata.finalizers: {}", resources::finalizers(&crd.metadata)))
        .evidences(held.iter().map(|(kind, metadata)| {
            format!(
                "{kind} {} is being deleted and waits for {}",
                stack::name(metadata),
                resources::finalizers(metadata)
            )
        }))
        .remedy(if patient.operator_is_up() == Some(true) {
            "the operator is there to finish the deletion of the objects: wait, then apply the definitions again"
        } else {
            "clear the finalizers of the objects, never the definition's own; then apply the definitions again"
        })
        .command(patient.kubectl_cluster(Effect::Read, &format!("get {name} -A")));
    if patient.operator_is_up() != Some(true) {
        for (kind, metadata) in held {
            draft = draft.command(resources::clear_finalizers(patient, kind, metadata));
        }
    }
    Some(draft.done())
}

/// A definition that the API server does not serve; one whose conditions nobody has written yet proves nothing.
fn unserved(patient: &Patient<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let condition = |kind: &str| {
        crd.status
            .conditions
            .iter()
            .find(|condition| condition.kind == kind)
    };
    let established = condition("Established").filter(|condition| condition.status != "True")?;
    let refused = condition("NamesAccepted").filter(|condition| condition.status != "True");
    let shown = [Some(established), refused]
        .into_iter()
        .flatten()
        .map(|condition| {
            format!(
                "status.conditions: {}={} ({}): {}",
                condition.kind, condition.status, condition.reason, condition.message
            )
        });
    let wait = |draft: Draft| -> (Draft, Command) {
        (
            draft.remedy("wait for it, then apply the objects"),
            patient.kubectl_cluster(
                Effect::Read,
                &format!("wait --for=condition=Established --timeout=60s crd/{name}"),
            ),
        )
    };
    let draft = Draft::new("crd-not-established")
        .title(format!("The definition {name} is there and not served"))
        .message(if refused.is_some() {
            "Another definition has taken one of its names, so its objects can be neither read nor made."
        } else {
            "Its objects can be neither read nor made. Just after it was applied this is so for a moment."
        })
        .object(reference(name))
        .evidences(shown);
    let (draft, command) = if refused.is_some() {
        (
            draft.remedy("find the definition of the same group that has the name, and see who needs it before removing it"),
            patient.kubectl_cluster(
                Effect::Read,
                "get crd -o custom-columns=NAME:.metadata.name,GROUP:.spec.group,KIND:.spec.names.kind,SHORT:.spec.names.shortNames",
            ),
        )
    } else {
        wait(draft)
    };
    Some(draft.command(command).done())
}

fn no_former_group(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let Some(group) = profile.former_group else {
        return Outcome::Skip(format!("{} has had one group only", profile.product));
    };
    let crds = match &patient.facts.former_crds {
        Seen::Known(crds) => crds,
        Seen::Absent => return Outcome::Pass,
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let names: Vec<&str> = crds.iter().map(|crd| stack::name(&crd.metadata)).collect();
    let Some(first) = names.first() else {
        return Outcome::Pass;
    };
    let image = patient
        .operator
        .known()
        .and_then(|deployment| rollout::image(deployment, profile.operator.container));
    let alive = image.is_some_and(reads_former_group);
    let all = names.join(",");
    let mut draft = Draft::new("old-crd-group")
        .title(format!("Definitions of the old API group {group} remain"))
        .object(reference(first))
        .evidences(
            names
                .iter()
                .map(|name| format!("there is the CustomResourceDefinition {name}")),
        );
    if let Some(image) = image {
        draft = draft.evidence(format!("the operator runs {image}"));
    }
    let draft = if alive {
        draft
            .message("The operator here is so old that it reads them: they are alive, and the cure is to upgrade it.")
            .remedy("keep a copy of the objects, then upgrade the operator; do not remove the definitions before")
            .command(patient.kubectl_cluster(Effect::Read, &format!("get {all} -A -o yaml > old-crs.yaml")))
    } else {
        draft
            .message(format!(
                "No operator since 0.8.2 reads them: objects of these kinds have no effect, and only look as if they \
                 described something. What counts is in the group {}.",
                profile.group
            ))
            .remedy("keep a copy, see that the new objects say what is meant, then remove the definitions, and with them their objects in the whole cluster")
            .command(patient.kubectl_cluster(Effect::Read, &format!("get {all} -A -o yaml > old-crs.yaml")))
            .command(patient.kubectl_cluster(Effect::Destructive, &format!("delete crd {}", names.join(" "))))
    };
    Outcome::Found(vec![draft.done()])
}

/// Whether an operator of this image is older than 0.8.2, in which the group changed.
fn reads_former_group(image: &str) -> bool {
    let numbers: Option<Vec<u32>> = stack::image_tag(image).and_then(|tag| {
        tag.trim_start_matches('v')
            .split('.')
            .map(|number| number.parse().ok())
            .collect()
    });
    numbers.is_some_and(|numbers| numbers.len() == 3 && numbers < vec![0, 8, 2])
}
