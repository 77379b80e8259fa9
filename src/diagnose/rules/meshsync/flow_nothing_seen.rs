use crate::{
    diagnose::rules::{meshsync::flow::said, prelude::*},
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-nothing-seen",
    title: "No event came while we listened",
    explanation: include_str!("flow_nothing_seen.md"),
    ..Diagnosis::obstacle(Component::Meshsync)
};

pub(crate) fn nothing_seen(context: &RuleContext<'_>, flow: &FlowTest, passive: &crate::facts::Passive) -> Finding {
    let counted = match (passive.before, passive.after) {
        (Some(before), Some(after)) => {
            format!("/connz: MeshSync had published {before} messages before, {after} afterwards")
        }
        _ => "how many messages MeshSync published could not be counted".into(),
    };
    DIAGNOSIS
        .finding()
        .title(format!("No event came in {}", said(passive.window)))
        .message("Either nothing changed in the cluster, or nothing of it came. Listening cannot tell which.")
        .evidence(format!("nothing on {} for {}", flow.subject, said(passive.window)))
        .evidence(counted)
        .remedy("make a change: this does, and removes it again")
        .command(context.meshdoctor(Effect::Write, "test dataflow"))
        .done()
}
