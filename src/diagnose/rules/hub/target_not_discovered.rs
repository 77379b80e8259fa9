use super::{for_each_policy, log_of, show};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::HubObject,
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-target-not-discovered",
    title: "A policy refers to something that was never discovered",
    explanation: include_str!("target_not_discovered.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-targets-discovered",
    title: "everything that the policies refer to was discovered",
    ..Check::of_hub(&[&DIAGNOSIS], |context| {
        for_each_policy(context, &Role::POLICIES, |hub, policy| judge(context, hub, policy))
    })
};

/// Whether an error says that a discovered object does not exist.
pub(super) fn is_about(error: &str) -> bool {
    missing(error).is_some()
}

/// The kind and the key that an error says were not found: `Destination reviews.bookinfo.cluster not found`.
fn missing(error: &str) -> Option<(&str, &str)> {
    // A traffic shift or a mirror to a service.
    if let Some((_, key)) = error.split_once("Destination not found for kube service ") {
        return Some(("Destination", key.trim()));
    }
    let what = error.strip_suffix(" not found")?;
    let (kind, key) = what.split_once(' ')?;
    let key = key.strip_prefix("with id ").unwrap_or(key);
    let kind = kind.rsplit('.').next()?;
    matches!(kind, "Destination" | "TrafficTarget" | "Mesh").then_some((kind, key))
}

fn judge(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let of_entries = policy.status.targets.iter().flat_map(|entry| &entry.errors);
    let errors: Vec<&String> = policy.status.errors.iter().chain(of_entries).filter(|error| is_about(error)).collect();
    let (kind, key) = missing(errors.first()?)?;
    let is_mesh = kind == "Mesh";
    let shown = if is_mesh { format!("mesh {}", key.trim_end_matches('.')) } else { format!("service {key}") };
    let empty = nothing_found_in(hub, key, is_mesh);
    let clusters: Vec<&str> = hub.of(Role::Cluster).items().iter().map(HubObject::name).collect();
    let finding = DIAGNOSIS
        .finding()
        .title(format!("{} refers to {shown}, which was never discovered", policy.shown()))
        .message(match &empty {
            Some(cluster) => format!(
                "Nothing at all is discovered in cluster {cluster}, so the reference may be right (see \
                 smh-remote-unreachable)."
            ),
            None => why(hub, key, is_mesh, &clusters),
        })
        .object(policy.reference())
        .evidences(errors.iter().map(|error| format!("status.errors: {error}")))
        .evidences((!clusters.is_empty()).then(|| format!("registered clusters: {}", clusters.join(", "))))
        .evidence(format!("discovered {}: {}", if is_mesh { "meshes" } else { "services" }, known(hub, is_mesh)));
    Some(
        finding
            .remedy(if empty.is_some() {
                "restore the discovery in that cluster first"
            } else if is_mesh {
                "correct the name in spec.meshes, which is the name of a Mesh object, or register the cluster of that mesh"
            } else {
                "correct name, namespace and clusterName of the reference; clusterName is the name under which the \
                 cluster is registered"
            })
            .command(show(context, policy))
            .commands(log_of(context, hub, Component::Discovery))
            .done(),
    )
}

/// The registered cluster that a reference names, if nothing is discovered there. The name of a mesh ends with it.
fn nothing_found_in(hub: &HubView<'_>, key: &str, is_mesh: bool) -> Option<String> {
    let mut names = hub.of(Role::Cluster).items().iter().map(HubObject::name);
    let mesh = key.split('.').next().unwrap_or_default();
    let cluster = if is_mesh {
        names.find(|name| mesh.ends_with(&format!("-{name}")))?
    } else {
        names.find(|name| key.splitn(3, '.').nth(2) == Some(name))?
    };
    (!hub.has_mesh_in(cluster)).then(|| cluster.to_owned())
}

/// Why it was not discovered, as far as it can be said.
fn why(hub: &HubView<'_>, key: &str, is_mesh: bool, clusters: &[&str]) -> String {
    let rule = "A service is discovered if its selector matches a workload with a sidecar, in a registered cluster with \
                a discovered mesh.";
    if is_mesh {
        return "A mesh is discovered in a registered cluster: its istiod Deployment with an image of istio/pilot and a tag, \
                and the ConfigMap istio in the same namespace."
            .to_owned();
    }
    let mut parts = key.splitn(3, '.');
    let (name, namespace, cluster) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    if !clusters.is_empty() && !clusters.contains(&cluster) && !hub.has_mesh_in(cluster) {
        return format!("No cluster is registered as {cluster}.");
    }
    let elsewhere = hub.of(Role::Target).items().iter().find_map(|target| {
        let (service, of_cluster) = HubView::service_of(target);
        let same_name = service.split('.').next() == name;
        same_name.then(|| format!("{service} on {of_cluster}"))
    });
    match elsewhere {
        Some(other) => format!("A service of that name was discovered elsewhere: {other}. {rule}"),
        None => format!(
            "No service of that name was discovered. {rule} The Service may also not exist in {}.",
            namespace.unwrap_or_default()
        ),
    }
}

/// The discovered objects, in short.
fn known(hub: &HubView<'_>, is_mesh: bool) -> String {
    const MOST: usize = 8;
    let names: Vec<String> = if is_mesh {
        hub.of(Role::Mesh).items().iter().map(|mesh| format!("{}.{}", mesh.name(), mesh.namespace())).collect()
    } else {
        let targets = hub.of(Role::Target).items().iter().map(HubView::service_of);
        targets.map(|(service, cluster)| format!("{service} on {cluster}")).collect()
    };
    let more = names.len().saturating_sub(MOST);
    let shown = names.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown,
        (false, more) => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_read_from_the_error() {
        assert_eq!(missing("Destination a.ns.c not found"), Some(("Destination", "a.ns.c")));
        assert_eq!(missing("*v1.Mesh with id m.gloo-mesh. not found"), Some(("Mesh", "m.gloo-mesh.")));
        assert_eq!(missing("*v1alpha2.Mesh with id m.ns. not found"), Some(("Mesh", "m.ns.")));
        let mirror = "mirror: Destination not found for kube service a.b.c";
        assert_eq!(missing(mirror), Some(("Destination", "a.b.c")));
        assert_eq!(missing("Could not find provided ca signing secret (n.ns.)"), None);
    }
}
