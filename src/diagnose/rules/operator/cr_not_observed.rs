use crate::diagnose::rules::{
    custom_resources::{self, RECONCILE_TIME},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-not-observed",
    title: "The operator has not reconciled the latest change of a custom resource",
    explanation: include_str!("cr_not_observed.md"),
    cure: Cure::Person(because::LOG),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-observed",
    title: "the operator has reconciled the latest change of the custom resources",
    ..Check::of(&[&DIAGNOSIS], observed)
};

fn observed(context: &RuleContext<'_>) -> Judgement {
    let mut judged = 0;
    let mut skipped = None;
    let mut findings = Vec::new();
    for (kind, metadata, conditions) in custom_resources::all(context) {
        let name = stack::name(metadata);
        // A deletion counts as a change, but another check covers it.
        if metadata.deletion_timestamp.is_some() {
            continue;
        }
        let seen = custom_resources::observed_generation(conditions);
        let (Some(generation), Some(seen)) = (metadata.generation, seen) else {
            skipped = Some(format!("{kind} {name} has no condition with an observed generation"));
            continue;
        };
        if seen >= generation {
            judged += 1;
            continue;
        }
        // The spec has existed since the last write at the latest.
        let changed = metadata
            .managed_fields
            .iter()
            .flatten()
            .filter(|entry| entry.subresource.as_deref() != Some("status"))
            .filter_map(|entry| {
                Some((entry.time.as_ref()?.0, entry.manager.as_deref().unwrap_or("an unknown manager")))
            })
            .max();
        let Some((changed, manager)) = changed else {
            skipped = Some(format!("{kind} {name} does not show when it was changed"));
            continue;
        };
        judged += 1;
        let waits = context.clock().duration_since(changed);
        if waits < RECONCILE_TIME {
            continue;
        }
        findings.push(unobserved(
            context,
            kind,
            name,
            (generation, seen),
            &format!("metadata.managedFields: last written by {manager} at {changed}, {} min ago", waits.as_mins()),
        ));
    }
    if !findings.is_empty() {
        return Outcome::found(findings);
    }
    if let Some(why) = skipped {
        return Outcome::skip(why);
    }
    if judged == 0 {
        known_unless(context.unseen_resources())?;
        return Outcome::skip("every custom resource is terminating, or there is none");
    }
    Outcome::pass()
}

fn unobserved(
    context: &RuleContext<'_>,
    kind: &str,
    name: &str,
    (generation, seen): (i64, i64),
    since: &str,
) -> Finding {
    DIAGNOSIS
        .finding()
        .title(format!("The operator has not reconciled the latest change of {kind} {name}"))
        .message("Workloads still use the previous spec.")
        .object(context.object(kind, name))
        .evidence(format!("metadata.generation: {generation}"))
        .evidence(format!("status.conditions: highest observedGeneration is {seen}"))
        .evidence(since)
        .remedy("check the operator's log for the reason, then restart it to trigger a reconcile")
        .command(context.logs(Component::Operator, 50))
        .command(context.restart(Component::Operator))
        .done()
}
