//! The stack as it is installed: our own manifests, with every name from the profile. Pure.
//!
//! The templates are in the folder next to this file. `fill` replaces each `${name}` in them.

mod helm;
pub mod monitor;
mod network_policy;
mod standalone;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::object::Id;
use crate::stack::{
    base::{permission::Permission, yaml},
    profile::Profile,
    watch_list::{self, WatchList},
};

/// The field manager under which this tool writes.
pub const FIELD_MANAGER: &str = "meshdoctor";

/// The options of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The version of the operator. `None` for the version that the profile names.
    pub operator_version: Option<String>,
    /// The version of `MeshSync`. `None` lets the operator choose it.
    pub meshsync_version: Option<String>,
    /// The registry of the operator's image. `None` for the image's own registry.
    pub image_registry: Option<String>,
    /// The type of the broker's client Service.
    pub broker_service: String,
    /// The number of broker servers.
    pub broker_size: u8,
    /// The NATS server to which `MeshSync` publishes instead of a broker of the stack.
    pub broker: Option<ExternalBroker>,
    /// Whether a `NetworkPolicy` limits who can connect to the broker.
    pub network_policy: bool,
    /// Whether `MeshSync` is deployed alone, without operator and custom resources.
    pub standalone: bool,
    /// The namespaces whose objects a standalone `MeshSync` publishes. Empty for all.
    pub output_namespaces: Vec<String>,
    /// The Helm release that can adopt the objects.
    pub helm_release: Option<String>,
    /// The data of `MeshSync`'s watch-list. `None` for the stock list.
    pub watch_list: Option<Value>,
    /// Whether `MeshSync` may read every kind, not only those of its watch-list.
    pub watch_everything: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            operator_version: None,
            meshsync_version: None,
            image_registry: None,
            broker_service: "ClusterIP".into(),
            broker_size: 1,
            broker: None,
            network_policy: false,
            standalone: false,
            output_namespaces: Vec::new(),
            helm_release: None,
            watch_list: None,
            watch_everything: false,
        }
    }
}

/// A NATS server outside the stack.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalBroker {
    /// Its address, `host:port`.
    pub address: String,
    /// The token that it requires.
    pub token: Option<String>,
}

impl ExternalBroker {
    /// The URL for `MeshSync`. It contains the token.
    pub fn url(&self) -> String {
        match &self.token {
            Some(token) => format!("nats://{}@{}", percent_encoded(token), self.address),
            None => format!("nats://{}", self.address),
        }
    }
}

impl std::fmt::Debug for ExternalBroker {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalBroker").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A token as the user part of a URL. Kubernetes would also expand `$(NAME)` in it.
fn percent_encoded(token: &str) -> String {
    let mut encoded = String::new();
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// One object, ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its address.
    pub id: Id,
    /// The complete object.
    pub body: Value,
}

impl Object {
    fn of(body: Value) -> Option<Self> {
        let text = |pointer: &str| body.pointer(pointer)?.as_str().map(str::to_owned);
        let kind = text("/kind")?;
        let id = Id {
            api_version: text("/apiVersion")?,
            plural: plural(&kind),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
            kind,
        };
        Some(Self { id, body })
    }
}

/// The plural of a kind of an installation.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"))
}

/// Every object that an installation writes, in that order.
pub fn manifests(profile: &Profile, namespace: &str, options: &Options) -> Vec<Object> {
    let operator = if is_old(profile) {
        include_str!("manifests/operator-old.yaml")
    } else {
        include_str!("manifests/operator.yaml")
    };
    if options.standalone {
        return standalone::manifests(profile, namespace, options);
    }
    let mut bodies = Vec::new();
    for template in [
        include_str!("manifests/namespace.yaml"),
        include_str!("manifests/crds.yaml"),
        include_str!("manifests/rbac.yaml"),
        operator,
    ] {
        bodies.extend(documents(&fill(template, profile, namespace, options)));
    }
    if options.network_policy {
        bodies.push(network_policy::of_broker(profile, namespace));
    }
    bodies.extend(documents(&fill(include_str!("manifests/resources.yaml"), profile, namespace, options)));
    bodies.retain(|body| body["kind"] != "Broker" || options.broker.is_none());
    for body in &mut bodies {
        spread_versions(body, profile);
        if body["kind"] == "MeshSync" {
            specify_meshsync(&mut body["spec"], options);
        }
        narrow_reader(body, profile, options);
        if let Some(release) = &options.helm_release {
            helm::mark(body, profile, namespace, release);
        }
    }
    bodies.into_iter().filter_map(Object::of).collect()
}

/// Sets what the options say about `MeshSync`.
fn specify_meshsync(spec: &mut Value, options: &Options) {
    if let Some(data) = &options.watch_list {
        spec["watch-list"]["data"] = data.clone();
    }
    if let Some(version) = &options.meshsync_version {
        spec["version"] = version.as_str().into();
    }
    if let Some(broker) = &options.broker {
        spec["broker"] = json!({ "custom": { "url": broker.url() } });
    }
}

/// The resulting pods: the operator's own, and those that it creates from the custom resources. They have no
/// `ServiceAccount`, because it may not exist yet when they are validated.
pub fn pods(profile: &Profile, namespace: &str) -> Vec<Object> {
    let options = Options::default();
    let made =
        if is_old(profile) { include_str!("manifests/pods-old.yaml") } else { include_str!("manifests/pods.yaml") };
    let operator = manifests(profile, namespace, &options)
        .into_iter()
        .filter(|object| object.id.kind == "Deployment")
        .map(|mut deployment| {
            let mut pod = deployment.body["spec"]["template"].take();
            pod["apiVersion"] = "v1".into();
            pod["kind"] = "Pod".into();
            pod["metadata"]["name"] = format!("{}-preflight", deployment.id.name).into();
            pod["metadata"]["namespace"] = namespace.into();
            if let Some(spec) = pod["spec"].as_object_mut() {
                spec.remove("serviceAccountName");
            }
            pod
        });
    let made = documents(&fill(made, profile, namespace, &options));
    operator.chain(made).filter_map(Object::of).collect()
}

/// A pod of [`pods`] as a type.
pub fn typed(pod: &Object) -> Option<Pod> {
    serde_json::from_str(&pod.body.to_string()).ok()
}

/// The permissions needed to write all of it into an existing namespace, which is not changed. A user cannot write a
/// role that grants more than the user has, unless the user may `escalate` and `bind` it.
pub fn permissions(profile: &Profile, namespace: &str) -> Vec<Permission> {
    let mut permissions = Vec::new();
    for object in manifests(profile, namespace, &Options::default()) {
        if object.id.kind == "Namespace" {
            permissions.push(object.id.permission("get"));
            continue;
        }
        permissions.extend(["create", "get", "patch"].map(|verb| object.id.permission(verb)));
        if matches!(object.id.kind.as_str(), "Role" | "ClusterRole") {
            permissions.extend(["bind", "escalate"].map(|verb| object.id.permission(verb)));
        }
    }
    permissions
}

/// Whether the family still uses the old operator line.
fn is_old(profile: &Profile) -> bool {
    !profile.has_current_line()
}

/// Fills the placeholders of a template.
fn fill(template: &str, profile: &Profile, namespace: &str, options: &Options) -> String {
    let reader = profile.meshsync_reader();
    let whitelist = watch_list::whitelist(&watch_list::stock_without(&[], profile));
    // The value goes into a YAML scalar. A JSON string is one.
    let whitelist = Value::from(whitelist).to_string();
    let conditions = documents(include_str!("manifests/conditions.yaml")).pop().unwrap_or_default().to_string();
    let operator = &profile.operator;
    let broker = &profile.broker;
    let images = &profile.images;
    let operator_image = image(images.operator, options.operator_version.as_deref(), options);
    let broker_size = options.broker_size.to_string();
    [
        ("namespace", namespace),
        ("app", profile.name),
        ("group", profile.group),
        // The version that both operator lines serve.
        ("version", profile.versions.last().copied().unwrap_or("v1")),
        ("account", operator.service_account),
        ("operator", operator.deployment),
        ("operator_container", operator.container),
        ("operator_image", &operator_image),
        ("reader", &reader),
        ("broker", broker.resource),
        ("broker_container", broker.container),
        ("broker_image", images.broker),
        ("broker_service", &options.broker_service),
        ("broker_size", &broker_size),
        ("broker_workload", profile.broker_workload()),
        ("reloader_image", images.reloader),
        ("meshsync", profile.meshsync.resource),
        ("meshsync_container", profile.meshsync.container),
        ("meshsync_image", images.meshsync),
        ("conditions", &conditions),
        ("whitelist", &whitelist),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// The objects of an embedded YAML text. The tests check that each is an object.
fn documents(text: &str) -> Vec<Value> {
    // Every option used in a template is checked when it is parsed, so the result is always valid YAML.
    let mut documents = yaml::documents(text, yaml::Documents::All).unwrap_or_default();
    documents.retain(|object| !object.is_null());
    documents
}

/// An image with this tag, if there is one, from the registry of the options.
fn image(image: &str, version: Option<&str>, options: &Options) -> String {
    let (path, tag) = image.split_once(':').unwrap_or((image, "latest"));
    let tag = version.unwrap_or(tag);
    match &options.image_registry {
        Some(registry) => format!("{}/{path}:{tag}", registry.trim_end_matches('/')),
        None => format!("{path}:{tag}"),
    }
}

/// Limits `MeshSync` to these kinds, if the watch-list in use differs from the one in the options.
pub fn let_read(profile: &Profile, objects: &mut [Object], kinds: &[String]) {
    for object in objects {
        if is_reader(&object.body, profile) {
            object.body["rules"] = reader_rules(kinds);
        }
    }
}

fn is_reader(body: &Value, profile: &Profile) -> bool {
    body["kind"] == "ClusterRole" && body["metadata"]["name"] == profile.meshsync_reader()
}

fn narrow_reader(body: &mut Value, profile: &Profile, options: &Options) {
    if !is_reader(body, profile) || options.watch_everything {
        return;
    }
    let kinds = match &options.watch_list {
        Some(data) => WatchList::of_data(Some(data), "data", profile).effective(profile),
        None => watch_list::stock_without(&[], profile),
    };
    body["rules"] = reader_rules(&kinds);
}

/// What `MeshSync` reads, kind by kind: the kinds of the watch-list, the CRDs that it looks for, and the namespace
/// whose UID is the cluster ID.
fn reader_rules(kinds: &[String]) -> Value {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (resource, group) in kinds.iter().filter_map(|entry| watch_list::resource_and_group(entry)) {
        groups.entry(group.to_owned()).or_default().insert(resource.to_owned());
    }
    groups.entry("apiextensions.k8s.io".into()).or_default().insert("customresourcedefinitions".into());
    let namespaces = groups.get("").is_some_and(|core| core.contains("namespaces"));
    let mut rules: Vec<Value> = groups
        .into_iter()
        .map(|(group, resources)| {
            json!({ "apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"] })
        })
        .collect();
    if !namespaces {
        rules.push(json!({
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"],
        }));
    }
    rules.into()
}

/// Copies the one version of a CRD for each version of the family. The newest version is the stored one.
fn spread_versions(body: &mut Value, profile: &Profile) {
    if body["kind"] != "CustomResourceDefinition" {
        return;
    }
    let Some(mut version) = body["spec"]["versions"].get(0).cloned() else {
        return;
    };
    if is_old(profile) {
        // The old operator line has no such rules, and runs on API servers that do not know them.
        remove_validations(&mut version);
    }
    body["spec"]["versions"] = profile
        .versions
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let mut version = version.clone();
            version["name"] = (*name).into();
            version["storage"] = (i == 0).into();
            version
        })
        .collect();
}

/// Removes the validation rules (CEL) from a schema.
fn remove_validations(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(remove_validations);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_validations),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::profile;

    #[test]
    fn only_crds_of_the_current_line_have_validation_rules() {
        for profile in profile::WITH_MESHSYNC {
            let objects = manifests(profile, "somewhere", &Options::default());
            let has_rules = objects.iter().any(|object| object.body.to_string().contains("x-kubernetes-validations"));
            assert_eq!(has_rules, profile.has_current_line(), "{}", profile.name);
        }
    }

    #[test]
    fn every_family_has_the_same_objects_under_its_own_names() {
        for profile in profile::WITH_MESHSYNC {
            let objects = manifests(profile, "somewhere", &Options::default());
            let kinds: Vec<&str> = objects.iter().map(|object| object.id.kind.as_str()).collect();
            let expected = "Namespace ServiceAccount CustomResourceDefinition CustomResourceDefinition Role ClusterRole \
                ClusterRole RoleBinding ClusterRoleBinding ClusterRoleBinding Deployment Broker MeshSync";
            assert_eq!(kinds.join(" "), expected);
            for object in objects.iter().chain(&pods(profile, "somewhere")) {
                let text = object.body.to_string();
                assert!(!text.contains("${"), "unfilled placeholder in {text}");
                assert!(object.id.namespace.as_deref().is_none_or(|n| n == "somewhere"), "{text}");
                if profile.name != "meshery" {
                    assert!(!text.contains("meshery-"), "{text}");
                }
            }
            assert!(objects[2].body.pointer("/spec/versions/0/schema").is_some());
            // Otherwise, the operator keeps its Lease in the default namespace of the family.
            assert!(objects[10].body.to_string().contains("--namespace=somewhere"), "{}", profile.name);
        }
    }

    #[test]
    fn standalone_meshsync_has_its_reader_and_nothing_else() {
        let broker = ExternalBroker { address: "broker.example:4222".into(), token: None };
        for profile in profile::WITH_MESHSYNC {
            let options = Options {
                standalone: true,
                broker: Some(broker.clone()),
                meshsync_version: Some("v1.0.1".into()),
                image_registry: Some("registry.example".into()),
                output_namespaces: vec!["a".into(), "b".into()],
                ..Options::default()
            };
            let objects = manifests(profile, "somewhere", &options);
            let kinds: Vec<&str> = objects.iter().map(|object| object.id.kind.as_str()).collect();
            assert_eq!(kinds, ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"]);
            assert!(!objects.iter().any(|object| object.body.to_string().contains("${")), "{objects:#?}");
            let reader = &objects[2].body["rules"];
            assert_ne!(reader[0]["resources"][0], "*");
            let pod = &objects[4].body["spec"]["template"]["spec"];
            assert_eq!(pod["serviceAccountName"], objects[1].id.name.as_str());
            let container = &pod["containers"][0];
            let image = container["image"].as_str().expect("an image");
            assert!(image.starts_with("registry.example/") && image.ends_with("/meshsync:1.0.1"), "{image}");
            assert_eq!(container["args"], json!(["-outputNamespaces", "a,b"]));
            assert_eq!(container["env"], json!([{ "name": "BROKER_URL", "value": "nats://broker.example:4222" }]));
            assert!(container["readinessProbe"].is_object());
            // Before 1.0.1, MeshSync does not serve the probes.
            let before = Options { meshsync_version: Some("1.0.0".into()), ..options };
            let objects = manifests(profile, "somewhere", &before);
            let container = &objects[4].body["spec"]["template"]["spec"]["containers"][0];
            assert!(container["livenessProbe"].is_null() && container["readinessProbe"].is_null());
        }
    }

    #[test]
    fn release_owns_every_object_that_its_chart_may_contain() {
        let options = Options { helm_release: Some("mesh".into()), ..Options::default() };
        for object in manifests(&profile::MESHERY, "somewhere", &options) {
            let metadata = &object.body["metadata"];
            let annotations = &metadata["annotations"];
            let marked = metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
                && annotations["meta.helm.sh/release-name"] == "mesh"
                && annotations["meta.helm.sh/release-namespace"] == "somewhere";
            let part_of_chart = !matches!(object.id.kind.as_str(), "Namespace" | "CustomResourceDefinition");
            assert_eq!(marked, part_of_chart, "{}", object.id);
            if object.id.kind == "Deployment" {
                // The selector is immutable, so it must be the chart's.
                let selector = json!({
                    "app.kubernetes.io/name": "meshery-operator", "app.kubernetes.io/instance": "mesh",
                });
                assert_eq!(object.body["spec"]["selector"]["matchLabels"], selector);
                let labels = &object.body["spec"]["template"]["metadata"]["labels"];
                for (key, value) in selector.as_object().expect("labels") {
                    assert_eq!(&labels[key], value);
                }
            }
        }
    }

    #[test]
    fn pods_request_what_the_operator_sets() {
        for profile in profile::WITH_MESHSYNC {
            let pods: Vec<Pod> = pods(profile, "somewhere").iter().filter_map(typed).collect();
            assert_eq!(pods.len(), 3);
            let amount = crate::stack::quantity::of_pods(&pods);
            assert!(amount.cpu_milli >= 600, "{amount:?}");
        }
    }

    #[test]
    fn crd_stores_the_newest_version_and_serves_all() {
        let objects = manifests(&profile::MESHERY, "meshery", &Options::default());
        let versions = objects[3].body["spec"]["versions"].as_array().expect("versions");
        let shape: Vec<(&str, bool, bool)> = versions
            .iter()
            .map(|v| (v["name"].as_str().unwrap_or_default(), v["served"] == true, v["storage"] == true))
            .collect();
        assert_eq!(shape, [("v1alpha2", true, true), ("v1alpha1", true, false)]);
    }
}
