use k8s_openapi::jiff::SignedDuration;

use crate::{diagnose::rules::prelude::*, stack::base::words::quoted};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "helm-release-stuck",
    title: "The last Helm operation failed or never completed",
    explanation: include_str!("helm_release_stuck.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check =
    Check { id: "helm-release", title: "the last Helm operation completed", ..Check::of(&[&DIAGNOSIS], judge) };

/// A Helm operation that takes longer counts as abandoned.
const AN_ACT_OF_HELM: SignedDuration = SignedDuration::from_mins(15);

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let Some((release, namespace)) = stack::helm_release(facts) else {
        return Outcome::skip("no Helm release found");
    };
    // This permission is never requested: it would expose every Secret of the namespace.
    if let Seen::Denied(denial) = &facts.helm {
        return Outcome::skip(format!("{denial} (not requested: it would expose every Secret there)"));
    }
    let revisions = facts.helm.known_or_unknown()?;
    let Some(last) =
        revisions.iter().filter(|revision| revision.release == release).max_by_key(|revision| revision.revision)
    else {
        return Outcome::skip(format!("Helm has no record of release {release} in namespace {namespace}"));
    };
    let pending = last.status.starts_with("pending-");
    if last.status != "failed" && !pending {
        return Outcome::pass_with(format!("revision {} is {}", last.revision, last.status));
    }
    let age = last.created.map(|created| context.clock().duration_since(created));
    if pending && age.is_none_or(|age| age < AN_ACT_OF_HELM) {
        return Outcome::pass_with(format!("revision {} is in progress", last.revision));
    }
    let name = quoted(&release);
    let good = revisions
        .iter()
        .filter(|revision| revision.release == release && matches!(revision.status.as_str(), "deployed" | "superseded"))
        .max_by_key(|revision| revision.revision);
    let created = last.created.map(|created| format!("metadata.creationTimestamp: {created}"));
    let (remedy, effect, arguments) = match (pending, good) {
        (false, _) => (
            "remove the cause of the failure, then upgrade again",
            Effect::Write,
            format!("upgrade {name} meshery/meshery-operator --reuse-values"),
        ),
        (true, Some(good)) => (
            "check that no Helm process is running, then roll back to the last good revision",
            Effect::Write,
            format!("rollback {name} {}", good.revision),
        ),
        (true, None) => (
            "check that no Helm process is running, then delete the record; CRDs and custom resources remain",
            Effect::Destructive,
            format!("uninstall {name}"),
        ),
    };
    DIAGNOSIS
        .finding()
        .title(format!("Helm release {release} is {} at revision {}", last.status, last.revision))
        .message(if pending {
            "Helm was stopped during the operation, and rejects every further operation on the release."
        } else {
            "The release may be in a mixed state, and the next upgrade would start from it."
        })
        .object(ObjectRef {
            kind: "Secret".into(),
            namespace: Some(namespace.clone()),
            name: format!("sh.helm.release.v1.{release}.v{}", last.revision),
        })
        .evidence(format!("metadata.labels: status={}, version={}", last.status, last.revision))
        .evidences(created)
        .remedy(remedy)
        .command(context.helm(Effect::Read, &namespace, &format!("history {name}")))
        .command(context.helm(effect, &namespace, &arguments))
        .found()
}
