//! What can be wrong with any workload: one rule serves operator, broker, `MeshSync` and server.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ContainerStatus, Event, Pod},
    },
    jiff::Timestamp,
};

use super::{Outcome, Patient, Rule};
use crate::{
    diagnose::{Draft, last_words, rollout},
    facts::stack,
    report::{Effect, Finding},
    stack::{base::seen::Seen, component::Component},
};

/// The rules of the server's workload and its adapters'; the other components list theirs among their own.
pub(super) const SERVER_RULES: &[Rule] = &[
    Rule {
        id: "server-workload",
        category: Component::Server,
        title: "the server's pods are well",
        codes: &[
            "server-crash-loop",
            "server-image-pull",
            "server-unschedulable",
            "server-pods-refused",
            "server-scaled-to-zero",
            "server-not-ready",
        ],
        facts: &["deployments", "pods"],
        after: &["api-reachable"],
        judge: |patient, _| judge(patient, Component::Server),
    },
    Rule {
        id: "adapter-workloads",
        category: Component::Server,
        title: "the pods of the server's adapters are well",
        codes: &[
            "adapter-crash-loop",
            "adapter-image-pull",
            "adapter-unschedulable",
            "adapter-pods-refused",
            "adapter-scaled-to-zero",
            "adapter-not-ready",
        ],
        facts: &["deployments", "pods"],
        after: &["api-reachable"],
        judge: |patient, _| judge(patient, Component::Adapter),
    },
];

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
pub(super) fn judge(patient: &Patient<'_>, component: Component) -> Outcome {
    let controllers = controllers(patient, component);
    let pods = patient.pods_of(component);
    let why_unseen = match component {
        Component::Broker => patient.statefulsets.why_unsettled(),
        _ => patient.facts.deployments.why_unsettled(),
    };
    if controllers.is_empty() && pods.is_empty() {
        return match why_unseen.or_else(|| patient.facts.pods.why_unsettled()) {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("it has no workload".into()),
        };
    }
    let mut findings = Vec::new();
    for controller in &controllers {
        let own: Vec<&Pod> = pods
            .iter()
            .copied()
            .filter(|pod| belongs(pod, controller, &controllers))
            .collect();
        findings.extend(of_controller(patient, component, controller, &own));
    }
    if controllers.is_empty() {
        findings.extend(of_pods(patient, component, &pods));
        if findings.is_empty()
            && let Some(why) = why_unseen
        {
            return Outcome::Unknown(why);
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

fn controllers(patient: &Patient<'_>, component: Component) -> Vec<Controller> {
    let deployment = match component {
        Component::Operator => &patient.operator,
        Component::Meshsync => &patient.meshsync,
        Component::Server => &patient.server,
        Component::Adapter => {
            return stack::adapters(patient.facts)
                .into_iter()
                .map(of_deployment)
                .collect();
        }
        _ => {
            return patient
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
    patient: &Patient<'_>,
    component: Component,
    controller: &Controller,
    pods: &[&Pod],
) -> Vec<Finding> {
    let object = patient.object(controller.kind, &controller.name);
    let resource = format!("{}/{}", controller.kind.to_lowercase(), controller.name);
    let code = |suffix: &str| format!("{}-{suffix}", component.code());
    let title = who(component, &controller.name);
    if controller.wanted == 0 {
        return vec![
            Draft::new(&code("scaled-to-zero"))
                .title(format!("{title} is scaled to zero"))
                .message(format!(
                    "{} {} wants no pod, so {title} does nothing.",
                    controller.kind, controller.name
                ))
                .object(object)
                .evidence("spec.replicas is 0")
                .remedy("scale it up again")
                .command(patient.kubectl(Effect::Write, &format!("scale {resource} --replicas=1")))
                .done(),
        ];
    }
    let refusal = controller
        .refused
        .clone()
        .or_else(|| refused_by_event(patient, controller, pods));
    if let Some(why) = refusal {
        return vec![
            Draft::new(&code("pods-refused"))
                .title(format!("{title}'s pods are refused"))
                .message(
                    "The API server refuses the pods: a quota, Pod Security, an admission webhook or a missing ServiceAccount.",
                )
                .object(object)
                .evidence(why)
                .remedy("lift what refuses them; the controller tries again by itself")
                .command(patient.kubectl(Effect::Read, &format!("describe {resource}")))
                .done(),
        ];
    }
    let mut findings = of_pods(patient, component, pods);
    if findings.is_empty()
        && let Some(why) = &controller.incomplete
    {
        findings.push(
            Draft::new(&code("not-ready"))
                .title(format!("{title} is not ready: {why}"))
                .message(format!(
                    "The rollout of {} {} is not complete.",
                    controller.kind, controller.name
                ))
                .object(object)
                .evidence(why.clone())
                .evidences(pods.iter().flat_map(|pod| unready_words(pod)))
                .evidences(newest_warning(patient, pods))
                .remedy("see what its pods wait for")
                .command(patient.kubectl(Effect::Read, &format!("describe {resource}")))
                .command(patient.kubectl(
                    Effect::Read,
                    &format!("logs {resource} --all-containers --tail=50"),
                ))
                .done(),
        );
    }
    findings
}

/// The one thing that is wrong with each pod, if any.
fn of_pods(patient: &Patient<'_>, component: Component, pods: &[&Pod]) -> Vec<Finding> {
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .filter_map(|pod| {
            unschedulable(patient, component, pod)
                .or_else(|| image_pull(patient, component, pod))
                .or_else(|| crash_loop(patient, component, pod))
        })
        .collect()
}

/// A component as a sentence's subject. There are many adapters, each in a container of its name.
fn who(component: Component, name: &str) -> String {
    match component {
        Component::Adapter => format!("{} {name}", component.title()),
        _ => component.title().into(),
    }
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        status
            .init_container_statuses
            .iter()
            .flatten()
            .chain(status.container_statuses.iter().flatten())
    })
}

fn waiting(status: &ContainerStatus) -> Option<(&str, &str)> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((
        waiting.reason.as_deref().unwrap_or_default(),
        waiting.message.as_deref().unwrap_or_default(),
    ))
}

fn unschedulable(patient: &Patient<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let condition = pod
        .status
        .as_ref()?
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    let name = stack::name(&pod.metadata);
    let message = condition.message.clone().unwrap_or_default();
    let ports = message.contains("free ports");
    let container = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.containers.first())
        .map_or("", |container| container.name.as_str());
    Some(
        Draft::new(&format!("{}-unschedulable", component.code()))
            .title(format!("{} finds no node for its pod", who(component, container)))
            .message("The scheduler finds no node for the pod, so it does not run.")
            .object(patient.object("Pod", name))
            .evidence(format!("pod {name}: {message}"))
            .remedy(if ports {
                "another pod holds the host port on every node: remove that pod, or the hostPort of the old manifests"
            } else {
                "make room: resources, taints and node selectors decide"
            })
            .command(patient.kubectl(Effect::Read, &format!("describe pod/{name}")))
            .done(),
    )
}

fn image_pull(patient: &Patient<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    const REASONS: [&str; 6] = [
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
    ];
    let (status, (reason, message)) = statuses(pod)
        .filter_map(|status| Some((status, waiting(status)?)))
        .find(|(_, (reason, _))| REASONS.contains(reason))?;
    let name = stack::name(&pod.metadata);
    let vanished = status.name == patient.facts.profile.operator.old_line_container;
    let mut draft = Draft::new(&format!("{}-image-pull", component.code()))
        .title(format!("The image {} cannot be pulled", status.image))
        .message(format!(
            "Container {} of {} does not start without it.",
            status.name,
            who(component, &status.name)
        ))
        .object(patient.object("Pod", name))
        .evidence(format!(
            "pod {name}, container {}: {reason}: {message}",
            status.name
        ));
    if vanished {
        draft = draft.evidence(
            "the copy of kube-rbac-proxy that old manifests name no longer exists in its registry",
        );
    }
    Some(
        draft
            .remedy(if vanished {
                "deploy the operator from current manifests, which have no such container"
            } else {
                "see whether name and tag exist, whether the node reaches the registry, and whether a pull secret is needed"
            })
            .command(patient.kubectl(Effect::Read, &format!("describe pod/{name}")))
            .done(),
    )
}

fn crash_loop(patient: &Patient<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let (status, backing_off) = statuses(pod).find_map(|status| {
        let backing_off = waiting(status).is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
        // Between two starts the container shows how it ended rather than that it waits.
        let ended = status
            .state
            .as_ref()
            .and_then(|state| state.terminated.as_ref())
            .is_some_and(|terminated| terminated.exit_code != 0 && status.restart_count > 0);
        (backing_off || ended).then_some((status, backing_off))
    })?;
    let name = stack::name(&pod.metadata);
    let last = status
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref())
        .or_else(|| {
            status
                .state
                .as_ref()
                .and_then(|state| state.terminated.as_ref())
        });
    let ending = last.map(|last| match last.reason.as_deref() {
        Some(reason) if reason != "Error" => format!("{reason}, exit code {}", last.exit_code),
        _ => format!("exit code {}", last.exit_code),
    });
    let out_of_memory = last.is_some_and(|last| last.reason.as_deref() == Some("OOMKilled"));
    let mut draft = Draft::new(&format!("{}-crash-loop", component.code()))
        .title(format!(
            "{} crashes again and again: {} restarts{}",
            who(component, &status.name),
            status.restart_count,
            ending.as_ref().map(|ending| format!(", {ending}")).unwrap_or_default()
        ))
        .message(format!(
            "Container {} starts, ends and waits ever longer before it starts again. The pod's phase may read Running all the while.",
            status.name
        ))
        .object(patient.object("Pod", name))
        .evidence(format!(
            "pod {name}, container {}: {}, {} restarts",
            status.name,
            if backing_off { "CrashLoopBackOff" } else { "terminated" },
            status.restart_count
        ));
    if let Some(ending) = ending {
        draft = draft.evidence(format!("it last ended with {ending}"));
    }
    if let Some(message) = last
        .and_then(|last| last.message.as_deref())
        .filter(|m| !m.is_empty())
    {
        draft = draft.evidence(format!("its last words: {}", message.trim()));
    }
    let words = last_words::of(patient.facts, component, name, &status.name);
    let remedy = match words.signature {
        _ if out_of_memory => "it needs more memory than its limit: raise resources.limits.memory",
        Some(signature) => {
            draft = draft.message(format!(
                "Container {} ends since {}.",
                status.name, signature.says
            ));
            signature.remedy
        }
        None => "the log of the run that ended says why",
    };
    Some(
        draft
            .evidences(words.evidence)
            .remedy(remedy)
            .command(patient.kubectl(
                Effect::Read,
                &format!("logs {name} -c {} --previous --tail=50", status.name),
            ))
            .done(),
    )
}

/// Why containers are not ready, in a few words each.
fn unready_words(pod: &Pod) -> Vec<String> {
    let name = stack::name(&pod.metadata);
    let mut words: Vec<String> = statuses(pod)
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
fn newest_warning(patient: &Patient<'_>, pods: &[&Pod]) -> Option<String> {
    patient
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
    patient: &Patient<'_>,
    controller: &Controller,
    pods: &[&Pod],
) -> Option<String> {
    let wanted = usize::try_from(controller.wanted).unwrap_or(0);
    if pods.len() >= wanted {
        return None;
    }
    patient
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
