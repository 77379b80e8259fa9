use crate::{
    diagnose::rules::{custom_resources, prelude::*},
    facts::Crd,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-terminating",
    title: "A CRD is stuck terminating",
    explains: &["cr-missing", "broker-no-workload", "meshsync-no-workload"],
    explanation: include_str!("crd_terminating.md"),
    cure: Cure::Person(because::LOSS),
    ..Diagnosis::fault(Component::Installation)
};

/// The CRDs that are terminating. Until they are gone, the stack cannot be deployed.
pub(crate) fn terminating_crds(context: &RuleContext<'_>) -> Vec<String> {
    let facts = context.facts;
    [(&facts.broker_crd, facts.profile.broker_crd()), (&facts.meshsync_crd, facts.profile.meshsync_crd())]
        .into_iter()
        .filter(|(crd, _)| crd.known().is_some_and(|crd| crd.metadata.deletion_timestamp.is_some()))
        .map(|(_, name)| name)
        .collect()
}

/// The finding about a terminating CRD.
pub(crate) fn terminating(context: &RuleContext<'_>, crd: &Crd, name: &str) -> Option<Finding> {
    let since = crd.metadata.deletion_timestamp.as_ref()?;
    let kind = &crd.spec.names.kind;
    let mut held = custom_resources::held(context);
    held.retain(|(held, _)| held == kind);
    let operator_is_up = context.operator_is_up() == Some(true);
    let finding = DIAGNOSIS
        .finding()
        .title(format!("CRD {name} is terminating and waits for its custom resources"))
        .message(
            "The CRD is deleted once its last custom resource, in any namespace, is gone. Until then, no new ones can \
             be created.",
        )
        .object(cluster_object("CustomResourceDefinition", name))
        .evidence(format!("metadata.deletionTimestamp: {}", since.0))
        .evidence(format!("metadata.finalizers: {}", custom_resources::finalizers(&crd.metadata)))
        .evidences(held.iter().map(|(kind, metadata)| custom_resources::waits(kind, metadata)))
        .remedy(if operator_is_up {
            "wait for the operator to finish deleting the custom resources, then apply the CRDs again"
        } else {
            "remove the finalizers of the custom resources, never those of the CRD, then apply the CRDs again"
        })
        .command(context.kubectl_cluster().inspect(format!("get {name} -A")))
        .commands(if operator_is_up { Vec::new() } else { custom_resources::clear_finalizers(context, &held) })
        .done();
    Some(finding)
}
