use crate::diagnose::rules::{
    custom_resources::{clear_finalizers, finalizers, held},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-stuck-terminating",
    title: "A custom resource hangs in deletion",
    explains: &["operator-missing"],
    explanation: include_str!("cr_stuck_terminating.md"),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-deletable",
    title: "no custom resource hangs in deletion",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let stuck = held(context);
    if stuck.is_empty() {
        if !context.has_custom_resource() {
            known_unless(context.unseen_resources())?;
        }
        return Outcome::pass();
    }
    context.operator.settled()?;
    if context.operator_is_up() == Some(true) {
        return Outcome::pass_with("a deletion is under way, and the operator is there to finish it");
    }
    let names: Vec<String> =
        stuck.iter().map(|(kind, metadata)| format!("{} {}", kind, stack::name(metadata))).collect();
    DIAGNOSIS
        .finding()
        .title(format!("{} hang{} in deletion", names.join(" and "), if names.len() == 1 { "s" } else { "" }))
        .message("Their finalizers are the operator's to clear, and no operator runs. The namespace cannot go either.")
        .object(stuck.first().map(|(kind, metadata)| context.object(kind, stack::name(metadata))))
        .evidences(stuck.iter().map(|(kind, metadata)| {
            let since = metadata.deletion_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
            let (name, holders) = (stack::name(metadata), finalizers(metadata));
            format!("{kind} {name} is being deleted since {since} and waits for {holders}")
        }))
        .evidence("no operator is up")
        .remedy(
            "deploy the operator again, which finishes the deletion; only if it is never to come back, clear the finalizers by hand \
             and remove the workloads yourself",
        )
        .commands(clear_finalizers(context, &stuck))
        .found()
}
