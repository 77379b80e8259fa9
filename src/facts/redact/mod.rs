//! Redaction: removes what must not be kept before anything is kept.
//!
//! It works with allow lists: only values of annotations and environment variables that are known to be harmless are
//! kept. Free text loses the user part of every URL and each secret that this run has read.

mod arguments;
mod fields;
mod metadata;
mod registry;
mod text;

use std::borrow::Cow;

use k8s_openapi::{
    api::core::v1::{Container, ContainerStatus, Event, Pod, PodSpec, PodTemplateSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use serde_json::Value;

pub use self::{
    arguments::{arguments, command_line},
    fields::field,
    registry::remember,
    text::{text, urls},
};
use crate::{facts::destination, stack::base::sanitize};
pub use metadata::without_managed_fields;
use metadata::{is_harmless_annotation, keep_times_of_changes};

/// Replaces a value that was removed.
pub const REDACTED: &str = "REDACTED";

/// An address without its user part and query, for use in a command.
pub fn without_user(address: &str) -> String {
    let place = address.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = place.split_once("://").map_or(("", place), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// Masks the user part of one address, which may have no scheme: `token@host:4222` becomes `REDACTED@host:4222`.
///
/// Everything before the last `@` is the user part. A query after `?` is not part of a broker's address.
pub fn address(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((_, rest)) if rest.contains("://") => return text(address).into_owned(),
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, address),
    };
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let user = user.map(|user| if text::is_reference(user) { user } else { REDACTED });
    let (host, query) = match host.split_once(['?', '#']) {
        Some((host, _)) => (host, true),
        None => (host, false),
    };
    let mut shown = String::new();
    if let Some(scheme) = scheme {
        shown.push_str(&text(scheme));
        shown.push_str("://");
    }
    if let Some(user) = user {
        shown.push_str(user);
        shown.push('@');
    }
    shown.push_str(host);
    if query {
        shown.push('?');
        shown.push_str(REDACTED);
    }
    registry::mask(shown.into()).into_owned()
}

/// The target of a redirect without its query, which often contains credentials.
pub fn location(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let mut shown = text(&url[..end]).into_owned();
    if end < url.len() {
        shown.push('?');
        shown.push_str(REDACTED);
    }
    shown
}

/// Masks credentials in every string of a value at any depth. Keys are kept.
pub fn value(value: &mut Value) {
    match value {
        Value::String(string) => {
            if let Cow::Owned(masked) = text(string) {
                *string = masked;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(fields) => fields.values_mut().for_each(self::value),
        _ => {}
    }
}

/// Removes each of these secrets, plain or in base64, from a text.
pub fn secrets(text: String, secrets: &[String]) -> String {
    secrets.iter().filter(|secret| !secret.is_empty()).fold(text, |text, secret| {
        if text.contains(secret.as_str()) { text.replace(secret.as_str(), REDACTED) } else { text }
    })
}

/// An object with fields that must be redacted.
pub trait Redact {
    /// Redacts it.
    fn redact(&mut self);
}

impl<T: Redact> Redact for Option<T> {
    fn redact(&mut self) {
        if let Some(inner) = self {
            inner.redact();
        }
    }
}

impl Redact for ObjectMeta {
    fn redact(&mut self) {
        self.managed_fields = None;
        if let Some(annotations) = &mut self.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            for (key, value) in annotations.iter_mut() {
                if is_harmless_annotation(key) {
                    *value = text(value).into_owned();
                } else {
                    REDACTED.clone_into(value);
                }
            }
        }
    }
}

impl Redact for PodSpec {
    fn redact(&mut self) {
        for container in self.containers.iter_mut().chain(self.init_containers.iter_mut().flatten()) {
            container.redact();
        }
        self.ephemeral_containers = None;
    }
}

impl Redact for Container {
    fn redact(&mut self) {
        for variable in self.env.iter_mut().flatten() {
            if let Some(value) = &mut variable.value {
                *value = shown_variable(&variable.name, value);
            }
        }
        if let Some(command) = &mut self.command {
            arguments(command, true);
        }
        if let Some(list) = &mut self.args {
            arguments(list, false);
        }
        self.lifecycle = None;
        for probe in
            [&mut self.liveness_probe, &mut self.readiness_probe, &mut self.startup_probe].into_iter().flatten()
        {
            if let Some(command) = probe.exec.as_mut().and_then(|exec| exec.command.as_mut()) {
                arguments(command, true);
            }
            if let Some(request) = &mut probe.http_get {
                request.http_headers = None;
            }
        }
    }
}

/// The displayed value of an environment variable.
fn shown_variable(name: &str, value: &str) -> String {
    if name == destination::ADDRESS {
        return address(value);
    }
    arguments::variable(name, value).unwrap_or_else(|| REDACTED.into())
}

impl Redact for PodTemplateSpec {
    fn redact(&mut self) {
        self.metadata.redact();
        self.spec.redact();
    }
}

impl Redact for Pod {
    fn redact(&mut self) {
        self.metadata.redact();
        self.spec.redact();
        if let Some(status) = &mut self.status {
            for condition in status.conditions.iter_mut().flatten() {
                message(&mut condition.message);
            }
            message(&mut status.message);
            for container in
                status.container_statuses.iter_mut().chain(status.init_container_statuses.iter_mut()).flatten()
            {
                container.redact();
            }
        }
    }
}

impl Redact for ContainerStatus {
    fn redact(&mut self) {
        for state in [&mut self.state, &mut self.last_state].into_iter().flatten() {
            if let Some(waiting) = &mut state.waiting {
                message(&mut waiting.message);
            }
            if let Some(terminated) = &mut state.terminated {
                message(&mut terminated.message);
            }
        }
    }
}

impl Redact for Event {
    fn redact(&mut self) {
        self.metadata.redact();
        message(&mut self.message);
    }
}

fn message(message: &mut Option<String>) {
    if let Some(message) = message
        && let Cow::Owned(masked) = text(message)
    {
        *message = masked;
    }
}

/// Masks the messages of a custom resource's conditions.
fn conditions(conditions: &mut [crate::facts::Condition]) {
    for condition in conditions {
        for string in [&mut condition.reason, &mut condition.message] {
            if let Cow::Owned(masked) = text(string) {
                *string = masked;
            }
        }
    }
}

macro_rules! redact_metadata_and_template {
    ($($kind:path),*) => {$(
        impl Redact for $kind {
            fn redact(&mut self) {
                self.metadata.redact();
                if let Some(spec) = &mut self.spec {
                    spec.template.redact();
                }
                let status = self.status.iter_mut();
                for condition in status.flat_map(|status| status.conditions.iter_mut().flatten()) {
                    message(&mut condition.message);
                }
            }
        }
    )*};
}

redact_metadata_and_template!(
    k8s_openapi::api::apps::v1::Deployment,
    k8s_openapi::api::apps::v1::ReplicaSet,
    k8s_openapi::api::apps::v1::StatefulSet
);

macro_rules! redact_metadata {
    ($($kind:path),*) => {$(
        impl Redact for $kind {
            fn redact(&mut self) {
                self.metadata.redact();
            }
        }
    )*};
}

redact_metadata!(
    k8s_openapi::api::coordination::v1::Lease,
    k8s_openapi::api::core::v1::Namespace,
    k8s_openapi::api::core::v1::Service,
    k8s_openapi::api::discovery::v1::EndpointSlice,
    k8s_openapi::api::networking::v1::NetworkPolicy,
    k8s_openapi::api::rbac::v1::ClusterRole,
    k8s_openapi::api::rbac::v1::ClusterRoleBinding,
    k8s_openapi::api::rbac::v1::Role,
    k8s_openapi::api::rbac::v1::RoleBinding
);

impl Redact for crate::facts::Crd {
    fn redact(&mut self) {
        self.metadata.redact();
        conditions(&mut self.status.conditions);
    }
}

impl Redact for crate::facts::Broker {
    fn redact(&mut self) {
        keep_times_of_changes(&mut self.metadata);
        conditions(&mut self.status.conditions);
        let override_ = self.spec.service.as_mut().and_then(|service| service.external_endpoint_override.as_mut());
        let endpoint = self.status.endpoint.as_mut();
        let addresses = endpoint
            .map(|endpoint| [endpoint.internal.as_mut(), endpoint.external.as_mut()])
            .into_iter()
            .flatten()
            .flatten()
            .chain(override_);
        for shown in addresses {
            *shown = address(shown);
        }
    }
}

impl Redact for crate::facts::Meshsync {
    fn redact(&mut self) {
        keep_times_of_changes(&mut self.metadata);
        if let Some(url) =
            self.spec.broker.as_mut().and_then(|broker| broker.custom.as_mut()).and_then(|custom| custom.url.as_mut())
        {
            *url = address(url);
        }
        if let Some(to) = &mut self.status.publishing_to {
            *to = address(to);
        }
        conditions(&mut self.status.conditions);
        if let Some(list) = &mut self.spec.watch_list {
            fields::watch_list(list);
        }
    }
}

/// A foreign string for use in a text: without credentials and without characters that could control a terminal or
/// change the direction of writing. Every foreign string passes through here before it is wrapped, cut or styled.
pub fn clean(text: &str) -> String {
    // The order matters: removed characters must not hide a name that is followed by a secret.
    let plain = sanitize::plain(text);
    self::text(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_in_a_command_has_no_credentials() {
        for (address, expected) in [
            ("https://host:6443/path", "https://host:6443/path"),
            ("https://me:s3cret@host:6443", "https://host:6443"),
            ("https://a@s3cret@host?token=s3cret", "https://host"),
            ("me:s3cret@host", "host"),
        ] {
            assert_eq!(without_user(address), expected, "{address}");
        }
    }

    #[test]
    fn address_without_a_scheme_loses_its_user_part() {
        assert_eq!(address("t0k@10.0.0.1:4222"), "REDACTED@10.0.0.1:4222");
        assert_eq!(address("nats://t0k@h:4222"), "nats://REDACTED@h:4222");
        assert_eq!(address("$(NATS_TOKEN)@h:4222"), "$(NATS_TOKEN)@h:4222");
        assert_eq!(address("10.0.0.1:4222"), "10.0.0.1:4222");
        for odd in ["t0,k@h:1", "t0'k@h:1", "t0/k@h:1", "t 0k@h:1", "t\"k@h:1", "a:t@k@h:1"] {
            assert_eq!(address(odd), "REDACTED@h:1");
            assert_eq!(address(&format!("nats://{odd}")), "nats://REDACTED@h:1");
        }
        assert_eq!(address("nats://h:1?token=t"), "nats://h:1?REDACTED");
        assert_eq!(address("nats://t@h1,nats://t@h2"), "nats://REDACTED@h1,nats://REDACTED@h2");
    }

    #[test]
    fn managed_fields_are_removed_and_everything_else_is_kept() {
        let text = r#"{"items":[{"a":1,"managedFields":[{"f":{"f:\"]\\":[[]]}},{}],"b":"]"},{"managedFields":[]}]}"#;
        assert_eq!(
            without_managed_fields(text),
            r#"{"items":[{"a":1,"managedFields":[],"b":"]"},{"managedFields":[]}]}"#
        );
        for kept in
            [r#"{"managedFields":{"a":[1]}}"#, r#"{"a":"\"managedFields\":[1]"}"#, r#"{"managedFields":[{"cut off"#]
        {
            assert_eq!(without_managed_fields(kept), kept);
        }
    }

    #[test]
    fn redirect_is_shown_without_its_query() {
        assert_eq!(
            location("https://u:p@idp.example.com/login?state=s3#x"),
            "https://REDACTED@idp.example.com/login?REDACTED"
        );
        assert_eq!(location("/login"), "/login");
    }
}
