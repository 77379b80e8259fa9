use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, Service};

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-no-endpoints",
    title: "The broker's Service has no ready endpoint",
    explains: &[
        "network-path-broken",
        "broker-server-not-connected",
        "meshsync-not-connected",
        "meshsync-crash-loop",
        "meshsync-not-ready",
        "server-broker-unreachable",
    ],
    explanation: include_str!("no_endpoints.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-service-leads",
    title: "the broker's Service has a ready endpoint",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The broker's Service and the pods that its selector matches.
fn chosen<'a>(context: &RuleContext<'a>) -> Result<(&'a Service, Vec<&'a Pod>), Undecided> {
    context.facts.services.settled()?;
    // If both lines exist, clients use the current line's Service.
    let Some(service) = stack::broker_services(context.facts).into_iter().next() else {
        return Err(Undecided::Skip("the broker has no Service".into()));
    };
    context.facts.pods.settled()?;
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
        return Err(Undecided::Skip("the Service has no selector, so its endpoints are managed elsewhere".into()));
    };
    Ok((service, stack::chosen(context.facts, selector)))
}

/// The broker's Service if it has no ready pod.
pub(crate) fn service_without_ready_pod<'a>(context: &RuleContext<'a>) -> Option<&'a str> {
    let (service, chosen) = chosen(context).ok()?;
    (!chosen.iter().any(|pod| is_ready(pod))).then(|| stack::name(&service.metadata))
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let is_missing = context.facts.services.is_settled() && stack::broker_services(context.facts).is_empty();
    if is_missing && !context.broker_pods.is_empty() && !context.brokers.items().is_empty() {
        return no_service(context);
    }
    let (service, chosen) = chosen(context)?;
    let ready = chosen.iter().filter(|pod| is_ready(pod)).count();
    if ready > 0 {
        return Outcome::pass_with(format!(
            "{}: {ready} of {} pods ready",
            stack::name(&service.metadata),
            chosen.len()
        ));
    }
    Outcome::found(vec![no_ready_pod(context, service, &chosen)])
}

/// The broker runs, and nothing leads to it.
fn no_service(context: &RuleContext<'_>) -> Judgement {
    let name = context.facts.profile.broker_workloads().next().unwrap_or_default();
    DIAGNOSIS
        .finding()
        .title("The broker has no Service")
        .message(
            "MeshSync and the server find the broker by its Service. A client that is connected stays connected, and none \
             can connect again. The operator creates a missing Service within seconds.",
        )
        .object(context.object("Service", name))
        .evidence(format!("broker pods: {}", context.broker_pods.len()))
        .evidence(format!("no Service of the broker in namespace {}", context.facts.target.namespace))
        .remedy("check the operator's log; it creates the Service again")
        .command(context.logs(Component::Operator, 50))
        .found()
}

/// Labels or a selector as `key=value`.
pub(crate) fn pairs(labels: Option<&BTreeMap<String, String>>) -> Vec<String> {
    labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect()
}

fn is_ready(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn no_ready_pod(context: &RuleContext<'_>, service: &Service, chosen: &[&Pod]) -> Finding {
    let name = stack::name(&service.metadata);
    let wanted = pairs(service.spec.as_ref().and_then(|spec| spec.selector.as_ref()));
    let draft = DIAGNOSIS
        .finding()
        .title(format!("Service {name} has no ready pod behind it"))
        .message("Clients that connect to its address are refused or time out, although the address is correct.")
        .object(context.object("Service", name))
        .evidence(format!("spec.selector is {}", wanted.join(", ")))
        .evidences(
            chosen.iter().map(|pod| format!("pod {} has these labels but is not ready", stack::name(&pod.metadata))),
        );
    if !chosen.is_empty() || context.broker_pods.is_empty() {
        return draft
            .evidences(chosen.is_empty().then_some("no pod has these labels, and the broker has no pods"))
            .remedy("get the broker's pod ready; the other findings show what it is waiting for")
            .command(context.kubectl().inspect(format!("describe pods -l {}", wanted.join(","))))
            .done();
    }
    draft
        .evidences(context.broker_pods.iter().map(|pod| {
            let labels = pairs(pod.metadata.labels.as_ref());
            format!("pod {} has the labels {}", stack::name(&pod.metadata), labels.join(", "))
        }))
        .remedy(
            "delete the Service; the operator recreates it with the right selector and a new address, and rolls out \
             MeshSync",
        )
        .command(context.kubectl().delete(format!("service {name}")))
        .command(context.restart(Component::Operator))
        .done()
}
