//! Waits until the pod of a network test has run, and reads its log.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use tokio::time::Instant;

use super::cut_short;
use crate::{
    cluster::ask::{ANYTHING, ApiError, RetryPolicy, parse},
    facts::{
        network::{self, EndpointProbe, NotRun},
        network_pod::{Blueprint, CONTAINER},
        redact, stack,
    },
    observe::connectivity::TestContext,
    stack::{
        base::{limits, words},
        object::{self, Id},
    },
};

/// How often the pod is read.
const PACE: Duration = Duration::from_millis(250);

/// How long the scheduler may take to find a node.
const SCHEDULING: Duration = Duration::from_secs(3);

/// Reasons for which a container waits and that do not pass within a test.
const IMAGE: [&str; 5] =
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"];

/// How far a pod is.
enum Stage {
    /// It may still start or end.
    Waiting,
    /// Its container has ended.
    Ended(ContainerStateTerminated),
    /// It cannot start, or not in time.
    Hindered(NotRun),
}

/// The result in the pod's log.
///
/// # Errors
///
/// Why there is none.
pub(super) async fn result(
    context: &TestContext<'_>,
    blueprint: &Blueprint,
    end: Instant,
) -> Result<Vec<EndpointProbe>, NotRun> {
    let ended = until_ended(context, blueprint, end).await?;
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={CONTAINER}&limitBytes={}",
        blueprint.namespace,
        blueprint.name,
        limits::PROBE_LOG + 1
    );
    let log = match context.api.get_as(&path, ANYTHING, RetryPolicy::Failed).await {
        Ok(log) => log,
        Err(ApiError::Denied) => {
            return Err(NotRun::NoResult("no permission to read the log of the test pod (get pods/log)".into()));
        }
        Err(failure) => return Err(NotRun::NoResult(format!("its log cannot be read: {failure}"))),
    };
    network::parse(&log, &blueprint.addresses).map_err(|why| {
        let exit = match ended.exit_code {
            0 => String::new(),
            code => format!("{} (exit code {code}); ", ended.reason.as_deref().unwrap_or("ended")),
        };
        NotRun::NoResult(redact::clean(&format!("{exit}{why}")))
    })
}

async fn until_ended(
    context: &TestContext<'_>,
    blueprint: &Blueprint,
    end: Instant,
) -> Result<ContainerStateTerminated, NotRun> {
    let path = Id::of(object::POD, Some(&blueprint.namespace), &blueprint.name).path();
    let begun = Instant::now();
    loop {
        let pod = context.api.get(&path).await.and_then(|body| parse::<Pod>(&body));
        let last = match pod {
            Ok(pod) => match stage(&pod, begun.elapsed()) {
                Stage::Ended(state) => return Ok(state),
                Stage::Hindered(why) => return Err(why),
                Stage::Waiting => Some(pod),
            },
            Err(ApiError::NotFound) => return Err(NotRun::CutShort("the test pod was deleted during the test".into())),
            Err(ApiError::Denied) => {
                return Err(NotRun::NoResult("no permission to read the test pod (get pods)".into()));
            }
            Err(failure) if Instant::now() + PACE >= end => return Err(cut_short(&failure)),
            Err(_) => None,
        };
        if Instant::now() + PACE >= end {
            return Err(too_late(blueprint, last.as_ref(), begun.elapsed()));
        }
        tokio::time::sleep(PACE).await;
    }
}

fn stage(pod: &Pod, waited: Duration) -> Stage {
    let hindered = |reason: &str, message: Option<&str>| {
        let message = redact::clean(message.unwrap_or_default());
        Stage::Hindered(NotRun::NotStarted { reason: redact::clean(reason), message })
    };
    let container = stack::container_statuses(pod).find(|status| status.name == CONTAINER);
    if let Some(failure) = container.and_then(stack::start_failure) {
        return hindered(failure.reason, Some(failure.message));
    }
    if let Some(ended) = container.and_then(ended) {
        return Stage::Ended(ended.clone());
    }
    let waiting = container.and_then(|status| status.state.as_ref()?.waiting.as_ref());
    if let Some((waiting, reason)) = waiting.and_then(|waiting| Some((waiting, waiting.reason.as_deref()?)))
        && IMAGE.contains(&reason)
    {
        return hindered(reason, waiting.message.as_deref());
    }
    let status = pod.status.as_ref();
    // The kubelet refused the pod, evicted it, or its deadline passed.
    if let Some(status) = status.filter(|status| status.phase.as_deref() == Some("Failed")) {
        return hindered(status.reason.as_deref().unwrap_or("Failed"), status.message.as_deref());
    }
    if let Some(condition) = stack::unschedulable(pod).filter(|_| waited >= SCHEDULING) {
        return hindered(condition.reason.as_deref().unwrap_or("Unschedulable"), condition.message.as_deref());
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return Stage::Hindered(NotRun::CutShort("the test pod was deleted during the test".into()));
    }
    Stage::Waiting
}

fn ended(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.state.as_ref()?.terminated.as_ref()
}

/// What a pod was waiting for when the time was up.
fn too_late(blueprint: &Blueprint, pod: Option<&Pod>, waited: Duration) -> NotRun {
    let waited = words::span(Duration::from_secs(waited.as_secs()));
    let status = pod.and_then(|pod| pod.status.as_ref());
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let started = status.is_some_and(|status| status.start_time.is_some());
    if phase == "Running" {
        return NotRun::CutShort(format!("the test pod was still running after {waited} (--timeout)"));
    }
    let message = match &blueprint.node {
        Some(node) if !started => format!("node {node} did not accept the pod within {waited}"),
        _ => format!("the pod was still {phase} after {waited} (--timeout)"),
    };
    NotRun::NotStarted { reason: "DeadlineExceeded".into(), message: redact::clean(&message) }
}
