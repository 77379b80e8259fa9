//! The purpose of a connection, and its limits.

use std::time::Duration;

use tokio::time::Instant;

use super::{ask::Log, now, server_access::ServerChoice};
use crate::{
    facts::{Facts, Obstacle, Target},
    stack::profile::Profile,
};

/// What to look at, and within which limits.
#[derive(Clone)]
pub struct Scope<'a> {
    /// The family of stacks.
    pub profile: &'static Profile,
    /// Whether the user named the profile. Otherwise stacks of other profiles are looked for, too.
    pub profile_is_named: bool,
    /// The namespace.
    pub namespace: String,
    /// Whether the user named the namespace. Otherwise it is the profile's.
    pub namespace_is_named: bool,
    /// The timeout of one request.
    pub request_timeout: Duration,
    /// The deadline of the whole run.
    pub deadline: Instant,
    /// Whether a person is at a terminal, so that a credential plugin may ask questions.
    pub interactive: bool,
    /// Which Meshery Server to ask.
    pub server: ServerChoice,
    /// Receives a line for each request, for `-v`.
    pub log: Option<&'a Log<'a>>,
    /// Receives what the run is waiting for.
    pub progress: &'a Log<'a>,
}

impl Scope<'_> {
    /// The same for a stack of another profile.
    #[must_use]
    pub fn of(&self, profile: &'static Profile) -> Self {
        let namespace = if self.namespace_is_named { self.namespace.clone() } else { profile.namespace.to_owned() };
        let server = if profile == self.profile { self.server.clone() } else { self.server.to_profile(profile) };
        Self { profile, profile_is_named: true, namespace, server, ..self.clone() }
    }
}

/// The facts of a run that observed nothing because of this obstacle.
pub fn unseen(profile: &'static Profile, target: Target, obstacle: Obstacle) -> Facts {
    Facts { obstacle: Some(obstacle), ..blank(profile, target) }
}

pub(crate) fn blank(profile: &'static Profile, target: Target) -> Facts {
    let hub = profile.is_hub().then(Box::default);
    Facts { taken_at: now(), profile, target, hub, ..Facts::default() }
}
