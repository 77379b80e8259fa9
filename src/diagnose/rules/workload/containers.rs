//! What the files of a workload's diagnoses share: why a container waits, and how a component is called.

use crate::diagnose::rules::prelude::*;

use k8s_openapi::api::core::v1::ContainerStatus;

pub(crate) fn waiting(status: &ContainerStatus) -> Option<(&str, &str)> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((waiting.reason.as_deref().unwrap_or_default(), waiting.message.as_deref().unwrap_or_default()))
}

/// A component as a sentence's subject. There are many adapters, each in a container of its name.
pub(crate) fn who(component: Component, name: &str) -> String {
    match component {
        Component::Adapter => format!("{} {name}", component.title()),
        _ => component.title().into(),
    }
}
