use crate::diagnose::rules::{
    custom_resources::{self, SOON},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-not-observed",
    title: "The operator has not seen the newest change of a custom resource",
    explanation: include_str!("cr_not_observed.md"),
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-observed",
    title: "the operator has seen the newest change of the custom resources",
    ..Check::of(&[&DIAGNOSIS], observed)
};

fn observed(context: &RuleContext<'_>) -> Judgement {
    let mut judged = 0;
    let mut skipped = None;
    let mut findings = Vec::new();
    for (kind, metadata, conditions) in custom_resources::all(context) {
        let name = stack::name(metadata);
        // A deletion counts as a change, and is another rule's.
        if metadata.deletion_timestamp.is_some() {
            continue;
        }
        let seen = custom_resources::observed_generation(conditions);
        let (Some(generation), Some(seen)) = (metadata.generation, seen) else {
            skipped = Some(format!("{kind} {name} carries no condition that says what was seen"));
            continue;
        };
        if seen >= generation {
            judged += 1;
            continue;
        }
        // Whoever wrote last, the wish has been this long as it is, or longer.
        let changed = metadata
            .managed_fields
            .iter()
            .flatten()
            .filter(|entry| entry.subresource.as_deref() != Some("status"))
            .filter_map(|entry| Some((entry.time.as_ref()?.0, entry.manager.as_deref().unwrap_or("somebody"))))
            .max();
        let Some((changed, manager)) = changed else {
            skipped = Some(format!("{kind} {name} does not say when it was changed"));
            continue;
        };
        judged += 1;
        let waits = context.clock().duration_since(changed);
        if waits < SOON {
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
        return Outcome::skip("there is no custom resource that stays");
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
        .title(format!("The operator has not seen the newest change of {kind} {name}"))
        .message("What runs still follows the wish before.")
        .object(context.object(kind, name))
        .evidence(format!("metadata.generation: {generation}"))
        .evidence(format!("status.conditions: observedGeneration {seen} at most"))
        .evidence(since)
        .remedy("see in its log what keeps the operator busy, then make it look again")
        .command(context.logs(Component::Operator, 50))
        .command(context.restart(Component::Operator))
        .done()
}
