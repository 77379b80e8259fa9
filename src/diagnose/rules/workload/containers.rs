//! Shared by the diagnoses of workloads: why a container is waiting, and how a component is named.

use crate::diagnose::rules::prelude::*;

use k8s_openapi::api::core::v1::ContainerStatus;

pub(crate) fn waiting(status: &ContainerStatus) -> Option<(&str, &str)> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((waiting.reason.as_deref().unwrap_or_default(), waiting.message.as_deref().unwrap_or_default()))
}

/// A component as the subject of a sentence. Adapters are named individually.
pub(crate) fn who(context: &RuleContext<'_>, component: Component, name: &str) -> String {
    let title = component.title(context.facts.profile);
    match component {
        Component::Adapter => format!("{title} {name}"),
        _ => title.into_owned(),
    }
}
