//! `system reset database`: the server drops every table, of all its users.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    ServerView,
    earlier::{Earlier, listed},
};
use crate::repair::operation::{
    Before, ConnectionRef, Drop, Goal, Operation,
    database_end::{items, named},
};
use crate::{
    cluster::server_access::Origin,
    facts::server::{ApiGeneration, ServerRoute, Tables},
    observe::server::client::Ask,
    repair::{
        plan::{Advice, Plan, Refusal},
        progress::StepError,
    },
    stack::{base::seen::Seen, profile::Profile},
};

/// How long a server that lists no connection may take to find a kubeconfig. A server that has none never lists one.
const LISTS_WITHIN: Duration = Duration::from_secs(30);

/// The maximum time for the request: copying the archive takes as long as the database is large.
const RESETS_WITHIN: Duration = Duration::from_secs(120);

/// How many tables are named.
const NAMED: usize = 12;

/// Plans the reset. If a run that was stopped has done it already, nothing is dropped again. `earlier` is what such a run
/// listed.
///
/// # Errors
///
/// If it is not known whose database it is.
pub fn plan(view: &ServerView<'_>, tables: &Seen<Tables>, earlier: Option<&Earlier>) -> Result<Plan, Refusal> {
    let confirm = word(view)?;
    let cluster = view.facts.cluster_id.known().filter(|id| !id.is_empty());
    if let Some(why) = tables.known().and_then(|tables| already(tables, view, earlier)) {
        let connections = earlier.map(Earlier::references).unwrap_or_default();
        // Without a list, a connection to this cluster is expected.
        let had = |id: &&String| {
            earlier.is_none() || connections.iter().any(|one| one.cluster_id.as_deref() == Some(id.as_str()))
        };
        let before = Before { cluster: cluster.filter(had).cloned(), connections };
        let plan = view.plan(back(before));
        return Ok(Plan { confirm: Some(confirm), warnings: vec![why], otherwise: otherwise(), ..plan });
    }
    let items = items(&view.server.connections);
    let connections: Vec<ConnectionRef> = items.iter().map(ConnectionRef::from).collect();
    let had = cluster.filter(|id| items.iter().any(|item| item.cluster_id.as_deref() == Some(id.as_str())));
    let before = Before { cluster: had.cloned(), connections };
    let archive = archive(view.facts.profile);
    let warnings = warnings(view, tables, &before, &archive);
    let at = view.facts.taken_at;
    let server = identity(view).unwrap_or_default();
    let listed = items.iter().map(|connection| listed(connection, &server, at)).collect();
    let reset = Operation::ResetDatabase(Drop {
        archive,
        counted: tables.known().map(counted),
        of_users: tables.known().map(rows_of_users),
    });
    let plan = view.plan([reset].into_iter().chain(back(before)));
    Ok(Plan { confirm: Some(confirm), warnings, listed, otherwise: otherwise(), ..plan })
}

/// The steps that bring the connections back.
fn back(before: Before) -> Vec<Operation> {
    let listed = Operation::Wait {
        goal: Goal::Listed(before.clone()),
        at_most: Some(LISTS_WITHIN),
        // Without a connection to this cluster before, there need not be one afterwards.
        optional: before.cluster.is_none(),
    };
    let listed = (before.cluster.is_some() || !before.connections.is_empty()).then_some(listed);
    [Operation::Rediscover].into_iter().chain(listed).chain([Operation::wait(Goal::Back(before))]).collect()
}

fn otherwise() -> Vec<Advice> {
    vec![Advice::command("server contexts upload FILE")]
}

/// What confirms the reset: the server's host name. Through a port-forward the context and the namespace.
fn word(view: &ServerView<'_>) -> Result<String, Refusal> {
    let unknown = |why: &str| Refusal::new(format!("it is not known whose database this is: {why}"), []);
    let target = &view.facts.target;
    match view.server.route {
        ServerRoute::Direct => {
            Origin::parse(&view.server.address).map(|origin| origin.host).map_err(|why| unknown(&why))
        }
        ServerRoute::PortForward => {
            let host = || {
                let host = Origin::parse(target.server.as_deref()?).ok()?.host;
                (!host.is_empty()).then_some(host)
            };
            let cluster = target.context.clone().filter(|context| !context.is_empty()).or_else(host);
            let cluster = cluster.ok_or_else(|| unknown("neither a context nor the API server's address is known"))?;
            Ok(format!("{cluster}/{}", target.namespace))
        }
    }
}

/// What a later run recognizes the server by. The pod behind a port-forward may be another one then.
pub fn identity(view: &ServerView<'_>) -> Option<String> {
    match view.server.route {
        ServerRoute::Direct => Some(view.server.address.clone()),
        ServerRoute::PortForward => word(view).ok(),
    }
}

/// The archive that the server writes, without the time in its name.
fn archive(profile: &Profile) -> String {
    format!("~/{}/config/.archive/{}db", profile.server.config_folder, profile.name)
}

fn counted(tables: &Tables) -> (u64, u64) {
    (tables.total, tables.rows.values().fold(0, |sum, rows| sum.saturating_add(*rows)))
}

/// Whether a table contains what users and clusters brought, and not what the server creates by itself.
fn is_of_users(table: &str) -> bool {
    ["connections", "k8s_contexts", "performance_profiles", "credentials"].contains(&table)
        || table.starts_with("kubernetes_")
        || ["_patterns", "_filters", "_applications", "_results"].iter().any(|end| table.ends_with(end))
}

/// The number of rows that only users bring. Objects of clusters may arrive again at once.
fn rows_of_users(tables: &Tables) -> u64 {
    let of_users = tables.rows.iter().filter(|(table, _)| is_of_users(table) && !table.starts_with("kubernetes_"));
    of_users.fold(0, |sum, (_, rows)| sum.saturating_add(*rows))
}

/// Why the database need not be dropped: it is empty, or an earlier run did it.
fn already(tables: &Tables, view: &ServerView<'_>, earlier: Option<&Earlier>) -> Option<String> {
    // A database without these tables is broken, not empty.
    let is_whole = ["connections", "kubernetes_resources"].iter().all(|table| tables.rows.contains_key(*table));
    let mut filled =
        tables.rows.iter().filter(|(table, rows)| **rows > 0 && is_of_users(table)).map(|(table, _)| table);
    let connections = view.server.connections.known().map(|connections| connections.items.as_slice());
    if !is_whole {
        return None;
    }
    if connections.is_none_or(<[_]>::is_empty) && filled.clone().next().is_none() {
        let (total, rows) = counted(tables);
        return Some(format!(
            "the database of {} has no connections, no objects of clusters and no designs ({total} tables with {rows} \
             rows), so that nothing is dropped",
            view.name()
        ));
    }
    let earlier = earlier?;
    // What the server finds by itself after a reset.
    let is_found =
        |table: &String| ["connections", "k8s_contexts"].contains(&table.as_str()) || table.starts_with("kubernetes_");
    let is_new = connections.is_some_and(|items| !items.iter().any(|item| earlier.has(item)));
    (is_new && filled.all(is_found)).then(|| {
        format!(
            "a run at {:.0} listed the connections in {}, and none of them is left, so that nothing is dropped again; to \
             drop the tables nevertheless, add --no-backup",
            earlier.at, earlier.file
        )
    })
}

fn warnings(view: &ServerView<'_>, tables: &Seen<Tables>, before: &Before, archive: &str) -> Vec<String> {
    let name = view.name();
    let mut warnings = vec![match tables.known() {
        Some(tables) => {
            let (total, rows) = counted(tables);
            let all = format!("{name} drops every table, for all its users: {total} tables with {rows} rows");
            let filled = filled(tables);
            if filled.is_empty() { all } else { format!("{all} ({filled})") }
        }
        None => format!(
            "{name} drops every table, for all its users; what they contain could not be read: {}",
            tables.why_unsettled().unwrap_or_else(|| "the server does not tell".into())
        ),
    }];
    if before.connections.is_empty() {
        if let Some(why) = view.server.connections.why_unsettled() {
            warnings.push(format!("the connections of the server could not be read ({why}); they are lost too"));
        }
    } else {
        warnings.push(format!(
            "{} lost: {}; the server finds only those again whose kubeconfig it has itself, all others must be uploaded \
             again",
            if before.connections.len() == 1 { "this connection is" } else { "these connections are" },
            named(before.connections.iter())
        ));
    }
    warnings.push(
        "designs, settings, the configuration of the controllers, and the stored objects of every cluster are lost; \
         MeshSync publishes its objects again when it is restarted (system reset data)"
            .into(),
    );
    warnings.push(format!(
        "the server copies the database before to {archive}YYYYMMDDhhmm07.sql in the home folder of its account; the \
         copy may lack the latest changes, and a second reset within the same minute overwrites it"
    ));
    if view.generation() == Some(ApiGeneration::Graphql) {
        warnings.push(
            "servers of this generation create some tables, such as that of their events, only when they are restarted"
                .into(),
        );
    }
    warnings
}

/// The tables with the most rows: `connections 2, keys 60`.
fn filled(tables: &Tables) -> String {
    let mut rows: Vec<(&String, &u64)> = tables.rows.iter().filter(|(_, rows)| **rows > 0).collect();
    // What users brought comes first.
    rows.sort_by_key(|(name, rows)| (!is_of_users(name), std::cmp::Reverse(**rows), *name));
    let more = rows.len().saturating_sub(NAMED);
    let mut shown: Vec<String> = rows.iter().take(NAMED).map(|(name, rows)| format!("{name} {rows}")).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// The request.
pub(super) fn request() -> Ask {
    Ask::change("reset", "DELETE", "/api/system/database/reset").patient(RESETS_WITHIN)
}

/// Where the archive is, by the time of the request.
pub(super) fn archived(drop: &Drop, at: Timestamp) -> String {
    let minute = at.strftime("%Y%m%d%H%M");
    format!(
        "the database before is on the server as {}{minute}07.sql (the minute of the request by this computer's clock, \
         in UTC)",
        drop.archive
    )
}

/// Why the tables were not dropped, though the server said so. `None` if they were, or if that is not known.
pub(super) fn unchanged(drop: &Drop, tables: &Seen<Tables>) -> Option<StepError> {
    let before = drop.of_users.filter(|rows| *rows > 0)?;
    let after = rows_of_users(tables.known()?);
    (after >= before).then(|| {
        let why = "the server said that it reset its database, but the tables still have what users stored in them";
        StepError::Server(format!("{why} ({after} rows, {before} before)"))
    })
}

/// The tables before and after.
pub(super) fn emptied(drop: &Drop, tables: &Seen<Tables>) -> String {
    let shown = |(tables, rows): (u64, u64)| {
        let number = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        format!("{} with {}", number(tables, "table"), number(rows, "row"))
    };
    let before = drop.counted.map_or_else(|| "tables that could not be counted".into(), shown);
    match tables.known() {
        Some(tables) => format!("{before} before the reset, {} after it", shown(counted(tables))),
        None => format!(
            "{before} before the reset; those after it could not be counted: {}",
            tables.why_unsettled().unwrap_or_else(|| "the server does not tell".into())
        ),
    }
}

#[cfg(test)]
mod tests;
