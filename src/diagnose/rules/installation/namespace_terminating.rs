use crate::{
    diagnose::rules::{custom_resources, prelude::*},
    stack::base::words::quoted,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "namespace-terminating",
    title: "The namespace is stuck terminating",
    explains: &[
        "not-installed",
        "orphaned-workloads",
        "operator-missing",
        "cr-missing",
        "cr-stuck-terminating",
        "cr-failed",
        "broker-no-workload",
        "meshsync-no-workload",
    ],
    explanation: include_str!("namespace_terminating.md"),
    cure: Cure::Person(because::LOSS),
    profiles: profile::ALL,
    ..Diagnosis::fault(Component::Installation)
};

pub(crate) static CHECK: Check = Check {
    id: "namespace-stays",
    title: "the namespace is not terminating",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let name = &context.facts.target.namespace;
    let namespace = context.facts.namespace.known_or_skip(format!("there is no namespace {name}"))?;
    let status = namespace.status.as_ref();
    let since = namespace.metadata.deletion_timestamp.as_ref();
    let terminating = status.and_then(|status| status.phase.as_deref()) == Some("Terminating") || since.is_some();
    if !terminating {
        return Outcome::pass();
    }
    let held: Vec<String> = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        // The other conditions report success.
        .filter(|condition| condition.status == "True")
        .map(|condition| {
            format!("status.conditions: {}: {}", condition.type_, condition.message.as_deref().unwrap_or("no message"))
        })
        .collect();
    let holding = custom_resources::held(context);
    let operator_is_up = context.operator_is_up() == Some(true);
    DIAGNOSIS
        .finding()
        .title(format!("Namespace {name} is terminating"))
        .message(
            "Nothing new can be created in it, so the stack cannot be deployed there. Kubernetes deletes it after the \
             last object in it. An object is deleted once it has no finalizers.",
        )
        .object(cluster_object("Namespace", name))
        .evidence(match since {
            Some(time) => format!("metadata.deletionTimestamp: {}", time.0),
            None => "status.phase: Terminating".to_owned(),
        })
        .evidences(held)
        .evidences(holding.iter().map(|(kind, metadata)| custom_resources::waits(kind, metadata)))
        .remedy(if holding.is_empty() {
            "check the object or API group named above; the namespace's own finalizer is not the cause"
        } else if operator_is_up {
            "wait: the operator is running and finishes the deletion"
        } else {
            "remove the finalizers by hand, then wait; no operator is left to remove them, and none can be deployed \
             here"
        })
        .commands(if operator_is_up { Vec::new() } else { custom_resources::clear_finalizers(context, &holding) })
        .command(
            context.kubectl_cluster().inspect(format!("wait --for=delete namespace/{} --timeout=300s", quoted(name))),
        )
        .found()
}
