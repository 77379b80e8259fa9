use crate::{
    diagnose::rules::{meshsync::flow::tested, prelude::*},
    facts::test_object,
    stack::watch_list::EVENTS,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-probe-leftover",
    title: "A test object still exists",
    explanation: include_str!("flow_probe_leftover.md"),
    cure: Cure::Automatic,
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check =
    Check { id: "flow-clean", title: "no test object is left", after: &[], ..Check::of(&[&DIAGNOSIS], judge) };

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let flow = tested(context)?;
    let earlier = flow.leftovers.iter();
    let mut left: Vec<(&str, &str, &str, String)> = earlier
        .filter_map(|left| {
            Some((left.kind.as_str(), left.namespace.as_str(), left.name.as_str(), left.removed.why_unsettled()?))
        })
        .collect();
    if let Some(object) = &flow.object {
        let own = flow.not_removed.iter();
        left.extend(
            own.map(|(name, why)| (object.kind.as_str(), object.namespace.as_str(), name.as_str(), why.clone())),
        );
    }
    if left.is_empty() {
        let removed = flow.leftovers.len();
        return match &flow.leftovers_unseen {
            Some(why) => Outcome::unknown(format!("whether earlier runs left objects is unknown: {why}")),
            None if removed > 0 => Outcome::pass_with(format!("removed {removed} left by an earlier run")),
            None => Outcome::pass(),
        };
    }
    let findings = left.into_iter().map(|(kind, namespace, name, why)| {
        let unsure = flow.changes.iter().any(|change| {
            change.event == EVENTS[0]
                && change.acknowledged.is_none()
                && flow.object.as_ref().is_some_and(|object| name == format!("{}-{}", object.name, change.round))
        });
        let is = if unsure { "may still exist" } else { "still exists" };
        let delete = match test_object::Kind::named(&kind.to_lowercase()) {
            Some(known) => Action::RemoveTestObject(Id::of(known.of, Some(namespace), name)),
            None => Action::Delete(format!("{}/{name}", kind.to_lowercase())),
        };
        DIAGNOSIS
            .finding()
            .title(format!("Test {kind} {name} {is}"))
            .message("It is harmless and no longer needed.")
            .object(ObjectRef { kind: kind.into(), namespace: Some(namespace.into()), name: name.into() })
            .evidence(why)
            .remedy("delete it")
            .fix(context.kubectl_in(namespace).run(delete))
            .done()
    });
    Outcome::found(findings.collect())
}
