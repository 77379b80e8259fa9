use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "orphaned-workloads",
    title: "Workloads of the stack run without custom resource and operator",
    explanation: include_str!("orphaned_workloads.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "no-orphans",
    title: "no workload has lost its custom resource and operator",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    if context.has_custom_resource() {
        return Outcome::pass();
    }
    context.operator.settled()?;
    known_unless(context.unseen_resources())?;
    if context.operator.known().is_some() {
        return Outcome::pass();
    }
    let mut left: Vec<String> =
        context.statefulsets.items().iter().map(|set| format!("statefulset/{}", stack::name(&set.metadata))).collect();
    // A Deployment that no MeshSync object owned runs by somebody's intent.
    let owned = context.meshsync.known().filter(|deployment| deployment.metadata.owner_references.is_some());
    left.extend(owned.map(|deployment| format!("deployment/{}", stack::name(&deployment.metadata))));
    if left.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .message("Their custom resource is gone and no operator is there: nobody changes, heals or removes them.")
        .evidence(format!("there are {}", left.join(", ")))
        .evidence("there is no operator and no custom resource")
        .remedy("deploy the operator and the custom resources again, which adopts them, or remove them")
        .command(context.kubectl().delete(left.join(" ")))
        .found()
}
