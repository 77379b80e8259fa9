//! Rules about tools that manage the stack's objects from outside: Helm, Argo CD, Flux.

use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::SignedDuration};

use super::{Outcome, Patient, Rule, States, manifest, resources};
use crate::{
    diagnose::Draft,
    facts::stack,
    report::{Command, Effect, ObjectRef},
    stack::{
        base::{seen::Seen, words::quoted},
        component::Component::Installation,
        manager::{self, Manager},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "no-foreign-owner",
        category: Installation,
        title: "no other tool manages the stack's objects",
        codes: &["foreign-owner"],
        facts: &["deployments", "statefulsets", "services"],
        after: &["installed"],
        judge: no_foreign_owner,
    },
    Rule {
        id: "helm-release",
        category: Installation,
        title: "Helm's last act on the stack came to its end",
        codes: &["helm-release-stuck"],
        facts: &["helm"],
        after: &["installed"],
        judge: helm_release,
    },
];

/// How long Helm may take before an act of it counts as given up.
const AN_ACT_OF_HELM: SignedDuration = SignedDuration::from_mins(15);

fn helm_release(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let Some((release, namespace)) = stack::helm_release(facts) else {
        return Outcome::Skip("no Helm release was seen".into());
    };
    let revisions = match &facts.helm {
        Seen::Known(revisions) => revisions,
        // No reason for a missing right: it would open every Secret of the namespace.
        Seen::Denied(denial) => {
            return Outcome::Skip(format!("{denial}, which opens every Secret there"));
        }
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let Some(last) = revisions
        .iter()
        .filter(|revision| revision.release == release)
        .max_by_key(|revision| revision.revision)
    else {
        return Outcome::Skip(format!(
            "Helm has noted nothing of release {release} in namespace {namespace}"
        ));
    };
    let pending = last.status.starts_with("pending-");
    if last.status != "failed" && !pending {
        return Outcome::PassWith(format!("revision {} is {}", last.revision, last.status));
    }
    let age = last
        .created
        .map(|created| manifest::clock(patient).duration_since(created));
    if pending && age.is_none_or(|age| age < AN_ACT_OF_HELM) {
        return Outcome::PassWith(format!("revision {} is under way", last.revision));
    }
    let helm = |effect, rest: String| Command {
        run: format!(
            "helm{} {rest} -n {}",
            patient
                .context_flag()
                .replace("--context", "--kube-context"),
            quoted(&namespace)
        ),
        effect,
    };
    let good = revisions
        .iter()
        .filter(|revision| {
            revision.release == release
                && matches!(revision.status.as_str(), "deployed" | "superseded")
        })
        .max_by_key(|revision| revision.revision);
    let mut draft = Draft::new("helm-release-stuck")
        .title(format!("Helm's release {release} is {} at revision {}", last.status, last.revision))
        .message(if pending {
            "Helm was ended in the middle of it, and refuses every further act on the release, whoever asks."
        } else {
            "What the release holds may be half of one state and half of another; a further upgrade builds on that."
        })
        .object(ObjectRef {
            kind: "Secret".into(),
            namespace: Some(namespace.clone()),
            name: format!("sh.helm.release.v1.{release}.v{}", last.revision),
        })
        .evidence(format!("metadata.labels: status={}, version={}", last.status, last.revision));
    if let Some(created) = last.created {
        draft = draft.evidence(format!("metadata.creationTimestamp: {created}"));
    }
    draft = draft
        .remedy(match (pending, good) {
            (false, _) => "mend what made it fail, then roll it out again",
            (true, Some(_)) => "see that no Helm is at work any more, then go back to the last good revision",
            (true, None) => "see that no Helm is at work any more, then remove the record; definitions and custom resources stay",
        })
        .command(helm(Effect::Read, format!("history {}", quoted(&release))));
    if pending {
        draft = draft.command(match good {
            Some(good) => helm(
                Effect::Write,
                format!("rollback {} {}", quoted(&release), good.revision),
            ),
            None => helm(
                Effect::Destructive,
                format!("uninstall {}", quoted(&release)),
            ),
        });
    } else {
        draft = draft.command(helm(
            Effect::Write,
            format!(
                "upgrade {} meshery/meshery-operator --reuse-values",
                quoted(&release)
            ),
        ));
    }
    Outcome::Found(vec![draft.done()])
}

/// The stack's objects that somebody may manage, as `kind/name`.
fn objects<'a>(patient: &'a Patient<'_>) -> Vec<(String, &'a ObjectMeta)> {
    let facts = patient.facts;
    let mut objects: Vec<(String, &ObjectMeta)> = Vec::new();
    let mut add = |kind: &str, metadata: &'a ObjectMeta| {
        objects.push((
            format!("{}/{}", kind.to_lowercase(), stack::name(metadata)),
            metadata,
        ));
    };
    for crd in [&facts.broker_crd, &facts.meshsync_crd] {
        if let Some(crd) = crd.known() {
            add("crd", &crd.metadata);
        }
    }
    for deployment in [&patient.operator, &patient.meshsync] {
        if let Some(deployment) = deployment.known() {
            add("deployment", &deployment.metadata);
        }
    }
    for (kind, metadata) in resources::metadata(patient) {
        add(kind, metadata);
    }
    for set in patient.statefulsets.items() {
        add("statefulset", &set.metadata);
    }
    for service in stack::broker_services(facts) {
        add("service", &service.metadata);
    }
    objects
}

fn no_foreign_owner(patient: &Patient<'_>, _: &States) -> Outcome {
    let objects = objects(patient);
    if objects.is_empty() {
        return match patient.facts.deployments.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no object to own".into()),
        };
    }
    let mut owned: BTreeMap<Manager, Vec<String>> = BTreeMap::new();
    for (object, metadata) in &objects {
        if let Some(owner) = manager::foreign_owner(metadata) {
            owned.entry(owner).or_default().push(object.clone());
        }
    }
    if owned.is_empty() {
        return Outcome::Pass;
    }
    let names: Vec<String> = owned.keys().map(Manager::to_string).collect();
    let mut draft = Draft::new("foreign-owner")
        .title(format!("The stack is managed by {}", names.join(" and by ")))
        .message(if owned.len() > 1 {
            "What one of them writes the other may take back, and so with what you change by hand."
        } else {
            "What you change by hand is changed back the next time that it acts, and another tool that installs over it \
             fails. This is no fault; it is good to know before changing anything."
        });
    for (owner, objects) in &owned {
        draft = draft.evidence(format!("{}: {}", owner.mark(), objects.join(", ")));
    }
    draft = draft.remedy("change the stack through its owner: with Helm by an upgrade, with GitOps in the repository");
    for owner in owned.keys() {
        draft = draft.command(look(patient, owner));
    }
    Outcome::Found(vec![draft.done()])
}

/// The command that shows what the owner thinks.
fn look(patient: &Patient<'_>, owner: &Manager) -> Command {
    match owner {
        Manager::Helm { release, namespace } => Command {
            run: format!(
                "helm{} history {} -n {}",
                patient
                    .context_flag()
                    .replace("--context", "--kube-context"),
                quoted(release),
                quoted(
                    namespace
                        .as_deref()
                        .unwrap_or(&patient.facts.target.namespace)
                )
            ),
            effect: Effect::Read,
        },
        Manager::ArgoCd { .. } => {
            patient.kubectl_cluster(Effect::Read, "get applications.argoproj.io -A")
        }
        Manager::FluxHelm { name, namespace } => patient.kubectl_cluster(
            Effect::Read,
            &format!(
                "get helmreleases.helm.toolkit.fluxcd.io {} -n {}",
                quoted(name),
                quoted(namespace)
            ),
        ),
        Manager::FluxKustomize { name, namespace } => patient.kubectl_cluster(
            Effect::Read,
            &format!(
                "get kustomizations.kustomize.toolkit.fluxcd.io {} -n {}",
                quoted(name),
                quoted(namespace)
            ),
        ),
    }
}
