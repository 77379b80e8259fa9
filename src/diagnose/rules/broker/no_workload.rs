use crate::diagnose::rules::{broker::BROKER_DOWN, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-no-workload",
    title: "The Broker CR has no StatefulSet",
    explains: BROKER_DOWN,
    explanation: include_str!("no_workload.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-has-workload", title: "the Broker CR has a StatefulSet", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let need_not =
        context.elsewhere().map(|to| format!("no Broker CR, and none needed: MeshSync publishes to {}", to.shown()));
    let broker = context.brokers.first_or_skip(need_not.unwrap_or("there is no Broker CR".into()))?;
    match &context.statefulsets {
        Seen::Known(sets) if !sets.is_empty() => Outcome::pass(),
        Seen::Known(_) | Seen::Absent => {
            let name = stack::name(&broker.metadata);
            DIAGNOSIS
                .finding()
                .title(format!("Broker {name} has no StatefulSet"))
                .message(
                    "The operator has not created the NATS server, or someone deleted it. MeshSync has no broker to \
                     publish to.",
                )
                .object(context.object("Broker", name))
                .evidence(format!(
                    "there is no StatefulSet {}",
                    context.facts.profile.broker_workloads().collect::<Vec<_>>().join(" or ")
                ))
                .remedy("check the operator's log, which shows what stops it from creating the StatefulSet")
                .command(context.logs(Component::Operator, 50))
                .found()
        }
        other => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    }
}
