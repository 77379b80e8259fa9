//! Whether what was changed came out of the broker, and why it did not.

use k8s_openapi::jiff::Timestamp;

use super::{Outcome, Patient, States, said, untried, with};
use crate::{
    diagnose::{Draft, rules::broker},
    facts::{Change, FlowTest, test_object::Kind},
    report::{Effect, Finding},
    stack::{base::seen::Seen, watch_list::EVENTS},
};

/// What a message has beside the object itself, at the very least.
const ENVELOPE: usize = 150;

pub(super) fn arrives(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        if let Some(passive) = &flow.passive {
            let all: u64 = flow.heard.values().map(crate::facts::Heard::all).sum();
            if all > 0 {
                return Outcome::PassWith(format!("{all} events in {}", said(passive.window)));
            }
            return Outcome::Found(vec![nothing_seen(patient, flow, passive)]);
        }
        if let Some(why) = untried(flow) {
            return Outcome::Skip(why);
        }
        let expected: Vec<&Change> = flow.changes.iter().filter(|c| c.expected).collect();
        let missing: Vec<&Change> = expected
            .iter()
            .copied()
            .filter(|change| change.received.is_none())
            .collect();
        if missing.is_empty() {
            return Outcome::PassWith(format!("{} of {}", expected.len(), expected.len()));
        }
        if flow.lost > 0 {
            return Outcome::Unknown(
                "more came than could be read in time, and some of it was lost here".into(),
            );
        }
        if let Some(server) = unheard(patient, flow) {
            return Outcome::Unknown(format!(
                "MeshSync is on {server}, which did not let us listen"
            ));
        }
        let finding = if !flow.elsewhere.is_empty() {
            wrong_subject(patient, flow)
        } else if missing.len() < expected.len() {
            event_missing(patient, flow, &expected, &missing)
        } else if let Some(finding) = too_big(patient, flow) {
            finding
        } else {
            silent(patient, flow)
        };
        Outcome::Found(vec![finding])
    })
}

/// The server that MeshSync is connected to, where we could not listen there: silence would be no proof.
pub(in crate::diagnose) fn unheard<'a>(
    patient: &'a Patient<'_>,
    flow: &FlowTest,
) -> Option<&'a str> {
    let heard = |id: &str| flow.servers.iter().any(|server| server.server_id == id);
    let on = &patient.clients.meshsync;
    let nowhere = !on.is_empty() && on.iter().all(|(server, _)| !heard(&server.varz.server_id));
    on.first()
        .filter(|_| nowhere)
        .map(|(server, _)| broker::server_name(patient, server))
}

/// What was done, and how far it came.
fn course(flow: &FlowTest) -> Vec<String> {
    let Some(object) = &flow.object else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let made = flow.changes.iter().filter(|c| c.acknowledged.is_some());
    let words: Vec<&str> = made.map(|change| change.event.as_str()).collect();
    lines.push(format!(
        "{} {}/{}-1: the API server acknowledged {}",
        object.kind,
        object.namespace,
        object.name,
        words.join(", ")
    ));
    let told = flow.changes.iter().filter(|c| c.watched.is_some()).count();
    if told > 0 {
        let all = if told == words.len() {
            "all".to_owned()
        } else {
            told.to_string()
        };
        lines.push(format!("a watch of our own was told of {all} of them"));
    }
    lines
}

fn silent(patient: &Patient<'_>, flow: &FlowTest) -> Finding {
    let name = patient.meshsync_name();
    let published = patient
        .clients
        .meshsync
        .first()
        .map(|(_, client)| client.in_msgs);
    let (message, evidence) = match &flow.meta.micros {
        Seen::Known(_) => (
            "It answers requests, so its process is well: it does not watch, or does not publish what it sees.",
            format!(
                "it answered the request for its version: {}",
                flow.meta.detail
            ),
        ),
        other => (
            "Its connection stands, and nobody answers at the other end: the process hangs, is paused, or has ended without saying so.",
            format!(
                "the request for its version: {}",
                other.why_unsettled().unwrap_or_default()
            ),
        ),
    };
    let mut draft = Draft::new("meshsync-silent")
        .message(message)
        .object(patient.object("Deployment", name))
        .evidences(course(flow))
        .evidence(format!(
            "nothing of it came on {} within {}",
            flow.subject,
            said(flow.wait)
        ))
        .evidence(evidence);
    if let Some(count) = published {
        draft = draft.evidence(format!(
            "/connz: {count} messages from MeshSync since it connected"
        ));
    }
    draft
        .remedy("restart MeshSync; if it stays silent, its log says what it cannot do")
        .command(patient.restart_meshsync())
        .command(patient.kubectl(Effect::Read, &format!("logs deployment/{name}")))
        .done()
}

fn event_missing(
    patient: &Patient<'_>,
    flow: &FlowTest,
    expected: &[&Change],
    missing: &[&Change],
) -> Finding {
    let words: Vec<&str> = EVENTS
        .into_iter()
        .filter(|event| missing.iter().any(|change| change.event == *event))
        .collect();
    Draft::new("flow-event-missing")
        .title(format!(
            "{} of {} events did not come: {}",
            missing.len(),
            expected.len(),
            words.join(", ")
        ))
        .message("Events are sent once and never again: what is lost stays wrong at the reader's until MeshSync starts anew.")
        .evidences(course(flow))
        .evidence(format!(
            "{} of {} came on {} within {}",
            expected.len() - missing.len(),
            expected.len(),
            flow.subject,
            said(flow.wait)
        ))
        .remedy("see whether MeshSync or the broker cut something off; a restart of MeshSync sends everything again")
        .command(patient.kubectl(
            Effect::Read,
            &format!("logs deployment/{}", patient.meshsync_name()),
        ))
        .command(patient.restart_meshsync())
        .done()
}

fn wrong_subject(patient: &Patient<'_>, flow: &FlowTest) -> Finding {
    Draft::new("flow-wrong-subject")
        .title(format!(
            "Events come on {}, and not on {}",
            flow.elsewhere.join(", "),
            flow.subject
        ))
        .message(format!(
            "Whoever reads listens on {}, and so gets nothing.",
            flow.subject
        ))
        .evidences(course(flow))
        .evidence(format!(
            "a message that names it came on {}",
            flow.elsewhere.join(", ")
        ))
        .remedy("run a MeshSync of the family whose server reads here; another family's has subjects of its own")
        .command(patient.kubectl(
            Effect::Read,
            &format!("get deployment/{} -o yaml", patient.meshsync_name()),
        ))
        .done()
}

/// The broker takes no message as large as any about the object must be.
fn too_big(patient: &Patient<'_>, flow: &FlowTest) -> Option<Finding> {
    let object = flow.object.as_ref()?;
    let kind = crate::facts::test_object::KINDS
        .iter()
        .find(|kind| kind.resource == object.resource)?;
    let least = least_message(kind, &object.namespace);
    let servers = &patient.facts.broker.servers;
    let (server, limit) = servers
        .iter()
        .filter_map(|server| Some((server, server.varz.max_payload?)))
        .find(|(_, limit)| *limit < least as u64)?;
    Some(
        Draft::new("flow-message-too-big")
            .title(format!("The broker takes no message over {limit} bytes"))
            .message("An event carries the whole object. Whatever is larger than the broker allows is dropped where it is sent, with an error in MeshSync's log.")
            .evidence(format!(
                "server {}: max_payload is {limit}",
                broker::server_name(patient, server)
            ))
            .evidence(format!(
                "a message about the {} of the test has {least} bytes at the least",
                object.kind
            ))
            .evidences(course(flow))
            .remedy("see who set it below NATS's default of 1 MiB, and take that away; the operator's own configuration sets none")
            .command(patient.kubectl(Effect::Read, "get configmaps -o yaml"))
            .done(),
    )
}

/// The fewest bytes that a message about an object of the test can have.
fn least_message(kind: &Kind, namespace: &str) -> usize {
    let object = kind.object(namespace, "0123456789", 1, Timestamp::UNIX_EPOCH);
    object.to_string().len() + ENVELOPE
}

fn nothing_seen(
    patient: &Patient<'_>,
    flow: &FlowTest,
    passive: &crate::facts::Passive,
) -> Finding {
    let counted = match (passive.before, passive.after) {
        (Some(before), Some(after)) => {
            format!("/connz: MeshSync had published {before} messages before, {after} afterwards")
        }
        _ => "how many messages MeshSync published could not be counted".into(),
    };
    Draft::new("flow-nothing-seen")
        .title(format!("No event came in {}", said(passive.window)))
        .message("Either nothing changed in the cluster, or nothing of it came. Listening cannot tell which.")
        .evidence(format!("nothing on {} for {}", flow.subject, said(passive.window)))
        .evidence(counted)
        .remedy("make a change: this does, and removes it again")
        .command(patient.meshdoctor(Effect::Write, "test dataflow"))
        .done()
}
