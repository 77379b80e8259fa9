use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "orphaned-workloads",
    title: "Workloads of the stack run without custom resources and operator",
    explanation: include_str!("orphaned_workloads.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "no-orphans",
    title: "no workload runs without its custom resource and operator",
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
    // A Deployment without a MeshSync CR as its owner is self-managed.
    let owned = context.meshsync.known().filter(|deployment| deployment.metadata.owner_references.is_some());
    left.extend(owned.map(|deployment| format!("deployment/{}", stack::name(&deployment.metadata))));
    if left.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .message("Their custom resource and the operator are gone, so nothing changes, repairs or removes them.")
        .evidence(format!("existing objects: {}", left.join(", ")))
        .evidence("there is no operator and no custom resource")
        .remedy("redeploy the operator and the custom resources, which adopts the workloads; or delete them")
        .fix(context.redeploy(None))
        .command(context.kubectl().delete(left.join(" ")).last_resort())
        .found()
}
