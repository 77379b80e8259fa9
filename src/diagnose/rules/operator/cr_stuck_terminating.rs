use crate::diagnose::rules::{
    custom_resources::{clear_finalizers, finalizers, held},
    installation::crd_terminating::terminating_crds,
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-stuck-terminating",
    title: "A custom resource is stuck terminating",
    explains: &["operator-missing", "crd-terminating", "cr-missing"],
    explanation: include_str!("cr_stuck_terminating.md"),
    cure: Cure::Except("while its CRD is terminating too"),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-deletable",
    title: "no custom resource is stuck terminating",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let stuck = held(context);
    if stuck.is_empty() {
        if !context.has_custom_resource() {
            known_unless(context.unseen_resources())?;
        }
        return Outcome::pass();
    }
    context.operator.settled()?;
    let names: Vec<String> =
        stuck.iter().map(|(kind, metadata)| format!("{} {}", kind, stack::name(metadata))).collect();
    let draft = |what: &str| {
        DIAGNOSIS
            .finding()
            .title(format!("{} {} {what}", names.join(" and "), if names.len() == 1 { "is" } else { "are" }))
            .object(stuck.first().map(|(kind, metadata)| context.object(kind, stack::name(metadata))))
            .evidences(stuck.iter().map(|(kind, metadata)| {
                let since = metadata.deletion_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
                let (name, holders) = (stack::name(metadata), finalizers(metadata));
                format!("{kind} {name} has been terminating since {since}; finalizers: {holders}")
            }))
    };
    if context.operator_is_up() == Some(true) {
        return draft("being deleted")
            .severity(Severity::Warning)
            .message(
                "The operator first deletes what it created for them, then removes their finalizers. Pods that still \
                 run will be deleted.",
            )
            .remedy("wait until the operator has finished; then redeploy if that was not intended")
            .found();
    }
    let draft = draft("stuck terminating")
        .message(
            "Only the operator removes their finalizers, and no operator is running. The namespace cannot be deleted \
             either.",
        )
        .evidence("no operator is running");
    let crds = terminating_crds(context);
    if crds.is_empty() {
        return draft
            .remedy(
                "redeploy the operator, which finishes the deletion; remove the finalizers only if it will never \
                 return",
            )
            .fix(context.redeploy(Some("operator")))
            .commands(clear_finalizers(context, &stuck).into_iter().map(Command::last_resort))
            .found();
    }
    let crds: Vec<String> = crds.into_iter().map(|name| format!("crd/{name}")).collect();
    draft
        .evidences(crds.iter().map(|crd| format!("{crd} is terminating too: it waits for its custom resources")))
        .remedy(
            "remove their finalizers, wait until the CRDs are gone, then redeploy the stack; redeploy refuses while a \
             CRD is terminating",
        )
        .commands(clear_finalizers(context, &stuck))
        .command(context.kubectl_cluster().inspect(format!("wait --for=delete {} --timeout=60s", crds.join(" "))))
        .found()
}
