use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};

use crate::{
    diagnose::rules::{
        custom_resources::{RECONCILE_TIME, named},
        prelude::*,
    },
    facts::Condition,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-failed",
    title: "The operator reports a failure for a custom resource",
    explanation: include_str!("cr_failed.md"),
    cure: Cure::Person(because::LOG),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-accepted",
    title: "the operator reports no failure for a custom resource",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    if !context.has_custom_resource() {
        known_unless(context.unseen_resources())?;
        return Outcome::skip("there is no custom resource");
    }
    let mut findings = Vec::new();
    for broker in context.brokers.items() {
        let generation = broker.metadata.generation;
        let failed = broker.status.conditions.iter().find(|condition| {
            condition.kind == "Ready"
                && condition.status == "False"
                && (condition.observed_generation.is_none() || condition.observed_generation == generation)
        });
        if let Some(condition) = failed.filter(|condition| !is_overtaken(context, condition)) {
            findings.push(failure(context, "Broker", &broker.metadata, condition, Component::Broker, None));
        }
    }
    let not_ready = context.meshsync.known().and_then(|deployment| rollout::incomplete(deployment));
    for meshsync in context.meshsyncs.items() {
        // A healthy MeshSync keeps Failed=False forever, which means that a failure happened once. The condition counts
        // only if the workload is not ready.
        let failed =
            meshsync.status.conditions.iter().find(|condition| {
                condition.kind == "Failed" || (condition.kind == "Ready" && condition.status == "False")
            });
        if let (Some(condition), Some(why)) = (failed, &not_ready) {
            findings.push(failure(context, "MeshSync", &meshsync.metadata, condition, Component::Meshsync, Some(why)));
        }
    }
    Outcome::of(findings)
}

/// Whether the operator reported moments ago that the servers are not ready, but now they are: it reconciles again
/// within seconds.
fn is_overtaken(context: &RuleContext<'_>, condition: &Condition) -> bool {
    let ready = context.statefulsets.items().first().is_some_and(|set| rollout::set_incomplete(set).is_none());
    let said: Option<Timestamp> = condition.last_transition_time.as_deref().and_then(|time| time.parse().ok());
    ready
        && condition.reason == "HealthCheckFailed"
        && said.is_some_and(|said| context.clock().duration_since(said) < RECONCILE_TIME)
}

fn failure(
    context: &RuleContext<'_>,
    kind: &str,
    metadata: &ObjectMeta,
    condition: &Condition,
    component: Component,
    workload: Option<&str>,
) -> Finding {
    let name = stack::name(metadata);
    DIAGNOSIS
        .finding()
        .title(format!("The operator reports that {kind} {name} failed: {}", condition.reason))
        .message(if condition.message.is_empty() {
            "The operator's condition has no message.".to_owned()
        } else {
            condition.message.clone()
        })
        .component(component)
        .object(context.object(kind, name))
        .evidence(format!(
            "status.conditions: {}={} ({}): {}",
            condition.kind, condition.status, condition.reason, condition.message
        ))
        .evidences(workload.map(|why| format!("its Deployment is not ready: {why}")))
        .remedy("check the operator's log for details")
        .command(context.kubectl().inspect(format!("describe {}", named(kind, metadata))))
        .command(context.logs(Component::Operator, 50))
        .done()
}
