//! The states: what the evidence proves, and what stood in the way of more.

use super::{mode::Mode, patient::Patient, rollout};
use crate::{
    facts::{FailureKind, destination::Destination, stack},
    report::{ComponentReport, State},
    stack::base::{permission::Permission, seen::Seen},
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
    let mut states = States {
        operator: operator(patient),
        meshsync: meshsync(patient),
        broker: broker(patient),
        server: server(patient),
    };
    not_needed(patient, &mut states);
    states
}

/// Says of what is not there that it need not be, where the mode wants it so.
fn not_needed(patient: &Patient<'_>, states: &mut States) {
    let mark = |report: &mut ComponentReport, why: &str| {
        let absent = matches!(report.state, State::NotDeployed | State::Undeployed);
        if absent && !report.at_least {
            report.expected_absent = true;
            report.reason.get_or_insert_with(|| why.to_owned());
        }
    };
    let to = || {
        patient
            .destination
            .as_ref()
            .map_or_else(|| "a broker by address".into(), Destination::shown)
    };
    match patient.mode().0 {
        Mode::CustomBroker => {
            let why = format!("not needed, MeshSync is told to publish to {}", to());
            mark(&mut states.broker.report, &why);
        }
        // An operator that is expected is missed.
        Mode::Standalone if patient.expect.operator => {}
        Mode::Standalone => {
            let why = "not needed, MeshSync runs without operator here";
            mark(&mut states.operator.report, why);
            let why = format!("not needed, MeshSync is told to publish to {}", to());
            mark(&mut states.broker.report, &why);
            mark(
                &mut states.meshsync.report,
                "it runs without a custom resource",
            );
        }
        Mode::Embedded => {
            let why = "not needed, MeshSync is to run in the server";
            for judgement in [
                &mut states.operator,
                &mut states.meshsync,
                &mut states.broker,
            ] {
                mark(&mut judgement.report, why);
            }
        }
        Mode::Operator | Mode::None | Mode::Unknown => {}
    }
}

fn settled(state: State, reason: Option<String>) -> Judgement {
    Judgement {
        report: ComponentReport {
            state,
            at_least: false,
            version: None,
            reason,
            expected_absent: false,
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
            expected_absent: false,
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
        Some(false) => without_resource(patient),
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

/// Without a custom resource. What runs by intent all the same is to be connected, and that may not have been seen.
fn without_resource(patient: &Patient<'_>) -> Judgement {
    let mut judgement = settled(State::Undeployed, standing(patient));
    if patient.is_standalone()
        && patient.meshsync_runs() != Some(false)
        && patient.clients.meshsync.is_empty()
    {
        judgement.undetermined = match patient.meshsync_runs() {
            None => patient.facts.pods.why_unsettled(),
            _ => patient.unseen_clients(),
        };
    }
    judgement
}

/// What runs although there is no custom resource.
fn standing(patient: &Patient<'_>) -> Option<String> {
    let name = stack::name(&patient.meshsync.known()?.metadata);
    if !patient.is_standalone() {
        return Some(format!("Deployment {name} is there all the same"));
    }
    let does = match patient.meshsync_runs() {
        Some(true) if !patient.clients.meshsync.is_empty() => "runs and is connected",
        Some(true) => "runs",
        Some(false) => "is there and does not run",
        None => "is there",
    };
    Some(format!(
        "Deployment {name} {does}, without a custom resource and by intent"
    ))
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
        _ if patient
            .clients
            .server
            .iter()
            .any(|(server, _)| !patient.is_foreign(server)) =>
        {
            settled(State::Connected, None)
        }
        Some(true) if no_server_runs(patient) => {
            settled(State::Deployed, Some("no broker pod runs".into()))
        }
        Some(true) => match patient.unseen_own_clients() {
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
    let servers = || {
        let all = patient.facts.broker.servers.iter();
        all.filter(|server| !patient.is_foreign(server))
    };
    let current = patient.facts.profile.broker.current;
    servers()
        .find(|server| {
            matches!((patient.pod_of(server), current), (Some(pod), Some(current)) if pod.starts_with(current))
        })
        .or_else(|| servers().next())
}

/// Whether it is proven that no broker server runs, so that nobody can be its client.
fn no_server_runs(patient: &Patient<'_>) -> bool {
    patient.facts.pods.is_settled()
        && patient.running_broker_pods().next().is_none()
        && !patient
            .facts
            .broker
            .servers
            .iter()
            .any(|server| !patient.is_foreign(server))
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
        expected_absent: false,
    }
}

/// Every right that a refused question would have taken.
pub(crate) fn missing_rights(patient: &Patient<'_>) -> Vec<Permission> {
    let mut rights = deciding_denials(patient);
    rights.extend(other_denials(patient));
    rights.sort();
    rights.dedup();
    rights
}

/// The rights whose lack leaves a state open.
pub(crate) fn deciding_denials(patient: &Patient<'_>) -> Vec<Permission> {
    let facts = patient.facts;
    let mut rights: Vec<Permission> = Vec::new();
    let mut add = |denial: Option<&crate::stack::base::seen::Denial>| {
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
                failure.kind == FailureKind::Denied
                    && (patient.unseen_clients().is_some()
                        || patient.unseen_own_clients().is_some())
            })
            .flat_map(|failure| failure.missing.iter().cloned()),
    );
    rights.sort();
    rights.dedup();
    rights
}

/// The rights whose lack leaves checks open and no state.
pub(crate) fn other_denials(patient: &Patient<'_>) -> Vec<Permission> {
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
    let mut rights: Vec<Permission> = denials
        .into_iter()
        .flatten()
        .flat_map(|denial| denial.missing.iter().cloned())
        .collect();
    rights.sort();
    rights.dedup();
    rights
}
