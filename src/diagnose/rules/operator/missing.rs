use crate::diagnose::rules::{custom_resources, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-missing",
    title: "There is no operator for the custom resources",
    explains: &["cr-not-observed"],
    explanation: include_str!("missing.md"),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-deployed",
    title: "an operator looks after the custom resources",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.operator.settled()?;
    if context.operator.known().is_some() {
        return Outcome::pass();
    }
    if context.is_standalone() {
        return Outcome::skip("MeshSync runs without operator here, and needs none");
    }
    if !context.has_custom_resource() {
        return Outcome::skip("there is no operator and no custom resource");
    }
    let name = context.facts.profile.operator.deployment;
    let resources: Vec<String> =
        custom_resources::all(context).map(|(kind, metadata, _)| custom_resources::named(kind, metadata)).collect();
    DIAGNOSIS
        .finding()
        .title("There is no operator, and its custom resources live on")
        .message(
            "What runs goes on running, and nobody heals, changes or removes it. Deleting a custom resource \
                         hangs for ever, since only the operator clears the finalizers.",
        )
        .object(context.object("Deployment", name))
        .evidence(format!("there is no Deployment {name}"))
        .evidence(format!("there are {}", resources.join(", ")))
        .remedy("deploy the operator again: it adopts what is there; do not delete the custom resources first")
        .command(context.redeploy(Some("operator")))
        .command(context.kubectl().inspect("get deployments,brokers,meshsyncs"))
        .found()
}
