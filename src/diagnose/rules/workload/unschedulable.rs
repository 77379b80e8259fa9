use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-unschedulable",
    title: "{Component}'s pod is unschedulable",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("unschedulable.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::of_workloads()
};

pub(crate) fn unschedulable(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let condition = stack::unschedulable(pod)?;
    let name = stack::name(&pod.metadata);
    let message = condition.message.clone().unwrap_or_default();
    let ports = message.contains("free ports");
    let container =
        pod.spec.as_ref().and_then(|spec| spec.containers.first()).map_or("", |container| container.name.as_str());
    let container_runs = |other: &&Pod| stack::running_since(other, container).is_some();
    let others_run = context.pods_of(component).iter().any(container_runs);
    Some(
        DIAGNOSIS
            .finding_of(component)
            .title(format!("{}'s pod is unschedulable", who(context, component, container)))
            .message(if others_run {
                "No node meets the pod's requirements, so it does not run. Another pod of this component does."
            } else {
                "No node meets the pod's requirements, so it does not run."
            })
            .object(context.object("Pod", name))
            .evidence(format!("pod {name}: {message}"))
            .remedy(if ports {
                "another pod uses the host port on every node: delete that pod, or remove hostPort from the old \
                 manifest"
            } else {
                "free resources, or adjust taints and node selectors"
            })
            .command(context.kubectl().inspect(format!("describe pod/{name}")))
            .done(),
    )
}
