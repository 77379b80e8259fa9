use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "stack-in-other-namespace",
    title: "The stack is in another namespace",
    explains: &["crd-missing", "operator-missing", "cr-missing"],
    explanation: include_str!("stack_in_other_namespace.md"),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "place-free",
    title: "the stack can be installed in this namespace",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The stack's cluster-wide binding names one namespace, so a second stack would take it over.
fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if context.has_something() {
        let state = |name: &str, report: &crate::report::ComponentReport| {
            let at_least = if report.at_least { "at least " } else { "" };
            format!("{name} {at_least}{}", report.state)
        };
        return Outcome::pass_with(format!(
            "already exists and would be updated: {}, {}, {}",
            state("operator", &context.states().operator.report),
            state("Broker", &context.states().broker.report),
            state("MeshSync", &context.states().meshsync.report),
        ));
    }
    let elsewhere = facts.elsewhere.items();
    if let Some(first) = elsewhere.first() {
        return DIAGNOSIS
            .finding()
            .title(format!("There is a stack in namespace {}", elsewhere.join(", ")))
            .message(format!(
                "A second stack in {} would take over the cluster-wide role bindings and the CRDs, and leave the \
                 first one without permissions.",
                facts.target.namespace
            ))
            .evidence(format!("custom resources of {} are in: {}", facts.profile.group, elsewhere.join(", ")))
            .remedy("use the existing stack, or remove it first")
            .command(context.check_in(first))
            .found();
    }
    facts.deployments.settled()?;
    known_unless(context.unseen_resources())?;
    Outcome::pass_with("not installed here yet")
}

/// Nothing is here, but a stack is in another namespace.
pub(crate) fn elsewhere(context: &RuleContext<'_>) -> Option<Finding> {
    let facts = context.facts;
    let elsewhere = facts.elsewhere.items();
    let first = elsewhere.first()?;
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("The stack is in namespace {}", elsewhere.join(", ")))
            .message(format!(
                "Namespace {} contains no part of the stack, so there is nothing to check here.",
                facts.target.namespace
            ))
            .evidence(format!("custom resources of {} are in: {}", facts.profile.group, elsewhere.join(", ")))
            .remedy("check that namespace")
            .command(context.check_in(first))
            .done(),
    )
}
