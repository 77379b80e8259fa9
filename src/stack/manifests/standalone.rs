//! `MeshSync` without the operator: its Deployment, its `ServiceAccount`, and the role that lets it read.

use semver::Version;
use serde_json::{Value, json};

use super::{Object, Options, documents, fill, image, narrow_reader};
use crate::stack::{profile::Profile, watch_list};

/// Every object of a standalone `MeshSync`, in the order of their creation.
pub(super) fn manifests(profile: &Profile, namespace: &str, options: &Options) -> Vec<Object> {
    let templates = [include_str!("namespace.yaml"), include_str!("rbac.yaml"), include_str!("standalone.yaml")];
    let reader = profile.meshsync_reader();
    let of_operator = |body: &Value| {
        body["apiVersion"].as_str().is_some_and(|version| version.starts_with("rbac."))
            && body["metadata"]["name"] != reader.as_str()
    };
    let mut bodies: Vec<Value> =
        templates.iter().flat_map(|template| documents(&fill(template, profile, namespace, options))).collect();
    bodies.retain(|body| !of_operator(body));
    for body in &mut bodies {
        narrow_reader(body, profile, options);
        if body["kind"] == "Deployment" {
            specify(&mut body["spec"]["template"]["spec"]["containers"][0], profile, options);
        }
    }
    bodies.into_iter().filter_map(Object::of).collect()
}

fn specify(container: &mut Value, profile: &Profile, options: &Options) {
    // As the operator does: a version may be written like a tag of the repository.
    let version = options.meshsync_version.as_deref().map(|version| version.strip_prefix('v').unwrap_or(version));
    let image = image(profile.images.meshsync, version, options);
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    if watch_list::release(tag).is_none_or(|release| release < Version::new(1, 0, 1))
        && let Some(fields) = container.as_object_mut()
    {
        // Older versions do not serve the probes; of a moving tag it is not known.
        fields.remove("livenessProbe");
        fields.remove("readinessProbe");
    }
    container["image"] = image.into();
    if let Some(broker) = &options.broker {
        container["env"] = json!([{ "name": "BROKER_URL", "value": broker.url() }]);
    }
    if !options.output_namespaces.is_empty() {
        container["args"] = json!(["-outputNamespaces", options.output_namespaces.join(",")]);
    }
}
