//! The rule about gaps: whether `MeshSync` has been a client of the broker for as long as it runs.

use k8s_openapi::jiff::SignedDuration;

use super::{Outcome, Patient, Rule, States, release::READS_SCHEMES};
use crate::{
    diagnose::Draft,
    facts::stack,
    stack::{base::seen::Seen, component::Component, watch_list},
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "meshsync-unbroken",
    category: Component::Meshsync,
    title: "MeshSync has not lost the broker since it started",
    codes: &["data-gap-since-reconnect"],
    facts: &["pods", "broker"],
    after: &["installed"],
    judge: unbroken,
}];

/// How long a MeshSync may look for its broker after it has started; from 1.0.1 on it ends itself after that.
const START_UP: SignedDuration = SignedDuration::from_mins(5);

/// How far two clocks, the broker's and a node's, may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

fn unbroken(patient: &Patient<'_>, states: &States) -> Outcome {
    let Some((server, client)) = patient.clients.meshsync.first() else {
        return match patient.unseen_clients() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("MeshSync is not connected".into()),
        };
    };
    let (Some((pod, since)), Some(now)) = (patient.running_meshsync(), client.start) else {
        return Outcome::Unknown("since when MeshSync runs and is connected is not known".into());
    };
    let name = stack::name(&pod.metadata);
    let broker = patient.pod_of(server).unwrap_or("a broker server");
    let mut evidence = Vec::new();
    for earlier in server.closed.items() {
        let (Some(start), Some(stop)) = (earlier.start, earlier.stop) else {
            continue;
        };
        // What ended before this container started was another's.
        if earlier.ip == client.ip && start + CLOCK_SKEW >= since && stop <= now {
            let reason = if earlier.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", earlier.reason)
            };
            evidence.push(format!(
                "{broker}: an earlier connection of it ended at {stop:.0}{reason}"
            ));
        }
    }
    let gives_up = states
        .meshsync
        .report
        .version
        .as_deref()
        .and_then(watch_list::release)
        .is_some_and(|release| release >= READS_SCHEMES);
    if evidence.is_empty() && !(gives_up && now > since + START_UP) {
        return match &server.closed {
            Seen::NotLooked => {
                Outcome::Skip("the recording does not say which connections ended".into())
            }
            closed => match closed.why_unsettled() {
                Some(why) => {
                    Outcome::Unknown(format!("which connections ended is not known: {why}"))
                }
                None => Outcome::PassWith(format!("connected since {now:.0}")),
            },
        };
    }
    Outcome::Found(vec![
        Draft::new("data-gap-since-reconnect")
            .message("What happened in the cluster meanwhile was never delivered, and nobody sends it again: delivery is at most once, and MeshSync lists nothing anew after a reconnect.")
            .object(patient.object("Pod", name))
            .evidences(evidence)
            .evidence(format!("{broker}: the present connection exists since {now:.0}"))
            .evidence(format!(
                "pod {name}: container {} runs since {since:.0}",
                patient.facts.profile.meshsync.container
            ))
            .remedy("restart MeshSync, which then sends everything that exists; what was deleted meanwhile stays until Flush MeshSync on the connection in the server's UI")
            .command(patient.restart_meshsync())
            .done(),
    ])
}
