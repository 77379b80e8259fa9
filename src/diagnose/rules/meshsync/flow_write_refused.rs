use crate::{
    diagnose::rules::{
        meshsync::{
            flow::tested,
            flow_not_watched::{self, not_watched},
        },
        prelude::*,
    },
    facts::HeldBack,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-write-refused",
    title: "The API server refused a write of the test",
    explanation: include_str!("flow_write_refused.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::obstacle(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "flow-tried",
    title: "the test could change an object and receive its events",
    after: &[],
    ..Check::of(&[&DIAGNOSIS, &flow_not_watched::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    match &flow.held_back {
        None if flow.passive.is_some() => Outcome::skip("nothing was written (--passive)"),
        None => Outcome::pass(),
        Some(HeldBack::NoConnection(why) | HeldBack::CutShort(why) | HeldBack::NoServer(why)) => {
            Outcome::unknown(why.clone())
        }
        Some(HeldBack::NoPublisher(why)) => Outcome::skip(why.clone()),
        Some(HeldBack::NotWatched { kind, why, instead }) => {
            Outcome::found(vec![not_watched(context, kind, why, instead.as_deref())])
        }
        Some(HeldBack::Refused(refusal)) => {
            let kind = flow.object.as_ref().map_or("object", |object| &object.kind);
            let namespace = flow.object.as_ref().map_or("", |object| &object.namespace);
            let (title, message) = match refusal.event.as_str() {
                "MODIFIED" => (
                    format!("The API server refused to change the test {kind}"),
                    "The test stopped there and is incomplete.",
                ),
                "DELETED" => (
                    format!("The API server refused to delete the test {kind}"),
                    "The test stopped there and is incomplete.",
                ),
                _ => (
                    format!("The API server refused to create the test {kind}"),
                    "Nothing is known about the data flow, since nothing was written. The test left no objects.",
                ),
            };
            let draft = DIAGNOSIS
                .finding()
                .title(title)
                .message(message)
                .evidence(format!("API server, in namespace {namespace}: {}", refusal.message));
            if refusal.denied {
                draft
                    .remedy("ask a cluster admin to apply the output of the first command, or test without writing")
                    .command(context.rbac("test", context.facts.target.user.as_deref()))
            } else {
                draft.remedy(
                    "choose another namespace or kind with --probe-namespace and --kind, or test without writing",
                )
            }
            .command(context.meshdoctor(Effect::Read, "test dataflow --passive"))
            .found()
        }
    }
}
