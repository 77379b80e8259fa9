use crate::diagnose::{
    rules::{operator::mismatched_manifest, prelude::*},
    stack_view::Line,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "operator-old-line",
    title: "This is the old operator line",
    explanation: include_str!("old_line.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static CHECK: Check =
    Check { id: "operator-line", title: "the operator is of the current line", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let Some(release) = profile.images.operator_release else {
        return Outcome::skip(format!("{} has only one operator line", profile.product));
    };
    if let Some((Line::Current, _)) = mismatched_manifest::mismatch(context) {
        return Outcome::skip("its image is of the current line, but its manifest is not");
    }
    match context.line {
        Some(Line::Current) => return Outcome::pass(),
        Some(Line::Old) => {}
        None => return Outcome::unknown("nothing found that identifies the line"),
    }
    let operator = context.operator.known();
    let image = operator.and_then(|deployment| rollout::image(deployment, profile.operator.container));
    let name = profile.operator.deployment;
    DIAGNOSIS
        .finding()
        .message(
            "It is 0.8 or older: no broker token, no finalizers, no conditions, and a ServiceAccount with permission \
             for everything.",
        )
        .object(image.map(|_| context.object("Deployment", name)))
        .evidences(image.map(|image| format!("Deployment {name} runs {image}")))
        .evidence(match operator {
            Some(_) => format!(
                "its pod has the container {}, which only manifests of the old line have",
                profile.operator.old_line_container
            ),
            None => format!("the broker's StatefulSet is {}", profile.broker.old),
        })
        .remedy(format!(
            "upgrade to {release}; the broker's address, Service type and token change, so update external clients too"
        ))
        .found()
}
