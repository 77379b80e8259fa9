//! The states: what the evidence proves, and what stood in the way of more.

use super::{patient::Patient, rollout};
use crate::{
    facts::FailureKind,
    report::{ComponentReport, State},
    seen::{Right, Seen},
    stack,
};

/// A state, and whether everything that decides it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) report: ComponentReport,
    /// Why it is not determined; none when it is.
    pub(crate) undetermined: Option<String>,
}

/// The states of all components.
#[derive(Debug)]
pub(crate) struct States {
    pub(crate) operator: Judgement,
    pub(crate) meshsync: Judgement,
    pub(crate) broker: Judgement,
    /// Never the reason for an undetermined run.
    pub(crate) server: ComponentReport,
}

impl States {
    /// Whether every state is determined.
    pub(crate) fn is_determined(&self) -> bool {
        [&self.operator, &self.meshsync, &self.broker]
            .iter()
            .all(|judgement| judgement.undetermined.is_none())
    }
}

pub(super) fn judge(patient: &Patient<'_>) -> States {
    States {
        operator: operator(patient),
        meshsync: meshsync(patient),
        broker: broker(patient),
        server: server(patient),
    }
}

fn settled(state: State, reason: Option<String>) -> Judgement {
    Judgement {
        report: ComponentReport {
            state,
            at_least: false,
            version: None,
            reason,
        },
        undetermined: None,
    }
}

/// The highest state that is proven, when the next one could not be looked at.
fn at_least(state: State, why: String) -> Judgement {
    Judgement {
        report: ComponentReport {
            state,
            at_least: state != State::Unknown,
            version: None,
            reason: Some(why.clone()),
        },
        undetermined: Some(why),
    }
}

fn operator(patient: &Patient<'_>) -> Judgement {
    let mut judgement = match &patient.operator {
        Seen::Absent => settled(State::NotDeployed, None),
        Seen::Known(deployment) => match rollout::incomplete(deployment) {
            None if rollout::ready(deployment) > 0 => settled(State::Deployed, None),
            None => settled(State::Deploying, Some("no pod is ready".into())),
            Some(why) => settled(State::Deploying, Some(why)),
        },
        other => at_least(State::Unknown, other.why_unsettled().unwrap_or_default()),
    };
    if let Some(deployment) = patient.operator.known() {
        judgement.report.version =
            rollout::image(deployment, patient.facts.profile.operator.container)
                .and_then(stack::image_tag)
                .map(str::to_owned);
    }
    judgement
}

fn meshsync(patient: &Patient<'_>) -> Judgement {
    let resource = custom_resource(&patient.meshsyncs);
    let mut judgement = match resource {
        Some(false) => settled(State::Undeployed, standing(patient)),
        _ => climb(patient, resource == Some(true)),
    };
    // Without the custom resource it is not excluded that there is none, whatever runs.
    if resource.is_none() && judgement.undetermined.is_none() {
        judgement.undetermined = patient.meshsyncs.why_unsettled();
        judgement.report.reason = judgement.undetermined.clone();
        judgement.report.at_least = false;
    }
    judgement.report.version = patient
        .meshsync
        .known()
        .and_then(|deployment| rollout::image(deployment, patient.facts.profile.meshsync.container))
        .or_else(|| pod_image(patient))
        .and_then(stack::image_tag)
        .map(str::to_owned);
    judgement
}

fn pod_image<'a>(patient: &Patient<'a>) -> Option<&'a str> {
    let container = patient.facts.profile.meshsync.container;
    patient
        .meshsync_pods
        .iter()
        .find_map(|pod| stack::container(pod, container))
        .map(|status| status.image.as_str())
}

/// Whether there is a custom resource; none when that is not known.
fn custom_resource<T>(seen: &Seen<Vec<T>>) -> Option<bool> {
    match seen {
        Seen::Known(items) => Some(!items.is_empty()),
        Seen::Absent => Some(false),
        _ => None,
    }
}

/// What runs although there is no custom resource.
fn standing(patient: &Patient<'_>) -> Option<String> {
    patient.meshsync.known().map(|deployment| {
        format!(
            "Deployment {} is there all the same",
            stack::name(&deployment.metadata)
        )
    })
}

/// The rungs above UNDEPLOYED.
fn climb(patient: &Patient<'_>, resource_known: bool) -> Judgement {
    match patient.meshsync_runs() {
        Some(true) if !patient.clients.meshsync.is_empty() => settled(State::Connected, None),
        Some(true) => match patient.unseen_clients() {
            Some(why) => at_least(State::Running, why),
            None => settled(State::Running, None),
        },
        Some(false) => match &patient.meshsync {
            Seen::Known(_) => settled(State::Deployed, Some(why_not_running(patient))),
            _ if !patient.meshsync_pods.is_empty() => {
                settled(State::Deployed, Some(why_not_running(patient)))
            }
            Seen::Absent if resource_known => settled(State::Enabled, None),
            Seen::Absent => at_least(State::Unknown, unsettled(&patient.meshsyncs)),
            other if resource_known => {
                at_least(State::Enabled, other.why_unsettled().unwrap_or_default())
            }
            other => at_least(State::Unknown, other.why_unsettled().unwrap_or_default()),
        },
        None => match &patient.meshsync {
            Seen::Known(_) => at_least(State::Deployed, unsettled(&patient.facts.pods)),
            Seen::Absent if resource_known => settled(State::Enabled, None),
            other if resource_known => {
                at_least(State::Enabled, other.why_unsettled().unwrap_or_default())
            }
            _ => at_least(State::Unknown, unsettled(&patient.meshsyncs)),
        },
    }
}

fn unsettled<T>(seen: &Seen<T>) -> String {
    seen.why_unsettled().unwrap_or_default()
}

fn why_not_running(patient: &Patient<'_>) -> String {
    super::pod_status::worst_status(&patient.meshsync_pods)
        .unwrap_or_else(|| "it has no pod".into())
}

fn broker(patient: &Patient<'_>) -> Judgement {
    let mut judgement = match custom_resource(&patient.brokers) {
        Some(false) => settled(State::Undeployed, None),
        _ if !patient.clients.server.is_empty() => settled(State::Connected, None),
        Some(true) if no_server_runs(patient) => {
            settled(State::Deployed, Some("no broker pod runs".into()))
        }
        Some(true) => match patient.unseen_clients() {
            Some(why) => at_least(State::Deployed, why),
            None => settled(State::Deployed, None),
        },
        None => at_least(State::Unknown, unsettled(&patient.brokers)),
    };
    if judgement.undetermined.is_none() {
        judgement.undetermined = patient.brokers.why_unsettled();
    }
    judgement.report.version = current_server(patient)
        .map(|server| server.varz.version.clone())
        .or_else(|| {
            let set = patient.statefulsets.items().first()?;
            let pod = set.spec.as_ref()?.template.spec.as_ref()?;
            let container = pod
                .containers
                .iter()
                .find(|container| container.name == patient.facts.profile.broker.container)?;
            stack::image_tag(container.image.as_deref()?).map(str::to_owned)
        });
    judgement
}

/// A server of the current line before one that an upgrade has left behind.
fn current_server<'a>(patient: &Patient<'a>) -> Option<&'a crate::facts::BrokerServer> {
    let servers = &patient.facts.broker.servers;
    let current = patient.facts.profile.broker.current;
    servers
        .iter()
        .find(|server| {
            matches!((patient.pod_of(server), current), (Some(pod), Some(current)) if pod.starts_with(current))
        })
        .or_else(|| servers.first())
}

/// Whether it is proven that no broker server runs, so that nobody can be its client.
fn no_server_runs(patient: &Patient<'_>) -> bool {
    patient.facts.pods.is_settled()
        && patient.running_broker_pods().next().is_none()
        && patient.facts.broker.servers.is_empty()
}

fn server(patient: &Patient<'_>) -> ComponentReport {
    let state = if !patient.clients.server.is_empty() {
        State::Connected
    } else {
        match patient.server.known() {
            Some(deployment) if rollout::ready(deployment) > 0 => State::Running,
            Some(_) => State::Deployed,
            None => State::NotSeen,
        }
    };
    ComponentReport {
        state,
        at_least: false,
        version: patient.server.known().and_then(|deployment| {
            rollout::containers(deployment)
                .first()
                .and_then(|container| stack::image_tag(container.image.as_deref()?))
                .map(str::to_owned)
        }),
        reason: match patient.server.why_unsettled() {
            Some(why) if state == State::NotSeen => Some(why),
            _ => None,
        },
    }
}

/// Every right that a refused question would have taken.
pub(crate) fn missing_rights(patient: &Patient<'_>) -> Vec<Right> {
    let mut rights = deciding_denials(patient);
    rights.extend(other_denials(patient));
    rights.sort();
    rights.dedup();
    rights
}

/// The rights whose lack leaves a state open.
pub(crate) fn deciding_denials(patient: &Patient<'_>) -> Vec<Right> {
    let facts = patient.facts;
    let mut rights: Vec<Right> = Vec::new();
    let mut add = |denial: Option<&crate::seen::Denial>| {
        rights.extend(
            denial
                .into_iter()
                .flat_map(|denial| denial.missing.iter().cloned()),
        );
    };
    add(Patient::denial(&patient.brokers));
    add(Patient::denial(&patient.meshsyncs));
    add(Patient::denial(&facts.deployments));
    add(Patient::denial(&facts.pods));
    rights.extend(
        facts
            .broker
            .attempts
            .iter()
            .filter_map(|attempt| attempt.failure.as_ref())
            .filter(|failure| {
                failure.kind == FailureKind::Denied && patient.unseen_clients().is_some()
            })
            .flat_map(|failure| failure.missing.iter().cloned()),
    );
    rights.sort();
    rights.dedup();
    rights
}

/// The rights whose lack leaves checks open and no state.
pub(crate) fn other_denials(patient: &Patient<'_>) -> Vec<Right> {
    let facts = patient.facts;
    let denials = [
        Patient::denial(&facts.namespace),
        Patient::denial(&facts.cluster_id),
        Patient::denial(&facts.broker_crd),
        Patient::denial(&facts.meshsync_crd),
        Patient::denial(&facts.statefulsets),
        Patient::denial(&facts.replicasets),
        Patient::denial(&facts.services),
        Patient::denial(&facts.endpointslices),
        Patient::denial(&facts.networkpolicies),
        Patient::denial(&facts.events),
        Patient::denial(&facts.token),
        Patient::denial(&facts.lease),
        Patient::denial(&facts.watch_list_config_map),
        Patient::denial(&facts.former_crds),
        Patient::denial(&facts.rbac.cluster_role_bindings),
        Patient::denial(&facts.rbac.cluster_roles),
        Patient::denial(&facts.reviews),
        Patient::denial(&facts.elsewhere),
        facts
            .logs
            .iter()
            .find_map(|log| Patient::denial(&log.lines)),
    ];
    let mut rights: Vec<Right> = denials
        .into_iter()
        .flatten()
        .flat_map(|denial| denial.missing.iter().cloned())
        .collect();
    rights.sort();
    rights.dedup();
    rights
}
