//! The plan of `server mode`. Pure.

use super::ServerView;
use crate::repair::operation::{Goal, Operation, mode_end};
use crate::{
    diagnose::server_link::{operator_forbidden, operator_stack},
    facts::server::ApiGeneration,
    repair::plan::{Advice, Plan, Refusal},
    stack::base::words,
};

/// The server's variable for the mode of connections that have none of their own.
const DEFAULT_MODE: &str = "MESHSYNC_DEFAULT_DEPLOYMENT_MODE";

/// Plans that the server watches this cluster in this mode: `embedded`, otherwise `operator`.
///
/// # Errors
///
/// If the server has no modes, if it may not use the operator, or if its connection to this cluster is not used.
pub fn plan(view: &ServerView<'_>, embedded: bool) -> Result<Plan, Refusal> {
    has_modes(view, embedded)?;
    let word = word(embedded);
    if !embedded && let Some(evidence) = operator_forbidden(view.facts) {
        let why = format!("{} is not allowed to use the operator ({evidence})", view.name());
        let instead = "remove the variable DISABLE_OPERATOR from the server's Deployment";
        return Err(Refusal::new(why, [instead.into()]));
    }
    let reference = view.changeable()?;
    let connection = view.connection()?;
    let name = &connection.name;
    if !connection.is_connected() {
        let why = format!("connection {name} is {}, and only a connected one can change its mode", connection.status);
        let instead = if connection.is_disconnected() { "server reconnect" } else { "server contexts rediscover" };
        return Err(Refusal::new(why, [Advice::command(instead)]));
    }
    let wait = Operation::wait(Goal::Mode(embedded));
    if connection.mode.as_deref() == Some(word) {
        return Ok(match mode_end::in_cluster(view.facts, embedded) {
            Ok(seen) => {
                Plan { seen: vec![format!("the mode of connection {name} is {word}; {seen}")], ..view.plan([]) }
            }
            // It was requested before, and a second request would do nothing.
            Err(_) => view.plan([wait]),
        });
    }
    let mut plan = view.plan([Operation::SetMode(reference, embedded), wait]);
    plan.warnings = warnings(view, embedded);
    Ok(plan)
}

fn word(embedded: bool) -> &'static str {
    if embedded { "embedded" } else { "operator" }
}

/// Only the newest generation can change the mode of a connection.
fn has_modes(view: &ServerView<'_>, embedded: bool) -> Result<(), Refusal> {
    let name = view.name();
    match view.generation() {
        Some(ApiGeneration::Controllers) => Ok(()),
        Some(ApiGeneration::Connections) => Err(Refusal::new(
            format!(
                "{name} is of the generation of May 2026, which cannot change the mode of a connection over its API; \
                 servers since July 2026 can"
            ),
            [
                format!("set the environment variable {DEFAULT_MODE} of its Deployment to {}", word(embedded)).into(),
                "or change the mode in its user interface".into(),
            ],
        )),
        Some(ApiGeneration::Graphql) => Err(Refusal::new(
            format!(
                "{name} is of the generation with GraphQL, whose connections have no mode: it always uses the operator; \
                 servers since July 2026 have modes"
            ),
            if embedded {
                vec![Advice::from(format!(
                    "update the server, or set its environment variable {DEFAULT_MODE} if it knows it"
                ))]
            } else {
                vec![Advice::command("server status")]
            },
        )),
        None if view.server.generation.is_absent() => Err(Refusal::new(
            format!("{name} has no request that is known to change a mode; servers since July 2026 have it"),
            [
                format!("set the environment variable {DEFAULT_MODE} of its Deployment to {}", word(embedded)).into(),
                "or change the mode in its user interface".into(),
            ],
        )),
        None => {
            let why = view.server.generation.why_unsettled().unwrap_or_else(|| "there was no answer".into());
            let why = format!("whether {name} has modes is not known: {why}");
            Err(Refusal { undetermined: true, ..Refusal::new(why, [Advice::command("test server")]) })
        }
    }
}

/// What goes, what comes, and what stays.
fn warnings(view: &ServerView<'_>, embedded: bool) -> Vec<String> {
    if !embedded {
        return vec![
            "the server installs the operator in this cluster with Helm, and with it the broker and MeshSync; it \
             receives what they publish instead of watching the cluster itself"
                .into(),
        ];
    }
    let stack = operator_stack(view.facts);
    let of = |installed: bool| {
        let parts = stack.objects.iter().filter(move |object| object.release.is_some() == installed);
        parts.map(|object| object.name.as_str()).collect::<Vec<_>>()
    };
    let (going, staying) = (of(true), of(false));
    let mut warnings = Vec::new();
    if !going.is_empty() {
        warnings.push(format!(
            "the server removes the operator that it installed in this cluster, and with it the broker, MeshSync and \
             their custom resources: {}",
            words::list(&going)
        ));
    }
    if !staying.is_empty() {
        warnings.push(format!(
            "the server did not install {}, which it may leave alone; `system reset stack` removes the rest",
            words::list(&staying)
        ));
    }
    warnings.push(
        "the server runs MeshSync itself: it watches this cluster only while it runs, with the permissions of its \
         kubeconfig"
            .into(),
    );
    warnings
}

#[cfg(test)]
mod tests;
