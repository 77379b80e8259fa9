use crate::{
    diagnose::rules::{meshsync::flow::said, prelude::*},
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-nothing-seen",
    title: "No event arrived while listening",
    explanation: include_str!("flow_nothing_seen.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::obstacle(Component::Meshsync)
};

pub(crate) fn nothing_seen(context: &RuleContext<'_>, flow: &FlowTest, passive: &crate::facts::Passive) -> Finding {
    let counted = match (passive.before, passive.after) {
        (Some(before), Some(after)) => {
            format!("/connz: MeshSync had published {before} messages before, {after} after")
        }
        _ => "the number of messages that MeshSync published is unknown".into(),
    };
    DIAGNOSIS
        .finding()
        .title(format!("No event arrived in {}", said(passive.window)))
        .message("Either nothing changed in the cluster, or no event arrived. Listening alone cannot tell which.")
        .evidence(format!("nothing on {} for {}", flow.subject, said(passive.window)))
        .evidence(counted)
        .remedy("run a test that creates, changes and deletes an object")
        .command(context.meshdoctor(Effect::Write, "test dataflow"))
        .done()
}
