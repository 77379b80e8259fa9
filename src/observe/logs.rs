//! Fetches logs of unhealthy containers only.

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::queries;
use crate::{
    cluster::ask::{ANYTHING, ApiClient, ApiError, RetryPolicy, seen},
    facts::{Facts, Log, hub::Approval, log_lines, stack},
    stack::{base::failure::Kind, component::Component, controllers, hub::Role},
};

/// The maximum number of logs per run.
const MOST: usize = 6;

/// One log to read.
struct Wanted {
    pod: String,
    container: String,
    previous: bool,
    /// The container ended, and the log with it.
    ended: bool,
}

/// Reads the logs of unhealthy containers, reduced to the relevant lines.
pub(super) async fn read(api: &ApiClient<'_>, facts: &Facts, secrets: &[String]) -> Vec<Log> {
    let namespace = &facts.target.namespace;
    let wanted = wanted(facts);
    join_all(wanted.into_iter().map(async |wanted| {
        let query = queries::log(namespace, &wanted.pod, &wanted.container, wanted.previous);
        let answer = match api.get_as(&query.path, ANYTHING, RetryPolicy::Failed).await {
            // A container that has not run before has no previous log.
            Err(ApiError::Failed(failure)) if wanted.previous && failure.kind == Kind::ServerError => Ok(String::new()),
            answer => answer,
        };
        Log {
            lines: seen(
                answer.map(|text| log_lines::reduce(&text, secrets, wanted.previous || wanted.ended)),
                &query.permission,
            ),
            pod: wanted.pod,
            container: wanted.container,
            previous: wanted.previous,
        }
    }))
    .await
}

fn wanted(facts: &Facts) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut pods = stack::operator_pods(facts);
    pods.extend(stack::broker_pods(facts));
    pods.extend(stack::meshsync_pods(facts));
    pods.extend(stack::server_pods(facts));
    for adapter in stack::adapters(facts) {
        pods.extend(stack::pods_selected_by(facts, adapter));
    }
    for component in controllers::COMPONENTS {
        pods.extend(stack::hub_pods(facts, component));
    }
    // Only a kubelet has logs, and a silent one would take until the deadline.
    let answers = |pod: &&Pod| stack::silent_since(facts, pod).is_none();
    pods.retain(answers);
    for pod in pods {
        for status in stack::container_statuses(pod).filter(|status| crashes(status)) {
            let ended = status.state.as_ref().is_some_and(|state| state.running.is_none());
            wanted.push(of(pod, &status.name, true));
            wanted.push(Wanted { ended, ..of(pod, &status.name, false) });
        }
    }
    if is_silent(facts) {
        let container = facts.profile.meshsync.container;
        for pod in stack::meshsync_pods(facts).into_iter().filter(answers) {
            if stack::running_since(pod, container).is_some() {
                wanted.push(of(pod, container, false));
            }
        }
    }
    if operator_fails(facts) {
        let container = facts.profile.operator.container;
        for pod in stack::operator_pods(facts).into_iter().filter(answers) {
            if stack::running_since(pod, container).is_some() {
                wanted.push(of(pod, container, false));
            }
        }
    }
    if is_behind(facts) {
        for pod in stack::hub_pods(facts, Component::Networking).into_iter().filter(answers) {
            wanted.extend(stack::container_statuses(pod).map(|status| of(pod, &status.name, false)));
        }
    }
    if lacks_mesh(facts) {
        for pod in stack::hub_pods(facts, Component::Discovery).into_iter().filter(answers) {
            wanted.extend(stack::container_statuses(pod).map(|status| of(pod, &status.name, false)));
        }
    }
    wanted.truncate(MOST);
    wanted
}

fn of(pod: &Pod, container: &str, previous: bool) -> Wanted {
    Wanted { pod: stack::name(&pod.metadata).into(), container: container.into(), previous, ended: false }
}

/// Whether a container is crashing and restarting. One that has never run has no log.
fn crashes(status: &ContainerStatus) -> bool {
    if stack::start_failure(status).is_some() {
        return false;
    }
    let state = status.state.as_ref();
    let backing_off = state
        .and_then(|state| state.waiting.as_ref())
        .is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"));
    let ended = state.and_then(|state| state.terminated.as_ref()).is_some_and(|terminated| terminated.exit_code != 0);
    backing_off || ended
}

/// Whether MeshSync is running, every broker server was queried, and none lists it.
fn is_silent(facts: &Facts) -> bool {
    let client = facts.profile.meshsync.client;
    let servers = &facts.broker.servers;
    !servers.is_empty()
        && !servers.iter().flat_map(|server| server.connections.items()).any(|connection| connection.name == client)
}

/// Whether Service Mesh Hub has not seen the current spec of a policy, or could not apply one.
fn is_behind(facts: &Facts) -> bool {
    let Some(hub) = &facts.hub else { return false };
    let mut policies = Role::POLICIES.iter().flat_map(|role| hub.of(*role).items());
    policies.any(|policy| {
        let status = policy.policy_status();
        status.approval == Approval::Failed || status.is_behind(policy.generation())
    })
}

/// Whether Service Mesh Hub has found nothing in a registered cluster.
fn lacks_mesh(facts: &Facts) -> bool {
    let Some(hub) = &facts.hub else { return false };
    hub.of(Role::Cluster).items().iter().any(|cluster| !hub.has_mesh_in(cluster.name()))
}

/// Whether the workloads of the custom resources are missing, or their status reports a failure.
fn operator_fails(facts: &Facts) -> bool {
    let brokers = stack::brokers(facts);
    let meshsyncs = stack::meshsyncs(facts);
    let no_set = !brokers.items().is_empty() && stack::broker_statefulsets(facts).items().is_empty();
    let no_deployment = !meshsyncs.items().is_empty() && stack::meshsync_deployment(facts).is_absent();
    let failed = brokers.items().iter().any(|broker| {
        broker.status.conditions.iter().any(|condition| {
            condition.kind == "Ready"
                && condition.status == "False"
                && condition.observed_generation == broker.metadata.generation
        })
    });
    facts.statefulsets.is_settled() && (no_set || no_deployment || failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashing_init_container_has_its_log_read_and_one_that_never_ran_has_not() {
        let start_error = serde_json::json!({ "exitCode": 128, "reason": "StartError" });
        let pod = serde_json::json!({
            "metadata": { "name": "meshery-meshsync-0", "labels": { "app": "meshery", "component": "meshsync" } },
            "status": { "initContainerStatuses": [{
                "name": "prepare", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            }, {
                "name": "absent", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": start_error },
            }, {
                "name": "first", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "terminated": start_error },
            }] },
        });
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        let crashing: Vec<&str> = stack::container_statuses(&pod)
            .filter(|status| crashes(status))
            .map(|status| status.name.as_str())
            .collect();
        assert_eq!(crashing, ["prepare"]);
    }
}
