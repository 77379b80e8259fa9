use crate::{
    diagnose::rules::{custom_resources, installation::crd_missing, prelude::*},
    facts::Elsewhere,
};

/// How many custom resources are listed.
const EVIDENCE: usize = 4;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "stack-in-other-namespace",
    title: "The stack is in another namespace",
    explains: &["crd-missing", "operator-missing", "cr-missing"],
    explanation: include_str!("stack_in_other_namespace.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "place-free",
    title: "the stack can be installed in this namespace",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

pub(crate) static RESOURCES_BESIDE_OPERATOR: Check = Check {
    id: "resources-beside-operator",
    title: "the custom resources are in the operator's namespace",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], beside_operator)
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
        let namespaces = Elsewhere::namespaces(elsewhere).join(", ");
        return DIAGNOSIS
            .finding()
            .title(format!("There is a stack in namespace {namespaces}"))
            .message(format!(
                "A second stack in {} would take over the cluster-wide role bindings and the CRDs, and leave the \
                 first one without permissions.",
                facts.target.namespace
            ))
            .evidences(elsewhere.iter().take(EVIDENCE).map(Elsewhere::shown))
            .remedy("use the existing stack, or remove it first")
            .command(context.check_in(&first.namespace))
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
            .title(format!("The stack is in namespace {}", Elsewhere::namespaces(elsewhere).join(", ")))
            .message(format!(
                "Namespace {} contains no part of the stack, so there is nothing to check here.",
                facts.target.namespace
            ))
            .evidences(elsewhere.iter().take(EVIDENCE).map(Elsewhere::shown))
            .remedy("check that namespace")
            .command(context.check_in(&first.namespace))
            .done(),
    )
}

/// The operator is here, but a custom resource that it needs here may be in another namespace.
fn beside_operator(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    context.operator.known_or_skip("there is no operator")?;
    let missing = custom_resources::missing(context);
    if missing.is_empty() {
        return Outcome::pass();
    }
    let elsewhere = facts.elsewhere.known_or_unknown()?.iter();
    let elsewhere: Vec<&Elsewhere> = elsewhere.filter(|one| missing.iter().any(|kind| one.is(kind))).collect();
    let (kinds, nowhere): (Vec<&str>, Vec<&str>) =
        missing.into_iter().partition(|kind| elsewhere.iter().any(|one| one.is(kind)));
    let Some(first) = elsewhere.first() else {
        return Outcome::skip(format!("there is no {} in any namespace", nowhere.join(" or ")));
    };
    let namespaces = Elsewhere::namespaces(elsewhere.iter().copied()).join(", ");
    let (group, here, product) = (facts.profile.group, &facts.target.namespace, facts.profile.product);
    let (are, them) = if kinds.len() > 1 { ("are", "them") } else { ("is", "it") };
    let resources: Vec<String> = kinds.iter().map(|kind| format!("{}s.{group}", kind.to_lowercase())).collect();
    let resources = resources.join(",");
    DIAGNOSIS
        .finding()
        .title(format!("{} {are} in namespace {namespaces}, not in {here}", kinds.join(" and ")))
        .message(format!(
            "The operator watches every namespace and reconciles {them} there. MeshSync's pod needs the \
             ServiceAccount {} in its own namespace, and {product} Server looks only in {}.",
            facts.profile.operator.service_account, facts.profile.namespace
        ))
        .evidences(elsewhere.iter().take(EVIDENCE).map(|one| one.shown()))
        .evidences(nowhere.iter().map(|kind| format!("there is no {kind} in any namespace")))
        .evidence(format!("Deployment {} is in namespace {here}", facts.profile.operator.deployment))
        .remedy(format!("save {them}, deploy new ones next to the operator, then delete those in {}", first.namespace))
        .command(context.kubectl_in(&first.namespace).inspect(format!("get {resources} -o yaml")))
        .command(context.redeploy(None))
        .command(context.kubectl_in(&first.namespace).delete(format!("{resources} --all")))
        .found()
}
