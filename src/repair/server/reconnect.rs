//! The plans of `server reconnect`, mildest first: wait, restart the server, disconnect its connection and connect it
//! again. Pure.
//!
//! Each stage is a plan of its own, because each is needed only if the one before did not help. A run that was stopped
//! continues: a disconnected connection is connected first, and neither a restart nor a change of the connection is
//! repeated while it may still take effect.

use std::time::Duration;

use k8s_openapi::{
    api::apps::v1::Deployment,
    jiff::{SignedDuration, Timestamp},
};

use super::ServerView;
use crate::repair::operation::{ConnectionRef, Goal, Operation, Status};
use crate::{
    diagnose::{
        rollout,
        server_link::{ServerLinks, operator_stack, server_links, server_mode},
        server_view::FIRST_SYNC,
    },
    facts::{
        Facts,
        server::{ApiGeneration, ClusterConnection, NamedBy, ServerSession},
        stack,
    },
    repair::plan::{Action, Advice, Plan, Refusal, Step, Until},
    stack::{
        base::words,
        component::Component,
        object::{self, Id},
    },
};

/// How long the server may take to reconnect by itself; at most half of the timeout.
const OWN: Duration = Duration::from_secs(30);

/// How long the server's removal of the operator is waited for. If it cannot get its chart, it removes nothing.
const REMOVAL: Duration = Duration::from_secs(30);

/// The annotation of a workload that was restarted.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// Whether the server's connection may be disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// It was asked for.
    Allowed,
    /// The user can be asked.
    Asked,
    /// No.
    Forbidden,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Whether the server's connection may be disconnected.
    pub disconnect: Disconnect,
    /// Whether every stage is planned at once, to show them.
    pub whole: bool,
    /// The timeout of a wait.
    pub patience: Duration,
}

/// What this run has tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    stage: Stage,
    /// The connections to the broker that do not count, because they were to be replaced.
    before: Vec<(String, u64)>,
    /// Whether it has waited for pods of the server.
    pods: bool,
}

/// The last stage that was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    None,
    Waited,
    Restarted,
    Disconnected,
}

/// The next plan, and what it tries.
///
/// # Errors
///
/// If the server cannot be changed, if it could not be seen to be connected, or if nothing is left that may be tried.
pub fn plan(facts: &Facts, request: &Request, tried: &Tried) -> Result<(Plan, Tried), Refusal> {
    if let Some(plan) = starting(facts).filter(|_| !tried.pods) {
        return Ok((plan, Tried { pods: true, ..tried.clone() }));
    }
    let view = ServerView::of(facts)?;
    if let Some((true, evidence)) = server_mode(facts) {
        let why = format!("{} runs MeshSync itself and needs no connection to the broker ({evidence})", view.name());
        return Err(Refusal::new(why, [Advice::command("server status")]));
    }
    let links = server_links(facts);
    if tried.stage != Stage::None && links.links.iter().any(|link| link.listens && !tried.before.contains(&link.id)) {
        return Ok((view.plan([]), tried.clone()));
    }
    let run = Reconnection { view, request, links, connection: view.connection()? };
    run.next(tried)
}

/// The mild means alone, as `check --fix` applies it: a disconnected connection is connected, otherwise a server in this
/// cluster is restarted.
///
/// # Errors
///
/// As [`plan`].
pub fn mild(view: &ServerView<'_>) -> Result<Plan, Refusal> {
    let request = Request { disconnect: Disconnect::Forbidden, whole: false, patience: OWN };
    let waited = Tried { stage: Stage::Waited, ..Tried::default() };
    let (plan, _) = plan(view.facts, &request, &waited)?;
    Ok(Plan { continues: false, ..plan })
}

/// If the server in this cluster is being restarted, so that it cannot be asked: a plan that waits for it.
fn starting(facts: &Facts) -> Option<Plan> {
    let absent = match facts.server.as_deref() {
        None => true,
        Some(server) => server.named_by == NamedBy::Service && server.unreachable.is_some(),
    };
    let deployment = stack::server_deployment(facts).known().copied()?;
    if !absent || facts.obstacle.is_some() || rollout::incomplete(deployment).is_none() {
        return None;
    }
    let id = id_of(facts, deployment);
    let name = id.to_string();
    let steps =
        vec![Step::new(id, Action::Wait(Until::RolledOut)), Step::in_server(&name, Operation::wait(Goal::Accepts))];
    Some(Plan { steps, continues: true, ..Plan::default() })
}

fn id_of(facts: &Facts, deployment: &Deployment) -> Id {
    Id::of(object::DEPLOYMENT, Some(&facts.target.namespace), stack::name(&deployment.metadata))
}

struct Reconnection<'a> {
    view: ServerView<'a>,
    request: &'a Request,
    links: ServerLinks,
    connection: &'a ClusterConnection,
}

impl<'a> Reconnection<'a> {
    fn next(&self, tried: &Tried) -> Result<(Plan, Tried), Refusal> {
        let Self { view, request, links, connection } = self;
        let status = &connection.status;
        if connection.is_disconnected() {
            return Ok((self.connect()?, Tried { stage: Stage::Disconnected, ..tried.clone() }));
        }
        if !connection.is_connected() {
            let why = format!("connection {} of {} is {status}, not connected", connection.name, view.name());
            let instead =
                [Advice::command("server contexts rediscover"), Advice::command("server contexts upload FILE")];
            return Err(Refusal::new(why, instead));
        }
        let mut tried = tried.clone();
        // Older servers keep their previous links, so the youngest one counts.
        let listening = links.links.iter().filter(|link| link.listens).max_by_key(|link| link.is_young);
        if let Some(link) = listening.filter(|_| tried.stage == Stage::None) {
            // After a change of the connection, what it started may be this link.
            let is_settling = link.is_young || self.settling().is_some();
            if request.disconnect != Disconnect::Allowed || is_settling {
                let seen = vec![format!("{} subscribes to {}", link.shown(), links.subject)];
                return Ok((Plan { seen, ..view.plan([]) }, tried));
            }
            // The user wants another connection although there is one. Waiting would not bring it.
            tried.before = links.links.iter().map(|link| link.id.clone()).collect();
            tried.stage = Stage::Waited;
        }
        if let Some(why) = &links.unseen {
            let why = format!("whether the server is connected to the broker cannot be seen: {why}");
            return Err(Refusal { undetermined: true, ..Refusal::new(why, [Advice::command("test broker")]) });
        }
        if !links.has_broker && request.disconnect != Disconnect::Allowed && self.settling().is_none() {
            let why = "there is no broker in this cluster to which the server could connect";
            return Err(Refusal::new(why, [Advice::command("system redeploy")]));
        }
        if request.whole {
            return self.whole(&tried);
        }
        match tried.stage {
            Stage::None => {
                tried.stage = Stage::Waited;
                Ok((Plan { continues: true, ..view.plan([self.own_way(&tried.before)]) }, tried))
            }
            Stage::Waited if self.inside().is_some() => {
                let mut plan = Plan { continues: true, ..view.plan([]) };
                self.restart(&tried.before, &mut plan);
                tried.stage = Stage::Restarted;
                Ok((plan, tried))
            }
            Stage::Waited | Stage::Restarted => {
                let plan = self.renewed(&tried)?;
                tried.stage = Stage::Disconnected;
                Ok((plan, tried))
            }
            Stage::Disconnected => Err(Refusal::new("the server did not connect to the broker", [])),
        }
    }

    /// Every stage, to show them.
    fn whole(&self, tried: &Tried) -> Result<(Plan, Tried), Refusal> {
        let mut plan = self.view.plan((tried.stage == Stage::None).then(|| self.own_way(&tried.before)));
        if self.inside().is_some() {
            self.restart(&tried.before, &mut plan);
        }
        match self.renewed(tried) {
            Ok(last) => {
                plan.steps.extend(last.steps);
                plan.warnings.extend(last.warnings);
            }
            Err(refusal) if plan.steps.is_empty() => return Err(refusal),
            Err(refusal) => plan.warnings.push(format!("if this does not help: {}", self.why_not(&refusal))),
        }
        plan.warnings.push("each step is taken only if the ones before it did not help".into());
        Ok((plan, tried.clone()))
    }

    fn why_not(&self, refusal: &Refusal) -> String {
        match self.request.disconnect {
            Disconnect::Forbidden => "only --disconnect is left, which disconnects the connection".into(),
            _ => refusal.why.clone(),
        }
    }

    /// The wait for the server's own attempt.
    fn own_way(&self, before: &[(String, u64)]) -> Operation {
        let settling = self.settling().map_or(Duration::ZERO, |rest| rest.min(self.request.patience));
        let at_most = OWN.min(self.request.patience / 2).max(settling);
        Operation::Wait { goal: Goal::Link(before.to_vec()), at_most: Some(at_most), optional: true }
    }

    /// The server's Deployment, if the server that was asked runs in this cluster.
    fn inside(&self) -> Option<&'a Deployment> {
        let facts = self.view.facts;
        let deployment = stack::server_deployment(facts).known().copied()?;
        (self.view.server.named_by == NamedBy::Service || names_service(facts, &self.view.server.address))
            .then_some(deployment)
    }

    /// Restarts the server, and makes it use its connections again.
    fn restart(&self, before: &[(String, u64)], plan: &mut Plan) {
        let Some(deployment) = self.inside() else { return };
        let (facts, address) = (self.view.facts, &self.view.server.address);
        let id = id_of(facts, deployment);
        let product = Component::Server.title(facts.profile);
        match restarted(deployment).map(|at| facts.taken_at.duration_since(at)) {
            Some(age) if age < FIRST_SYNC => {
                plan.warnings.push(format!("{id} was restarted {} ago, and is not restarted again", words::age(age)));
            }
            _ => {
                let why = "it connects to the broker anew";
                plan.steps.push(Step::new(id.clone(), Action::Restart).because(why));
                plan.warnings.push(format!("{product} is restarted; nobody can use it meanwhile"));
                if self.view.server.session == ServerSession::Local {
                    plan.warnings.push(
                        "with its local provider the server forgets its connections when it stops, except to the \
                         cluster in which it runs; `server contexts upload` brings others back"
                            .into(),
                    );
                }
            }
        }
        let in_server = |operation| Step::in_server(address, operation);
        plan.steps.push(Step::new(id, Action::Wait(Until::RolledOut)));
        plan.steps.push(in_server(Operation::wait(Goal::Accepts)));
        plan.steps.push(in_server(Operation::Rediscover).because("after a restart it starts nothing by itself"));
        plan.steps.push(in_server(Operation::Wait {
            goal: Goal::Link(before.to_vec()),
            at_most: None,
            optional: true,
        }));
    }

    /// Disconnects the connection, and connects it again.
    fn renewed(&self, tried: &Tried) -> Result<Plan, Refusal> {
        let Self { view, request, links, connection } = self;
        let waited = || format!("{} has not connected to the broker", view.name());
        if request.disconnect == Disconnect::Forbidden {
            let mut instead: Vec<Advice> = vec![
                "to disconnect its connection and connect it again, which removes what the server installed in this \
                 cluster and installs it again, add --disconnect"
                    .into(),
            ];
            if self.inside().is_none() {
                instead.insert(0, "restart the server where it runs".into());
            }
            return Err(Refusal::new(waited(), instead));
        }
        let (reference, generation) = self.target()?;
        if let Some(rest) = self.settling() {
            let rest = words::age(SignedDuration::try_from(rest).unwrap_or_default());
            let why = format!("{}, but its connection was changed a moment ago and may still take effect", waited());
            return Err(Refusal::new(why, [format!("run the command again in {rest}").into()]));
        }
        let set = |status| Operation::SetStatus(reference.clone(), status, generation);
        let mut before: Vec<(String, u64)> = links.links.iter().map(|link| link.id.clone()).collect();
        before.extend(tried.before.iter().filter(|id| !before.contains(id)).cloned().collect::<Vec<_>>());
        let operator = operator_stack(view.facts);
        let installed = operator.objects.iter().any(|object| object.release.is_some());
        let gone =
            Operation::Wait { goal: Goal::OperatorGone, at_most: Some(REMOVAL.min(request.patience)), optional: true };
        let mut plan = view.plan(
            [set(Status::Disconnected), Operation::wait(Goal::Disconnected(reference.clone()))]
                .into_iter()
                .chain(installed.then_some(gone))
                .chain([set(Status::Connected), Operation::wait(Goal::Link(before.clone()))]),
        );
        plan.warnings.push(format!(
            "disconnecting {} removes what the server installed in this cluster: the operator, and with it the broker, \
             MeshSync and their custom resources; connecting installs them again, without changes that were made to \
             them since",
            connection.name
        ));
        let foreign: Vec<&str> = operator
            .objects
            .iter()
            .filter(|object| object.release.is_none())
            .map(|object| object.name.as_str())
            .collect();
        if !foreign.is_empty() {
            let stay = if foreign.len() == 1 { "stays" } else { "stay" };
            plan.warnings.push(format!(
                "{} {stay}, because no Helm release contains {}: the server installs with Helm",
                words::list(&foreign),
                if foreign.len() == 1 { "it" } else { "them" }
            ));
        }
        if generation == ApiGeneration::Graphql && !before.is_empty() {
            plan.warnings.push(
                "a server of this generation keeps its previous connection to the broker too, and stores every event \
                 twice until it is restarted"
                    .into(),
            );
        }
        Ok(plan)
    }

    /// Connects a disconnected connection.
    fn connect(&self) -> Result<Plan, Refusal> {
        let (reference, generation) = self.target()?;
        let before = self.links.links.iter().map(|link| link.id.clone()).collect();
        let mut plan = self.view.plan([
            Operation::SetStatus(reference, Status::Connected, generation),
            Operation::wait(Goal::Link(before)),
        ]);
        if operator_stack(self.view.facts).objects.is_empty() {
            plan.warnings
                .push("the server installs the operator in this cluster, and with it broker and MeshSync".into());
        }
        Ok(plan)
    }

    /// The connection as it can be changed, and the generation of the request.
    fn target(&self) -> Result<(ConnectionRef, ApiGeneration), Refusal> {
        let reference = self.view.changeable()?;
        let Some(generation) = self.view.generation() else {
            let unknown =
                self.view.server.generation.why_unsettled().filter(|_| !self.view.server.generation.is_absent());
            let name = self.view.name();
            return Err(match unknown {
                Some(why) => {
                    let why = format!("which requests {name} understands is not known: {why}");
                    Refusal { undetermined: true, ..Refusal::new(why, [Advice::command("server status")]) }
                }
                None => Refusal::new(
                    format!("{name} has no request that is known to change a connection's status"),
                    ["disconnect and connect it in the server's user interface".into()],
                ),
            });
        };
        Ok((reference, generation))
    }

    /// How long a recent change of the connection may still need to take effect.
    fn settling(&self) -> Option<Duration> {
        let age = self.view.facts.taken_at.duration_since(self.connection.updated?);
        let rest = FIRST_SYNC.checked_sub(age)?;
        // A server whose clock is ahead must not block this for ever.
        (rest.is_positive() && rest <= FIRST_SYNC + crate::diagnose::CLOCK_SKEW)
            .then(|| Duration::try_from(rest).unwrap_or_default())
    }
}

/// When a workload was restarted.
fn restarted(deployment: &Deployment) -> Option<Timestamp> {
    let template = deployment.spec.as_ref()?.template.metadata.as_ref()?;
    template.annotations.as_ref()?.get(RESTARTED)?.parse().ok()
}

/// Whether an address is that of the server's Service in this cluster.
fn names_service(facts: &Facts, address: &str) -> bool {
    let Some(service) = stack::server_service(facts) else { return false };
    let Some(host) = address.split("://").nth(1).map(host_of) else { return false };
    let (name, namespace) = (stack::name(&service.metadata), &facts.target.namespace);
    let own = format!("{name}.{namespace}");
    let cluster_ips = service.spec.iter().flat_map(|spec| spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip));
    host == own
        || host.starts_with(&format!("{own}.svc"))
        || cluster_ips.into_iter().any(|ip| ip == host && ip != "None")
        || stack::external_addresses(service).iter().any(|external| external == host)
}

/// The host of `host:port` or `[host]:port`.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    }
}

#[cfg(test)]
mod tests;
