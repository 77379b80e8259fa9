//! Whether a mode is in effect, by what the cluster itself has. Pure.

use super::status::answered;
use crate::{
    diagnose::server_link::{OperatorStack, StackPart, operator_stack},
    facts::{Facts, server::ClusterConnection},
    report::State,
};

/// Whether the mode is in effect: the evidence, or what is missing.
pub(in crate::repair) fn judge(facts: &Facts, embedded: bool) -> Result<String, String> {
    let word = if embedded { "embedded" } else { "operator" };
    let connection = connection(facts)?;
    let name = &connection.name;
    if connection.mode.as_deref() != Some(word) {
        let mode = connection.mode.as_deref().unwrap_or("not set");
        return Err(format!("the mode of connection {name} is {mode}"));
    }
    let seen = in_cluster(facts, embedded)?;
    Ok(format!("the mode of connection {name} is {word}; {seen}"))
}

/// Whether the cluster has what the mode needs, and no more: the evidence, or what is missing.
pub(in crate::repair) fn in_cluster(facts: &Facts, embedded: bool) -> Result<String, String> {
    let stack = operator_stack(facts);
    if let Some(why) = &stack.unseen {
        return Err(format!("the operator's objects are unknown: {why}"));
    }
    let OperatorStack { operator, meshsync, broker, objects, .. } = stack;
    if !embedded {
        if operator == State::Deployed && meshsync == State::Connected {
            return Ok(format!("operator {operator}, MeshSync {meshsync}, broker {broker}"));
        }
        let failed = said(facts, "operator_deploy_failed").map(|said| format!(" (the server says: {said})"));
        return Err(format!("operator {operator}, MeshSync {meshsync}{}", failed.unwrap_or_default()));
    }
    // What belongs to no Helm release was not installed by the server, which leaves it alone.
    let (going, staying): (Vec<StackPart>, Vec<StackPart>) =
        objects.into_iter().partition(|object| object.release.is_some() || object.terminating);
    let names = |parts: &[StackPart]| parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ");
    if !going.is_empty() {
        return Err(format!("still there: {}", names(&going)));
    }
    if staying.is_empty() {
        return Ok("operator, broker and MeshSync are not in the cluster".into());
    }
    Ok(format!("{} stays, because the server did not install it", names(&staying)))
}

/// Whether the operator's Deployment is gone: the evidence, or what is missing.
pub(in crate::repair) fn operator_gone(facts: &Facts) -> Result<String, String> {
    let stack = operator_stack(facts);
    match (&stack.unseen, stack.operator) {
        (_, State::NotDeployed) => Ok("the operator is not in the cluster".into()),
        (Some(why), _) => Err(format!("the operator is unknown: {why}")),
        (None, state) => Err(format!("the operator is {state}")),
    }
}

/// The server's connection to this cluster.
fn connection(facts: &Facts) -> Result<&ClusterConnection, String> {
    let server = answered(facts)?;
    let cluster = facts.cluster_id.known().ok_or("the cluster's ID is not known")?;
    server.connection_to(cluster).ok_or_else(|| "the server has no connection to this cluster".into())
}

/// What the server's own diagnostics say under a code.
fn said<'a>(facts: &'a Facts, code: &str) -> Option<&'a str> {
    let diagnostics = facts.server.as_deref()?.diagnostics.items();
    diagnostics.iter().find(|diagnostic| diagnostic.code == code).map(|diagnostic| diagnostic.summary.as_str())
}
