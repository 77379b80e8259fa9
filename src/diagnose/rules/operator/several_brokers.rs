use crate::diagnose::rules::{prelude::*, references::point_to};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "several-brokers",
    title: "Several Broker CRs share one namespace",
    explains: &[
        "broker-not-ready",
        "broker-endpoint-stale",
        "broker-auth-failed",
        "cr-failed",
        "meshsync-not-connected",
    ],
    explanation: include_str!("several_brokers.md"),
    cure: Cure::Person(because::LOSS),
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check =
    Check { id: "one-broker", title: "the namespace has at most one Broker CR", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let brokers = context.brokers.known_or_skip("there is no Broker CR")?;
    let profile = context.facts.profile;
    let mut names: Vec<&str> = brokers
        .iter()
        .filter(|broker| broker.metadata.deletion_timestamp.is_none())
        .map(|broker| stack::name(&broker.metadata))
        .collect();
    match names.len() {
        0 => return Outcome::skip("every Broker CR is terminating"),
        1 => return Outcome::pass(),
        _ => names.sort_unstable(),
    }
    let usual = profile.broker.resource;
    let keep = names.iter().find(|name| **name == usual).or_else(|| names.first()).copied().unwrap_or(usual);
    let workload = profile.broker_workload();
    let others = || names.iter().filter(|name| **name != keep).copied();
    let astray = context.meshsyncs.items().iter().filter(|meshsync| {
        let native = meshsync.spec.broker.as_ref().and_then(|broker| broker.native.as_ref());
        native.is_some_and(|native| native.name != keep)
    });
    DIAGNOSIS
        .finding()
        .title(format!(
            "{} Broker CRs share namespace {}: {}",
            names.len(),
            context.facts.target.namespace,
            names.join(", ")
        ))
        .message(if profile.has_current_line() {
            format!(
                "The operator names each one's workloads {workload}, so every reconcile overwrites the other's, and \
                 deleting either CR deletes the shared broker."
            )
        } else {
            "Both Services select the pods of both brokers, and their ConfigMaps have the same names, so deleting \
             either CR deletes the other's configuration."
                .into()
        })
        .object(context.object("Broker", others().next().unwrap_or(keep)))
        .evidences(brokers.iter().map(|broker| {
            let created = broker.metadata.creation_timestamp.as_ref();
            format!(
                "Broker {} created {}: size {}, version {}",
                stack::name(&broker.metadata),
                created.map_or_else(|| "at an unknown time".to_owned(), |time| time.0.to_string()),
                broker.spec.size.unwrap_or(1),
                broker.spec.version.as_deref().unwrap_or("the operator's default")
            )
        }))
        .remedy(format!(
            "delete the other Broker CR and point MeshSync to {keep}; put a second broker into a namespace of its own"
        ))
        .commands(others().map(|name| context.kubectl().delete(format!("brokers.{} {name}", profile.group))))
        .commands(astray.map(|meshsync| point_to(context, meshsync, keep)))
        .command(context.restart(Component::Operator))
        .command(context.restart(Component::Meshsync))
        .found()
}
