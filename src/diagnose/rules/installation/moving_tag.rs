use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "moving-tag",
    title: "An image uses a moving tag",
    explanation: include_str!("moving_tag.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Installation)
};

pub(crate) static CHECK: Check =
    Check { id: "fixed-tags", title: "images use fixed tags", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let mut images: Vec<(String, &str)> = Vec::new();
    for (deployment, container) in
        [(&context.operator, profile.operator.container), (&context.meshsync, profile.meshsync.container)]
    {
        if let Some(deployment) = deployment.known()
            && let Some(image) = rollout::image(deployment, container)
        {
            images.push((format!("deployment/{}", stack::name(&deployment.metadata)), image));
        }
    }
    for set in context.statefulsets.items() {
        let containers = set.spec.iter().filter_map(|spec| spec.template.spec.as_ref()).flat_map(|pod| &pod.containers);
        for container in containers.filter(|container| container.name == profile.broker.container) {
            if let Some(image) = container.image.as_deref() {
                images.push((format!("statefulset/{}", stack::name(&set.metadata)), image));
            }
        }
    }
    let moving: Vec<String> = images
        .iter()
        .filter(|(_, image)| moves(image))
        .map(|(workload, image)| format!("{workload} uses {image}"))
        .collect();
    if images.is_empty() {
        context.facts.deployments.settled()?;
    }
    if moving.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .message("The next restart may start a different version, which may not match its manifests.")
        .evidences(moving)
        .remedy(match profile.images.operator_release {
            Some(release) => format!(
                "set the version: {release} for the operator, spec.version of the custom resources for Broker and \
                 MeshSync"
            ),
            None => {
                "give the images of the Deployments a digest; the operator does not change existing ones".to_owned()
            }
        })
        .found()
}

fn moves(image: &str) -> bool {
    if image.contains("@sha256:") {
        return false;
    }
    match stack::image_tag(image) {
        None => true,
        Some(tag) => tag == "latest" || tag.ends_with("-latest") || tag == "edge" || tag == "stable" || tag == "main",
    }
}
