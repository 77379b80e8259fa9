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
    let absent = |known: Option<usize>| known == Some(0);
    let count = |known: &Seen<usize>| match known {
        Seen::Known(n) => Some(*n),
        Seen::Absent => Some(0),
        _ => None,
    };
    let brokers = context.brokers.as_ref().map(Vec::len);
    let meshsyncs = context.meshsyncs.as_ref().map(Vec::len);
    match context.operator_is_up() {
        Some(true) => {}
        Some(false) if context.operator.is_absent() => {
            return Outcome::skip("there is no operator that could act on them");
        }
        Some(false) => return Outcome::skip("the operator is not up"),
        None => return Outcome::unknown(context.operator.why_unsettled().unwrap_or_default()),
    }
    let names = &context.facts.profile;
    let mut findings = Vec::new();
    for (kind, name, seen, what) in [
        ("Broker", names.broker.resource, &brokers, "no NATS server is made, and MeshSync has nowhere to publish"),
        ("MeshSync", names.meshsync.resource, &meshsyncs, "nothing watches the cluster"),
    ] {
        // A MeshSync that publishes elsewhere needs no Broker.
        let needed = kind != "Broker" || context.mode().0 != Mode::CustomBroker;
        if needed && absent(count(seen)) {
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
    let unseen = [context.brokers.why_unsettled(), context.meshsyncs.why_unsettled()];
    match unseen.into_iter().flatten().next() {
        Some(why) if findings.is_empty() => Outcome::unknown(why),
        None if findings.is_empty() && absent(count(&brokers)) => {
            Outcome::pass_with("MeshSync does, and is told to publish to another broker")
        }
        _ => Outcome::of(findings),
    }
}
