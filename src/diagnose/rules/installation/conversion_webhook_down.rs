use crate::diagnose::rules::{installation::crd_missing, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "conversion-webhook-down",
    title: "The conversion webhook of the custom resources is down",
    explains: &["observation-missing", "namespace-terminating", "crd-terminating"],
    explanation: include_str!("conversion_webhook_down.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "conversion-works",
    title: "custom resources can be read in every served version",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let failures: Vec<String> = facts
        .brokers
        .iter()
        .map(|(version, seen)| ("brokers", version, seen.failure()))
        .chain(facts.meshsyncs.iter().map(|(version, seen)| ("meshsyncs", version, seen.failure())))
        .filter_map(|(plural, version, why)| Some((plural, version, why?)))
        .filter(|(_, _, why)| why.kind.is_conversion())
        .map(|(plural, version, why)| format!("listing {plural} in {version}: {why}"))
        .collect();
    if failures.is_empty() {
        return Outcome::pass();
    }
    let reset = |crd: &str| {
        context
            .kubectl_cluster()
            .patch(format!("crd {crd}"), r#"{"spec":{"conversion":{"strategy":"None","webhook":null}}}"#)
    };
    DIAGNOSIS
        .finding()
        .message(
            "An object reads only in the version it is stored in. Everything that asks for the other one fails, the \
                 operator and MeshSync among them, and deletions hang.",
        )
        .evidences(failures)
        .remedy(
            "repair the operator that serves the webhook, or switch conversion off: both versions have the same \
                 fields, so nothing is lost",
        )
        .command(reset(&facts.profile.broker_crd()))
        .command(reset(&facts.profile.meshsync_crd()))
        .found()
}
