use k8s_openapi::jiff::Timestamp;

use crate::{
    diagnose::rules::{meshsync::flow::course, prelude::*},
    facts::{FlowTest, test_object::Kind},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-message-too-big",
    title: "The broker takes no message as large as an event",
    explanation: include_str!("flow_message_too_big.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

/// What a message has beside the object itself, at the very least.
const ENVELOPE: usize = 150;

/// The broker takes no message as large as any about the object must be.
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
        DIAGNOSIS.finding()
            .title(format!("The broker takes no message over {limit} bytes"))
            .message("An event carries the whole object. Whatever is larger than the broker allows is dropped where it is sent, with an error in MeshSync's log.")
            .evidence(format!(
                "server {}: max_payload is {limit}",
                server_name(context, server)
            ))
            .evidence(format!(
                "a message about the {} of the test has {least} bytes at the least",
                object.kind
            ))
            .evidences(course(flow))
            .remedy("see who set it below NATS's default of 1 MiB, and take that away; the operator's own configuration sets none")
            .command(context.kubectl().inspect("get configmaps -o yaml"))
            .done(),
    )
}

/// The fewest bytes that a message about an object of the test can have.
fn least_message(kind: &Kind, namespace: &str) -> usize {
    let object = kind.object(namespace, "0123456789", 1, Timestamp::UNIX_EPOCH);
    object.to_string().len() + ENVELOPE
}
