use k8s_openapi::jiff::Timestamp;

use crate::{
    diagnose::rules::{meshsync::flow::progress, prelude::*},
    facts::{FlowTest, test_object::Kind},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-message-too-big",
    title: "The broker accepts no message as large as an event",
    explanation: include_str!("flow_message_too_big.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Meshsync)
};

/// The minimum size of a message without the object.
const ENVELOPE: usize = 150;

/// The broker's limit is smaller than any message about the object.
pub(crate) fn too_big(context: &RuleContext<'_>, flow: &FlowTest) -> Option<Finding> {
    let object = flow.object.as_ref()?;
    let kind = crate::facts::test_object::KINDS.iter().find(|kind| kind.resource == object.resource)?;
    let least = least_message(kind, &object.namespace);
    let servers = &context.facts.broker.servers;
    let (server, limit) = servers
        .iter()
        .filter_map(|server| Some((server, server.varz.max_payload?)))
        .find(|(_, limit)| *limit < least as u64)?;
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("The broker accepts no message larger than {limit} bytes"))
            .message("An event contains the whole object. MeshSync drops larger messages and logs an error.")
            .evidence(format!("server {}: max_payload is {limit}", server_name(context, server)))
            .evidence(format!("a message about the test {} has at least {least} bytes", object.kind))
            .evidences(progress(flow))
            .remedy(
                "find who set it below NATS's default of 1 MiB, and remove the setting; the operator's configuration \
                 has none",
            )
            .command(context.kubectl().inspect("get configmaps -o yaml"))
            .done(),
    )
}

/// The minimum size of a message about a test object.
fn least_message(kind: &Kind, namespace: &str) -> usize {
    let object = kind.object(namespace, "0123456789", 1, Timestamp::UNIX_EPOCH);
    object.to_string().len() + ENVELOPE
}
