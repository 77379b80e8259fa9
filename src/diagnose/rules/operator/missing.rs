use k8s_openapi::api::rbac::v1::ClusterRoleBinding;

use crate::diagnose::rules::{custom_resources, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-missing",
    title: "The operator is missing, but its custom resources exist",
    explains: &["cr-not-observed"],
    explanation: include_str!("missing.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-deployed",
    title: "the custom resources have an operator",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.operator.settled()?;
    if context.operator.known().is_some() {
        return Outcome::pass();
    }
    if context.is_standalone() {
        return Outcome::skip("MeshSync runs without the operator here and does not need one");
    }
    if !context.has_custom_resource() {
        return Outcome::skip("there is no operator and no custom resource");
    }
    let name = context.facts.profile.operator.deployment;
    let resources: Vec<String> =
        custom_resources::all(context).map(|(kind, metadata, _)| custom_resources::named(kind, metadata)).collect();
    let draft = DIAGNOSIS
        .finding()
        .object(context.object("Deployment", name))
        .evidence(format!("there is no Deployment {name}"))
        .evidence(format!("existing objects: {}", resources.join(", ")));
    if let Some((binding, namespace)) = bound_elsewhere(context) {
        return draft
            .title(format!("The operator is not here, but probably in namespace {namespace}"))
            .message(format!(
                "An operator watches every namespace, so one in {namespace} also reconciles these custom resources. \
                 Whether it is running there was not checked."
            ))
            .evidence(format!("ClusterRoleBinding {binding} names a ServiceAccount in namespace {namespace}"))
            .remedy("check the operator in that namespace; move the custom resources there")
            .command(context.check_in(namespace))
            .command(context.kubectl_in(namespace).inspect(format!("get deployment {name}")))
            .found();
    }
    draft
        .title("The operator is missing, but its custom resources exist")
        .message(
            "Workloads keep running but are not reconciled. Deleting a custom resource hangs forever, because only \
             the operator removes the finalizers.",
        )
        .remedy("redeploy the operator, which adopts what exists; do not delete the custom resources first")
        .fix(context.redeploy(Some("operator")))
        .command(context.kubectl().inspect("get deployments,brokers,meshsyncs"))
        .found()
}

/// The operator's binding to a ServiceAccount of another namespace, and that namespace.
fn bound_elsewhere<'a>(context: &RuleContext<'a>) -> Option<(&'a str, &'a str)> {
    let facts = context.facts;
    let bindings = facts.rbac.cluster_role_bindings.known()?;
    let ours = |binding: &&ClusterRoleBinding| {
        facts.profile.operator.cluster_role_bindings.contains(&stack::name(&binding.metadata))
    };
    let mut places = bindings.iter().filter(ours).flat_map(|binding| {
        let subjects = binding.subjects.iter().flatten();
        subjects.filter_map(|subject| Some((stack::name(&binding.metadata), subject.namespace.as_deref()?)))
    });
    let first = places.next()?;
    let here = facts.target.namespace.as_str();
    (first.1 != here && places.all(|(_, namespace)| namespace != here)).then_some(first)
}
