//! `system reset data`: the server deletes what it stores of this cluster, and receives it again.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ConnectionRef, Goal, Operation, Reached, ServerView};
use crate::{
    diagnose::{self, DataComparison},
    facts::{
        Facts, redact,
        server::{ApiGeneration, ClusterConnection},
        stack,
    },
    observe::server::{client::Ask, requests::encoded},
    repair::{
        apply::StepError,
        plan::{Advice, Plan, Refusal, Step},
    },
    report::State,
    stack::{
        base::{limits, words::list},
        component::Component,
    },
};

/// How long the data may take to arrive before `MeshSync` is restarted; at most half of the timeout.
const GRACE: Duration = Duration::from_secs(30);

/// How long a `MeshSync` that has just been started may take to connect.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// The maximum time for the request: deleting takes as long as the database needs.
const FLUSHES_WITHIN: Duration = Duration::from_secs(60);

/// How many looks may find the previous number of objects before it counts as received again: the server deletes after it
/// has answered.
const LOOKS: usize = 5;

/// How many differences are named.
const NAMED: usize = 3;

/// What the server's GraphQL answers if it cannot delete, because it does not find its own list of contexts.
const NO_CONTEXT: [&str; 2] = ["not able to get the current kubernetes context", "no k8s context found"];

/// What comes after the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The request.
    First,
    /// The restart of `MeshSync`, if the server did not receive the data again.
    Restart,
}

/// Plans one stage. `restart` restarts `MeshSync`; `wait` is the timeout of a wait.
///
/// # Errors
///
/// If the server would not receive the data again, if its API has no such operation, or if that is not known.
pub fn plan(view: &ServerView<'_>, stage: Stage, restart: Vec<Step>, wait: Duration) -> Result<Plan, Refusal> {
    let connection = view.connection()?;
    let (data, source) = diagnose::stored_data(view.facts);
    let before = (data.compared > 0 && stage == Stage::First).then_some(data.stored);
    let full = Operation::wait(Goal::DataMatches(before));
    let embedded = source.embedded == Some(true);
    if stage == Stage::Restart {
        if data.matches() {
            return Ok(Plan::default());
        }
        let mut plan = view.plan([full]);
        plan.steps.splice(0..0, restart);
        return Ok(Plan { announced: true, otherwise: otherwise(), ..plan });
    }
    let generation = generation(view)?;
    permit(view, connection, &source, generation)?;
    let restarts = !embedded && !restart.is_empty();
    let reference = reference(connection, generation)?;
    let name = reference.name.clone();
    let flush = Operation::FlushData(reference, generation);
    let mut plan = if generation == ApiGeneration::Graphql && restarts {
        // This generation never requests the data again.
        let mut plan = view.plan([flush, full]);
        plan.steps.splice(1..1, restart);
        plan
    } else if restarts {
        let goal = Goal::DataMatches(before);
        let first = Operation::Wait { goal, at_most: Some(GRACE.min(wait / 2)), optional: true };
        Plan { continues: true, ..view.plan([flush, first]) }
    } else {
        view.plan([flush, full])
    };
    plan.warnings = warnings(view, &name, &data, generation, plan.continues.then(|| GRACE.min(wait / 2)));
    if source.publishes.is_none() && !embedded {
        plan.warnings.push("it is not known whether MeshSync is connected to the broker".into());
    } else if source.received.is_none() && !embedded {
        plan.warnings.push("it is not known whether the server is connected to the broker".into());
    }
    plan.otherwise = otherwise();
    if generation == ApiGeneration::Graphql {
        plan.otherwise.push(Advice::command("system reset database --dry-run"));
    }
    Ok(plan)
}

/// Plans it as the remedy of a finding, without a restart of `MeshSync`, which is another remedy.
///
/// # Errors
///
/// As [`plan`]. Also if the server does not request the data again by itself.
pub(super) fn fix(view: &ServerView<'_>) -> Result<Plan, Refusal> {
    if view.generation() == Some(ApiGeneration::Graphql) {
        let why = format!("{} does not request the data again by itself", view.name());
        return Err(Refusal::new(why, [Advice::command("system reset data")]));
    }
    plan(view, Stage::First, Vec::new(), Duration::ZERO)
}

fn otherwise() -> Vec<Advice> {
    vec![Advice::command("server status")]
}

fn warnings(
    view: &ServerView<'_>,
    name: &str,
    data: &DataComparison,
    generation: ApiGeneration,
    grace: Option<Duration>,
) -> Vec<String> {
    let total = view.server.data.known().and_then(|data| data.total);
    let number = match (total, data.compared) {
        (Some(total), _) => format!("{total} objects"),
        (None, 1..) => format!("{} objects", data.stored),
        (None, 0) => "all objects".into(),
    };
    let server = view.name();
    let mut warnings = vec![format!(
        "{server} deletes what it stores of connection {name} ({number}); its lists are empty until it has received \
         everything again; designs stay"
    )];
    if generation == ApiGeneration::Graphql {
        warnings.push(
            "servers of this generation often refuse to delete, and do not ask for the data: MeshSync is restarted and \
             publishes every object again, but the server may keep objects that are gone"
                .into(),
        );
    }
    if let Some(grace) = grace {
        warnings.push(format!("if the data is not complete again within {} s, MeshSync is restarted", grace.as_secs()));
    }
    warnings
}

/// The generation of the API, which decides how the request is spelled.
fn generation(view: &ServerView<'_>) -> Result<ApiGeneration, Refusal> {
    view.generation().ok_or_else(|| match view.server.generation.why_unsettled() {
        Some(why) if !view.server.generation.is_absent() => Refusal {
            undetermined: true,
            ..Refusal::new(format!("the generation of the API of {} is not known: {why}", view.name()), [])
        },
        _ => Refusal::new(
            format!(
                "{} has no request that deletes the data of one cluster; servers with GraphQL and newer ones have it",
                view.name()
            ),
            [Advice::command("system redeploy meshsync"), Advice::command("system reset database --dry-run")],
        ),
    })
}

/// Refuses if nothing would fill the data again.
fn permit(
    view: &ServerView<'_>,
    connection: &ClusterConnection,
    source: &diagnose::DataSource,
    generation: ApiGeneration,
) -> Result<(), Refusal> {
    let nothing = |why: String, instead: &str| {
        let why = format!("{why}, so nothing would fill the data again");
        Err(Refusal::new(why, [Advice::command(instead)]))
    };
    let says = |code: &str| view.server.diagnostics.items().iter().any(|said| said.code == code);
    if !connection.is_connected() {
        let why = format!("connection {} of {} is {}", connection.name, view.name(), connection.status);
        return nothing(why, "server contexts rediscover");
    }
    if generation == ApiGeneration::Controllers && says("connection_inactive") {
        let why = format!("{} has no active session for connection {}", view.name(), connection.name);
        return nothing(why, "server contexts rediscover");
    }
    if source.embedded == Some(true) {
        return Ok(());
    }
    if source.publishes == Some(false) && !is_starting(view.facts) {
        return nothing(format!("MeshSync is {}, not {}", source.meshsync, State::Connected), "system check");
    }
    let server = Component::Server.title(view.facts.profile);
    if source.received == Some(false) || (source.received.is_none() && says("broker_unreachable")) {
        return nothing(format!("{server} is not connected to the broker"), "server reconnect");
    }
    Ok(())
}

/// Whether `MeshSync` was started just now and may still connect, as after the restart in a run that was stopped.
fn is_starting(facts: &Facts) -> bool {
    let container = facts.profile.meshsync.container;
    let pods = stack::meshsync_pods(facts).into_iter();
    pods.filter_map(|pod| stack::running_since(pod, container)).max().is_some_and(|since| {
        Duration::try_from(facts.taken_at.duration_since(since)).unwrap_or_default() < CONNECTS_WITHIN
    })
}

/// The connection with the IDs that the request needs.
fn reference(connection: &ClusterConnection, generation: ApiGeneration) -> Result<ConnectionRef, Refusal> {
    let mut reference = ConnectionRef::from(connection);
    if reference.context_id.is_none() {
        // The ID of a connection is that of its context with hyphens, except in the newest generation.
        reference.context_id = Some(reference.id.replace('-', "")).filter(|id| id.len() == 32);
    }
    let lacks = generation != ApiGeneration::Controllers && reference.context_id.is_none();
    if lacks || reference.id.is_empty() {
        let why = format!("the server does not tell the ID of the context of connection {}", connection.name);
        return Err(Refusal { undetermined: true, ..Refusal::new(why, []) });
    }
    Ok(reference)
}

/// The request.
pub(super) fn request(connection: &ConnectionRef, generation: ApiGeneration) -> Ask {
    let context = connection.context_id.as_deref().unwrap_or_default();
    let ask = match generation {
        ApiGeneration::Controllers => {
            let path = format!("/api/integrations/connections/{}/actions", encoded(&connection.id));
            Ask::change("flush", "POST", path).with_json(&json!({ "action": "flushMeshsync" }))
        }
        ApiGeneration::Connections => {
            let path = format!("/api/system/kubernetes/contexts/{}/resync", encoded(context));
            let body = json!({ "clearDb": true, "reSync": true, "hardReset": false });
            Ask::change("flush", "POST", path).with_json(&body)
        }
        ApiGeneration::Graphql => {
            let query = "query($s:ReSyncActions,$c:String!){resyncCluster(selector:$s,k8scontextID:$c)}";
            let selector = json!({ "clearDB": "true", "ReSync": "true", "hardReset": "false" });
            let body = json!({ "query": query, "variables": { "s": selector, "c": context } });
            Ask::change("flush", "POST", "/api/system/graphql/query").with_json(&body)
        }
    };
    ask.patient(FLUSHES_WITHIN)
}

/// What the answer proves.
pub(super) fn evidence(generation: ApiGeneration, answer: &str) -> Result<Option<String>, StepError> {
    match generation {
        ApiGeneration::Controllers => Ok(None),
        ApiGeneration::Connections => Ok(Some("the server accepted the request, and works on it".into())),
        ApiGeneration::Graphql => {
            let answer: Value = serde_json::from_str(answer).unwrap_or_default();
            let Some(said) = answer["errors"][0]["message"].as_str() else {
                return Ok(Some("the server accepted the request, and works on it".into()));
            };
            let said = redact::clean(said);
            let said = crate::stack::base::bounded::cut(said, limits::SERVER_TEXT);
            if NO_CONTEXT.iter().any(|known| said.to_lowercase().contains(known)) {
                return Ok(Some(format!(
                    "the server deleted nothing ({said}), as servers of this generation often do"
                )));
            }
            Err(StepError::Server(format!("the server did not do it: {said}")))
        }
    }
}

/// Why the request was refused, if this status has a meaning of its own.
pub(super) fn refusal(generation: ApiGeneration, status: u16, said: &str) -> Option<StepError> {
    (generation == ApiGeneration::Controllers && status == 409).then(|| {
        let why = format!("the server deleted nothing, because it has no active session for the connection: {said}");
        StepError::Advised(why, Advice::command("server contexts rediscover"))
    })
}

/// How far the data is.
pub(super) fn judge(before: Option<u64>, facts: &Facts) -> Reached {
    let lacks = |why: String| Reached::NotYet(why);
    let Some(server) = facts.server.as_deref().filter(|server| server.has_session()) else {
        return lacks("the server does not answer".into());
    };
    if server.data.known().is_none() {
        let why = server.data.why_unsettled().unwrap_or_else(|| "there is no answer".into());
        return lacks(format!("the stored objects cannot be counted: {why}"));
    }
    let (data, source) = diagnose::stored_data(facts);
    if data.compared == 0 {
        return lacks("no kind was counted both in the server and in the cluster".into());
    }
    let is_idle = source.publishes == Some(false) && source.embedded != Some(true);
    if data.matches() && is_idle {
        return lacks(format!("MeshSync is {}, not {}", source.meshsync, State::Connected));
    }
    if data.matches() {
        let before = before.map(|before| format!("{before} objects stored before, ")).unwrap_or_default();
        return Reached::Yes(format!(
            "{before}{} now, and {} in the cluster ({} kinds compared)",
            data.stored, data.served, data.compared
        ));
    }
    let mut named: Vec<String> = data.missing.iter().chain(&data.ghosts).take(NAMED).cloned().collect();
    let more = data.missing.len() + data.ghosts.len() - named.len();
    if more > 0 {
        named.push(format!("{more} more kinds"));
    }
    lacks(named.join("; "))
}

/// The numbers during a wait.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    lowest: Option<u64>,
    looks: usize,
}

impl Numbers {
    /// Notes what was seen, and delays success until the deletion was seen or has had its time.
    pub(super) fn see(&mut self, goal: &Goal, facts: &Facts, reached: Reached) -> Reached {
        let Goal::DataMatches(before) = goal else { return reached };
        let is_counted = facts.server.as_deref().is_some_and(|server| server.data.known().is_some());
        let (data, _) = diagnose::stored_data(facts);
        if is_counted && data.compared > 0 {
            self.lowest = Some(self.lowest.unwrap_or(u64::MAX).min(data.stored));
        }
        self.looks += 1;
        let fell = before.is_none_or(|before| self.lowest.is_some_and(|lowest| lowest < before));
        match reached {
            Reached::Yes(evidence) if fell => Reached::Yes(match self.lowest {
                Some(lowest) => format!("{evidence}; {lowest} at the lowest in between"),
                None => evidence,
            }),
            Reached::Yes(evidence) if self.looks >= LOOKS => {
                Reached::Yes(format!("{evidence}; never seen lower in between"))
            }
            Reached::Yes(_) => Reached::NotYet("the number of stored objects has not changed yet".into()),
            other => other,
        }
    }

    /// What was seen if the goal was not reached.
    pub(super) fn evidence(&self, goal: &Goal) -> Option<String> {
        let (Goal::DataMatches(before), Some(lowest)) = (goal, self.lowest) else { return None };
        let before = before.map_or_else(|| "an unknown number".into(), |before| before.to_string());
        Some(list(&[&format!("objects stored before: {before}"), &format!("at the lowest: {lowest}")]))
    }
}

#[cfg(test)]
mod tests;
