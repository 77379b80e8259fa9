//! The only reader of the world.
//!
//! Everything is asked at once, in two waves under one deadline: first what can be asked by name, then what the first
//! answers lead to (the broker's servers, single access reviews, other namespaces).

mod addresses;
mod answer;
mod ask;
mod belongings;
mod body;
mod broker;
mod change;
mod credentials;
mod discovery;
mod expiry;
mod framing;
mod granting;
mod handshake;
mod kubeconfig;
mod logs;
mod monitor;
mod obstacle;
mod pages;
mod preflight;
#[cfg(test)]
mod properties;
pub mod questions;
mod retry;
mod reviews;
mod session;
mod standing;
mod test;
mod transport;
mod transport_error;
mod tunnel;
mod waves;
mod wire;

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

pub use ask::Log;
pub use change::Change;
pub use kubeconfig::{Access, Trouble, runs_in_cluster};
pub use session::{Answer, Opened, Session};
pub use test::TestPlan;

use crate::{
    facts::{Facts, Obstacle, Rbac, Target},
    profile::Profile,
    seen::Seen,
};

/// What to look at, and within which limits.
pub struct Scope<'a> {
    /// The family of stacks.
    pub profile: &'static Profile,
    /// The namespace; the profile's when none is named.
    pub namespace: Option<String>,
    /// How much to ask.
    pub depth: Depth,
    /// The longest that one request may take.
    pub request_timeout: Duration,
    /// When the whole run must be over.
    pub deadline: Instant,
    /// Whether a person sits at a terminal, whom a credential plugin may ask.
    pub interactive: bool,
    /// Where `-v` sends a line for each request.
    pub log: Option<&'a Log<'a>>,
    /// Where to tell what is being waited for.
    pub progress: &'a Log<'a>,
}

/// How much to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The watch-list, and what the API server serves.
    WatchList,
    /// What decides the states, and the lists that a status shows.
    Status,
    /// Everything.
    Check,
    /// Everything, and what the API server says of what an installation would write.
    Preflight,
}

impl Depth {
    /// Whether everything is asked.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Check | Self::Preflight)
    }
}

/// The time. Nothing below this layer reads a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The facts when nothing could be asked.
fn nothing(scope: &Scope<'_>, target: Target, obstacle: Obstacle) -> Facts {
    let namespace = scope
        .namespace
        .clone()
        .unwrap_or_else(|| scope.profile.namespace.to_owned());
    let mut facts = blank(
        scope.profile,
        Target {
            namespace,
            ..target
        },
    );
    facts.obstacle = Some(obstacle);
    facts
}

/// The facts of a run that saw nothing, for the reason that this obstacle gives.
pub fn unseen(profile: &'static Profile, target: Target, obstacle: Obstacle) -> Facts {
    let mut facts = blank(profile, target);
    facts.obstacle = Some(obstacle);
    facts
}

fn blank(profile: &'static Profile, target: Target) -> Facts {
    Facts {
        taken_at: now(),
        taken_at_estimated: false,
        profile,
        target,
        in_cluster: false,
        obstacle: None,
        version: Seen::NotLooked,
        namespace: Seen::NotLooked,
        cluster_id: Seen::NotLooked,
        broker_crd: Seen::NotLooked,
        meshsync_crd: Seen::NotLooked,
        former_crds: Seen::NotLooked,
        brokers: BTreeMap::new(),
        meshsyncs: BTreeMap::new(),
        elsewhere: Seen::NotLooked,
        deployments: Seen::NotLooked,
        statefulsets: Seen::NotLooked,
        replicasets: Seen::NotLooked,
        pods: Seen::NotLooked,
        services: Seen::NotLooked,
        endpointslices: Seen::NotLooked,
        networkpolicies: Seen::NotLooked,
        events: Seen::NotLooked,
        token: Seen::NotLooked,
        helm: Seen::NotLooked,
        lease: Seen::NotLooked,
        rbac: Rbac::default(),
        reviews: Seen::NotLooked,
        served: Seen::NotLooked,
        watch_list_config_map: Seen::NotLooked,
        broker: crate::facts::BrokerFacts::default(),
        memory: Seen::NotLooked,
        logs: Vec::new(),
        preflight: None,
        test: None,
        timings: BTreeMap::new(),
    }
}
