//! Gloo Mesh in the test cluster: CRDs without a schema, the objects of a recording, and the real controllers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use kube::Client;
use meshdoctor::stack::hub::{GENERATIONS, Role};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::process::Process;
use super::rest::{self, BED};
use super::{crds, wait};

/// The default namespace of its releases since 0.10.
pub const NAMESPACE: &str = "gloo-mesh";

/// The API server stores these fields itself.
const OWN_FIELDS: [&str; 5] = ["uid", "generation", "creationTimestamp", "resourceVersion", "managedFields"];

/// Kinds that only the real controllers need: API group, versions, kind, plural. Without one of them, networking exits
/// after two minutes.
const OF_CONTROLLERS: [(&str, &[&str], &str, &str); 22] = [
    ("certificates.mesh.gloo.solo.io", &["v1"], "PodBounceDirective", "podbouncedirectives"),
    ("settings.mesh.gloo.solo.io", &["v1"], "Dashboard", "dashboards"),
    ("observability.enterprise.mesh.gloo.solo.io", &["v1"], "AccessLogRecord", "accesslogrecords"),
    ("xds.agent.enterprise.mesh.gloo.solo.io", &["v1beta1"], "XdsConfig", "xdsconfigs"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "CertificateVerification", "certificateverifications"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "RateLimitClientConfig", "ratelimitclientconfigs"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "RateLimitServerConfig", "ratelimitserverconfigs"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "RouteTable", "routetables"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "ServiceDependency", "servicedependencies"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "VirtualDestination", "virtualdestinations"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "VirtualGateway", "virtualgateways"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "VirtualHost", "virtualhosts"),
    ("networking.enterprise.mesh.gloo.solo.io", &["v1beta1"], "WasmDeployment", "wasmdeployments"),
    ("networking.istio.io", &["v1alpha3", "v1beta1"], "DestinationRule", "destinationrules"),
    ("networking.istio.io", &["v1alpha3"], "EnvoyFilter", "envoyfilters"),
    ("networking.istio.io", &["v1alpha3", "v1beta1"], "Gateway", "gateways"),
    ("networking.istio.io", &["v1alpha3", "v1beta1"], "ServiceEntry", "serviceentries"),
    ("networking.istio.io", &["v1alpha3", "v1beta1"], "Sidecar", "sidecars"),
    ("networking.istio.io", &["v1alpha3", "v1beta1"], "VirtualService", "virtualservices"),
    ("security.istio.io", &["v1beta1"], "AuthorizationPolicy", "authorizationpolicies"),
    ("security.istio.io", &["v1beta1"], "PeerAuthentication", "peerauthentications"),
    ("security.istio.io", &["v1beta1"], "RequestAuthentication", "requestauthentications"),
];

/// The path of the binary of the real controllers, if it is set.
pub fn binary() -> Option<PathBuf> {
    std::env::var_os("GLOO_MESH_BIN").map(PathBuf::from)
}

/// Starts `discovery` or `networking` as the cluster's administrator.
pub fn start(cluster: &Cluster, component: &str, binary: &std::path::Path) -> Result<Process> {
    let args = [
        component.to_owned(),
        // No listener: it would listen on all interfaces.
        "--metrics-port=0".to_owned(),
        "--settings-name=settings".to_owned(),
        format!("--settings-namespace={NAMESPACE}"),
    ];
    let env = [("KUBECONFIG", cluster.kubeconfig().display().to_string()), ("POD_NAMESPACE", NAMESPACE.to_owned())];
    Process::start(component, &cluster.file(&format!("gloo-mesh-{component}.log")), binary, &args, &env)
}

/// A CRD with a status and without a schema. The first version is stored.
fn crd(group: &str, versions: &[&str], kind: &str, plural: &str) -> Value {
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let versions: Vec<Value> = versions
        .iter()
        .enumerate()
        .map(|(index, version)| {
            json!({
                "name": version, "served": true, "storage": index == 0, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": any },
            })
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "versions": versions,
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
        },
    })
}

/// Creates the CRDs of era D.
pub async fn create_crds(cluster: &Cluster, client: &Client) -> Result<()> {
    create_crds_of(cluster, client, |_| true).await
}

/// Creates the CRDs of era D that a registered cluster has.
pub async fn create_crds_of_agents(cluster: &Cluster, client: &Client) -> Result<()> {
    create_crds_of(cluster, client, |role| Role::CERTIFICATES.contains(&role)).await
}

async fn create_crds_of(cluster: &Cluster, client: &Client, wanted: fn(Role) -> bool) -> Result<()> {
    let kinds = GENERATIONS[0].kinds();
    let of_hub = kinds.iter().filter(|kind| wanted(kind.role)).filter_map(|kind| {
        let (group, version) = kind.api_version.split_once('/')?;
        Some(crd(group, &[version], kind.kind, kind.plural))
    });
    create(cluster, client, of_hub.collect()).await
}

/// Creates the CRDs that the real controllers need besides those of [`create_crds`].
pub async fn create_crds_of_controllers(cluster: &Cluster, client: &Client) -> Result<()> {
    let crds = OF_CONTROLLERS.iter().map(|(group, versions, kind, plural)| crd(group, versions, kind, plural));
    create(cluster, client, crds.collect()).await
}

async fn create(cluster: &Cluster, client: &Client, crds: Vec<Value>) -> Result<()> {
    cluster.apply(BED, &crds).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |crd: &Value| (text(&crd["spec"]["group"]), text(&crd["spec"]["names"]["plural"]));
    wait::until("the CRDs to be served", Duration::from_secs(15), || async {
        for crd in &crds {
            let (group, plural) = of(crd);
            let version = text(&crd["spec"]["versions"][0]["name"]);
            if rest::get(client, &format!("/apis/{group}/{version}/{plural}")).await.is_err() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    let paths: Vec<String> = crds.iter().map(of).map(|(group, plural)| crds::path(&plural, &group)).collect();
    crds::backdate(client, &paths).await
}

/// Creates the objects of a recording, the custom resources with their statuses, and waits until the Deployments are
/// ready. The cluster itself creates the pods.
pub async fn create_objects(cluster: &Cluster, client: &Client, objects: &[Value]) -> Result<()> {
    let kinds = GENERATIONS[0].kinds();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut deployments = 0;
    for object in objects {
        let kind = text(&object["kind"]);
        if ["Recording", "Pod", "ReplicaSet"].contains(&kind.as_str()) {
            continue;
        }
        deployments += usize::from(kind == "Deployment");
        let mut object = object.clone();
        let status = object.as_object_mut().and_then(|fields| fields.remove("status"));
        if let Some(metadata) = object["metadata"].as_object_mut() {
            for field in OWN_FIELDS {
                metadata.remove(field);
            }
        }
        cluster.apply(BED, &[object.clone()]).await?;
        let is_custom = kinds.iter().any(|kind| object["apiVersion"] == kind.api_version.as_str());
        if let Some(status) = status.filter(|_| is_custom) {
            cluster.patch_status(&rest::path_of(&object)?, &status).await?;
        }
    }
    wait::until("the Deployments to be ready", Duration::from_secs(30), || async {
        let all = rest::list(client, &rest::collection("apps/v1", "Deployment", Some(NAMESPACE))).await?;
        let ready = all.iter().all(|deployment| deployment["status"]["readyReplicas"] == 1);
        Ok((ready && all.len() >= deployments).then_some(()))
    })
    .await
}
