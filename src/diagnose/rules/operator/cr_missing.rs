use crate::diagnose::{
    mode::Mode,
    rules::{installation::crd_missing, prelude::*},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-missing",
    title: "A custom resource is missing",
    explains: &["broker-no-workload", "meshsync-no-workload", "meshsync-broker-ref-invalid"],
    explanation: include_str!("cr_missing.md"),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-present",
    title: "Broker and MeshSync exist as custom resources",
    after: &[&crd_missing::CHECK],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let no_broker = context.brokers.is_settled() && context.brokers.items().is_empty();
    let no_meshsync = context.meshsyncs.is_settled() && context.meshsyncs.items().is_empty();
    let operator = context.operator.known_or_skip("there is no operator that could act on them")?;
    if rollout::ready(operator) == 0 {
        return Outcome::skip("the operator is not up");
    }
    let names = &context.facts.profile;
    let mut findings = Vec::new();
    // A MeshSync that publishes elsewhere needs no Broker.
    let broker_needed = context.mode().0 != Mode::CustomBroker;
    for (kind, name, missing, what) in [
        (
            "Broker",
            names.broker.resource,
            no_broker && broker_needed,
            "no NATS server is made, and MeshSync has nowhere to publish",
        ),
        ("MeshSync", names.meshsync.resource, no_meshsync, "nothing watches the cluster"),
    ] {
        if missing {
            findings.push(
                DIAGNOSIS
                    .finding()
                    .title(format!("There is no {kind} object"))
                    .message(format!("The operator runs and has nothing to do: {what}."))
                    .object(context.object(kind, name))
                    .evidence(format!(
                        "the list of {kind} objects in namespace {} is empty",
                        context.facts.target.namespace
                    ))
                    .remedy(format!("apply a {kind} named {name}; the operator makes the rest"))
                    .command(context.kubectl().inspect(format!("get {}s.{}", kind.to_lowercase(), names.group)))
                    .done(),
            );
        }
    }
    let unseen = context.unseen_resources();
    if findings.is_empty() && unseen.is_none() && no_broker {
        return Outcome::pass_with("MeshSync does, and is told to publish to another broker");
    }
    Outcome::of_or_unknown(findings, unseen)
}
