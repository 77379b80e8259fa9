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
    title: "the stack may stand in this namespace",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The stack's cluster-wide binding names one namespace: a second stack takes it from the first.
fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if context.has_something() {
        let state = |name: &str, report: &crate::report::ComponentReport| {
            let at_least = if report.at_least { "at least " } else { "" };
            format!("{name} {at_least}{}", report.state)
        };
        return Outcome::pass_with(format!(
            "it is here, and would be brought up to date: {}, {}, {}",
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
                "A second one in {} would take over the cluster-wide role bindings and the definitions, and leave the \
                     first without rights.",
                facts.target.namespace
            ))
            .evidence(format!("custom resources of {} are in: {}", facts.profile.group, elsewhere.join(", ")))
            .remedy("use the one that is there, or remove it first")
            .command(context.check_in(first))
            .found();
    }
    facts.deployments.settled()?;
    known_unless(context.unseen_resources())?;
    Outcome::pass_with("nothing of it is here yet")
}

/// Nothing is here, and a stack is elsewhere.
pub(crate) fn elsewhere(context: &RuleContext<'_>) -> Option<Finding> {
    let facts = context.facts;
    let elsewhere = facts.elsewhere.items();
    let first = elsewhere.first()?;
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("The stack is in namespace {}", elsewhere.join(", ")))
            .message(format!(
                "Namespace {} holds nothing of it, so there is nothing to judge here.",
                facts.target.namespace
            ))
            .evidence(format!("custom resources of {} are in: {}", facts.profile.group, elsewhere.join(", ")))
            .remedy("look there")
            .command(context.check_in(first))
            .done(),
    )
}
