use crate::diagnose::{
    rules::{custom_resources, installation::crd_missing, prelude::*},
    stack_view::Line,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-missing",
    title: "A custom resource is missing",
    explains: &[
        "broker-no-workload",
        "meshsync-no-workload",
        "meshsync-broker-ref-invalid",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("cr_missing.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-present",
    title: "the Broker CR and the MeshSync CR exist",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let missing = custom_resources::missing(context);
    let operator = context.operator.known_or_skip("there is no operator to reconcile them")?;
    if rollout::ready(operator) == 0 {
        return Outcome::skip("the operator is not running");
    }
    let names = &context.facts.profile;
    let mut findings = Vec::new();
    for (kind, part, name, what) in [
        (
            "Broker",
            Some("broker"),
            names.broker.resource,
            "no NATS server is created, and MeshSync has no broker to publish to",
        ),
        ("MeshSync", Some("meshsync"), names.meshsync.resource, "nothing watches the cluster"),
    ] {
        if missing.contains(&kind) {
            findings.push(
                DIAGNOSIS
                    .finding()
                    .title(format!("There is no {kind} CR"))
                    .message(if missing.len() > 1 {
                        format!("The operator is running but has nothing to reconcile: {what}.")
                    } else {
                        format!("The operator is running, but without this CR, {what}.")
                    })
                    .object(context.object(kind, name))
                    .evidence(format!(
                        "the list of {kind} CRs in namespace {} is empty",
                        context.facts.target.namespace
                    ))
                    .remedy(format!("create a {kind} CR named {name}; the operator creates the rest"))
                    .fix(context.redeploy(part.filter(|_| context.line != Some(Line::Old))))
                    .command(context.kubectl().inspect(format!("get {}s.{}", kind.to_lowercase(), names.group)))
                    .done(),
            );
        }
    }
    let unseen = context.unseen_resources();
    if findings.is_empty() && unseen.is_none() && context.brokers.items().is_empty() {
        return Outcome::pass_with("the MeshSync CR exists, and it publishes to another broker");
    }
    Outcome::of_or_unknown(findings, unseen)
}
