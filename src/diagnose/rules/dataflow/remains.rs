//! What remains when the test is over: what MeshSync holds, and what of the test is still there.

use super::{Outcome, Patient, States, with};
use crate::{
    diagnose::Draft,
    facts::Leftover,
    report::{Effect, ObjectRef, Severity},
    stack::{
        base::{seen::Seen, words::quoted},
        watch_list::EVENTS,
    },
};

pub(super) fn store(patient: &Patient<'_>, _: &States) -> Outcome {
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

pub(super) fn clean(patient: &Patient<'_>, _: &States) -> Outcome {
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
                .object(ObjectRef {
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
