//! The rules of the synthetic test: that a change in the cluster comes out of the broker, whole, soon and under the right
//! name. They are judged only where the test was made.

mod arrival;
mod remains;
mod worth;

pub(in crate::diagnose) use self::arrival::unheard;
use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::{FlowTest, HeldBack},
    report::{Effect, Finding},
    stack::component::Component,
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
        judge: arrival::arrives,
    },
    Rule {
        id: "flow-once",
        category: Component::Meshsync,
        title: "every change came once",
        codes: &["meshsync-duplicated"],
        facts: &["flow"],
        after: &[],
        judge: worth::once,
    },
    Rule {
        id: "flow-cluster-id",
        category: Component::Meshsync,
        title: "events name this cluster",
        codes: &["flow-wrong-cluster-id"],
        facts: &["flow"],
        after: &[],
        judge: worth::names_this_cluster,
    },
    Rule {
        id: "flow-prompt",
        category: Component::Meshsync,
        title: "events come without delay",
        codes: &["flow-slow"],
        facts: &["flow"],
        after: &[],
        judge: worth::prompt,
    },
    Rule {
        id: "flow-store",
        category: Component::Meshsync,
        title: "MeshSync's store holds what the cluster does",
        codes: &["flow-store-incomplete"],
        facts: &["flow"],
        after: &[],
        judge: remains::store,
    },
    Rule {
        id: "flow-clean",
        category: Component::Meshsync,
        title: "no object of a test is left",
        codes: &["flow-probe-leftover"],
        facts: &["flow"],
        after: &[],
        judge: remains::clean,
    },
];

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

/// A time for people.
fn span(micros: u64) -> String {
    crate::stack::base::words::short_span(micros)
}

/// A time that was asked for.
fn said(micros: u64) -> String {
    crate::stack::base::words::span(std::time::Duration::from_micros(micros))
}
