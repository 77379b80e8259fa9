//! Rules about what the broker needs beside its pods: the Secret with its token, and a Service that leads to it.

use k8s_openapi::api::core::v1::{Pod, Service};

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, patient::Line},
    facts::stack,
    report::{Effect, Finding},
    stack::{base::seen::Seen, component::Component::Broker},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "broker-token-present",
        category: Broker,
        title: "the Secret with the broker's token is there",
        codes: &["broker-token-missing"],
        facts: &["token", "statefulsets"],
        after: &["installed"],
        judge: token_present,
    },
    Rule {
        id: "broker-service-leads",
        category: Broker,
        title: "the broker's Service leads to a ready pod",
        codes: &["broker-no-endpoints"],
        facts: &["services", "pods"],
        after: &["installed"],
        judge: service_leads,
    },
];

fn token_present(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let (Some(secret), Some(current)) = (profile.broker.token_secret, profile.broker.current)
    else {
        return Outcome::Skip("this family's broker asks for no token".into());
    };
    if patient.line == Some(Line::Old) {
        return Outcome::Skip("the old line's broker asks for no token".into());
    }
    if let Some(why) = patient.statefulsets.why_unsettled() {
        return Outcome::Unknown(why);
    }
    let set = patient
        .statefulsets
        .items()
        .iter()
        .find(|set| stack::name(&set.metadata) == current);
    if set.is_none() {
        return Outcome::Skip(format!("there is no StatefulSet {current}"));
    }
    let key = profile.broker.token_key;
    let (title, evidence) = match &patient.facts.token {
        Seen::Known(token) if token.bytes.is_some_and(|bytes| bytes > 0) => return Outcome::Pass,
        Seen::Known(_) => (
            format!("Secret {secret} holds no token"),
            format!("Secret {secret}: data.{key} is missing or empty"),
        ),
        Seen::Absent => (
            format!("Secret {secret} with the broker's token is missing"),
            format!(
                "there is no Secret {secret} in namespace {}",
                patient.facts.target.namespace
            ),
        ),
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let mut draft = Draft::new("broker-token-missing")
        .title(title)
        .message(
            "What runs keeps the token that it was started with. New pods of the broker and of MeshSync do not start, and \
             the server has nothing to log in with.",
        )
        .object(patient.object("Secret", secret))
        .evidence(evidence)
        .evidence(format!("StatefulSet {current} is there, whose pods take NATS_TOKEN from it"));
    for pod in patient.broker_pods.iter().chain(&patient.meshsync_pods) {
        let waits = pod
            .status
            .iter()
            .flat_map(|status| status.container_statuses.iter().flatten())
            .filter_map(|container| container.state.as_ref()?.waiting.as_ref())
            .any(|waiting| waiting.reason.as_deref() == Some("CreateContainerConfigError"));
        if waits {
            draft = draft.evidence(format!(
                "pod {} waits with CreateContainerConfigError",
                stack::name(&pod.metadata)
            ));
        }
    }
    let restart = |what: String| patient.kubectl(Effect::Write, &format!("rollout restart {what}"));
    Outcome::Found(vec![
        draft
            .remedy("let the operator make it again, then restart both sides, so that they hold the same token")
            .command(restart(format!("deployment/{}", profile.operator.deployment)))
            .command(patient.kubectl(Effect::Read, &format!("get secret {secret}")))
            .command(restart(format!("statefulset/{current}")))
            .command(restart(format!("deployment/{}", profile.meshsync.resource)))
            .done(),
    ])
}

/// What the broker's Service leads to: the Service, and the pods that it chooses.
fn chosen<'a>(patient: &Patient<'a>) -> Result<(&'a Service, Vec<&'a Pod>), Outcome> {
    if let Some(why) = patient.facts.services.why_unsettled() {
        return Err(Outcome::Unknown(why));
    }
    // With two lines side by side, the current one's is what clients are told.
    let Some(service) = stack::broker_services(patient.facts).into_iter().next() else {
        return Err(Outcome::Skip("the broker has no Service".into()));
    };
    if let Some(why) = patient.facts.pods.why_unsettled() {
        return Err(Outcome::Unknown(why));
    }
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.as_ref());
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
        return Err(Outcome::Skip(
            "it has no selector: somebody else says where it leads".into(),
        ));
    };
    Ok((service, stack::chosen(patient.facts, selector)))
}

/// The broker's Service, if it leads to no ready pod.
pub(super) fn leads_nowhere<'a>(patient: &Patient<'a>) -> Option<&'a str> {
    let (service, chosen) = chosen(patient).ok()?;
    (!chosen.iter().any(|pod| is_ready(pod))).then(|| stack::name(&service.metadata))
}

fn service_leads(patient: &Patient<'_>, _: &States) -> Outcome {
    let (service, chosen) = match chosen(patient) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let ready = chosen.iter().filter(|pod| is_ready(pod)).count();
    if ready > 0 {
        return Outcome::PassWith(format!(
            "{} to {ready} of {} pods",
            stack::name(&service.metadata),
            chosen.len()
        ));
    }
    Outcome::Found(vec![nowhere(patient, service, &chosen)])
}

fn is_ready(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn nowhere(patient: &Patient<'_>, service: &Service, chosen: &[&Pod]) -> Finding {
    let name = stack::name(&service.metadata);
    let wanted = service
        .spec
        .iter()
        .flat_map(|spec| spec.selector.iter().flatten())
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>();
    let selector = wanted.join(",");
    let mut draft = Draft::new("broker-no-endpoints")
        .title(format!("Service {name} leads to no ready pod"))
        .message("Whoever connects to its address is refused or waits in vain, though the address looks right.")
        .object(patient.object("Service", name))
        .evidence(format!("spec.selector is {}", wanted.join(", ")));
    for pod in chosen {
        draft = draft.evidence(format!(
            "pod {} has these labels and is not ready",
            stack::name(&pod.metadata)
        ));
    }
    if !chosen.is_empty() || patient.broker_pods.is_empty() {
        if chosen.is_empty() {
            draft = draft.evidence("no pod has these labels, and the broker has none at all");
        }
        return draft
            .remedy("bring the broker's pod up; what it waits for is told beside this")
            .command(patient.kubectl(Effect::Read, &format!("describe pods -l {selector}")))
            .done();
    }
    for pod in &patient.broker_pods {
        let labels = pod
            .metadata
            .labels
            .iter()
            .flatten()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(", ");
        draft = draft.evidence(format!("pod {} has {labels}", stack::name(&pod.metadata)));
    }
    draft
        .remedy(
            "delete the Service: the operator makes it again with the right selector and another address, and rolls MeshSync \
             out to it",
        )
        .command(patient.kubectl(Effect::Destructive, &format!("delete service {name}")))
        .command(patient.kubectl(
            Effect::Write,
            &format!(
                "rollout restart deployment/{}",
                patient.facts.profile.operator.deployment
            ),
        ))
        .done()
}
