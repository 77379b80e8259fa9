//! Redaction: what may not be kept, taken out before anything is kept.
//!
//! Works by allowing, not by forbidding: of annotations and environment variables only values that are known to be
//! harmless stay. Free text loses the user part of every URL, and each secret that this run itself has read.

use k8s_openapi::{
    api::core::v1::{Container, ContainerStatus, Event, Pod, PodSpec, PodTemplateSpec},
    apimachinery::pkg::apis::meta::v1::{FieldsV1, ObjectMeta},
};

use crate::destination;

/// What stands in place of a value that was taken out.
pub const REDACTED: &str = "REDACTED";

/// Annotations whose values say who owns an object or what was done to it.
const HARMLESS_ANNOTATIONS: &[&str] = &[
    "argocd.argoproj.io/",
    "cert-manager.io/inject-ca-from",
    "deployment.kubernetes.io/revision",
    "helm.toolkit.fluxcd.io/",
    "kubectl.kubernetes.io/restartedAt",
    "kustomize.toolkit.fluxcd.io/",
    "meshery/component-type",
    "meshplay/component-type",
    "meta.helm.sh/",
];

/// Environment variables whose values decide what a workload does; URLs in them lose their user part.
const HARMLESS_VARIABLES: &[&str] = &[
    "CLUSTER_ADVERTISE",
    "CLUSTER_ID",
    "DEBUG",
    "DISABLE_OPERATOR",
    "ENABLE_WEBHOOKS",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "MESHSYNC_BROKER_CONTENT_DEDUP",
    "MESHSYNC_DEFAULT_DEPLOYMENT_MODE",
    "MESHSYNC_REDACT_SECRETS",
    "POD_NAME",
    "POD_NAMESPACE",
    "SERVER_NAME",
];

/// Takes the user part out of every URL in a text: `nats://token@host` becomes `nats://REDACTED@host`.
///
/// A reference to a variable, `$(NATS_TOKEN)`, is no secret and stays.
pub fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | ','))
            .unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) if !is_reference(&after[..at]) => {
                out.push_str(REDACTED);
                rest = &after[at..];
            }
            _ => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// Takes the user part out of one address, which may have no scheme: `token@host:4222` becomes `REDACTED@host:4222`.
pub fn address(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((user, host)) if !text.contains("://") && !is_reference(user) => {
            format!("{REDACTED}@{host}")
        }
        _ => urls(text),
    }
}

fn is_reference(user: &str) -> bool {
    user.starts_with("$(") && user.ends_with(')')
}

/// Takes each of these secrets, plain or in base64, out of a text.
pub fn secrets(text: String, secrets: &[String]) -> String {
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), REDACTED)
            } else {
                text
            }
        })
}

/// An answer's JSON without the lists of who manages which field. They make up a good part of it, and to read them
/// only to forget them costs more than to read the rest.
pub fn without_managed_fields(text: &str) -> String {
    // In a string the quotes would be escaped, so that this is a key, followed by a list.
    const KEY: &str = "\"managedFields\":[";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(KEY) {
        let (before, list) = rest.split_at(start + KEY.len());
        kept.push_str(before);
        // What has no end is kept, for its reader to complain of.
        rest = list_end(list).map_or(list, |end| &list[end..]);
    }
    kept.push_str(rest);
    kept
}

/// Where the bracket is that closes a list whose opening one has been read.
fn list_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(position),
            b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// An object that has something to take out.
pub trait Redact {
    /// Takes it out.
    fn redact(&mut self);
}

impl Redact for ObjectMeta {
    fn redact(&mut self) {
        self.managed_fields = None;
        if let Some(annotations) = &mut self.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            for (key, value) in annotations.iter_mut() {
                if HARMLESS_ANNOTATIONS.iter().any(|a| key.starts_with(a)) {
                    *value = urls(value);
                } else {
                    REDACTED.clone_into(value);
                }
            }
        }
    }
}

impl Redact for PodSpec {
    fn redact(&mut self) {
        for container in self
            .containers
            .iter_mut()
            .chain(self.init_containers.iter_mut().flatten())
        {
            container.redact();
        }
        self.ephemeral_containers = None;
    }
}

impl Redact for Container {
    fn redact(&mut self) {
        for variable in self.env.iter_mut().flatten() {
            if let Some(value) = &mut variable.value {
                *value = if variable.name == destination::ADDRESS {
                    address(value)
                } else if HARMLESS_VARIABLES.contains(&variable.name.as_str()) {
                    urls(value)
                } else {
                    REDACTED.into()
                };
            }
        }
        for list in [&mut self.command, &mut self.args] {
            arguments(list.get_or_insert_default());
            if list.as_ref().is_some_and(Vec::is_empty) {
                *list = None;
            }
        }
    }
}

/// Takes the values of flags that carry a secret out of a command line.
fn arguments(list: &mut [String]) {
    let mut next_is_secret = false;
    for argument in list {
        if std::mem::take(&mut next_is_secret) && !argument.starts_with('-') {
            REDACTED.clone_into(argument);
            continue;
        }
        let name = argument
            .split('=')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let secret = name.starts_with('-')
            && ["auth", "pass", "secret", "token"]
                .iter()
                .any(|word| name.contains(word));
        match argument.find('=') {
            Some(at) if secret => {
                argument.truncate(at + 1);
                argument.push_str(REDACTED);
            }
            _ => {
                next_is_secret = secret;
                *argument = urls(argument);
            }
        }
    }
}

impl Redact for PodTemplateSpec {
    fn redact(&mut self) {
        if let Some(metadata) = &mut self.metadata {
            metadata.redact();
        }
        if let Some(spec) = &mut self.spec {
            spec.redact();
        }
    }
}

impl Redact for Pod {
    fn redact(&mut self) {
        self.metadata.redact();
        if let Some(spec) = &mut self.spec {
            spec.redact();
        }
        if let Some(status) = &mut self.status {
            for condition in status.conditions.iter_mut().flatten() {
                text(&mut condition.message);
            }
            text(&mut status.message);
            for container in status
                .container_statuses
                .iter_mut()
                .chain(status.init_container_statuses.iter_mut())
                .flatten()
            {
                container.redact();
            }
        }
    }
}

impl Redact for ContainerStatus {
    fn redact(&mut self) {
        for state in [&mut self.state, &mut self.last_state]
            .into_iter()
            .flatten()
        {
            if let Some(waiting) = &mut state.waiting {
                text(&mut waiting.message);
            }
            if let Some(terminated) = &mut state.terminated {
                text(&mut terminated.message);
            }
        }
    }
}

impl Redact for Event {
    fn redact(&mut self) {
        self.metadata.redact();
        text(&mut self.message);
    }
}

fn text(message: &mut Option<String>) {
    if let Some(message) = message {
        *message = urls(message);
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
            }
        }
    )*};
}

redact_metadata_and_template!(
    k8s_openapi::api::apps::v1::Deployment,
    k8s_openapi::api::apps::v1::StatefulSet
);

impl Redact for k8s_openapi::api::apps::v1::ReplicaSet {
    fn redact(&mut self) {
        self.metadata.redact();
        if let Some(template) = self.spec.as_mut().and_then(|spec| spec.template.as_mut()) {
            template.redact();
        }
    }
}

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
    k8s_openapi::api::rbac::v1::RoleBinding,
    crate::facts::Crd
);

/// What is kept of who changed an object when: of the fields, which make up the bulk of it, the watch-list alone.
fn keep_times_of_changes(metadata: &mut ObjectMeta) {
    let managers = metadata.managed_fields.take();
    metadata.redact();
    metadata.managed_fields = managers.map(|mut managers| {
        for manager in &mut managers {
            let lists = manager
                .fields_v1
                .take()
                .is_some_and(|fields| fields.0["f:spec"].get("f:watch-list").is_some());
            manager.fields_v1 =
                lists.then(|| FieldsV1(serde_json::json!({ "f:spec": { "f:watch-list": {} } })));
            manager.fields_type = None;
        }
        managers
    });
}

impl Redact for crate::facts::Broker {
    fn redact(&mut self) {
        keep_times_of_changes(&mut self.metadata);
    }
}

impl Redact for crate::facts::Meshsync {
    fn redact(&mut self) {
        keep_times_of_changes(&mut self.metadata);
        if let Some(url) = self
            .spec
            .broker
            .as_mut()
            .and_then(|broker| broker.custom.as_mut())
            .and_then(|custom| custom.url.as_mut())
        {
            *url = address(url);
        }
        if let Some(to) = &mut self.status.publishing_to {
            *to = address(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_scheme_loses_its_user_part_too() {
        assert_eq!(address("t0k@10.0.0.1:4222"), "REDACTED@10.0.0.1:4222");
        assert_eq!(address("nats://t0k@h:4222"), "nats://REDACTED@h:4222");
        assert_eq!(address("$(NATS_TOKEN)@h:4222"), "$(NATS_TOKEN)@h:4222");
        assert_eq!(address("10.0.0.1:4222"), "10.0.0.1:4222");
    }

    #[test]
    fn the_lists_of_managed_fields_go_and_everything_else_stays() {
        let text = r#"{"items":[{"a":1,"managedFields":[{"f":{"f:\"]\\":[[]]}},{}],"b":"]"},{"managedFields":[]}]}"#;
        assert_eq!(
            without_managed_fields(text),
            r#"{"items":[{"a":1,"managedFields":[],"b":"]"},{"managedFields":[]}]}"#
        );
        for kept in [
            r#"{"managedFields":{"a":[1]}}"#,
            r#"{"a":"\"managedFields\":[1]"}"#,
            r#"{"managedFields":[{"cut off"#,
        ] {
            assert_eq!(without_managed_fields(kept), kept);
        }
    }

    #[test]
    fn the_user_part_of_a_url_goes_and_a_reference_stays() {
        assert_eq!(
            urls("nats://t0k@10.0.0.1:4222"),
            "nats://REDACTED@10.0.0.1:4222"
        );
        assert_eq!(
            urls("a nats://a:b@h b http://c@d/e"),
            "a nats://REDACTED@h b http://REDACTED@d/e"
        );
        assert_eq!(
            urls("nats://$(NATS_TOKEN)@h:4222"),
            "nats://$(NATS_TOKEN)@h:4222"
        );
        assert_eq!(urls("http://h/x@y"), "http://h/x@y");
        assert_eq!(urls("no url"), "no url");
    }

    #[test]
    fn flags_that_carry_a_secret_lose_it() {
        let mut list: Vec<String> = ["--auth", "s3", "--token=s3", "-c", "f"]
            .map(String::from)
            .into();
        arguments(&mut list);
        assert_eq!(list, ["--auth", "REDACTED", "--token=REDACTED", "-c", "f"]);
    }
}
