//! What holds an object that is being deleted.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    diagnose::rules::{custom_resources, installation::crd_terminating, prelude::*},
    facts::Crd,
};

/// The custom resources that wait for their finalizers.
pub(crate) fn held_resources<'a>(
    context: &'a RuleContext<'_>,
) -> Vec<(&'static str, &'a ObjectMeta)> {
    custom_resources::metadata(context)
        .filter(|(_, metadata)| custom_resources::is_held(metadata))
        .collect()
}

pub(crate) fn reference(name: &str) -> ObjectRef {
    ObjectRef {
        kind: "CustomResourceDefinition".into(),
        namespace: None,
        name: name.into(),
    }
}

pub(crate) fn terminating(context: &RuleContext<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let since = crd.metadata.deletion_timestamp.as_ref()?;
    let kind = &crd.spec.names.kind;
    let held: Vec<(&str, &ObjectMeta)> = held_resources(context)
        .into_iter()
        .filter(|(held, _)| held == kind)
        .collect();
    let mut draft = crd_terminating::DIAGNOSIS.finding()
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
