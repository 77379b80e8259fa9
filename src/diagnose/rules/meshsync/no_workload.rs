use crate::diagnose::rules::{meshsync::standalone, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-no-workload",
    title: "The MeshSync has no Deployment",
    explanation: include_str!("no_workload.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-has-workload",
    title: "MeshSync has its Deployment",
    ..Check::of(&[&DIAGNOSIS, &standalone::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let resource = context.meshsyncs.items().first();
    match (&context.meshsync, resource) {
        (Seen::Known(deployment), Some(_)) => {
            Outcome::pass_with(format!("Deployment {}", stack::name(&deployment.metadata)))
        }
        (Seen::Known(deployment), None) => {
            context.meshsyncs.settled()?;
            // Somebody's own Deployment has no MeshSync object for an owner.
            if deployment.metadata.owner_references.is_some() {
                return Outcome::skip("there is no MeshSync object");
            }
            let name = stack::name(&deployment.metadata);
            Outcome::found(vec![standalone::standalone(context, name)])
        }
        (Seen::Absent, Some(meshsync)) => {
            let name = stack::name(&meshsync.metadata);
            DIAGNOSIS
                .finding()
                .title(format!("MeshSync {name} has no Deployment"))
                .message("The operator has not made it, or somebody removed it: nothing watches the cluster.")
                .object(context.object("MeshSync", name))
                .evidence(format!("there is no Deployment {name}"))
                .remedy("the operator makes it: its log says what stops it")
                .command(context.logs(Component::Operator, 50))
                .found()
        }
        (Seen::Absent, None) => {
            context.meshsyncs.settled()?;
            Outcome::skip("there is no MeshSync object")
        }
        (other, _) => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    }
}
