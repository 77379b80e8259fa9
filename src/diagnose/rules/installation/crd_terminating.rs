use crate::{
    diagnose::rules::{custom_resources, prelude::*},
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
    let mut held = custom_resources::held(context);
    held.retain(|(held, _)| held == kind);
    let operator_is_up = context.operator_is_up() == Some(true);
    let finding = DIAGNOSIS.finding()
        .title(format!("The definition {name} is being deleted and waits for its objects"))
        .message(
            "No object of the kind can be made until it is gone and applied again. What hangs is not the definition, but \
             an object of its kind somewhere in the cluster.",
        )
        .object(cluster_object("CustomResourceDefinition", name))
        .evidence(format!("metadata.deletionTimestamp: {}", since.0))
        .evidence(format!("metadata.finalizers: {}", custom_resources::finalizers(&crd.metadata)))
        .evidences(held.iter().map(|(kind, metadata)| custom_resources::waits(kind, metadata)))
        .remedy(if operator_is_up {
            "the operator is there to finish the deletion of the objects: wait, then apply the definitions again"
        } else {
            "clear the finalizers of the objects, never the definition's own; then apply the definitions again"
        })
        .command(context.kubectl_cluster().inspect(format!("get {name} -A")))
        .commands(if operator_is_up { Vec::new() } else { custom_resources::clear_finalizers(context, &held) })
        .done();
    Some(finding)
}
