//! What a connection is for, and its limits.

use std::time::Duration;

use tokio::time::Instant;

use super::{ask::Log, now};
use crate::{
    facts::{Facts, Obstacle, Target},
    stack::profile::Profile,
};

/// What to look at, and within which limits.
pub struct Scope<'a> {
    /// The family of stacks.
    pub profile: &'static Profile,
    /// The namespace.
    pub namespace: String,
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

/// The facts of a run that saw nothing, for the reason that this obstacle gives.
pub fn unseen(profile: &'static Profile, target: Target, obstacle: Obstacle) -> Facts {
    Facts { obstacle: Some(obstacle), ..blank(profile, target) }
}

pub(crate) fn blank(profile: &'static Profile, target: Target) -> Facts {
    Facts { taken_at: now(), profile, target, ..Facts::default() }
}
