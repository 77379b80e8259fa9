use crate::{
    diagnose::rules::{installation::crd_missing, prelude::*},
    stack::base::failure,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "conversion-webhook-down",
    title: "The conversion webhook of the custom resources is down",
    explains: &["observation-missing", "namespace-terminating", "crd-terminating"],
    explanation: include_str!("conversion_webhook_down.md"),
    cure: Cure::Automatic,
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "conversion-works",
    title: "custom resources are readable in every served version",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let failures = unreadable_versions(context, failure::Kind::is_conversion);
    if failures.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .message(
            "A custom resource is readable only in its stored version. Requests for the other version fail, including \
             those of the operator and MeshSync, and deletions hang.",
        )
        .evidences(failures)
        .remedy(
            "repair the operator, which serves the webhook, or disable conversion (nothing is lost: both versions \
             have the same fields)",
        )
        .fixes(without_conversion(context))
        .found()
}

/// The versions in which listing custom resources failed like this, as evidence.
pub(crate) fn unreadable_versions(context: &RuleContext<'_>, is_such: impl Fn(failure::Kind) -> bool) -> Vec<String> {
    let facts = context.facts;
    let brokers = facts.brokers.iter().map(|(version, seen)| ("brokers", version, seen.failure()));
    let meshsyncs = facts.meshsyncs.iter().map(|(version, seen)| ("meshsyncs", version, seen.failure()));
    brokers
        .chain(meshsyncs)
        .filter_map(|(plural, version, why)| Some((plural, version, why?)))
        .filter(|(_, _, why)| is_such(why.kind))
        .map(|(plural, version, why)| format!("listing {plural} in {version}: {why}"))
        .collect()
}

/// The commands that disable conversion.
pub(crate) fn without_conversion(context: &RuleContext<'_>) -> [Command; 2] {
    let profile = context.facts.profile;
    [profile.broker_crd(), profile.meshsync_crd()].map(|crd| {
        let conversion = json!({ "strategy": "None", "webhook": null });
        let crd = Id::of(object::DEFINITION, None, &crd);
        context.kubectl_cluster().patch(crd, json!({ "spec": { "conversion": conversion } }))
    })
}
