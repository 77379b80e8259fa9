//! The states: what the evidence proves, and why not more.

use std::collections::BTreeSet;

use super::{mode::Mode, rollout, stack_view::StackView};
use crate::{
    facts::{FailureKind, destination::Destination, observed, stack},
    report::{ComponentReport, State},
    stack::base::{permission::Permission, seen::Seen},
};

/// A state, and whether everything that decides it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) report: ComponentReport,
    /// Why it is not determined; `None` if it is.
    pub(crate) undetermined: Option<String>,
}

/// The states of all components.
#[derive(Debug)]
pub(crate) struct States {
    pub(crate) operator: Judgement,
    pub(crate) meshsync: Judgement,
    pub(crate) broker: Judgement,
    /// It never makes a run undetermined.
    pub(crate) server: ComponentReport,
}

impl States {
    /// Whether every state is determined.
    pub(crate) fn is_determined(&self) -> bool {
        [&self.operator, &self.meshsync, &self.broker].iter().all(|judgement| judgement.undetermined.is_none())
    }
}

pub(super) fn judge(context: &StackView<'_>) -> States {
    let mut states = States {
        operator: operator(context),
        meshsync: meshsync(context),
        broker: broker(context),
        server: server(context),
    };
    not_needed(context, &mut states);
    states
}

/// Marks absent components as not needed if the mode does not use them.
fn not_needed(context: &StackView<'_>, states: &mut States) {
    let mark = |report: &mut ComponentReport, why: &str| {
        let absent = matches!(report.state, State::NotDeployed | State::Undeployed);
        if absent && !report.at_least {
            report.expected_absent = true;
            report.reason.get_or_insert_with(|| why.to_owned());
        }
    };
    let to = || context.destination.as_ref().map_or_else(|| "a broker address".into(), Destination::shown);
    match context.mode().0 {
        Mode::CustomBroker => {
            let why = format!("not needed: MeshSync publishes to {}", to());
            mark(&mut states.broker.report, &why);
        }
        // If the operator is expected, its absence is a fault.
        Mode::Standalone if context.expect.operator => {}
        Mode::Standalone => {
            let why = "not needed: MeshSync runs without the operator here";
            mark(&mut states.operator.report, why);
            let why = format!("not needed: MeshSync publishes to {}", to());
            mark(&mut states.broker.report, &why);
            mark(&mut states.meshsync.report, "runs without a custom resource");
        }
        Mode::Embedded => {
            let why = "not needed: MeshSync runs in the server";
            for judgement in [&mut states.operator, &mut states.meshsync, &mut states.broker] {
                mark(&mut judgement.report, why);
            }
        }
        Mode::Operator | Mode::None | Mode::Unknown => {}
    }
}

fn settled(state: State, reason: Option<String>) -> Judgement {
    Judgement {
        report: ComponentReport { state, at_least: false, version: None, reason, expected_absent: false },
        undetermined: None,
    }
}

/// The highest proven state, if the next one could not be checked.
fn at_least(state: State, why: String) -> Judgement {
    let mut judgement = settled(state, Some(why.clone()));
    judgement.report.at_least = state != State::Unknown;
    judgement.undetermined = Some(why);
    judgement
}

fn operator(context: &StackView<'_>) -> Judgement {
    let mut judgement = match &context.operator {
        Seen::Absent => settled(State::NotDeployed, None),
        Seen::Known(deployment) => match rollout::incomplete(deployment) {
            None if rollout::ready(deployment) > 0 => settled(State::Deployed, None),
            None => settled(State::Deploying, Some("no pod is ready".into())),
            Some(why) => settled(State::Deploying, Some(why)),
        },
        other => at_least(State::Unknown, other.why_unsettled().unwrap_or_default()),
    };
    if let Some(deployment) = context.operator.known() {
        judgement.report.version = rollout::image(deployment, context.facts.profile.operator.container)
            .and_then(stack::image_tag)
            .map(str::to_owned);
    }
    judgement
}

fn meshsync(context: &StackView<'_>) -> Judgement {
    let resource = custom_resource(&context.meshsyncs);
    let mut judgement = match resource {
        Some(false) => without_resource(context),
        _ => climb(context, resource == Some(true)),
    };
    // Without the CR we cannot rule out that none exists, whatever is running.
    if resource.is_none() && judgement.undetermined.is_none() {
        judgement.undetermined = context.meshsyncs.why_unsettled();
        judgement.report.reason = judgement.undetermined.clone();
        judgement.report.at_least = false;
    }
    judgement.report.version = context
        .meshsync
        .known()
        .and_then(|deployment| rollout::image(deployment, context.facts.profile.meshsync.container))
        .or_else(|| pod_image(context))
        .and_then(stack::image_tag)
        .map(str::to_owned);
    judgement
}

fn pod_image<'a>(context: &StackView<'a>) -> Option<&'a str> {
    let container = context.facts.profile.meshsync.container;
    context.meshsync_pods.iter().find_map(|pod| stack::container(pod, container)).map(|status| status.image.as_str())
}

/// Whether there is a custom resource; `None` if that is unknown.
fn custom_resource<T>(seen: &Seen<Vec<T>>) -> Option<bool> {
    match seen {
        Seen::Known(items) => Some(!items.is_empty()),
        Seen::Absent => Some(false),
        _ => None,
    }
}

/// The state without a custom resource. A standalone MeshSync should be connected, and that may be unknown.
fn without_resource(context: &StackView<'_>) -> Judgement {
    let mut judgement = settled(State::Undeployed, standing(context));
    if context.is_standalone() && context.meshsync_runs() != Some(false) && context.clients.meshsync.is_empty() {
        judgement.undetermined = match context.meshsync_runs() {
            None => context.why_runs_unknown(),
            _ => context.unseen_clients(),
        };
    }
    judgement
}

/// What is running although there is no custom resource.
fn standing(context: &StackView<'_>) -> Option<String> {
    let name = stack::name(&context.meshsync.known()?.metadata);
    if !context.is_standalone() {
        return Some(format!("Deployment {name} exists anyway"));
    }
    let does = match context.meshsync_runs() {
        Some(true) if !context.clients.meshsync.is_empty() => "is running and connected",
        Some(true) => "is running",
        Some(false) => "exists but is not running",
        None => "exists",
    };
    Some(format!("Deployment {name} {does}, on purpose without a custom resource"))
}

/// The states above UNDEPLOYED.
fn climb(context: &StackView<'_>, resource_known: bool) -> Judgement {
    match context.meshsync_runs() {
        Some(true) if !context.clients.meshsync.is_empty() => settled(State::Connected, None),
        None if context.broker_proves_meshsync() => settled(State::Connected, None),
        Some(true) => match context.unseen_clients() {
            Some(why) => at_least(State::Running, why),
            None => settled(State::Running, None),
        },
        Some(false) => match &context.meshsync {
            Seen::Known(_) => settled(State::Deployed, Some(why_not_running(context))),
            _ if !context.meshsync_pods.is_empty() => settled(State::Deployed, Some(why_not_running(context))),
            Seen::Absent if resource_known => settled(State::Enabled, None),
            Seen::Absent => at_least(State::Unknown, unsettled(&context.meshsyncs)),
            other if resource_known => at_least(State::Enabled, other.why_unsettled().unwrap_or_default()),
            other => at_least(State::Unknown, other.why_unsettled().unwrap_or_default()),
        },
        None => match &context.meshsync {
            Seen::Known(_) => at_least(State::Deployed, context.why_runs_unknown().unwrap_or_default()),
            Seen::Absent if resource_known => settled(State::Enabled, None),
            other if resource_known => at_least(State::Enabled, other.why_unsettled().unwrap_or_default()),
            _ => at_least(State::Unknown, unsettled(&context.meshsyncs)),
        },
    }
}

fn unsettled<T>(seen: &Seen<T>) -> String {
    seen.why_unsettled().unwrap_or_default()
}

fn why_not_running(context: &StackView<'_>) -> String {
    super::pod_status::worst_status(&context.meshsync_pods).unwrap_or_else(|| "it has no pod".into())
}

fn broker(context: &StackView<'_>) -> Judgement {
    let mut judgement = match custom_resource(&context.brokers) {
        Some(false) => settled(State::Undeployed, None),
        _ if context.clients.server.iter().any(|(server, _)| !context.is_foreign(server)) => {
            settled(State::Connected, None)
        }
        Some(true) if no_server_runs(context) => settled(State::Deployed, Some("no broker pod is running".into())),
        Some(true) => match context.unseen_own_clients() {
            Some(why) => at_least(State::Deployed, why),
            None => settled(State::Deployed, None),
        },
        None => at_least(State::Unknown, unsettled(&context.brokers)),
    };
    if judgement.undetermined.is_none() {
        judgement.undetermined = context.brokers.why_unsettled();
    }
    judgement.report.version = current_server(context).map(|server| server.varz.version.clone()).or_else(|| {
        let set = context.statefulsets.items().first()?;
        let pod = set.spec.as_ref()?.template.spec.as_ref()?;
        let container =
            pod.containers.iter().find(|container| container.name == context.facts.profile.broker.container)?;
        stack::image_tag(container.image.as_deref()?).map(str::to_owned)
    });
    judgement
}

/// A server of the current line, before one that an upgrade left behind.
fn current_server<'a>(context: &StackView<'a>) -> Option<&'a crate::facts::BrokerServer> {
    let servers = || {
        let all = context.facts.broker.servers.iter();
        all.filter(|server| !context.is_foreign(server))
    };
    let current = context.facts.profile.broker.current;
    servers()
        .find(|server| {
            matches!((context.pod_of(server), current), (Some(pod), Some(current)) if pod.starts_with(current))
        })
        .or_else(|| servers().next())
}

/// Whether it is proven that no broker server is running, so that there are no clients.
fn no_server_runs(context: &StackView<'_>) -> bool {
    context.facts.pods.is_settled()
        && context.running_broker_pods().next().is_none()
        && !context.facts.broker.servers.iter().any(|server| !context.is_foreign(server))
}

fn server(context: &StackView<'_>) -> ComponentReport {
    let asked = context.facts.server.as_deref().filter(|server| server.unreachable.is_none());
    // If the broker could not be read, the server's own connection to it counts.
    let holds_link = context.unseen_own_clients().is_some() && context.server_holds_link();
    let state = if !context.clients.server.is_empty() || holds_link {
        State::Connected
    } else {
        match context.server.known() {
            _ if asked.is_some() => State::Running,
            Some(deployment) if rollout::ready(deployment) > 0 => State::Running,
            Some(_) => State::Deployed,
            None => State::NotSeen,
        }
    };
    let container = context.server.known().and_then(|deployment| rollout::containers(deployment).first());
    let version = container.and_then(|container| stack::image_tag(container.image.as_deref()?));
    let answered = asked.and_then(|server| server.version.known()).map(|release| release.build.as_str());
    let reason = match asked {
        Some(server) if holds_link => Some(format!("the server at {} says so", server.address)),
        Some(server) if state == State::Running => Some(format!("answers at {}", server.address)),
        _ => context.server.why_unsettled().filter(|_| state == State::NotSeen),
    };
    ComponentReport { version: answered.or(version).map(str::to_owned), ..settled(state, reason).report }
}

/// Every permission whose absence caused a denial.
pub(crate) fn missing_permissions(context: &StackView<'_>) -> Vec<Permission> {
    sorted(deciding_denials(context).iter().chain(&other_denials(context)))
}

/// Each of these permissions once, in order.
pub(super) fn sorted<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> Vec<Permission> {
    let permissions: BTreeSet<&Permission> = permissions.into_iter().collect();
    permissions.into_iter().cloned().collect()
}

/// The missing permissions that leave a state unknown.
pub(crate) fn deciding_denials(context: &StackView<'_>) -> Vec<Permission> {
    let facts = context.facts;
    if let Some(hub) = context.hub() {
        return hub.deciding_denials();
    }
    let objects = [
        context.brokers.missing_permissions(),
        context.meshsyncs.missing_permissions(),
        facts.deployments.missing_permissions(),
        facts.pods.missing_permissions(),
    ];
    let clients_unseen = context.unseen_clients().is_some() || context.unseen_own_clients().is_some();
    let attempts = facts.broker.attempts.iter().filter_map(|attempt| attempt.failure.as_ref());
    let denied = attempts.filter(|failure| clients_unseen && failure.kind == FailureKind::Denied);
    sorted(objects.into_iter().flatten().chain(denied.flat_map(|failure| &failure.missing)))
}

/// The missing permissions that leave only checks unknown.
pub(crate) fn other_denials(context: &StackView<'_>) -> Vec<Permission> {
    let facts = context.facts;
    // These resources decide a state and are judged together: one version of a custom resource is enough.
    let deciding = ["brokers", "meshsyncs", "deployments", "pods"];
    let objects = observed::outcomes(facts);
    let objects = objects.iter().filter(|outcome| !deciding.contains(&outcome.row.name));
    let others = [
        facts.cluster_id.missing_permissions(),
        facts.token.missing_permissions(),
        facts.watch_list_config_map.missing_permissions(),
        facts.reviews.missing_permissions(),
        facts.elsewhere.missing_permissions(),
    ];
    let of_hub = context.hub().into_iter().flat_map(|hub| hub.other_denials().collect::<Vec<_>>());
    let log = facts.logs.iter().map(|log| log.lines.missing_permissions()).find(|rights| !rights.is_empty());
    sorted(
        objects
            .flat_map(|outcome| outcome.seen.missing_permissions())
            .chain(others.into_iter().chain(log).flatten())
            .chain(of_hub),
    )
}
