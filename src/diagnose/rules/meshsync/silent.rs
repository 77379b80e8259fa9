use crate::{
    diagnose::rules::{
        meshsync::flow::{course, said},
        prelude::*,
    },
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-silent",
    title: "MeshSync is connected, and nothing of a change came",
    explanation: include_str!("silent.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) fn silent(context: &RuleContext<'_>, flow: &FlowTest) -> Finding {
    let name = context.meshsync_name();
    let published = context.clients.meshsync.first().map(|(_, client)| client.in_msgs);
    let (message, evidence) = match &flow.meta.micros {
        Seen::Known(_) => (
            "It answers requests, so its process is well: it does not watch, or does not publish what it sees.",
            format!("it answered the request for its version: {}", flow.meta.detail),
        ),
        other => (
            "Its connection stands, and nobody answers at the other end: the process hangs, is paused, or has ended without saying so.",
            format!("the request for its version: {}", other.why_unsettled().unwrap_or_default()),
        ),
    };
    DIAGNOSIS
        .finding()
        .message(message)
        .object(context.object("Deployment", name))
        .evidences(course(flow))
        .evidence(format!("nothing of it came on {} within {}", flow.subject, said(flow.wait)))
        .evidence(evidence)
        .evidences(published.map(|count| format!("/connz: {count} messages from MeshSync since it connected")))
        .remedy("restart MeshSync; if it stays silent, its log says what it cannot do")
        .command(context.restart(Component::Meshsync))
        .command(context.logs(Component::Meshsync, None))
        .done()
}
