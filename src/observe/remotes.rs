//! Observes the registered clusters of Service Mesh Hub that the user named.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};

use super::{
    Depth,
    collect::hub_round::{self, Whereabouts},
    look::{finish, observer},
};
use crate::{
    cluster::session::{Opened, Session},
    facts::Facts,
};

/// A registered cluster, with the name of its context.
pub struct Remote<'a> {
    /// The context.
    pub context: String,
    /// The connection.
    pub opened: Opened<'a>,
}

/// Adds what these registered clusters contain to the facts of the management cluster. All are observed at the same time.
///
/// Nothing is added to the facts of another product.
pub async fn look_at_remotes(session: &Session<'_>, facts: &mut Facts, remotes: Vec<Remote<'_>>, depth: Depth) {
    let Some(at) = Whereabouts::of(facts) else { return };
    let observed = join_all(remotes.into_iter().map(|remote| look_at(remote, &at, depth)));
    let roots =
        async { if depth.is_whole() { hub_round::roots(&session.api, facts).await } else { BTreeMap::default() } };
    let (observed, roots) = join(observed, roots).await;
    if let Some(hub) = &mut facts.hub {
        hub.remotes = observed;
        hub.roots = roots;
    }
}

async fn look_at(remote: Remote<'_>, at: &Whereabouts, depth: Depth) -> Facts {
    let mut facts = match remote.opened {
        Opened::Session(session) => {
            let facts = Box::pin(observer(&session, depth, None).run_registered(at)).await;
            finish(&session, facts)
        }
        Opened::Obstacle(facts) => *facts,
    };
    facts.target.context = Some(remote.context);
    facts
}
