//! Whether a rollout that is not complete makes progress: its pods were created or deleted moments ago.

use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    jiff::{SignedDuration, Timestamp},
};

use crate::{
    diagnose::rules::{prelude::*, workload::controller::Controller},
    stack::base::words,
};

/// How long a rollout may take before it counts as a fault: a minute to end the old pod, a minute to start the new one.
const NORMAL: SignedDuration = SignedDuration::from_mins(2);

/// A rollout that makes progress.
pub(super) struct Progress {
    /// When the last of its pods was created or deleted. `None` if it has not come to that yet.
    since: Option<Timestamp>,
    /// What each pod is doing.
    pub(super) evidence: Vec<String>,
}

impl Progress {
    /// `None` if a pod is not ready for another reason than being new, or if Kubernetes has given up.
    pub(super) fn of(context: &RuleContext<'_>, controller: &Controller, pods: &[&Pod]) -> Option<Self> {
        if controller.stalled || pods.is_empty() {
            return None;
        }
        let now = context.clock();
        let mut since = None;
        let mut evidence = Vec::new();
        for pod in pods.iter().filter(|pod| !is_settled(pod)) {
            let (began, what) = began(pod)?;
            if context.is_out_of_date(pod) || now.duration_since(began) > NORMAL {
                return None;
            }
            let ago = words::age(now.duration_since(began));
            evidence.push(format!("pod {}: {what} {ago} ago", stack::name(&pod.metadata)));
            since = since.max(Some(began));
        }
        Some(Self { since, evidence })
    }

    pub(super) fn message(&self, context: &RuleContext<'_>) -> String {
        match self.since {
            Some(since) => {
                let age = words::age(context.clock().duration_since(since));
                format!("It has been in progress for {age}, which is normal.")
            }
            None => "It has just begun: the old pods are still ready.".to_owned(),
        }
    }

    pub(super) fn remedy(&self) -> String {
        match self.since {
            Some(since) => format!("wait until it is complete; check its pods if it is not by {:.0}", since + NORMAL),
            None => "wait until it is complete; check its pods if it is not within two minutes".to_owned(),
        }
    }
}

/// Whether a pod is ready and stays.
fn is_settled(pod: &Pod) -> bool {
    let ready = stack::pod_condition(pod, "Ready").is_some_and(|ready| ready.status == "True");
    let containers = stack::container_statuses(pod).all(|status| status.ready || has_ended_well(status));
    pod.metadata.deletion_timestamp.is_none() && ready && containers
}

/// Whether a container has done its work, as an init container does.
fn has_ended_well(status: &ContainerStatus) -> bool {
    let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    ended.is_some_and(|ended| ended.exit_code == 0)
}

/// When a pod was deleted or created. `None` if a container of it has been restarted, which no rollout does.
fn began(pod: &Pod) -> Option<(Timestamp, &'static str)> {
    if let Some(end) = &pod.metadata.deletion_timestamp {
        let planned = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
        let grace = pod.metadata.deletion_grace_period_seconds.or(planned).unwrap_or(30);
        return Some((end.0 - SignedDuration::from_secs(grace.clamp(0, 3600)), "deleted"));
    }
    let restarted = stack::container_statuses(pod).any(|status| status.restart_count > 0);
    let created = pod.metadata.creation_timestamp.as_ref()?.0;
    (!restarted).then_some((created, "created"))
}
