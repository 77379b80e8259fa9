use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{
        containers::{waiting, who},
        controller::Controller,
        events::{event_time, event_words},
        progress::Progress,
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-not-ready",
    title: "{Component} is not ready",
    explains: &[
        "network-path-broken",
        "broker-unreachable",
        "broker-no-endpoints",
        "broker-server-not-connected",
        "broker-no-workload",
        "cr-failed",
        "cr-missing",
        "meshsync-no-workload",
        "meshsync-not-connected",
        "operator-reconcile-failing",
        "{component}-silent",
        "{component}-no-answer",
    ],
    explanation: include_str!("not_ready.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::of_workloads()
};

/// The rollout is not complete.
pub(super) fn not_ready(
    context: &RuleContext<'_>,
    component: Component,
    controller: &Controller,
    pods: &[&Pod],
    why: &str,
) -> Finding {
    let title = who(context, component, &controller.workload.name);
    let workload = &controller.workload;
    if let Some(progress) = Progress::of(context, controller, pods) {
        let effect = match component {
            Component::Broker => " MeshSync reconnects on its own if the broker is back within two minutes.",
            _ => "",
        };
        return DIAGNOSIS
            .finding_of(component)
            .title(format!("{title}'s rollout is in progress: {why}"))
            .message(format!("{}{effect}", progress.message(context)))
            .object(controller.object(context))
            .evidence(why)
            .evidences(&progress.evidence)
            .evidences(newest_warning(context, pods))
            .remedy(progress.remedy())
            .command(context.kubectl().inspect(format!("rollout status {workload} --timeout=2m")))
            .done();
    }
    DIAGNOSIS
        .finding_of(component)
        .title(format!("{title} is not ready: {why}"))
        .message(format!("The rollout of {} {} is not complete.", controller.kind, workload.name))
        .object(controller.object(context))
        .evidence(why)
        .evidences(pods.iter().flat_map(|pod| unready_words(pod)))
        .evidences(newest_warning(context, pods))
        .remedy("check what its pods are waiting for")
        .command(context.kubectl().inspect(format!("describe {workload}")))
        .command(context.kubectl().inspect(format!("logs {workload} --all-containers --tail=50")))
        .done()
}

/// Why containers are not ready, in a few words each.
fn unready_words(pod: &Pod) -> Vec<String> {
    let name = stack::name(&pod.metadata);
    let mut words: Vec<String> = stack::container_statuses(pod)
        .filter(|status| !status.ready)
        .filter_map(|status| {
            if let Some((reason, message)) = waiting(status) {
                return Some(format!("pod {name}, container {}: {reason} {message}", status.name).trim().to_owned());
            }
            status.state.as_ref()?.running.as_ref()?;
            let ready = stack::pod_condition(pod, "Ready").and_then(|ready| ready.last_transition_time.as_ref());
            let since = ready.map(|since| format!(" since {:.0}", since.0)).unwrap_or_default();
            Some(format!("pod {name}, container {}: running, but not ready{since}", status.name))
        })
        .collect();
    if let Some(reason) = pod.status.as_ref().and_then(|status| status.reason.as_deref()) {
        words.push(format!("pod {name}: {reason}"));
    }
    words
}

/// The latest warning about one of these pods.
fn newest_warning(context: &RuleContext<'_>, pods: &[&Pod]) -> Option<String> {
    context
        .facts
        .events
        .items()
        .iter()
        .filter(|event| event.type_.as_deref() == Some("Warning"))
        .filter(|event| {
            pods.iter().any(|pod| event.involved_object.name.as_deref() == Some(stack::name(&pod.metadata)))
        })
        .max_by_key(|event| event_time(event))
        .map(event_words)
}
