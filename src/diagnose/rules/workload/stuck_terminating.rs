use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who, is_incomplete},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-stuck-terminating",
    title: "{Component}'s pod is stuck terminating",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("stuck_terminating.md"),
    cure: Cure::Person("only the pod's node or an administrator can end it"),
    ..Diagnosis::of_workloads()
};

pub(crate) fn stuck_terminating(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let since = stack::overdue_since(pod, context.clock())?;
    let name = stack::name(&pod.metadata);
    let node = stack::node_of(pod);
    let finalizers = pod.metadata.finalizers.as_deref().unwrap_or_default();
    let container =
        pod.spec.as_ref().and_then(|spec| spec.containers.first()).map_or("", |container| container.name.as_str());
    let replaced = !is_incomplete(context, component);
    let effect = match component {
        _ if replaced => "Its replacement is ready, so nothing is missing.",
        Component::Broker => "A StatefulSet starts no replacement under the same name before the old pod is gone.",
        _ => "The workload is not complete.",
    };
    let draft = DIAGNOSIS
        .finding_of(component)
        .severity(if replaced { Severity::Warning } else { Severity::Error })
        .title(format!("{}'s pod {name} is stuck terminating", who(context, component, container)))
        .message(format!("It should have been gone since {since:.0}. {effect}"))
        .object(context.object("Pod", name))
        .evidence(format!("pod {name}: metadata.deletionTimestamp is {since:.0}"))
        .evidences((!finalizers.is_empty()).then(|| format!("metadata.finalizers: {}", finalizers.join(", "))))
        .evidences(node.map(|node| format!("spec.nodeName: {node}")))
        // A broker is shutting down while it is terminating.
        .explains((component == Component::Broker).then(|| "broker-lame-duck".to_owned()))
        .command(context.kubectl().inspect(format!("describe pod/{name}")));
    if finalizers.is_empty() {
        let draft = draft.remedy(
            "check the node's kubelet, which must confirm that the containers ended; force the deletion only if they \
             certainly did",
        );
        let force = format!("pod {name} --force --grace-period=0");
        return Some(draft.command(context.kubectl().delete(force).last_resort()).done());
    }
    let clear = Action::ClearFinalizers(format!("pod/{name}"));
    let draft = draft
        .remedy("get the controllers of these finalizers running; remove the finalizers only if they never return");
    Some(draft.command(context.kubectl().run(clear).last_resort()).done())
}
