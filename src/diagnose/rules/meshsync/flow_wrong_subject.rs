use crate::{
    diagnose::rules::{meshsync::flow::course, prelude::*},
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-wrong-subject",
    title: "Events come on another subject",
    explanation: include_str!("flow_wrong_subject.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) fn wrong_subject(context: &RuleContext<'_>, flow: &FlowTest) -> Finding {
    DIAGNOSIS
        .finding()
        .title(format!("Events come on {}, and not on {}", flow.elsewhere.join(", "), flow.subject))
        .message(format!("Whoever reads listens on {}, and so gets nothing.", flow.subject))
        .evidences(course(flow))
        .evidence(format!("a message that names it came on {}", flow.elsewhere.join(", ")))
        .remedy("run a MeshSync of the family whose server reads here; another family's has subjects of its own")
        .command(context.kubectl().inspect(format!("get deployment/{} -o yaml", context.meshsync_name())))
        .done()
}
