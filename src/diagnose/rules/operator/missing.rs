use crate::diagnose::rules::{custom_resources, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-missing",
    title: "The operator is missing, but its custom resources exist",
    explains: &["cr-not-observed"],
    explanation: include_str!("missing.md"),
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
    DIAGNOSIS
        .finding()
        .title("The operator is missing, but its custom resources exist")
        .message(
            "Workloads keep running but are not reconciled. Deleting a custom resource hangs forever, because only \
             the operator removes the finalizers.",
        )
        .object(context.object("Deployment", name))
        .evidence(format!("there is no Deployment {name}"))
        .evidence(format!("existing objects: {}", resources.join(", ")))
        .remedy("redeploy the operator, which adopts what exists; do not delete the custom resources first")
        .command(context.redeploy(Some("operator")))
        .command(context.kubectl().inspect("get deployments,brokers,meshsyncs"))
        .found()
}
