use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::waiting},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-image-pull",
    title: "{Component}'s image cannot be pulled",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("image_pull.md"),
    cure: Cure::Person(because::OUTSIDE),
    ..Diagnosis::of_workloads()
};

pub(crate) fn image_pull(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    const REASONS: [&str; 6] = [
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
    ];
    let (status, (reason, message)) = stack::container_statuses(pod)
        .filter_map(|status| Some((status, waiting(status)?)))
        .find(|(_, (reason, _))| REASONS.contains(reason))?;
    let name = stack::name(&pod.metadata);
    let vanished = status.name == context.facts.profile.operator.old_line_container;
    let finding = DIAGNOSIS
        .finding_of(component)
        .title(format!("Image {} cannot be pulled", status.image))
        .message(format!("Container {} cannot start without this image.", status.name))
        .object(context.object("Pod", name))
        .evidence(format!("pod {name}, container {}: {reason}: {message}", status.name))
        .evidences(
            vanished.then_some("the kube-rbac-proxy image that old manifests use no longer exists in its registry"),
        )
        .remedy(if vanished {
            "redeploy the operator from current manifests, which do not have this container"
        } else {
            "check that name and tag exist, that the node can reach the registry, and whether a pull secret is needed"
        })
        .command(context.kubectl().inspect(format!("describe pod/{name}")))
        .done();
    Some(finding)
}
