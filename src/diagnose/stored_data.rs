//! What Meshery Server stored, compared with the cluster.

use std::collections::BTreeSet;

use super::stack_view::StackView;
use crate::{facts::watch_list::in_force, report::State, stack::watched_kinds};

/// A difference up to this number, or up to a tenth, can be due to changes between the two counts.
const TOLERATED: u64 = 5;

/// The server's numbers of objects beside the cluster's own, for the watched kinds that both tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataComparison {
    /// The number of compared kinds.
    pub(crate) compared: usize,
    /// Their objects in the server.
    pub(crate) stored: u64,
    /// Their objects in the cluster.
    pub(crate) served: u64,
    /// Kinds of which the server has too few: `Pod: 3 stored, 12 in the cluster`.
    pub(crate) missing: Vec<String>,
    /// Kinds of which the server has too many.
    pub(crate) ghosts: Vec<String>,
}

impl DataComparison {
    /// Whether kinds were compared and none differs. A server that stores nothing does not match a cluster that has few
    /// objects of each kind.
    pub(crate) fn matches(&self) -> bool {
        let stores = self.stored > 0 || self.served == 0;
        self.compared > 0 && stores && self.missing.is_empty() && self.ghosts.is_empty()
    }

    /// Compares what the facts contain.
    pub(crate) fn of(view: &StackView<'_>) -> Self {
        let mut all = Self::default();
        let server = view.facts.server.as_deref();
        let Some((server, data)) = server.and_then(|server| Some((server, server.data.known()?))) else { return all };
        let watched = watched(view);
        for (kind, served) in &server.served {
            let in_list = watched.as_ref().is_none_or(|watched| watched.contains(kind.as_str()));
            let stored = data.kinds.get(kind).copied().or_else(|| data.every_kind.then_some(0));
            let (true, Some(served), Some(stored)) = (in_list, served.known().copied(), stored) else {
                continue;
            };
            all.compared += 1;
            all.stored = all.stored.saturating_add(stored);
            all.served = all.served.saturating_add(served);
            // A kind without any object is missing as a whole, if it is known to be watched.
            let lacks_kind = stored == 0 && served > 0 && watched.is_some();
            if !lacks_kind && stored.abs_diff(served) <= TOLERATED.max(served / 10) {
                continue;
            }
            let line = format!("{kind}: {stored} stored, {served} in the cluster");
            if stored < served { all.missing.push(line) } else { all.ghosts.push(line) }
        }
        all
    }
}

/// The kinds that `MeshSync` watches. `None` if that is not known, or if the server runs it.
fn watched(view: &StackView<'_>) -> Option<BTreeSet<&'static str>> {
    if view.server_is_embedded() == Some(true) {
        return None;
    }
    let watched = in_force(view.facts)?.effective(view.facts.profile);
    Some(watched.iter().filter_map(|resource| watched_kinds::kind_of(resource)).collect())
}

/// Whether the server would receive the objects of this cluster again after it has deleted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataSource {
    /// Whether the server runs `MeshSync` itself. `None` if that is not known.
    pub(crate) embedded: Option<bool>,
    /// The state of `MeshSync` in the cluster.
    pub(crate) meshsync: State,
    /// Whether `MeshSync` is connected to the broker. `None` if that is not known.
    pub(crate) publishes: Option<bool>,
    /// Whether the server is connected to the broker. `None` if that is not known.
    pub(crate) received: Option<bool>,
}

impl DataSource {
    /// What the facts and the states prove.
    pub(super) fn of(view: &StackView<'_>, meshsync: State, meshsync_is_determined: bool) -> Self {
        let is_read = view.unseen_clients().is_none() && !view.facts.broker.servers.is_empty();
        let has_link = !view.clients.server.is_empty() || view.server_holds_link();
        Self {
            embedded: view.server_is_embedded(),
            meshsync,
            publishes: match meshsync {
                State::Connected => Some(true),
                State::Unknown => None,
                // A MeshSync that runs may be connected to a broker that cannot be read.
                State::Running | State::Deployed if !is_read => None,
                _ if !meshsync_is_determined => None,
                _ => Some(false),
            },
            received: if has_link { Some(true) } else { is_read.then_some(false) },
        }
    }
}
