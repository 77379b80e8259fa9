//! Faults that any workload can have: the same check covers operator, broker, `MeshSync`, server and adapters.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};

use crate::diagnose::rules::{
    prelude::*,
    workload::{
        controller::Controller,
        crash_loop::crash_loop,
        events::{event_time, event_words},
        image_pull::image_pull,
        not_ready,
        not_started::not_started,
        pods_refused, scaled_to_zero,
        stuck_terminating::stuck_terminating,
        unschedulable::unschedulable,
    },
};
use crate::report::WorkloadRef;

/// Judges a component's workload.
pub(crate) fn judge(context: &RuleContext<'_>, component: Component) -> Judgement {
    let controllers = controllers(context, component);
    let pods = context.pods_of(component);
    let why_unseen = match component {
        Component::Broker => context.statefulsets.why_unsettled(),
        _ => context.facts.deployments.why_unsettled(),
    };
    if controllers.is_empty() && pods.is_empty() {
        known_unless(why_unseen.or_else(|| context.facts.pods.why_unsettled()))?;
        return Outcome::skip("it has no workload");
    }
    let mut findings = Vec::new();
    for controller in &controllers {
        let own: Vec<&Pod> = pods.iter().copied().filter(|pod| belongs(pod, controller, &controllers)).collect();
        findings.extend(of_controller(context, component, controller, &own));
    }
    if controllers.is_empty() {
        findings.extend(of_pods(context, component, &pods));
        findings.extend(stuck(context, component, &pods));
        if findings.is_empty()
            && let Some(why) = why_unseen
        {
            return Outcome::unknown(why);
        }
    }
    for finding in findings.iter_mut().filter(|finding| !finding.code.ends_with("-stuck-terminating")) {
        finding.explains.extend(of_server(component).iter().map(|code| (*code).to_owned()));
    }
    Outcome::of(findings)
}

/// What the server shows if a component does not work.
fn of_server(component: Component) -> &'static [&'static str] {
    match component {
        Component::Broker => &["server-broker-unreachable", "database-empty", "database-stale"],
        Component::Meshsync => &["database-empty", "database-stale"],
        Component::Server => &["server-unreachable"],
        Component::Adapter => &["adapter-unreachable"],
        _ => &[],
    }
}

/// Several `StatefulSet`s may share the broker's pods; a pod belongs to the one whose name is its prefix.
fn belongs(pod: &Pod, controller: &Controller, all: &[Controller]) -> bool {
    all.len() == 1 || rollout::is_pod_of(stack::name(&pod.metadata), &controller.workload.name)
}

/// Whether a controller of a component is incomplete, or none is known.
pub(super) fn is_incomplete(context: &RuleContext<'_>, component: Component) -> bool {
    let controllers = controllers(context, component);
    controllers.is_empty() || controllers.iter().any(|controller| controller.incomplete.is_some())
}

fn controllers(context: &RuleContext<'_>, component: Component) -> Vec<Controller> {
    let deployment = match component {
        Component::Operator => &context.operator,
        Component::Meshsync => &context.meshsync,
        Component::Server => &context.server,
        Component::Discovery | Component::Networking | Component::Agents => {
            let deployments = context.hub().map(|hub| hub.deployments(component)).unwrap_or_default();
            return deployments.into_iter().map(of_deployment).collect();
        }
        Component::Adapter => {
            return stack::adapters(context.facts).into_iter().map(of_deployment).collect();
        }
        _ => {
            let sets = context.statefulsets.items().iter();
            return sets
                .map(|set| Controller {
                    kind: "StatefulSet",
                    workload: WorkloadRef::statefulset(stack::name(&set.metadata)),
                    wanted: set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1),
                    incomplete: rollout::set_incomplete(set),
                    stalled: false,
                    refused: None,
                })
                .collect();
        }
    };
    deployment.known().map(|deployment| of_deployment(deployment)).into_iter().collect()
}

fn of_deployment(deployment: &Deployment) -> Controller {
    let refused = deployment
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
        .and_then(|condition| condition.message.clone());
    Controller {
        kind: "Deployment",
        workload: WorkloadRef::deployment(stack::name(&deployment.metadata)),
        wanted: rollout::wanted(deployment),
        incomplete: rollout::incomplete(deployment),
        stalled: rollout::is_stalled(deployment),
        refused,
    }
}

fn of_controller(
    context: &RuleContext<'_>,
    component: Component,
    controller: &Controller,
    pods: &[&Pod],
) -> Vec<Finding> {
    if controller.wanted == 0 {
        return vec![scaled_to_zero::scaled_to_zero(context, component, controller)];
    }
    let refusal = controller.refused.clone().or_else(|| refused_by_event(context, controller, pods));
    if let Some(why) = refusal {
        return vec![pods_refused::pods_refused(context, component, controller, why)];
    }
    let mut findings = of_pods(context, component, pods);
    if findings.is_empty()
        && let Some(why) = controller.incomplete.clone().or_else(|| too_few_ready(controller, pods))
    {
        findings.push(not_ready::not_ready(context, component, controller, pods, &why));
    }
    findings.extend(stuck(context, component, pods));
    findings
}

/// Whether pods that are not ready or are terminating leave too few ready ones. A controller's status shows this moments
/// later.
fn too_few_ready(controller: &Controller, pods: &[&Pod]) -> Option<String> {
    let ready = |pod: &&&Pod| {
        let condition = stack::pod_condition(pod, "Ready");
        pod.metadata.deletion_timestamp.is_none() && condition.is_none_or(|ready| ready.status == "True")
    };
    let ready = pods.iter().filter(ready).count();
    let wanted = usize::try_from(controller.wanted).unwrap_or(0);
    (!pods.is_empty() && ready < wanted).then(|| format!("{ready} of {wanted} pods are ready"))
}

/// The pods that should be gone.
fn stuck(context: &RuleContext<'_>, component: Component, pods: &[&Pod]) -> Vec<Finding> {
    pods.iter().filter_map(|pod| stuck_terminating(context, component, pod)).collect()
}

/// The first fault of each pod, if it has any. What a silent node last said about a pod is none.
fn of_pods(context: &RuleContext<'_>, component: Component, pods: &[&Pod]) -> Vec<Finding> {
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none() && !context.is_out_of_date(pod))
        .filter_map(|pod| {
            unschedulable(context, component, pod)
                .or_else(|| image_pull(context, component, pod))
                .or_else(|| not_started(context, component, pod))
                .or_else(|| crash_loop(context, component, pod))
        })
        .collect()
}

/// Whether the API server rejects a controller's pods, according to its events.
fn refused_by_event(context: &RuleContext<'_>, controller: &Controller, pods: &[&Pod]) -> Option<String> {
    let wanted = usize::try_from(controller.wanted).unwrap_or(0);
    if pods.len() >= wanted {
        return None;
    }
    context
        .facts
        .events
        .items()
        .iter()
        .filter(|event| event.reason.as_deref() == Some("FailedCreate"))
        .filter(|event| {
            let controller = &controller.workload.name;
            let object = event.involved_object.name.as_deref();
            object.is_some_and(|name| name == controller || rollout::is_pod_of(name, controller))
        })
        .max_by_key(|event| event_time(event))
        .map(event_words)
}
