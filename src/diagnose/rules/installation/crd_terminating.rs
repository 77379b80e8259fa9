use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    diagnose::rules::{
        custom_resources,
        installation::deletion::{held_resources, reference},
        prelude::*,
    },
    facts::Crd,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-terminating",
    title: "A custom resource definition is being deleted and cannot go",
    explains: &["cr-missing", "cr-stuck-terminating", "broker-no-workload", "meshsync-no-workload"],
    explanation: include_str!("crd_terminating.md"),
    ..Diagnosis::fault(Component::Installation)
};

/// The finding about a definition that is being deleted.
pub(crate) fn terminating(context: &RuleContext<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let since = crd.metadata.deletion_timestamp.as_ref()?;
    let kind = &crd.spec.names.kind;
    let held: Vec<(&str, &ObjectMeta)> = held_resources(context).into_iter().filter(|(held, _)| held == kind).collect();
    let mut draft = DIAGNOSIS.finding()
        .title(format!("The definition {name} is being deleted and waits for its objects"))
        .message(
            "No object of the kind can be made until it is gone and applied again. What hangs is not the definition, but \
             an object of its kind somewhere in the cluster.",
        )
        .object(reference(name))
        .evidence(format!("metadata.deletionTimestamp: {}", since.0))
        .evidence(format!("metadata.finalizers: {}", custom_resources::finalizers(&crd.metadata)))
        .evidences(held.iter().map(|(kind, metadata)| {
            format!(
                "{kind} {} is being deleted and waits for {}",
                stack::name(metadata),
                custom_resources::finalizers(metadata)
            )
        }))
        .remedy(if context.operator_is_up() == Some(true) {
            "the operator is there to finish the deletion of the objects: wait, then apply the definitions again"
        } else {
            "clear the finalizers of the objects, never the definition's own; then apply the definitions again"
        })
        .command(context.kubectl_cluster().inspect(format!("get {name} -A")));
    if context.operator_is_up() != Some(true) {
        for (kind, metadata) in held {
            draft = draft.command(custom_resources::clear_finalizers(context, kind, metadata));
        }
    }
    Some(draft.done())
}
