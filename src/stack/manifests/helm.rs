//! Marks by which Helm recognizes an existing object as part of a release. Without them, installing the chart fails.

use serde_json::{Value, json};

use crate::stack::profile::Profile;

/// Marks an object for a release. The namespace and the CRDs are not part of the chart's release.
pub(super) fn mark(body: &mut Value, profile: &Profile, namespace: &str, release: &str) {
    if matches!(body["kind"].as_str(), Some("Namespace" | "CustomResourceDefinition")) {
        return;
    }
    let metadata = &mut body["metadata"];
    metadata["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
    metadata["annotations"]["meta.helm.sh/release-name"] = release.into();
    metadata["annotations"]["meta.helm.sh/release-namespace"] = namespace.into();
    if body["kind"] == "Deployment" {
        // Helm cannot change the selector, so it must be that of the chart.
        let selector =
            [("app.kubernetes.io/name", profile.operator.deployment), ("app.kubernetes.io/instance", release)];
        let spec = &mut body["spec"];
        spec["selector"]["matchLabels"] = json!({});
        for (key, value) in selector {
            spec["selector"]["matchLabels"][key] = value.into();
            spec["template"]["metadata"]["labels"][key] = value.into();
        }
    }
}
