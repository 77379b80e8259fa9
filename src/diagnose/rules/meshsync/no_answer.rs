use crate::{
    diagnose::rules::{part_test::only_in_test_of, prelude::*},
    facts::Subject,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-no-answer",
    title: "MeshSync does not respond to requests",
    explanation: include_str!("no_answer.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-answers",
    title: "MeshSync responds to requests",
    after: &[],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    only_in_test_of(context, Subject::Meshsync)?;
    let meshsync = context.facts.test.as_ref().and_then(|t| t.meshsync.as_ref());
    let Some(meshsync) = meshsync else {
        return Outcome::unknown("MeshSync was not tested");
    };
    match &meshsync.meta.micros {
        Seen::Known(_) if meshsync.meta.detail.is_empty() => Outcome::pass(),
        Seen::Known(_) => Outcome::pass_with(meshsync.meta.detail.clone()),
        // Other checks report that it is not connected.
        _ if context.clients.meshsync.is_empty() => Outcome::skip("MeshSync is not connected to the broker"),
        Seen::Unreachable(why) => {
            let name = context.meshsync_name();
            DIAGNOSIS
                .finding()
                .message(
                    "The broker lists it as connected, but it does not respond: the process hangs or is paused, or it \
                     has lost its subscription.",
                )
                .object(context.object("Deployment", name))
                .evidence(format!("request for its version: {why}"))
                .remedy("restart MeshSync")
                .command(context.restart(Component::Meshsync))
                .command(context.logs(Component::Meshsync, None))
                .found()
        }
        other => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    }
}
