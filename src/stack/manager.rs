//! The tools outside the stack that may manage its objects: how to recognize them, and their commands. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::stack::base::words::quoted;

/// The prefixes of the labels and annotations by which these tools recognize their objects.
const MARKS: &[&str] = &[
    "meta.helm.sh/",
    "helm.sh/chart",
    "argocd.argoproj.io/",
    "helm.toolkit.fluxcd.io/",
    "kustomize.toolkit.fluxcd.io/",
];

/// A tool outside the stack that manages one of its objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// A Helm release.
    Helm {
        /// Its name.
        release: String,
        /// Its namespace, if the object names it.
        namespace: Option<String>,
    },
    /// An Argo CD application.
    ArgoCd {
        /// Its name, if the object names it.
        application: Option<String>,
    },
    /// A Flux object.
    Flux {
        /// Its kind.
        kind: FluxKind,
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
}

/// The kinds of Flux objects that deploy something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FluxKind {
    /// A Helm release.
    HelmRelease,
    /// Manifests, applied with kustomize.
    Kustomization,
}

impl FluxKind {
    const ALL: [Self; 2] = [Self::HelmRelease, Self::Kustomization];

    /// The kind as kubectl and flux accept it: `helmrelease`.
    fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The API group, which is the prefix of the labels that Flux writes.
    fn group(self) -> &'static str {
        match self {
            Self::HelmRelease => "helm.toolkit.fluxcd.io",
            Self::Kustomization => "kustomize.toolkit.fluxcd.io",
        }
    }

    /// The resource with its group, as kubectl accepts it.
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
    /// The command that redeploys with this tool. Argo CD and Flux deploy what their source contains.
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

    /// The command that removes what this tool deployed.
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

    /// Whether it is the Helm release of this name.
    pub fn is_release(&self, name: &str) -> bool {
        matches!(self, Self::Helm { release, .. } if release == name)
    }

    /// The metadata of an object that names this tool.
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

/// The label by which Argo CD tracks its objects by default. Other tools use it, too.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// The field manager under which a tool writes, if it is one of those that own what they write.
pub fn is_owners_manager(manager: &str) -> bool {
    is_argo_cd(manager) || ["helm", "Helm", "helm-controller", "kustomize-controller"].contains(&manager)
}

fn is_argo_cd(manager: &str) -> bool {
    ["argocd-controller", "argocd-application-controller"].contains(&manager)
}

/// The label by which Argo CD tracks an object, if the object has it and Argo CD wrote it.
fn argo_cd_instance(metadata: &ObjectMeta) -> Option<&String> {
    let written = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.manager.as_deref()).any(is_argo_cd);
    metadata.labels.as_ref()?.get(INSTANCE).filter(|_| written)
}

/// The tool that manages an object as the API server returned it.
pub fn of_live(live: &Value) -> Option<Manager> {
    foreign_owner(&metadata(live)?)
}

/// The labels and annotations by which these tools recognize the object as theirs.
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

/// The metadata of an object as a type.
pub(crate) fn metadata(live: &Value) -> Option<ObjectMeta> {
    serde_json::from_str(&live["metadata"].to_string()).ok()
}

/// The tool that manages an object. If one tool uses another, it is the outer one.
///
/// The label `app.kubernetes.io/managed-by: Helm` alone proves nothing: the operator's own NATS objects have it,
/// because they come from a chart that is built into the operator.
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
        // An application outside Argo CD's own namespace has its namespace in its name, and commands need both.
        .map(|name| name.replacen('_', "/", 1));
    let hinted = metadata.annotations.iter().flat_map(BTreeMap::keys).any(|key| key.starts_with("argocd.argoproj.io/"));
    if tracked.is_some() || hinted {
        return Some(Manager::ArgoCd { application: tracked });
    }
    release_of(metadata).map(|(release, namespace)| Manager::Helm { release, namespace })
}

/// Helm writes this on every object that it creates, also when Flux runs Helm.
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
    fn tracking_label_counts_only_if_argo_cd_wrote_it() {
        let mut live = json!({ "metadata": { "labels": { INSTANCE: "mesh" } } });
        assert_eq!(of_live(&live), None);
        assert!(marks(&live).is_empty());
        live["metadata"]["managedFields"] = json!([{ "manager": "argocd-controller" }]);
        let application = Some("mesh".to_owned());
        assert_eq!(of_live(&live), Some(Manager::ArgoCd { application }));
        assert_eq!(marks(&live), [INSTANCE]);
    }

    #[test]
    fn annotation_values_are_quoted_in_commands() {
        let release = Manager::Helm { release: "mesh; reboot".into(), namespace: None };
        assert_eq!(release.removal_command(), "helm uninstall 'mesh; reboot'");
        let application = Manager::ArgoCd { application: Some("$(reboot)".into()) };
        assert_eq!(application.deploy_command(), "argocd app sync '$(reboot)'");
    }
}
