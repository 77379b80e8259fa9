//! The tools outside the stack that may manage its objects: how they are recognised, and their own commands. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::stack::base::words::quoted;

/// How the labels and annotations begin by which these tools know their objects.
const MARKS: &[&str] = &[
    "meta.helm.sh/",
    "helm.sh/chart",
    "argocd.argoproj.io/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
];

/// A tool outside the stack that manages an object of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// A Helm release.
    Helm {
        /// Its name.
        release: String,
        /// Its namespace, where the object says it.
        namespace: Option<String>,
    },
    /// An application of Argo CD.
    ArgoCd {
        /// Its name, where the object says it.
        application: Option<String>,
    },
    /// An object of Flux.
    Flux {
        /// Of which kind.
        kind: FluxKind,
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
}

/// The kinds of objects from which Flux deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FluxKind {
    /// A release that Helm makes.
    HelmRelease,
    /// Manifests, by way of kustomize.
    Kustomization,
}

impl FluxKind {
    const ALL: [Self; 2] = [Self::HelmRelease, Self::Kustomization];

    /// The kind as kubectl and flux take it: `helmrelease`.
    fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The API group, with which the labels begin that Flux writes.
    fn group(self) -> &'static str {
        match self {
            Self::HelmRelease => "helm.toolkit.fluxcd.io",
            Self::Kustomization => "kustomize.toolkit.fluxcd.io",
        }
    }

    /// The resource with its group, as kubectl takes it.
    pub fn resource(self) -> String {
        format!("{}s.{}", self.word(), self.group())
    }
}

impl std::fmt::Display for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Helm { release, .. } => write!(f, "Helm (release {release})"),
            Self::ArgoCd { application: Some(name) } => write!(f, "Argo CD (application {name})"),
            Self::ArgoCd { application: None } => f.write_str("Argo CD"),
            Self::Flux { kind, name, namespace } => write!(f, "Flux ({kind:?} {namespace}/{name})"),
        }
    }
}

impl Manager {
    /// The command that has it deploy anew; for Argo CD and Flux, from what has been changed where they take it from.
    pub fn deploy_command(&self) -> String {
        match self {
            Self::Helm { release, namespace } => {
                format!("helm upgrade {} CHART{}", quoted(release), within(namespace.as_deref()))
            }
            Self::ArgoCd { application } => {
                format!("argocd app sync {}", named(application.as_deref()))
            }
            Self::Flux { kind, name, namespace } => {
                let namespace = within(Some(namespace));
                format!("flux reconcile {} {}{namespace} --with-source", kind.word(), quoted(name))
            }
        }
    }

    /// The command that has it remove what it deployed.
    pub fn removal_command(&self) -> String {
        match self {
            Self::Helm { release, namespace } => {
                format!("helm uninstall {}{}", quoted(release), within(namespace.as_deref()))
            }
            Self::ArgoCd { application } => {
                format!("argocd app delete {}", named(application.as_deref()))
            }
            Self::Flux { kind, name, namespace } => {
                format!("kubectl delete {} {}{}", kind.resource(), quoted(name), within(Some(namespace)))
            }
        }
    }

    /// What in an object's metadata names this owner.
    pub fn mark(&self) -> String {
        match self {
            Self::Helm { release, .. } => {
                format!("metadata.annotations: meta.helm.sh/release-name={release}")
            }
            Self::ArgoCd { application: Some(name) } => {
                format!("metadata: argocd.argoproj.io marks the application {name}")
            }
            Self::ArgoCd { application: None } => "metadata.annotations: argocd.argoproj.io/…".to_owned(),
            Self::Flux { kind, name, namespace } => {
                format!("metadata.labels: {}/name={name}, namespace={namespace}", kind.group())
            }
        }
    }
}

fn within(namespace: Option<&str>) -> String {
    namespace
        .filter(|namespace| !namespace.is_empty())
        .map(|namespace| format!(" -n {}", quoted(namespace)))
        .unwrap_or_default()
}

fn named(application: Option<&str>) -> String {
    application.map_or_else(|| "APPLICATION".into(), quoted)
}

/// The label that Argo CD tracks its objects by unless told otherwise. Others use it, too.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// The name under which a tool writes fields, where it is one of those that own what they write.
pub fn is_owners_manager(manager: &str) -> bool {
    is_argo_cd(manager) || ["helm", "Helm", "helm-controller", "kustomize-controller"].contains(&manager)
}

fn is_argo_cd(manager: &str) -> bool {
    ["argocd-controller", "argocd-application-controller"].contains(&manager)
}

/// The label by which Argo CD tracks an object, where it does: it bears the label, and Argo CD wrote it.
fn argo_cd_instance(metadata: &ObjectMeta) -> Option<&String> {
    let written = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.manager.as_deref()).any(is_argo_cd);
    metadata.labels.as_ref()?.get(INSTANCE).filter(|_| written)
}

/// The tool that manages an object as it came from the API server.
pub fn of_live(live: &Value) -> Option<Manager> {
    foreign_owner(&metadata(live)?)
}

/// The labels and annotations of an object by which these tools know it for theirs.
pub fn marks(live: &Value) -> Vec<String> {
    let Some(metadata) = metadata(live) else {
        return Vec::new();
    };
    let instance = argo_cd_instance(&metadata).map(|_| INSTANCE.to_owned());
    let keys = metadata.labels.iter().chain(&metadata.annotations);
    keys.flat_map(BTreeMap::keys)
        .filter(|key| MARKS.iter().any(|mark| key.starts_with(mark)))
        .cloned()
        .chain(instance)
        .collect()
}

/// An object's metadata as a type.
pub(crate) fn metadata(live: &Value) -> Option<ObjectMeta> {
    serde_json::from_str(&live["metadata"].to_string()).ok()
}

/// The tool that manages an object; the outer one where one works by means of another.
///
/// The label `app.kubernetes.io/managed-by: Helm` alone says nothing: the operator's own NATS objects bear it, since they
/// come from a chart that is built into the operator.
pub fn foreign_owner(metadata: &ObjectMeta) -> Option<Manager> {
    let label = |key: &str| metadata.labels.as_ref()?.get(key).cloned();
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).cloned();
    let flux = |kind: FluxKind| {
        let name = label(&format!("{}/name", kind.group()))?;
        let namespace = label(&format!("{}/namespace", kind.group())).unwrap_or_default();
        Some(Manager::Flux { kind, name, namespace })
    };
    if let Some(flux) = FluxKind::ALL.into_iter().find_map(flux) {
        return Some(flux);
    }
    let tracked = annotation("argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next().map(str::to_owned))
        .or_else(|| label("argocd.argoproj.io/instance"))
        .or_else(|| argo_cd_instance(metadata).cloned())
        // One outside of Argo CD's own namespace is called so with its namespace, which it is asked for by.
        .map(|name| name.replacen('_', "/", 1));
    let hinted = metadata.annotations.iter().flat_map(BTreeMap::keys).any(|key| key.starts_with("argocd.argoproj.io/"));
    if tracked.is_some() || hinted {
        return Some(Manager::ArgoCd { application: tracked });
    }
    release_of(metadata).map(|(release, namespace)| Manager::Helm { release, namespace })
}

/// What Helm writes on an object that it makes, also where Flux tells Helm to.
pub(crate) fn release_of(metadata: &ObjectMeta) -> Option<(String, Option<String>)> {
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).cloned();
    let label = metadata.labels.as_ref()?.get("app.kubernetes.io/managed-by")?;
    (label == "Helm").then_some(())?;
    Some((annotation("meta.helm.sh/release-name")?, annotation("meta.helm.sh/release-namespace")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_label_that_everybody_uses_is_argo_cds_where_argo_cd_wrote() {
        let mut live = json!({ "metadata": { "labels": { INSTANCE: "mesh" } } });
        assert_eq!(of_live(&live), None);
        assert!(marks(&live).is_empty());
        live["metadata"]["managedFields"] = json!([{ "manager": "argocd-controller" }]);
        let application = Some("mesh".to_owned());
        assert_eq!(of_live(&live), Some(Manager::ArgoCd { application }));
        assert_eq!(marks(&live), [INSTANCE]);
    }

    #[test]
    fn an_annotation_says_anything_and_runs_nothing() {
        let release = Manager::Helm { release: "mesh; reboot".into(), namespace: None };
        assert_eq!(release.removal_command(), "helm uninstall 'mesh; reboot'");
        let application = Manager::ArgoCd { application: Some("$(reboot)".into()) };
        assert_eq!(application.deploy_command(), "argocd app sync '$(reboot)'");
    }
}
