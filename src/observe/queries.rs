//! The queries to the API server, as data: the path, and the permission without which the answer is 403.
//!
//! The requests, the report's `permissions` and the roles that `rbac` prints are all derived from these lists.

use super::Depth;
use crate::{
    cluster::reviews,
    facts::observed::{self, LEASE, Observed, Request},
    stack::{
        base::permission::Permission,
        cni::{self, PolicyKind},
        hub::{self, Generation, HubKind, Role},
        manifests,
        object::{group_of, root_of},
        profile::Profile,
    },
};

/// One query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its name in recordings and timings.
    pub name: String,
    /// The path of the request.
    pub path: String,
    /// The permission that it needs.
    pub permission: Permission,
}

/// The maximum number of items per answer. The others are requested page by page.
pub(crate) const PAGE: usize = 500;

fn list(name: &str, api_version: &str, resource: &str, namespace: &str) -> Query {
    Query {
        name: name.into(),
        path: format!("{}/namespaces/{namespace}/{resource}?limit={PAGE}", root_of(api_version)),
        permission: Permission::to("list", group_of(api_version), resource).in_namespace(namespace),
    }
}

fn get(name: &str, api_version: &str, resource: &str, object: &str, namespace: Option<&str>) -> Query {
    let permission = Permission::to("get", group_of(api_version), resource).named(object);
    let (scope, permission) = match namespace {
        Some(namespace) => (format!("/namespaces/{namespace}"), permission.in_namespace(namespace)),
        None => (String::new(), permission),
    };
    Query { name: name.into(), path: format!("{}{scope}/{resource}/{object}", root_of(api_version)), permission }
}

/// The namespace whose UID is the cluster ID.
pub fn cluster_id() -> Query {
    get("clusterId", "v1", "namespaces", "kube-system", None)
}

/// The queries of a row of the table.
pub fn of(row: &Observed, profile: &Profile, namespace: &str) -> Vec<Query> {
    let list = |name: &str, api_version: &str| list(name, api_version, row.resource, namespace);
    let get = |object: &str, place| get(row.name, row.api_version, row.resource, object, place);
    match row.request {
        Request::List => vec![list(row.name, row.api_version)],
        Request::Versions => profile
            .versions
            .iter()
            .map(|version| list(&row.in_version(version), &format!("{}/{version}", profile.group)))
            .collect(),
        Request::Named(name) => vec![get(&name(profile), Some(namespace))],
        Request::ClusterNamed(name) => vec![get(&name(profile, namespace), None)],
        Request::Each(names) => names(profile).iter().map(|name| get(name, None)).collect(),
        Request::Nothing => Vec::new(),
    }
}

/// The custom resources of the namespace, in every version.
pub fn custom_resources(profile: &Profile, plural: &str, namespace: &str) -> Vec<Query> {
    let mut rows = observed::ALL.iter().filter(|row| row.name == plural);
    rows.next().map_or_else(Vec::new, |row| of(row, profile, namespace))
}

/// The custom resources of the whole cluster, to find a stack in another namespace, with their kinds.
pub fn custom_resources_everywhere(profile: &Profile) -> Vec<(&'static str, Query)> {
    [("Broker", "brokers"), ("MeshSync", "meshsyncs")]
        .into_iter()
        .flat_map(|(kind, plural)| {
            profile.versions.iter().map(move |version| {
                let query = Query {
                    name: "elsewhere".into(),
                    path: format!("/apis/{}/{version}/{plural}?limit={PAGE}", profile.group),
                    permission: Permission::to("list", profile.group, plural),
                };
                (kind, query)
            })
        })
        .collect()
}

/// The leader election Lease.
pub fn lease(profile: &Profile, namespace: &str) -> Query {
    get(LEASE.name, LEASE.api_version, LEASE.resource, profile.operator.lease, Some(namespace))
}

/// The Secret with the broker's token, in families that have one.
pub fn token(profile: &Profile, namespace: &str) -> Option<Query> {
    let name = profile.broker.token_secret?;
    Some(get("token", "v1", "secrets", name, Some(namespace)))
}

/// The `ConfigMap` that public guides describe as the watch-list.
pub fn watch_list_config_map(profile: &Profile, namespace: &str) -> Query {
    let name = profile.meshsync.documented_config_map;
    get("watchListConfigMap", "v1", "configmaps", name, Some(namespace))
}

/// The `ClusterRole` that lets `MeshSync` read, and its binding. What they grant needs no review.
///
/// They are queried only if `MeshSync` may not read everything, and its permissions are reviewed without them. A denial is
/// not reported as a missing permission.
pub fn meshsync_reader(profile: &Profile) -> [Query; 2] {
    let name = profile.meshsync_reader();
    ["clusterroles", "clusterrolebindings"]
        .map(|resource| get("rbac", "rbac.authorization.k8s.io/v1", resource, &name, None))
}

/// Helm's record of a release.
///
/// Only metadata is requested. The permission for it includes reading every Secret of the namespace, which is too much
/// for one check. So `rbac` does not print it, and a denial is not reported as a missing permission.
pub fn helm(release: &str, namespace: &str) -> Query {
    let mut query = list("helm", "v1", "secrets", namespace);
    query.path = format!("{}&labelSelector=owner%3Dhelm%2Cname%3D{release}", query.path);
    query
}

/// The metrics API's last measurement of a pod.
///
/// Many clusters do not serve it, and only one check depends on it. A denial is not reported as a missing permission.
pub fn metrics(namespace: &str, pod: &str) -> Query {
    Query {
        name: "metrics".into(),
        path: format!("/apis/{METRICS}/v1beta1/namespaces/{namespace}/pods/{pod}"),
        permission: read_metrics(namespace),
    }
}

/// The policies of a network plugin: those of the namespace, or those of the whole cluster.
///
/// Most clusters do not serve them, and only one check depends on them. A denial is not reported as a missing permission.
pub fn cni_policies(kind: &PolicyKind, namespace: &str) -> Query {
    let permission = Permission::to("list", kind.group, kind.plural);
    let (scope, permission) = if kind.namespaced {
        (format!("/namespaces/{namespace}"), permission.in_namespace(namespace))
    } else {
        (String::new(), permission)
    };
    Query {
        name: "cniPolicies".into(),
        path: format!("/apis/{}/{}{scope}/{}?limit={PAGE}", kind.group, kind.version, kind.plural),
        permission,
    }
}

/// The group of the metrics API.
const METRICS: &str = "metrics.k8s.io";

/// The permission to read the metrics of pods.
pub fn read_metrics(namespace: &str) -> Permission {
    Permission::to("get", METRICS, "pods").in_namespace(namespace)
}

/// The permissions for a port-forward. Kubernetes 1.35 requires both.
pub fn port_forward(namespace: &str) -> Vec<Permission> {
    ["get", "create"].iter().map(|verb| Permission::to(verb, "", "pods/portforward").in_namespace(namespace)).collect()
}

/// The log of a container, limited because only its end matters.
pub fn log(namespace: &str, pod: &str, container: &str, previous: bool) -> Query {
    Query {
        name: "logs".into(),
        path: format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&previous={previous}&timestamps=true&tailLines=200&limitBytes=262144"
        ),
        permission: read_logs(namespace),
    }
}

/// The permission to read logs.
pub fn read_logs(namespace: &str) -> Permission {
    Permission::to("get", "", "pods/log").in_namespace(namespace)
}

/// One node, of a pod that is not ready or should be gone.
///
/// Most users of a namespace may not read it, and the pods show the same with less detail. A denial is not reported as a
/// missing permission.
pub fn node(name: &str) -> Query {
    get("node", "v1", "nodes", name, None)
}

/// The permission to read any node, because it is not known beforehand on which one a pod will run.
pub fn read_nodes() -> Permission {
    Permission::to("get", "", "nodes")
}

/// The nodes with their allocatable resources.
pub fn nodes() -> Query {
    Query {
        name: "nodes".into(),
        path: format!("/api/v1/nodes?limit={PAGE}"),
        permission: Permission::to("list", "", "nodes"),
    }
}

/// The pods of the whole cluster that use resources.
pub fn pods_everywhere() -> Query {
    Query {
        name: "nodes".into(),
        path: format!(
            "/api/v1/pods?limit={PAGE}&fieldSelector=status.phase!%3DSucceeded%2Cstatus.phase!%3DFailed%2Cspec.nodeName!%3D"
        ),
        permission: Permission::to("list", "", "pods"),
    }
}

/// The rows that are queried at this depth, including those that are queried separately.
fn rows(profile: &Profile, depth: Depth, each: bool) -> impl Iterator<Item = &'static Observed> {
    let at = move |row: &&Observed| depth >= row.from && matches!(row.request, Request::Each(_)) == each;
    observed::ALL.iter().filter(at).filter(move |row| row.is_of(profile))
}

/// The custom resources of Service Mesh Hub, in all namespaces.
pub fn hub(generation: &Generation) -> Vec<(HubKind, Query)> {
    let query = |kind: HubKind| {
        let query = Query {
            name: kind.query(),
            path: format!("{}/{}?limit={PAGE}", root_of(&kind.api_version), kind.plural),
            permission: Permission::to("list", group_of(&kind.api_version), kind.plural),
        };
        (kind, query)
    };
    generation.kinds().into_iter().map(query).collect()
}

/// The custom resources of Service Mesh Hub that are in registered clusters.
pub fn hub_certificates(generation: &Generation) -> Vec<(HubKind, Query)> {
    let mut queries = hub(generation);
    queries.retain(|(kind, _)| Role::CERTIFICATES.contains(&kind.role));
    queries
}

/// The Secret with the certificate with which istiod signs. Only its metadata is requested.
pub fn cacerts(namespace: &str) -> Query {
    secret("cacerts", namespace)
}

/// A Secret, of which only the metadata is requested.
pub fn secret(name: &str, namespace: &str) -> Query {
    get("secret", "v1", "secrets", name, Some(namespace))
}

/// The pods of istiod, which have this label in every release.
pub fn istiod(namespace: &str) -> Query {
    let mut query = list("istiod", "v1", "pods", namespace);
    query.path.push_str("&labelSelector=istio%3Dpilot");
    query
}

/// The Services of Istio, of which the gateways are.
pub fn istio_services(namespace: &str) -> Query {
    list("gateways", "v1", "services", namespace)
}

/// The `ServiceAccount`s of a namespace.
pub fn service_accounts(namespace: &str) -> Query {
    list("serviceAccounts", "v1", "serviceaccounts", namespace)
}

/// The configuration of the cluster's DNS.
pub fn dns() -> Query {
    get("dns", "v1", "configmaps", "coredns", Some("kube-system"))
}

/// The queries of the first round, which need no earlier answer.
pub fn first_round(profile: &Profile, namespace: &str, depth: Depth) -> Vec<Query> {
    let mut list: Vec<Query> = rows(profile, depth, false).flat_map(|row| of(row, profile, namespace)).collect();
    if depth >= Depth::Status {
        list.push(cluster_id());
    }
    if depth.is_whole() && !profile.is_hub() {
        list.push(watch_list_config_map(profile, namespace));
        list.extend(token(profile, namespace));
    }
    list
}

/// The queries of the first round for single objects, by row.
pub fn each(profile: &Profile, namespace: &str, depth: Depth) -> Vec<(&'static str, Vec<Query>)> {
    rows(profile, depth, true).map(|row| (row.name, of(row, profile, namespace))).collect()
}

/// Every permission that an observation needs.
pub fn permissions(profile: &Profile, namespace: &str, depth: Depth) -> Vec<Permission> {
    let mut queries = first_round(profile, namespace, depth);
    if profile.is_hub() {
        // The era is not known before the cluster is asked.
        queries.extend(hub::GENERATIONS.iter().flat_map(hub).map(|(_, query)| query));
        let permissions = queries.into_iter().map(|query| query.permission);
        let others = [read_nodes(), read_logs(namespace)].into_iter().chain(port_forward(namespace));
        return sorted(permissions.chain(others));
    }
    queries.extend(custom_resources_everywhere(profile).into_iter().map(|(_, query)| query));
    let each = each(profile, namespace, depth);
    queries.extend(each.into_iter().flat_map(|(_, queries)| queries));
    let mut others = port_forward(namespace);
    others.push(read_nodes());
    if depth.is_whole() {
        others.push(reviews::review());
        queries.extend(meshsync_reader(profile));
        others.push(read_logs(namespace));
        others.push(read_metrics(namespace));
        let policies = cni::PLUGINS.iter().flat_map(|forms| forms.iter().copied().flatten());
        queries.extend(policies.map(|kind| cni_policies(kind, namespace)));
    }
    if depth == Depth::Preflight {
        queries.extend([nodes(), pods_everywhere()]);
        others.push(Permission::to("create", "", "pods").in_namespace(namespace));
        others.extend(manifests::permissions(profile, namespace));
    }
    sorted(queries.into_iter().map(|query| query.permission).chain(others))
}

/// Each of these permissions once.
fn sorted(permissions: impl Iterator<Item = Permission>) -> Vec<Permission> {
    let mut permissions: Vec<Permission> = permissions.collect();
    permissions.sort();
    permissions.dedup();
    permissions
}
