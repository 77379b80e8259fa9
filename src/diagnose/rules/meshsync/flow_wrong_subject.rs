use crate::{
    diagnose::rules::{meshsync::flow::progress, prelude::*},
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-wrong-subject",
    title: "Events arrive on another subject",
    explanation: include_str!("flow_wrong_subject.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) fn wrong_subject(context: &RuleContext<'_>, flow: &FlowTest) -> Finding {
    DIAGNOSIS
        .finding()
        .title(format!("Events arrive on {}, not on {}", flow.elsewhere.join(", "), flow.subject))
        .message(format!("The server subscribes to {}, so it receives nothing.", flow.subject))
        .evidences(progress(flow))
        .evidence(format!("a message about the test object arrived on {}", flow.elsewhere.join(", ")))
        .remedy("run the MeshSync of the same product as the server; MeshSyncs of other products use other subjects")
        .command(context.kubectl().inspect(format!("get deployment/{} -o yaml", context.meshsync_name())))
        .done()
}
