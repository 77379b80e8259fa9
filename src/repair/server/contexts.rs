//! Plans for the contexts that Meshery Server knows: to find them again, to upload, and to delete them. Pure.

use std::sync::Arc;

use super::ServerView;
use crate::repair::operation::{ConnectionRef, Goal, Operation, Upload, UploadedRef, connected, connection::is_uuid};
use crate::{
    cluster::{
        kubeconfig::portable::{self, Portable, PortableContext},
        server_access::Origin,
    },
    facts::{
        Facts,
        server::{ApiGeneration, ClusterConnection, Connections, ServerRoute, ServerSession},
    },
    observe::server::{More, shown},
    repair::plan::{Advice, Plan, Refusal},
    stack::{
        base::{seen::Seen, words},
        object::Id,
    },
};

/// Why no connection was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// There is none with this ID.
    Gone,
    /// The name is wrong, or stands for several; one sentence.
    Misuse(String),
    /// The server did not list all of its connections; one sentence.
    Unknown(String),
}

/// The connection with this name, or with this ID of its own, of its context or of its cluster.
///
/// # Errors
///
/// [`NotFound`] if there is none, or several.
pub fn find<'a>(connections: &'a Connections, wanted: &str) -> Result<&'a ClusterConnection, NotFound> {
    let bare = |id: &str| id.replace('-', "").to_ascii_lowercase();
    let id = bare(wanted);
    let is_meant = |connection: &&ClusterConnection| {
        let ids = [Some(&connection.id), connection.context_id.as_ref(), connection.cluster_id.as_ref()];
        connection.name == shown(wanted) || ids.into_iter().flatten().any(|own| bare(own) == id)
    };
    let found: Vec<&ClusterConnection> = connections.items.iter().filter(is_meant).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if !connections.is_complete() => {
            let (known, all) = (connections.items.len(), connections.total);
            let wanted = shown(wanted);
            Err(NotFound::Unknown(format!("\"{wanted}\" is not among the {known} of {all} connections that are known")))
        }
        [] if is_uuid(wanted) || is_context_id(wanted) => Err(NotFound::Gone),
        [] => {
            let names: Vec<&str> = connections.items.iter().map(|connection| connection.name.as_str()).collect();
            let there_is = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(NotFound::Misuse(format!(
                "the server has no connection with the name \"{}\"; available: {there_is}",
                shown(wanted)
            )))
        }
        several => {
            let ids: Vec<String> =
                several.iter().map(|connection| format!("{} ({})", connection.id, connection.status)).collect();
            let wanted = shown(wanted);
            Err(NotFound::Misuse(format!(
                "\"{wanted}\" means several connections; name one by its ID: {}",
                ids.join(", ")
            )))
        }
    }
}

/// Whether a text is the ID of a Kubernetes context as servers write it.
fn is_context_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl ServerView<'_> {
    /// All connections of the server.
    ///
    /// # Errors
    ///
    /// If they could not be read.
    fn connections(&self) -> Result<&Connections, Refusal> {
        self.server.connections.known().ok_or_else(|| {
            let why = self.server.connections.why_unsettled().unwrap_or_else(|| "there was no answer".into());
            let why = format!("the connections of {} could not be read: {why}", self.name());
            Refusal { undetermined: true, ..Refusal::new(why, []) }
        })
    }

    fn own_connection(&self) -> Option<&ClusterConnection> {
        self.server.connection_to(self.facts.cluster_id.known()?)
    }
}

/// Makes the server look for kubeconfigs again.
///
/// # Errors
///
/// If its connections cannot be read.
pub fn rediscover(view: &ServerView<'_>) -> Result<Plan, Refusal> {
    view.connections()?;
    let goal = Goal::Rediscovered(connected::active_ids(view.facts));
    let mut plan = view.plan([Operation::Rediscover, Operation::wait(goal)]);
    plan.warnings.push(
        "the server looks for kubeconfigs again, and starts again what it does for each of its connections: it may deploy \
         the operator in every cluster that has none"
            .into(),
    );
    if let Ok(seen) = connected::to_this_cluster(view.facts) {
        plan.warnings.push(format!("nothing is missing: {seen}"));
    }
    if view.generation() == Some(ApiGeneration::Graphql) {
        let local = view.server.session == ServerSession::Local;
        let stays = local && view.own_connection().is_some() && view.server.is_active() == Some(false);
        plan.warnings.push(
            "a server of this generation may open one more connection to the broker each time, and stores each event once \
             more, until it restarts"
                .into(),
        );
        if stays {
            plan.warnings.push(
                "with the local provider, a server of this generation receives data again, but its states of this cluster \
                 stay unknown; only an upload of the kubeconfig ends that"
                    .into(),
            );
        }
    }
    plan.otherwise.push(Advice::command("server contexts upload FILE"));
    Ok(plan)
}

/// Uploads this kubeconfig, which was read from `file`.
///
/// # Errors
///
/// If the server's connections cannot be read.
pub fn upload(view: &ServerView<'_>, file: &str, kubeconfig: &Portable) -> Result<Plan, Refusal> {
    let connections = view.connections()?;
    let contexts = &kubeconfig.contexts;
    let names: Vec<String> = contexts.iter().map(|context| context.name.clone()).collect();
    let listed = words::list(&names);
    let refs: Vec<UploadedRef> = contexts
        .iter()
        .map(|context| UploadedRef { name: context.name.clone(), api_server: context.server.clone() })
        .collect();
    let upload = Upload { file: portable::shown(file), contexts: names, kubeconfig: Arc::new(kubeconfig.text.clone()) };
    let goal = Goal::Uploaded(refs.clone());
    let mut plan = view.plan([Operation::Upload(upload), Operation::wait(goal)]);
    let noun = if contexts.len() == 1 { "context" } else { "contexts" };
    if let Some(step) = plan.steps.first_mut() {
        step.why = Some(format!("{noun} {listed}"));
    }
    let warnings = &mut plan.warnings;
    warnings.push(format!("the server stores the credentials of {noun} {listed}, and uses them from then on"));
    if !kubeconfig.files.is_empty() {
        let files: Vec<String> = kubeconfig.files.iter().map(|file| words::quoted(file)).collect();
        let files = words::list(&files);
        warnings.push(format!("the content of {files} is included, because {noun} {listed} refers to it"));
    }
    warnings.push("the server deploys the operator in each of these clusters that has none".into());
    if contexts.len() > 1 {
        let all = contexts.len();
        warnings
            .push(format!("all {all} contexts are uploaded, and each becomes a connection; choose with --only NAME"));
    }
    let address = Origin::parse(&view.server.address).ok();
    if address.as_ref().is_some_and(|origin| !origin.tls && !origin.is_loopback()) {
        warnings.push(format!("the credentials are sent without encryption to {}", view.server.address));
    }
    let is_here = view.server.route == ServerRoute::Direct && address.as_ref().is_some_and(Origin::is_loopback);
    for (context, own) in contexts.iter().zip(&refs) {
        warnings.extend(of_context(context, is_here));
        warnings.extend(of_existing(connections, own));
    }
    plan.otherwise.push(Advice::command("server contexts list"));
    Ok(plan)
}

/// What the server may not be able to do with a context.
fn of_context(context: &PortableContext, server_is_here: bool) -> Vec<String> {
    let name = &context.name;
    let mut warnings = Vec::new();
    if Origin::parse(&context.server).is_ok_and(|origin| origin.is_loopback()) {
        let server = &context.server;
        warnings.push(if server_is_here {
            format!(
                "context {name} leads to {server}, which is this machine: a server in a container does not reach it"
            )
        } else {
            format!("context {name} leads to {server}, which is this machine: a server elsewhere does not reach it")
        });
    }
    if let Some(program) = &context.program {
        warnings.push(format!(
            "context {name} gets its credentials from the program {}, which the server can run only if it is installed \
             where the server runs",
            words::quoted(&shown(program))
        ));
    }
    if let Some(provider) = &context.provider {
        warnings.push(format!(
            "context {name} uses the auth-provider {}, which Kubernetes clients no longer support",
            words::quoted(&shown(provider))
        ));
    }
    if context.is_anonymous {
        warnings.push(format!("context {name} has no credentials"));
    }
    warnings
}

/// What the server has of a context already.
fn of_existing(connections: &Connections, context: &UploadedRef) -> Option<String> {
    let name = &context.name;
    let is_same = |connection: &&ClusterConnection| {
        connection.api_server.as_deref().is_some_and(|address| connected::is_same_address(address, &context.api_server))
    };
    if let Some(connection) = connections.items.iter().find(|connection| connection.name == shown(name)) {
        let status = &connection.status;
        return Some(if is_same(&connection) {
            format!(
                "context {name} exists already ({status}): the upload starts it again, and adds another connection if its \
                 credentials are others"
            )
        } else {
            format!("the server has another connection with the name {name} ({status}), which stays")
        });
    }
    let other = connections.items.iter().find(is_same)?;
    Some(format!(
        "the server has connection {} to the API server of context {name} already, and will have two to this cluster",
        other.name
    ))
}

/// What must be asked to plan the deletion of this connection.
pub(crate) fn asked_for_deletion(facts: &Facts, wanted: &str) -> More {
    let connections = facts.server.as_deref().and_then(|server| server.connections.known());
    let connection = connections.and_then(|connections| find(connections, wanted).ok());
    let cluster = connection.and_then(|connection| connection.cluster_id.clone());
    More { stored: cluster.into_iter().collect(), ..More::default() }
}

/// Deletes a connection, by its name or an ID.
///
/// # Errors
///
/// If there is none with this name, or if the server's connections cannot be read.
pub fn delete(view: &ServerView<'_>, wanted: &str) -> Result<Plan, Refusal> {
    let connections = view.connections()?;
    let connection = match find(connections, wanted) {
        Ok(connection) => connection,
        Err(NotFound::Gone) => {
            let gone = ConnectionRef { name: wanted.to_owned(), ..ConnectionRef::default() };
            let id: Id = Operation::DeleteConnection(gone).subject(&view.server.address);
            return Ok(Plan {
                warnings: vec![format!("{} has no connection {wanted}: it is gone already", view.name())],
                unchanged: vec![id],
                ..view.plan([])
            });
        }
        Err(NotFound::Misuse(why)) => return Err(Refusal::misuse(why)),
        Err(NotFound::Unknown(why)) => return Err(Refusal { undetermined: true, ..Refusal::new(why, []) }),
    };
    let own = ConnectionRef::from(connection);
    let name = &connection.name;
    if own.uuid().is_none() {
        let why =
            format!("the ID of connection {name} is \"{}\", and servers delete another one for such an ID", own.id);
        return Err(Refusal::new(why, []));
    }
    let cluster = connection.cluster_id.as_deref();
    let stored = cluster.and_then(|cluster| view.server.stored.get(cluster)).and_then(Seen::known).copied();
    let goal = Goal::Deleted { connection: own.clone(), stored };
    let mut plan = view.plan([Operation::DeleteConnection(own), Operation::wait(goal)]);
    if let Some(step) = plan.steps.first_mut() {
        let of = connection.api_server.as_ref().map(|server| format!(" to {server}")).unwrap_or_default();
        step.why = Some(format!("{}, {}{of}", connection.id, connection.status));
    }
    plan.warnings = lost(view, connections, connection, stored);
    Ok(plan)
}

/// What goes with a connection.
fn lost(
    view: &ServerView<'_>,
    connections: &Connections,
    connection: &ClusterConnection,
    stored: Option<u64>,
) -> Vec<String> {
    let name = &connection.name;
    let mut lost = vec![format!("the server forgets connection {name}, for all its users who share it")];
    if view.own_connection().is_some_and(|own| own.id == connection.id) {
        lost.push("it is the server's connection to this cluster".into());
    }
    let is_other = |other: &&ClusterConnection| {
        other.id != connection.id && other.cluster_id.is_some() && other.cluster_id == connection.cluster_id
    };
    let others: Vec<&str> = connections.items.iter().filter(is_other).map(|other| other.name.as_str()).collect();
    let objects = match stored {
        Some(stored) => format!("the {stored} stored objects of its cluster"),
        None => "the stored objects of its cluster".into(),
    };
    if view.generation() == Some(ApiGeneration::Graphql) {
        lost.push(format!(
            "a server of this generation deletes no more than that: {objects}, the operator in the cluster and the server's \
             connection to the broker stay until it restarts"
        ));
    } else if others.is_empty() {
        lost.push(format!("it is the last connection to its cluster, so {objects} may be deleted with it"));
        lost.push("the server no longer manages the operator that it installed in the cluster".into());
    } else {
        lost.push(format!("{objects} stay, because of {}", words::list(&others)));
    }
    lost
}

#[cfg(test)]
mod tests;
