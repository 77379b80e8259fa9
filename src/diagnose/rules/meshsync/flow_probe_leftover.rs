use crate::{
    diagnose::rules::{broker::network_path_broken, meshsync::flow::tested, prelude::*},
    facts::{Change, Cleanup, FlowTest, ProbeObject, test_object},
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

/// What a test left, or would have left.
struct Tried<'a> {
    cleanup: &'a Cleanup,
    /// The kind and the namespace of its own objects.
    object: Option<(&'a str, &'a str)>,
    flow: Option<&'a FlowTest>,
}

fn tried<'a>(context: &RuleContext<'a>) -> Result<Tried<'a>, Undecided> {
    if let Ok(test) = network_path_broken::tested(context) {
        return Ok(Tried {
            cleanup: &test.cleanup,
            object: Some((object::POD.kind, &context.facts.target.namespace)),
            flow: None,
        });
    }
    let flow = tested(context)?;
    Ok(Tried {
        cleanup: &flow.cleanup,
        object: flow.object.as_ref().map(|object| (object.kind.as_str(), object.namespace.as_str())),
        flow: Some(flow),
    })
}

/// Whether the creation of an object was not confirmed.
fn unsure(flow: &FlowTest, name: &str) -> bool {
    let unconfirmed = |change: &&Change| change.event == EVENTS[0] && change.acknowledged.is_none();
    let is = |change: &Change, object: &ProbeObject| name == format!("{}-{}", object.name, change.round);
    let object = flow.object.as_ref();
    flow.changes.iter().filter(unconfirmed).any(|change| object.is_some_and(|object| is(change, object)))
}

fn kind_named(kind: &str) -> Option<object::Kind> {
    let pod = (kind == object::POD.kind).then_some(object::POD);
    pod.or_else(|| test_object::Kind::named(&kind.to_lowercase()).map(|known| known.of))
}

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let tried = tried(context)?;
    let Cleanup { leftovers, leftovers_unseen, not_removed } = tried.cleanup;
    let mut left: Vec<(&str, &str, &str, String)> = leftovers
        .iter()
        .filter_map(|left| {
            Some((left.kind.as_str(), left.namespace.as_str(), left.name.as_str(), left.removed.why_unsettled()?))
        })
        .collect();
    if let Some((kind, namespace)) = tried.object {
        left.extend(not_removed.iter().map(|(name, why)| (kind, namespace, name.as_str(), why.clone())));
    }
    if left.is_empty() {
        let removed = leftovers.len();
        return match leftovers_unseen {
            Some(why) => Outcome::unknown(format!("whether earlier runs left objects is unknown: {why}")),
            None if removed > 0 => Outcome::pass_with(format!("removed {removed} left by an earlier run")),
            None => Outcome::pass(),
        };
    }
    let findings = left.into_iter().map(|(kind, namespace, name, why)| {
        let unsure = tried.flow.is_some_and(|flow| unsure(flow, name));
        let is = if unsure { "may still exist" } else { "still exists" };
        let delete = match kind_named(kind) {
            Some(known) => Action::RemoveTestObject(Id::of(known, Some(namespace), name)),
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
