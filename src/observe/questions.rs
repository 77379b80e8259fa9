//! What is asked of the API server, as data: the path, and the right without which the answer is 403.
//!
//! The requests, the report's `permissions` and the roles that `rbac` prints all come from these lists.

use super::Depth;
use crate::{
    cluster::reviews,
    facts::recording::kinds,
    stack::{base::permission::Permission, manifests, profile::Profile},
};

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its name in recordings and timings.
    pub name: String,
    /// The path of the request.
    pub path: String,
    /// The right that it takes.
    pub right: Permission,
}

/// The most items that one answer may hold; more come in further requests.
pub(crate) const PAGE: usize = 500;

/// The name of the question for a custom resource in one version.
pub fn custom(plural: &str, version: &str) -> String {
    format!("{plural}.{version}")
}

fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn list(name: &str, api_version: &str, resource: &str, namespace: &str) -> Question {
    Question {
        name: name.into(),
        path: format!(
            "{}/namespaces/{namespace}/{resource}?limit={PAGE}",
            base(api_version)
        ),
        right: Permission::to("list", group(api_version), resource).in_namespace(namespace),
    }
}

fn get(
    name: &str,
    api_version: &str,
    resource: &str,
    object: &str,
    namespace: Option<&str>,
) -> Question {
    let right = Permission::to("get", group(api_version), resource).named(object);
    let (scope, right) = match namespace {
        Some(namespace) => (
            format!("/namespaces/{namespace}"),
            right.in_namespace(namespace),
        ),
        None => (String::new(), right),
    };
    Question {
        name: name.into(),
        path: format!("{}{scope}/{resource}/{object}", base(api_version)),
        right,
    }
}

/// The namespace itself.
pub fn namespace(namespace: &str) -> Question {
    get(kinds::NAMESPACE.0, "v1", "namespaces", namespace, None)
}

/// The namespace whose UID is the cluster's id.
pub fn cluster_id() -> Question {
    get("clusterId", "v1", "namespaces", "kube-system", None)
}

/// A CRD by name.
pub fn crd(name: &str, crd: &str) -> Question {
    get(name, kinds::CRDS.1, kinds::CRDS.0, crd, None)
}

/// The custom resources of the namespace, in every version.
pub fn custom_resources(profile: &Profile, plural: &str, namespace: &str) -> Vec<Question> {
    profile
        .versions
        .iter()
        .map(|version| {
            list(
                &custom(plural, version),
                &format!("{}/{version}", profile.group),
                plural,
                namespace,
            )
        })
        .collect()
}

/// The custom resources of the whole cluster, to say where the stack is when it is not here.
pub fn custom_resources_everywhere(profile: &Profile) -> Vec<Question> {
    ["brokers", "meshsyncs"]
        .into_iter()
        .flat_map(|plural| {
            profile.versions.iter().map(move |version| Question {
                name: "elsewhere".into(),
                path: format!("/apis/{}/{version}/{plural}?limit={PAGE}", profile.group),
                right: Permission::to("list", profile.group, plural),
            })
        })
        .collect()
}

/// The list of a kind in the namespace.
pub fn kind((name, api_version, _): kinds::Kind, namespace: &str) -> Question {
    list(name, api_version, name, namespace)
}

/// The leader election Lease.
pub fn lease(profile: &Profile, namespace: &str) -> Question {
    get(
        kinds::LEASE.0,
        kinds::LEASE.1,
        "leases",
        profile.operator.lease,
        Some(namespace),
    )
}

/// The Secret with the broker's token, where the family has one.
pub fn token(profile: &Profile, namespace: &str) -> Option<Question> {
    let name = profile.broker.token_secret?;
    Some(get("token", "v1", "secrets", name, Some(namespace)))
}

/// The `ConfigMap` that public pages take for the watch-list.
pub fn watch_list_config_map(profile: &Profile, namespace: &str) -> Question {
    let name = profile.meshsync.documented_config_map;
    let (_, api_version, _) = kinds::CONFIG_MAPS;
    get(
        "watchListConfigMap",
        api_version,
        kinds::CONFIG_MAPS.0,
        name,
        Some(namespace),
    )
}

/// The binding that the old line's manifests leave behind.
pub fn bindings(profile: &Profile) -> Vec<Question> {
    profile
        .operator
        .cluster_role_bindings
        .iter()
        .map(|name| {
            get(
                kinds::CLUSTER_ROLE_BINDINGS.0,
                kinds::CLUSTER_ROLE_BINDINGS.1,
                kinds::CLUSTER_ROLE_BINDINGS.0,
                name,
                None,
            )
        })
        .collect()
}

/// The CRDs of the group that older versions used.
pub fn former_crds(profile: &Profile) -> Vec<Question> {
    profile
        .former_crds()
        .iter()
        .map(|name| crd("crd/former", name))
        .collect()
}

/// The operator's cluster roles: what they grant needs no access review, and a removal may leave them behind.
pub fn cluster_roles(profile: &Profile) -> Vec<Question> {
    profile
        .operator
        .cluster_roles
        .iter()
        .map(|name| {
            get(
                kinds::CLUSTER_ROLES.0,
                kinds::CLUSTER_ROLES.1,
                kinds::CLUSTER_ROLES.0,
                name,
                None,
            )
        })
        .collect()
}

/// What Helm has noted of a release.
///
/// Only metadata are asked for. The right to it is one to read every Secret of the namespace, which nobody should have
/// to give for one check: `rbac` does not print it, and a refusal is no missing right.
pub fn helm(release: &str, namespace: &str) -> Question {
    let mut question = list("helm", kinds::SECRETS.1, kinds::SECRETS.0, namespace);
    question.path = format!(
        "{}&labelSelector=owner%3Dhelm%2Cname%3D{release}",
        question.path
    );
    question
}

/// What the metrics API last measured of a pod.
///
/// Many clusters do not serve it, and nothing but one check rests on it: a refusal is no missing right.
pub fn metrics(namespace: &str, pod: &str) -> Question {
    Question {
        name: "metrics".into(),
        path: format!("/apis/{METRICS}/v1beta1/namespaces/{namespace}/pods/{pod}"),
        right: read_metrics(namespace),
    }
}

/// The group of the metrics API.
const METRICS: &str = "metrics.k8s.io";

/// The right to read what was measured of pods.
pub fn read_metrics(namespace: &str) -> Permission {
    Permission::to("get", METRICS, "pods").in_namespace(namespace)
}

/// The rights to a port-forward; Kubernetes 1.35 wants both.
pub fn port_forward(namespace: &str) -> Vec<Permission> {
    ["get", "create"]
        .iter()
        .map(|verb| Permission::to(verb, "", "pods/portforward").in_namespace(namespace))
        .collect()
}

/// The log of a container; limited, since only its end matters.
pub fn log(namespace: &str, pod: &str, container: &str, previous: bool) -> Question {
    Question {
        name: "logs".into(),
        path: format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&previous={previous}&timestamps=true&tailLines=200&limitBytes=262144"
        ),
        right: read_logs(namespace),
    }
}

/// The right to read logs.
pub fn read_logs(namespace: &str) -> Permission {
    Permission::to("get", "", "pods/log").in_namespace(namespace)
}

/// The nodes, for how much room they have.
pub fn nodes() -> Question {
    Question {
        name: "nodes".into(),
        path: format!("/api/v1/nodes?limit={PAGE}"),
        right: Permission::to("list", "", "nodes"),
    }
}

/// The pods of the whole cluster that take room, for how much.
pub fn pods_everywhere() -> Question {
    Question {
        name: "nodes".into(),
        path: format!(
            "/api/v1/pods?limit={PAGE}&fieldSelector=status.phase!%3DSucceeded%2Cstatus.phase!%3DFailed%2Cspec.nodeName!%3D"
        ),
        right: Permission::to("list", "", "pods"),
    }
}

/// The kinds that are listed in the namespace, and whether a status needs them.
const LISTED: &[(kinds::Kind, bool)] = &[
    (kinds::DEPLOYMENTS, true),
    (kinds::STATEFULSETS, true),
    (kinds::REPLICASETS, true),
    (kinds::PODS, true),
    (kinds::SERVICES, true),
    (kinds::ENDPOINTSLICES, false),
    (kinds::NETWORKPOLICIES, false),
    (kinds::EVENTS, false),
];

/// What is asked at once, before anything is known.
pub fn first_wave(profile: &Profile, namespace: &str, depth: Depth) -> Vec<Question> {
    let check = depth.is_whole();
    if depth == Depth::WatchList {
        let mut list = custom_resources(profile, "meshsyncs", namespace);
        list.push(kind(kinds::DEPLOYMENTS, namespace));
        return list;
    }
    let mut list = vec![cluster_id()];
    list.extend(custom_resources(profile, "brokers", namespace));
    list.extend(custom_resources(profile, "meshsyncs", namespace));
    list.extend(
        LISTED
            .iter()
            .filter(|(_, status)| check || *status)
            .map(|(listed, _)| kind(*listed, namespace)),
    );
    if check {
        list.extend([
            self::namespace(namespace),
            crd("crd/broker", &profile.broker_crd()),
            crd("crd/meshsync", &profile.meshsync_crd()),
            lease(profile, namespace),
            watch_list_config_map(profile, namespace),
        ]);
        list.extend(token(profile, namespace));
    }
    list
}

/// Every right that looking takes.
pub fn rights(profile: &Profile, namespace: &str, depth: Depth) -> Vec<Permission> {
    let mut questions = first_wave(profile, namespace, depth);
    questions.extend(custom_resources_everywhere(profile));
    let mut others = port_forward(namespace);
    if depth.is_whole() {
        questions.extend(bindings(profile));
        questions.extend(former_crds(profile));
        questions.extend(cluster_roles(profile));
        others.push(reviews::review());
        others.push(read_logs(namespace));
        others.push(read_metrics(namespace));
    }
    if depth == Depth::Preflight {
        questions.extend([nodes(), pods_everywhere()]);
        others.push(Permission::to("create", "", "pods").in_namespace(namespace));
        others.extend(manifests::rights(profile, namespace));
    }
    let mut rights: Vec<Permission> = questions
        .into_iter()
        .map(|question| question.right)
        .collect();
    rights.extend(others);
    rights.sort();
    rights.dedup();
    rights
}
