use k8s_openapi::api::apps::v1::Deployment;

use crate::diagnose::{
    rules::{
        operator::{
            manager::{arguments, manager},
            missing,
        },
        prelude::*,
    },
    stack_view::Line,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-mismatched-manifest",
    title: "The operator's image does not match its manifest",
    explains: &[
        "operator-webhook-cert",
        "operator-crash-loop",
        "operator-not-started",
        "operator-image-pull",
        "operator-not-ready",
        "operator-no-leader",
    ],
    explanation: include_str!("mismatched_manifest.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "operator-manifest",
    title: "the operator's image matches its manifest",
    after: &[&missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The operator line according to an image's tag; `None` if the tag is not a version.
pub(crate) fn line_of(image: &str) -> Option<Line> {
    let tag = stack::image_tag(image)?;
    let mut numbers = tag.strip_prefix('v').unwrap_or(tag).split('.');
    let major: u32 = numbers.next()?.parse().ok()?;
    numbers.next()?.parse::<u32>().ok()?;
    Some(if major == 0 { Line::Old } else { Line::Current })
}

/// Parts of a Deployment that only one line's manifests have, with that line.
fn marks(context: &RuleContext<'_>, deployment: &Deployment) -> Vec<(Line, String)> {
    let old = context.facts.profile.operator.old_line_container;
    let mut marks = Vec::new();
    if rollout::containers(deployment).iter().any(|container| container.name == old) {
        marks.push((
            Line::Old,
            format!("spec.template.spec.containers: contains {old}, which only manifests of 0.8 have"),
        ));
    }
    for argument in manager(context, deployment).into_iter().flat_map(arguments) {
        if argument == "--metrics-addr=127.0.0.1:8080" {
            marks.push((Line::Old, format!("the manager's arguments: {argument}, as in manifests of 0.8")));
        } else if argument.starts_with("--health-probe-bind-address") {
            marks.push((Line::Current, format!("the manager's arguments: {argument}, which only 1.0 manifests have")));
        }
    }
    marks
}

/// Whether image and manifest belong to different lines: the image's line and the evidence against it.
pub(crate) fn mismatch(context: &RuleContext<'_>) -> Option<(Line, Vec<String>)> {
    let deployment = context.operator.known()?;
    let image = line_of(manager(context, deployment)?.image.as_deref()?)?;
    let against: Vec<String> =
        marks(context, deployment).into_iter().filter(|(line, _)| *line != image).map(|(_, mark)| mark).collect();
    (!against.is_empty()).then_some((image, against))
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    if !profile.has_current_line() {
        return Outcome::skip(format!("{} has only one operator line", profile.product));
    }
    let deployment = context.operator.known_or_unknown()?;
    let Some(image) = rollout::image(deployment, profile.operator.container) else {
        return Outcome::skip(format!("it has no container {}", profile.operator.container));
    };
    if line_of(image).is_none() {
        return Outcome::skip(format!("the tag of image {image} is not a version"));
    }
    let Some((line, against)) = mismatch(context) else {
        return Outcome::pass();
    };
    let name = profile.operator.deployment;
    let (container, images) = (profile.operator.container, &profile.images);
    let set_image = |image: &str| context.kubectl().change(format!("set image deployment/{name} {container}={image}"));
    let draft = DIAGNOSIS
        .finding()
        .object(context.object("Deployment", name))
        .evidence(format!("image of container {container}: {image}"))
        .evidences(against);
    let draft = if line == Line::Current {
        draft
            .title("The operator's image is 1.0, but its manifest is 0.8")
            .message(
                "The manager finds no certificate for its webhook and exits. Its role does not allow leader election, \
                 and the image of its second container no longer exists in its registry.",
            )
            .remedy("apply the current manifest or chart, or go back to the image that matches this one")
            .command(set_image(images.old_operator))
    } else {
        draft
            .title("The operator's image is 0.8, but its manifest is 1.0")
            .message("The manifest sets arguments and probes that the manager does not support.")
            .remedy("use a 1.0 image, which this manifest requires")
            .command(set_image(images.operator))
    };
    draft.command(context.kubectl().inspect(format!("get deployment {name} -o wide"))).found()
}
