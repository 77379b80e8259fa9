//! `system reset data`: the server deletes what it stores of this cluster, and receives it again.

use std::time::Duration;

use serde_json::{Value, json};

use super::ServerView;
use crate::repair::operation::{ConnectionRef, Goal, Operation};
use crate::{
    diagnose::{self, DataComparison},
    facts::{
        Facts, redact,
        server::{ApiGeneration, ClusterConnection},
        stack,
    },
    observe::server::{client::Ask, requests::encoded},
    repair::{
        plan::{Advice, Plan, Refusal, Step},
        progress::StepError,
    },
    report::State,
    stack::{base::limits, component::Component},
};

/// How long the data may take to arrive before `MeshSync` is restarted; at most half of the timeout.
const GRACE: Duration = Duration::from_secs(30);

/// How long a `MeshSync` that has just been started may take to connect.
const CONNECTS_WITHIN: Duration = Duration::from_secs(30);

/// The maximum time for the request: deleting takes as long as the database needs.
const FLUSHES_WITHIN: Duration = Duration::from_secs(60);

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
    let mut plan = if !requests_again(generation) && restarts {
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
    if view.generation().is_some_and(|generation| !requests_again(generation)) {
        let why = format!("{} does not request the data again by itself", view.name());
        return Err(Refusal::new(why, [Advice::command("system reset data")]));
    }
    plan(view, Stage::First, Vec::new(), Duration::ZERO)
}

/// Whether the server requests the data again after it has deleted it. Older ones say that they do, but do not.
fn requests_again(generation: ApiGeneration) -> bool {
    generation == ApiGeneration::Controllers
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
    if !requests_again(generation) {
        warnings.push(
            "servers of this generation do not request the data again: MeshSync is restarted, and publishes every object \
             again"
                .into(),
        );
    }
    if generation == ApiGeneration::Graphql {
        warnings.push(
            "servers of this generation often refuse to delete; the server keeps objects that are gone then".into(),
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

#[cfg(test)]
mod tests;
