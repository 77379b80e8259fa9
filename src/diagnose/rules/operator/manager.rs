//! The operator's container and its arguments.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Container};

use crate::diagnose::rules::prelude::*;

pub(crate) fn manager<'a>(context: &RuleContext<'a>, deployment: &'a Deployment) -> Option<&'a Container> {
    rollout::containers(deployment).iter().find(|container| container.name == context.facts.profile.operator.container)
}

pub(crate) fn arguments(container: &Container) -> impl Iterator<Item = &str> {
    [&container.command, &container.args].into_iter().flatten().flatten().map(String::as_str)
}
