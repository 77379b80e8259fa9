//! What the events that came are worth: whether they came once, soon, and under the right name.

use super::{Outcome, Patient, States, span, untried, with};
use crate::{
    diagnose::Draft,
    facts::{permissions, stack},
    report::{Effect, Finding, Timing},
    stack::{
        base::{permission::Permission, seen::Seen},
        watch_list::EVENTS,
    },
};

/// From when on an event is slow: a healthy one takes some milliseconds.
const SLOW: u64 = 1_000_000;

pub(super) fn once(patient: &Patient<'_>, _: &States) -> Outcome {
    with(patient, |flow| {
        // A MeshSync that reads its lists anew says once more what is there, but not that it was changed or is gone.
        let told = flow.changes.iter().filter(|c| c.event != EVENTS[0]);
        let Some(times) = told.map(|change| change.copies).max() else {
            return Outcome::Skip(untried(flow).unwrap_or_else(|| "nothing was changed".into()));
        };
        if times < 2 {
            return Outcome::Pass;
        }
        let names = patient.clients.meshsync.len();
        Outcome::Found(vec![
            Draft::new("meshsync-duplicated")
                .title(format!("Every event comes {times} times"))
                .message("Several MeshSyncs publish this cluster to one broker. They do not share the work: each publishes everything.")
                .evidence(format!("{} was received {times} times on one server", flow.subject))
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

pub(super) fn names_this_cluster(patient: &Patient<'_>, _: &States) -> Outcome {
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
    let right = Permission::to("get", "", "namespaces").named("kube-system");
    let (fails, remedy) = match permissions::may(patient.facts, &account, &right) {
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

pub(super) fn prompt(patient: &Patient<'_>, _: &States) -> Outcome {
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
