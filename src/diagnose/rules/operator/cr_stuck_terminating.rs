use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::diagnose::rules::{
    custom_resources::{clear_finalizers, finalizers, is_held, metadata},
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
    let stuck: Vec<(&str, &ObjectMeta)> = metadata(context).filter(|(_, metadata)| is_held(metadata)).collect();
    if stuck.is_empty() {
        let unseen = [context.brokers.why_unsettled(), context.meshsyncs.why_unsettled()];
        return match unseen.into_iter().flatten().next() {
            Some(why) if !context.has_custom_resource() => Outcome::unknown(why),
            _ => Outcome::pass(),
        };
    }
    match context.operator_is_up() {
        Some(false) => {}
        Some(true) => {
            return Outcome::pass_with("a deletion is under way, and the operator is there to finish it");
        }
        None => return Outcome::unknown(context.operator.why_unsettled().unwrap_or_default()),
    }
    let names: Vec<String> =
        stuck.iter().map(|(kind, metadata)| format!("{} {}", kind, stack::name(metadata))).collect();
    let mut draft = DIAGNOSIS
        .finding()
        .title(format!("{} hang{} in deletion", names.join(" and "), if names.len() == 1 { "s" } else { "" }))
        .message("Their finalizers are the operator's to clear, and no operator runs. The namespace cannot go either.");
    if let Some((kind, metadata)) = stuck.first() {
        draft = draft.object(context.object(kind, stack::name(metadata)));
    }
    for (kind, metadata) in &stuck {
        let since = metadata.deletion_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default();
        draft = draft.evidence(format!(
            "{kind} {} is being deleted since {since} and waits for {}",
            stack::name(metadata),
            finalizers(metadata)
        ));
    }
    draft = draft
        .evidence("no operator is up")
        .remedy(
            "deploy the operator again, which finishes the deletion; only if it is never to come back, clear the finalizers by hand \
             and remove the workloads yourself",
        );
    for (kind, metadata) in &stuck {
        draft = draft.command(clear_finalizers(context, kind, metadata));
    }
    draft.found()
}
