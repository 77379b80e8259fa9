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
    title: "The cluster did not take the object of a test",
    explanation: include_str!("flow_write_refused.md"),
    ..Diagnosis::obstacle(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "flow-tried",
    title: "a change could be made and listened for",
    after: &[],
    ..Check::of(&[&DIAGNOSIS, &flow_not_watched::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    match &flow.held_back {
        None if flow.passive.is_some() => Outcome::skip("nothing was written: --passive"),
        None => Outcome::pass(),
        Some(HeldBack::NoConnection(why) | HeldBack::CutShort(why)) => Outcome::unknown(why.clone()),
        Some(HeldBack::NoPublisher(why)) => Outcome::skip(why.clone()),
        Some(HeldBack::NotWatched { kind, why, instead }) => {
            Outcome::found(vec![not_watched(context, kind, why, instead.as_deref())])
        }
        Some(HeldBack::Refused(refusal)) => {
            let kind = flow.object.as_ref().map_or("object", |object| &object.kind);
            let namespace = flow.object.as_ref().map_or("", |object| &object.namespace);
            let (title, message) = match refusal.event.as_str() {
                "MODIFIED" => (
                    format!("The cluster did not let the test change its {kind}"),
                    "The test ended there, and was not carried out in full.",
                ),
                "DELETED" => (
                    format!("The cluster did not let the test remove its {kind}"),
                    "The test ended there, and was not carried out in full.",
                ),
                _ => (
                    format!("The cluster did not take the {kind} of the test"),
                    "Nothing is known of the flow: what is not written cannot be published. Nothing of the test is left.",
                ),
            };
            let draft = DIAGNOSIS
                .finding()
                .title(title)
                .message(message)
                .evidence(format!("API server, in namespace {namespace}: {}", refusal.message));
            if refusal.denied {
                draft
                    .remedy("have somebody with more rights apply what this prints, or test without writing")
                    .command(context.meshdoctor(Effect::Read, "rbac test"))
            } else {
                draft
                    .remedy("name another namespace or kind with --probe-namespace and --kind, or test without writing")
            }
            .command(context.meshdoctor(Effect::Read, "test dataflow --passive"))
            .found()
        }
    }
}
