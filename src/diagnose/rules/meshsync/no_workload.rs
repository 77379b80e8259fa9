use crate::diagnose::rules::{meshsync::standalone, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-no-workload",
    title: "The MeshSync CR has no Deployment",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("no_workload.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-has-workload",
    title: "the MeshSync CR has a Deployment",
    ..Check::of(&[&DIAGNOSIS, &standalone::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.meshsync.settled()?;
    if let Some(deployment) = context.meshsync.known() {
        let name = stack::name(&deployment.metadata);
        if !context.meshsyncs.items().is_empty() {
            return Outcome::pass_with(format!("Deployment {name}"));
        }
        // A self-managed Deployment has no MeshSync CR as its owner.
        if context.meshsyncs.is_settled() && deployment.metadata.owner_references.is_none() {
            return Outcome::found(vec![standalone::standalone(context, name)]);
        }
    }
    let meshsync = context.meshsync_object()?;
    let name = stack::name(&meshsync.metadata);
    DIAGNOSIS
        .finding()
        .title(format!("MeshSync {name} has no Deployment"))
        .message("The operator has not created it, or someone deleted it. Nothing watches the cluster.")
        .object(context.object("MeshSync", name))
        .evidence(format!("there is no Deployment {name}"))
        .remedy("check the operator's log, which shows what stops it from creating the Deployment")
        .command(context.logs(Component::Operator, 50))
        .found()
}
