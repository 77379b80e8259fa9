use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-unschedulable",
    title: "{Component} finds no node for its pod",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("unschedulable.md"),
    ..Diagnosis::of_workloads()
};

pub(crate) fn unschedulable(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let condition = stack::unschedulable(pod)?;
    let name = stack::name(&pod.metadata);
    let message = condition.message.clone().unwrap_or_default();
    let ports = message.contains("free ports");
    let container =
        pod.spec.as_ref().and_then(|spec| spec.containers.first()).map_or("", |container| container.name.as_str());
    Some(
        DIAGNOSIS
            .finding_of(component)
            .title(format!("{} finds no node for its pod", who(component, container)))
            .message("The scheduler finds no node for the pod, so it does not run.")
            .object(context.object("Pod", name))
            .evidence(format!("pod {name}: {message}"))
            .remedy(if ports {
                "another pod holds the host port on every node: remove that pod, or the hostPort of the old manifests"
            } else {
                "make room: resources, taints and node selectors decide"
            })
            .command(context.kubectl().inspect(format!("describe pod/{name}")))
            .done(),
    )
}
