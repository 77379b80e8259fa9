//! What a connection is for, and its limits.

use std::time::Duration;

use tokio::time::Instant;

use super::{ask::Log, clock::now};
use crate::{
    facts::{Facts, Obstacle, Target},
    stack::profile::Profile,
};

/// What to look at, and within which limits.
pub struct Scope<'a> {
    /// The family of stacks.
    pub profile: &'static Profile,
    /// The namespace; the profile's when none is named.
    pub namespace: Option<String>,
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

/// The facts when nothing could be asked.
pub(crate) fn nothing(scope: &Scope<'_>, target: Target, obstacle: Obstacle) -> Facts {
    let namespace = scope.namespace.clone().unwrap_or_else(|| scope.profile.namespace.to_owned());
    let mut facts = blank(scope.profile, Target { namespace, ..target });
    facts.obstacle = Some(obstacle);
    facts
}

/// The facts of a run that saw nothing, for the reason that this obstacle gives.
pub fn unseen(profile: &'static Profile, target: Target, obstacle: Obstacle) -> Facts {
    let mut facts = blank(profile, target);
    facts.obstacle = Some(obstacle);
    facts
}

pub(crate) fn blank(profile: &'static Profile, target: Target) -> Facts {
    Facts { taken_at: now(), profile, target, ..Facts::default() }
}
