//! What can be wrong with any workload: one check serves operator, broker, `MeshSync`, server and adapters.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Event, Pod},
    },
    jiff::Timestamp,
};

use crate::diagnose::rules::{
    prelude::*,
    workload::{
        containers::{waiting, who},
        crash_loop::crash_loop,
        image_pull::image_pull,
        not_ready, pods_refused, scaled_to_zero,
        unschedulable::unschedulable,
    },
};

/// A controller, whichever kind it is.
struct Controller {
    kind: &'static str,
    name: String,
    wanted: i32,
    incomplete: Option<String>,
    /// Why it cannot make pods, in its own conditions.
    refused: Option<String>,
}

/// Judges the workload of a component.
pub(crate) fn judge(context: &RuleContext<'_>, component: Component) -> Judgement {
    let controllers = controllers(context, component);
    let pods = context.pods_of(component);
    let why_unseen = match component {
        Component::Broker => context.statefulsets.why_unsettled(),
        _ => context.facts.deployments.why_unsettled(),
    };
    if controllers.is_empty() && pods.is_empty() {
        return match why_unseen.or_else(|| context.facts.pods.why_unsettled()) {
            Some(why) => Outcome::unknown(why),
            None => Outcome::skip("it has no workload"),
        };
    }
    let mut findings = Vec::new();
    for controller in &controllers {
        let own: Vec<&Pod> = pods
            .iter()
            .copied()
            .filter(|pod| belongs(pod, controller, &controllers))
            .collect();
        findings.extend(of_controller(context, component, controller, &own));
    }
    if controllers.is_empty() {
        findings.extend(of_pods(context, component, &pods));
        if findings.is_empty()
            && let Some(why) = why_unseen
        {
            return Outcome::unknown(why);
        }
    }
    Outcome::of(findings)
}

/// Several `StatefulSet`s share the broker's pods; a pod is of the one that its name begins with.
fn belongs(pod: &Pod, controller: &Controller, all: &[Controller]) -> bool {
    all.len() == 1
        || stack::name(&pod.metadata)
            .strip_prefix(controller.name.as_str())
            .is_some_and(|rest| rest.starts_with('-'))
}

fn controllers(context: &RuleContext<'_>, component: Component) -> Vec<Controller> {
    let deployment = match component {
        Component::Operator => &context.operator,
        Component::Meshsync => &context.meshsync,
        Component::Server => &context.server,
        Component::Adapter => {
            return stack::adapters(context.facts)
                .into_iter()
                .map(of_deployment)
                .collect();
        }
        _ => {
            return context
                .statefulsets
                .items()
                .iter()
                .map(|set| Controller {
                    kind: "StatefulSet",
                    name: stack::name(&set.metadata).into(),
                    wanted: set
                        .spec
                        .as_ref()
                        .and_then(|spec| spec.replicas)
                        .unwrap_or(1),
                    incomplete: rollout::set_incomplete(set),
                    refused: None,
                })
                .collect();
        }
    };
    let Seen::Known(deployment) = deployment else {
        return Vec::new();
    };
    vec![of_deployment(deployment)]
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
        name: stack::name(&deployment.metadata).into(),
        wanted: rollout::wanted(deployment),
        incomplete: rollout::incomplete(deployment),
        refused,
    }
}

fn of_controller(
    context: &RuleContext<'_>,
    component: Component,
    controller: &Controller,
    pods: &[&Pod],
) -> Vec<Finding> {
    let object = context.object(controller.kind, &controller.name);
    let resource = format!("{}/{}", controller.kind.to_lowercase(), controller.name);
    let title = who(component, &controller.name);
    if controller.wanted == 0 {
        return vec![
            scaled_to_zero::DIAGNOSIS
                .finding_of(component)
                .title(format!("{title} is scaled to zero"))
                .message(format!(
                    "{} {} wants no pod, so {title} does nothing.",
                    controller.kind, controller.name
                ))
                .object(object)
                .evidence("spec.replicas is 0")
                .remedy("scale it up again")
                .command(
                    context
                        .kubectl()
                        .change(format!("scale {resource} --replicas=1")),
                )
                .done(),
        ];
    }
    let refusal = controller
        .refused
        .clone()
        .or_else(|| refused_by_event(context, controller, pods));
    if let Some(why) = refusal {
        return vec![
            pods_refused::DIAGNOSIS.finding_of(component)
                .title(format!("{title}'s pods are refused"))
                .message(
                    "The API server refuses the pods: a quota, Pod Security, an admission webhook or a missing ServiceAccount.",
                )
                .object(object)
                .evidence(why)
                .remedy("lift what refuses them; the controller tries again by itself")
                .command(context.kubectl().inspect(format!("describe {resource}")))
                .done(),
        ];
    }
    let mut findings = of_pods(context, component, pods);
    if findings.is_empty()
        && let Some(why) = &controller.incomplete
    {
        findings.push(
            not_ready::DIAGNOSIS
                .finding_of(component)
                .title(format!("{title} is not ready: {why}"))
                .message(format!(
                    "The rollout of {} {} is not complete.",
                    controller.kind, controller.name
                ))
                .object(object)
                .evidence(why.clone())
                .evidences(pods.iter().flat_map(|pod| unready_words(pod)))
                .evidences(newest_warning(context, pods))
                .remedy("see what its pods wait for")
                .command(context.kubectl().inspect(format!("describe {resource}")))
                .command(
                    context
                        .kubectl()
                        .inspect(format!("logs {resource} --all-containers --tail=50")),
                )
                .done(),
        );
    }
    findings
}

/// The one thing that is wrong with each pod, if any.
fn of_pods(context: &RuleContext<'_>, component: Component, pods: &[&Pod]) -> Vec<Finding> {
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .filter_map(|pod| {
            unschedulable(context, component, pod)
                .or_else(|| image_pull(context, component, pod))
                .or_else(|| crash_loop(context, component, pod))
        })
        .collect()
}

/// Why containers are not ready, in a few words each.
fn unready_words(pod: &Pod) -> Vec<String> {
    let name = stack::name(&pod.metadata);
    let mut words: Vec<String> = stack::container_statuses(pod)
        .filter(|status| !status.ready)
        .filter_map(|status| {
            let (reason, message) = waiting(status)?;
            Some(
                format!("pod {name}, container {}: {reason} {message}", status.name)
                    .trim()
                    .to_owned(),
            )
        })
        .collect();
    if let Some(reason) = pod
        .status
        .as_ref()
        .and_then(|status| status.reason.as_deref())
    {
        words.push(format!("pod {name}: {reason}"));
    }
    words
}

fn event_time(event: &Event) -> Option<Timestamp> {
    event
        .last_timestamp
        .as_ref()
        .map(|time| time.0)
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
}

fn event_words(event: &Event) -> String {
    let count = event
        .count
        .filter(|count| *count > 1)
        .map(|count| format!(", {count} times"))
        .unwrap_or_default();
    let last = event_time(event)
        .map(|time| format!(", last at {time}"))
        .unwrap_or_default();
    format!(
        "event {} on {} {}: {}{count}{last}",
        event.reason.as_deref().unwrap_or("Unknown"),
        event.involved_object.kind.as_deref().unwrap_or("object"),
        event.involved_object.name.as_deref().unwrap_or_default(),
        event.message.as_deref().unwrap_or_default().trim(),
    )
}

/// The newest warning about one of these pods.
fn newest_warning(context: &RuleContext<'_>, pods: &[&Pod]) -> Option<String> {
    context
        .facts
        .events
        .items()
        .iter()
        .filter(|event| event.type_.as_deref() == Some("Warning"))
        .filter(|event| {
            pods.iter().any(|pod| {
                event.involved_object.name.as_deref() == Some(stack::name(&pod.metadata))
            })
        })
        .max_by_key(|event| event_time(event))
        .map(event_words)
}

/// A controller that lacks pods and whose pods the API server refuses, as its events say.
fn refused_by_event(
    context: &RuleContext<'_>,
    controller: &Controller,
    pods: &[&Pod],
) -> Option<String> {
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
            event.involved_object.name.as_deref().is_some_and(|name| {
                name == controller.name || name.starts_with(&format!("{}-", controller.name))
            })
        })
        .max_by_key(|event| event_time(event))
        .map(event_words)
}
