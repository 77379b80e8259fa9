use crate::{
    diagnose::rules::{
        meshsync::flow::{progress, said},
        prelude::*,
    },
    facts::FlowTest,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-silent",
    title: "MeshSync is connected but published no events",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("silent.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) fn silent(context: &RuleContext<'_>, flow: &FlowTest) -> Finding {
    let name = context.meshsync_name();
    let published = context.clients.meshsync.first().map(|(_, client)| client.in_msgs);
    let (message, evidence) = match &flow.meta.micros {
        Seen::Known(_) => (
            "It responds to requests, so its process is running. It does not watch the cluster, or does not publish what \
             it sees.",
            format!("it responded to the request for its version: {}", flow.meta.detail),
        ),
        other => (
            "It is connected but does not respond: the process hangs, is paused, or ended without closing its \
             connection.",
            format!("request for its version: {}", other.why_unsettled().unwrap_or_default()),
        ),
    };
    DIAGNOSIS
        .finding()
        .message(message)
        .object(context.object("Deployment", name))
        .evidences(progress(flow))
        .evidence(format!("no event from it arrived on {} within {}", flow.subject, said(flow.wait)))
        .evidence(evidence)
        .evidences(published.map(|count| format!("/connz: {count} messages from MeshSync since it connected")))
        .remedy("restart MeshSync; if it still publishes nothing, check its log")
        .command(context.restart(Component::Meshsync))
        .command(context.logs(Component::Meshsync, None))
        .done()
}
