use crate::diagnose::rules::{broker::BROKER_DOWN, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-no-workload",
    title: "The Broker has no StatefulSet",
    explains: BROKER_DOWN,
    explanation: include_str!("no_workload.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-has-workload", title: "the Broker has its StatefulSet", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let need_not = context
        .elsewhere()
        .map(|to| format!("there is no Broker object, and need not be: MeshSync is told to publish to {}", to.shown()));
    let broker = context.brokers.first_or_skip(need_not.unwrap_or("there is no Broker object".into()))?;
    match &context.statefulsets {
        Seen::Known(sets) if !sets.is_empty() => Outcome::pass(),
        Seen::Known(_) | Seen::Absent => {
            let name = stack::name(&broker.metadata);
            DIAGNOSIS.finding()
                    .title(format!("Broker {name} has no StatefulSet"))
                    .message("The operator has not made the NATS server, or somebody removed it: MeshSync has nowhere to publish.")
                    .object(context.object("Broker", name))
                    .evidence(format!(
                        "there is no StatefulSet {}",
                        context.facts.profile.broker_workloads().collect::<Vec<_>>().join(" or ")
                    ))
                    .remedy("the operator makes it: its log says what stops it")
                    .command(context.logs(Component::Operator, 50))
                    .found()
        }
        other => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    }
}
