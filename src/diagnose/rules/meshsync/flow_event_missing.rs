use crate::{
    diagnose::rules::{
        meshsync::{
            flow::{progress, said, tested, untried},
            flow_message_too_big::{self, too_big},
            flow_nothing_seen::{self, nothing_seen},
            flow_wrong_subject::{self, wrong_subject},
            silent::{self, silent},
        },
        prelude::*,
    },
    facts::{Change, FlowTest},
    stack::watch_list::EVENTS,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-event-missing",
    title: "Some events did not arrive",
    explanation: include_str!("flow_event_missing.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "flow-arrives",
    title: "every change was received from the broker",
    after: &[],
    ..Check::of(
        &[
            &silent::DIAGNOSIS,
            &DIAGNOSIS,
            &flow_wrong_subject::DIAGNOSIS,
            &flow_message_too_big::DIAGNOSIS,
            &flow_nothing_seen::DIAGNOSIS,
        ],
        judge,
    )
};

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    if let Some(passive) = &flow.passive {
        let all: u64 = flow.events.values().map(crate::facts::EventCounts::all).sum();
        if all > 0 {
            return Outcome::pass_with(format!("{all} events in {}", said(passive.window)));
        }
        return Outcome::found(vec![nothing_seen(context, flow, passive)]);
    }
    if let Some(why) = untried(flow) {
        return Outcome::skip(why);
    }
    let expected: Vec<&Change> = flow.changes.iter().filter(|c| c.expected).collect();
    let missing: Vec<&Change> = expected.iter().copied().filter(|change| change.received.is_none()).collect();
    if missing.is_empty() {
        return Outcome::pass_with(format!("{} of {}", expected.len(), expected.len()));
    }
    if flow.lost > 0 {
        return Outcome::unknown("some events were dropped here because they arrived faster than they could be read");
    }
    if let Some(server) = unsubscribed_server(context, flow) {
        return Outcome::unknown(format!("MeshSync is on {server}, which did not accept our subscription"));
    }
    let finding = if !flow.elsewhere.is_empty() {
        wrong_subject(context, flow)
    } else if missing.len() < expected.len() {
        event_missing(context, flow, &expected, &missing)
    } else if let Some(finding) = too_big(context, flow) {
        finding
    } else {
        silent(context, flow)
    };
    Outcome::found(vec![finding])
}

/// The server that MeshSync is connected to, if we could not subscribe there: missing events would prove nothing.
pub(crate) fn unsubscribed_server<'a>(context: &'a RuleContext<'_>, flow: &FlowTest) -> Option<&'a str> {
    let subscribed = |id: &str| flow.servers.iter().any(|server| server.server_id == id);
    let on = &context.clients.meshsync;
    let unsubscribed = !on.is_empty() && on.iter().all(|(server, _)| !subscribed(&server.varz.server_id));
    on.first().filter(|_| unsubscribed).map(|(server, _)| server_name(context, server))
}

fn event_missing(context: &RuleContext<'_>, flow: &FlowTest, expected: &[&Change], missing: &[&Change]) -> Finding {
    let words: Vec<&str> =
        EVENTS.into_iter().filter(|event| missing.iter().any(|change| change.event == *event)).collect();
    let deletions = words.contains(&"DELETED");
    let others = words.iter().any(|word| *word != "DELETED");
    DIAGNOSIS
        .finding()
        .title(format!("{} of {} events are missing: {}", missing.len(), expected.len(), words.join(", ")))
        .message(match (others, deletions) {
            (false, _) => {
                "Each event is sent only once. {product} still shows the objects whose deletion it missed, even after \
                 MeshSync restarts."
            }
            (true, false) => {
                "Each event is sent only once. {product} does not show these objects, or shows an old state, until \
                 MeshSync restarts."
            }
            (true, true) => {
                "Each event is sent only once. {product} lacks new objects and changes until MeshSync restarts, and \
                 still shows deleted objects after that."
            }
        })
        .evidences(progress(flow))
        .evidence(format!(
            "{} of {} arrived on {} within {}",
            expected.len() - missing.len(),
            expected.len(),
            flow.subject,
            said(flow.wait)
        ))
        .remedy(match (others, deletions) {
            (false, _) => {
                "check MeshSync's log for dropped messages, then use Flush MeshSync on the connection in {product}, \
                 which removes deleted objects; a restart does not"
            }
            (true, false) => {
                "check MeshSync's log for dropped messages, then restart it; it then republishes every object that \
                 exists"
            }
            (true, true) => {
                "check MeshSync's log for dropped messages, restart it, then use Flush MeshSync on the connection in \
                 {product}, which removes deleted objects"
            }
        })
        .command(context.logs(Component::Meshsync, None))
        .commands(others.then(|| context.restart(Component::Meshsync)))
        .done()
}
