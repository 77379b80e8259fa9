//! The rules of the synthetic test: that a change in the cluster comes out of the broker, whole, soon and under the right
//! name. They are judged only where the test was made.

use k8s_openapi::jiff::Timestamp;

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::{Change, FlowTest, HeldBack, Leftover},
    probe::Kind,
    report::{Component, Effect, Finding, Severity, Timing},
    rights,
    seen::{Right, Seen},
    stack,
    watch_list::EVENTS,
    words::quoted,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "flow-tried",
        category: Component::Meshsync,
        title: "a change could be made and listened for",
        codes: &["flow-write-refused", "flow-not-watched"],
        facts: &["flow"],
        after: &[],
        judge: tried,
    },
    Rule {
        id: "flow-arrives",
        category: Component::Meshsync,
        title: "every change came out of the broker",
        codes: &[
            "meshsync-silent",
            "flow-event-missing",
            "flow-wrong-subject",
            "flow-message-too-big",
            "flow-nothing-seen",
        ],
        facts: &["flow"],
        after: &[],
        judge: arrives,
    },
    Rule {
        id: "flow-once",
        category: Component::Meshsync,
        title: "every change came once",
        codes: &["meshsync-duplicated"],
        facts: &["flow"],
        after: &[],
        judge: once,
    },
    Rule {
        id: "flow-cluster-id",
        category: Component::Meshsync,
        title: "events name this cluster",
        codes: &["flow-wrong-cluster-id"],
        facts: &["flow"],
        after: &[],
        judge: names_this_cluster,
    },
    Rule {
        id: "flow-prompt",
        category: Component::Meshsync,
        title: "events come without delay",
        codes: &["flow-slow"],
        facts: &["flow"],
        after: &[],
        judge: prompt,
    },
    Rule {
        id: "flow-store",
        category: Component::Meshsync,
        title: "MeshSync's store holds what the cluster does",
        codes: &["flow-store-incomplete"],
        facts: &["flow"],
        after: &[],
        judge: store,
    },
    Rule {
        id: "flow-clean",
        category: Component::Meshsync,
        title: "no object of a test is left",
        codes: &["flow-probe-leftover"],
        facts: &["flow"],
        after: &[],
        judge: clean,
    },
];

/// From when on an event is slow: a healthy one takes some milliseconds.
const SLOW: u64 = 1_000_000;

/// What a message has beside the object itself, at the very least.
const ENVELOPE: usize = 150;

/// Judges what the test saw; without one there is nothing to judge.
fn with(patient: &Patient<'_>, judge: impl FnOnce(&FlowTest) -> Outcome) -> Outcome {
    match patient
        .facts
        .test
        .as_ref()
        .and_then(|test| test.flow.as_ref())
    {
        Some(flow) => judge(flow),
        None => Outcome::Skip("the flow of events was not tested".into()),
    }
}

/// Why there are no changes to judge.
fn untried(flow: &FlowTest) -> Option<String> {
    Some(match flow.held_back.as_ref() {
        None if flow.passive.is_some() => "nothing was written: --passive".into(),
        None => return None,
        Some(
            HeldBack::NobodyToHear(why)
            | HeldBack::NobodyToPublish(why)
            | HeldBack::NotWatched { why, .. }
            | HeldBack::CutShort(why),
        ) => why.clone(),
        Some(HeldBack::Refused(refusal)) => refusal.message.clone(),
    })
}

fn tried(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| match &flow.held_back {
        None if flow.passive.is_some() => Outcome::Skip("nothing was written: --passive".into()),
        None => Outcome::Pass,
        Some(HeldBack::NobodyToHear(why) | HeldBack::CutShort(why)) => {
            Outcome::Unknown(why.clone())
        }
        Some(HeldBack::NobodyToPublish(why)) => Outcome::Skip(why.clone()),
        Some(HeldBack::NotWatched { kind, why, instead }) => {
            Outcome::Found(vec![not_watched(patient, kind, why, instead.as_deref())])
        }
        Some(HeldBack::Refused(refusal)) => {
            let kind = flow.object.as_ref().map_or("object", |object| &object.kind);
            let namespace = flow.object.as_ref().map_or("", |object| &object.namespace);
            let (title, message) = match refusal.event.as_str() {
                "MODIFIED" => (
                    format!("The cluster did not let the test change its {kind}"),
                    "The test ended there, and was not carried out in full.",
                ),
                "DELETED" => (
                    format!("The cluster did not let the test remove its {kind}"),
                    "The test ended there, and was not carried out in full.",
                ),
                _ => (
                    format!("The cluster did not take the {kind} of the test"),
                    "Nothing is known of the flow: what is not written cannot be published. Nothing of the test is left.",
                ),
            };
            let draft = Draft::new("flow-write-refused")
                .title(title)
                .message(message)
                .evidence(format!(
                    "API server, in namespace {namespace}: {}",
                    refusal.message
                ));
            Outcome::Found(vec![
                if refusal.denied {
                    draft
                        .remedy("have somebody with more rights apply what this prints, or test without writing")
                        .command(patient.meshdoctor(Effect::Read, "rbac test"))
                } else {
                    draft.remedy("name another namespace or kind with --probe-namespace and --kind, or test without writing")
                }
                .command(patient.meshdoctor(Effect::Read, "test dataflow --passive"))
                .done(),
            ])
        }
    })
}

fn not_watched(patient: &Patient<'_>, kind: &str, why: &str, instead: Option<&str>) -> Finding {
    let draft = Draft::new("flow-not-watched")
        .title(format!("MeshSync would publish nothing of a {kind}"))
        .message("Silence would say nothing of the flow, so nothing was written.")
        .evidence(why);
    match instead {
        Some(word) => draft
            .remedy(format!("test with a {word}, which it does publish"))
            .command(patient.meshdoctor(Effect::Write, &format!("test dataflow --kind {word}"))),
        None => draft
            .remedy("it publishes no kind of which an object does no harm: listen without writing")
            .command(patient.meshdoctor(Effect::Read, "test dataflow --passive")),
    }
    .done()
}

fn arrives(patient: &Patient<'_>, _: &States) -> Outcome {
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
        .map(|(server, _)| super::broker::server_name(patient, server))
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
    let kind = crate::probe::KINDS
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
                super::broker::server_name(patient, server)
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

fn once(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        let Some(most) = flow.changes.iter().map(|change| change.copies).max() else {
            return Outcome::Skip(untried(flow).unwrap_or_else(|| "nothing was changed".into()));
        };
        if most < 2 {
            return Outcome::Pass;
        }
        let names = patient.clients.meshsync.len();
        Outcome::Found(vec![
            Draft::new("meshsync-duplicated")
                .title(format!("Every event comes {most} times"))
                .message("Several MeshSyncs publish this cluster to one broker. They do not share the work: each publishes everything.")
                .evidence(format!("{} was received {most} times on one server", flow.subject))
                .evidence(format!("/connz: {names} clients named meshsync"))
                .remedy("one is enough: find the others by their addresses, and remove them where they come from")
                .command(patient.kubectl_cluster(
                    Effect::Read,
                    "get pods -A -o wide -l component=meshsync",
                ))
                .done(),
        ])
    })
}

fn names_this_cluster(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        let named: Vec<&str> = flow
            .changes
            .iter()
            .filter_map(|change| change.cluster_id.as_deref())
            .collect();
        let Some(first) = named.first() else {
            return Outcome::Skip("no event of ours came".into());
        };
        let Some(ours) = patient.facts.cluster_id.known() else {
            let why = patient.facts.cluster_id.why_unsettled();
            return Outcome::Unknown(
                why.unwrap_or_else(|| "this cluster's id is not known".into()),
            );
        };
        let Some(wrong) = named.iter().find(|id| *id != ours) else {
            return Outcome::PassWith((*first).into());
        };
        let title = if wrong.is_empty() {
            "Events name no cluster".to_owned()
        } else {
            "Events name another cluster".to_owned()
        };
        let draft = Draft::new("flow-wrong-cluster-id")
            .title(title)
            .evidence(format!("the namespace kube-system has the UID {ours}"))
            .evidence(format!("the messages have cluster_id \"{wrong}\""));
        Outcome::Found(vec![if wrong.is_empty() {
            no_id(patient, draft)
        } else {
            draft
                .message("A reader files what happens here under another cluster, or leaves it out.")
                .remedy("see which cluster's credentials that MeshSync was given: it takes the id from the namespace kube-system of the cluster that it reads, once, at its start")
                .command(patient.kubectl(
                    Effect::Read,
                    &format!("get deployment/{} -o yaml", patient.meshsync_name()),
                ))
                .command(patient.restart_meshsync())
                .done()
        }])
    })
}

/// Events name no cluster: `MeshSync` may not read the id, or could not when it started.
fn no_id(patient: &Patient<'_>, draft: Draft) -> Finding {
    let account = stack::meshsync_service_account(patient.facts);
    let right = Right::to("get", "", "namespaces").named("kube-system");
    let (fails, remedy) = match rights::may(patient.facts, &account, &right) {
        Seen::Known(false) => (
            "may not read the namespace kube-system, whose UID is the cluster's id",
            "give it the right, then restart it: the id is read once, at its start",
        ),
        Seen::Known(true) => (
            "could not read the namespace kube-system, whose UID is the cluster's id, when it started; now it may",
            "restart it: the id is read once, at its start",
        ),
        _ => (
            "could not read the namespace kube-system, whose UID is the cluster's id, when it started",
            "see that it may read everything, then restart it: the id is read once, at its start",
        ),
    };
    draft
        .message(format!(
            "MeshSync {fails}. A reader cannot tell whose objects these are."
        ))
        .remedy(remedy)
        .command(patient.meshdoctor(Effect::Write, "system redeploy meshsync"))
        .command(patient.restart_meshsync())
        .done()
}

fn prompt(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        let times = || flow.changes.iter().filter_map(|change| change.received);
        let Some(timing) = Timing::of(times()) else {
            return Outcome::Skip("no event of ours came".into());
        };
        if timing.p95_micros < SLOW {
            return Outcome::PassWith(format!("{} at the most", span(timing.max_micros)));
        }
        let floor = flow
            .servers
            .iter()
            .flat_map(|s| s.round_trips.iter().copied());
        let mut draft = Draft::new("flow-slow")
            .title(format!("Events take {} to come", span(timing.p50_micros)))
            .message("Nothing is lost by that, but whoever reads sees the cluster as it was.")
            .evidence(format!(
                "{} events: {} to {}",
                timing.count,
                span(timing.min_micros),
                span(timing.max_micros)
            ));
        if let Some(watched) = Timing::of(flow.changes.iter().filter_map(|c| c.watched)) {
            draft = draft.evidence(format!(
                "the API server told a watch of ours within {}",
                span(watched.max_micros)
            ));
        }
        if let Some(floor) = Timing::of(floor) {
            draft = draft.evidence(format!(
                "a message to the broker and back takes {}",
                span(floor.p50_micros)
            ));
        }
        Outcome::Found(vec![
            draft
                .remedy("see whether MeshSync has the CPU that it needs, and whether its watch-list has kinds that change all the time")
                .command(patient.kubectl(Effect::Read, "top pods --containers"))
                .command(patient.meshdoctor(Effect::Read, "watch-list"))
                .done(),
        ])
    })
}

fn store(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        let stored = match &flow.store {
            Seen::Known(stored) => stored,
            Seen::NotLooked => return Outcome::Skip("it was not asked for: --store".into()),
            other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
        };
        let counted = flow
            .served
            .iter()
            .filter_map(|(resource, count)| Some((resource, *count.known()?)));
        let missing: Vec<String> = counted
            .filter(|(resource, count)| {
                *count > 0 && stored.get(*resource).copied().unwrap_or(0) == 0
            })
            .map(|(resource, count)| format!("{resource}: none of {count}"))
            .collect();
        if missing.is_empty() {
            let all: u64 = stored.values().sum();
            return Outcome::PassWith(format!("{all} objects"));
        }
        Outcome::Found(vec![
            Draft::new("flow-store-incomplete")
                .title(format!(
                    "MeshSync's store lacks {} of the kinds that it watches",
                    missing.len()
                ))
                .message("It has never read them, so nothing of them is published.")
                .evidences(missing)
                .remedy("see in its log which kinds it cannot list, then give it the right or take them off the watch-list")
                .command(patient.kubectl(
                    Effect::Read,
                    &format!("logs deployment/{}", patient.meshsync_name()),
                ))
                .done(),
        ])
    })
}

fn clean(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        let mut left: Vec<(String, String, String, String)> = flow
            .leftovers
            .iter()
            .filter_map(|left| {
                let why = left.removed.why_unsettled()?;
                let Leftover {
                    kind,
                    namespace,
                    name,
                    ..
                } = left.clone();
                Some((kind, namespace, name, why))
            })
            .collect();
        if let Some(object) = &flow.object {
            left.extend(flow.not_removed.iter().map(|(name, why)| {
                let (kind, namespace) = (object.kind.clone(), object.namespace.clone());
                (kind, namespace, name.clone(), why.clone())
            }));
        }
        if left.is_empty() {
            let removed = flow.leftovers.len();
            return match &flow.leftovers_unseen {
                Some(why) => Outcome::Unknown(format!("whether earlier runs left any: {why}")),
                None if removed > 0 => {
                    Outcome::PassWith(format!("{removed} of an earlier run removed"))
                }
                None => Outcome::Pass,
            };
        }
        let findings = left.into_iter().map(|(kind, namespace, name, why)| {
            let command = format!(
                "-n {} delete {} {name}",
                quoted(&namespace),
                kind.to_lowercase()
            );
            let unsure = flow.changes.iter().any(|change| {
                change.event == EVENTS[0]
                    && change.acknowledged.is_none()
                    && flow
                        .object
                        .as_ref()
                        .is_some_and(|object| name == format!("{}-{}", object.name, change.round))
            });
            let is = if unsure {
                "may still be there"
            } else {
                "is still there"
            };
            Draft::new("flow-probe-leftover")
                .title(format!("{kind} {name} of a test {is}"))
                .message("It does no harm, and nobody needs it.")
                .object(crate::report::ObjectRef {
                    kind: kind.clone(),
                    namespace: Some(namespace),
                    name,
                })
                .evidence(why)
                .severity(Severity::Warning)
                .remedy("remove it")
                .command(patient.kubectl_cluster(Effect::Destructive, &command))
                .done()
        });
        Outcome::Found(findings.collect())
    })
}

/// A time for people.
fn span(micros: u64) -> String {
    crate::words::short_span(micros)
}

/// A time that was asked for.
fn said(micros: u64) -> String {
    crate::words::span(std::time::Duration::from_micros(micros))
}
