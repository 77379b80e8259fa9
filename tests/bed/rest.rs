//! Reads and writes objects of any kind as JSON, in the same ways as the stack's programs.
//!
//! Without discovery: the path of an object is derived from its kind, which works for all kinds that the tests use.

use anyhow::{Context, Result};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

/// The annotation in which `kubectl apply` stores the applied object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

const CLUSTER_SCOPED: [&str; 11] = [
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
];

/// The field manager that writes an object, and its method; the API server records both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer<'a> {
    /// Like the first `kubectl apply`: creates the object with the last-applied annotation.
    Kubectl,
    /// Like a controller that creates objects, with this field manager.
    Create(&'a str),
    /// Like a controller that uses server-side apply with force, with this field manager.
    Apply(&'a str),
}

/// The field manager of the test bed itself.
pub const BED: Writer<'static> = Writer::Apply("meshdoctor-bed");

/// The URL path of a kind's collection.
pub fn collection(api_version: &str, kind: &str, namespace: Option<&str>) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let lower = kind.to_lowercase();
    let plural = match lower.as_str() {
        "endpoints" | "logs" | "settings" => lower,
        name if name.ends_with('s') || name.ends_with("sh") => format!("{name}es"),
        name if name.ends_with('y') => format!("{}ies", &name[..name.len() - 1]),
        name => format!("{name}s"),
    };
    match namespace {
        Some(namespace) if !CLUSTER_SCOPED.contains(&kind) => {
            format!("/{root}/{api_version}/namespaces/{namespace}/{plural}")
        }
        _ => format!("/{root}/{api_version}/{plural}"),
    }
}

/// The URL path of an object.
pub fn path(api_version: &str, kind: &str, namespace: &str, name: &str) -> String {
    format!("{}/{name}", collection(api_version, kind, Some(namespace)))
}

/// The URL path of a given object. Without a namespace, it is in `default` or cluster-scoped.
pub fn path_of(object: &Value) -> Result<String> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").context("the object has no kind")?;
    let name = text("/metadata/name").with_context(|| format!("a {kind} without name"))?;
    let api_version = text("/apiVersion").with_context(|| format!("{kind} {name} without apiVersion"))?;
    Ok(path(api_version, kind, text("/metadata/namespace").unwrap_or("default"), name))
}

/// Whether objects of this kind are cluster-scoped.
pub fn is_cluster_scoped(kind: &str) -> bool {
    CLUSTER_SCOPED.contains(&kind)
}

/// Writes an object and returns it as the API server stored it.
pub async fn write(client: &Client, writer: Writer<'_>, object: &Value) -> Result<Value> {
    let path = path_of(object)?;
    match writer {
        Writer::Apply(manager) => {
            let path = format!("{path}?fieldManager={manager}&force=true");
            send(client, Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await
        }
        Writer::Create(manager) => create(client, &path, manager, object).await,
        Writer::Kubectl => {
            let mut object = object.clone();
            // kubectl adds the annotations field even if the given object has none.
            if object["metadata"]["annotations"].is_null() {
                object["metadata"]["annotations"] = json!({});
            }
            let text = format!("{object}\n");
            object["metadata"]["annotations"][LAST_APPLIED] = text.into();
            match create(client, &path, "kubectl-client-side-apply", &object).await {
                Err(error) if is(&error, 409) => {
                    let path = format!("{path}?fieldManager=kubectl-client-side-apply");
                    merge(client, &path, &object).await
                }
                result => result,
            }
        }
    }
}

/// Writes objects concurrently; the results have the same order.
pub async fn write_all(client: &Client, writer: Writer<'_>, objects: &[Value]) -> Result<Vec<Value>> {
    futures_util::future::try_join_all(objects.iter().map(|object| write(client, writer, object))).await
}

/// Reads a path.
pub async fn get(client: &Client, path: &str) -> Result<Value> {
    send(client, Method::GET, path, "", None).await
}

/// Reads the items of a collection; empty if the kind is not served.
pub async fn list(client: &Client, path: &str) -> Result<Vec<Value>> {
    match get(client, path).await {
        Ok(mut list) => Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default()),
        Err(error) if is(&error, 404) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Reads the metadata of the items of a collection, which takes much less time than to read them whole.
pub async fn list_metadata(client: &Client, path: &str) -> Result<Vec<Value>> {
    const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let request = Request::get(path).header("Accept", METADATA).body(Vec::new())?;
    let mut list: Value = client.request(request).await.with_context(|| format!("GET {path}"))?;
    Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

/// Applies a JSON merge patch; `path` can end in a subresource.
pub async fn merge(client: &Client, path: &str, change: &Value) -> Result<Value> {
    send(client, Method::PATCH, path, "application/merge-patch+json", Some(change)).await
}

/// Posts an object to a path, such as a create-only subresource.
pub async fn post(client: &Client, path: &str, object: &Value) -> Result<Value> {
    send(client, Method::POST, path, "application/json", Some(object)).await
}

/// Deletes a path without waiting; ignores a missing object.
pub async fn delete(client: &Client, path: &str) -> Result<()> {
    let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
    match send(client, Method::DELETE, path, "application/json", Some(&options)).await {
        Err(error) if !is(&error, 404) => Err(error),
        _ => Ok(()),
    }
}

/// Whether an error is an API server response with this status code.
pub fn is(error: &anyhow::Error, code: u16) -> bool {
    matches!(error.downcast_ref::<kube::Error>(), Some(kube::Error::Api(status)) if status.code == code)
}

async fn create(client: &Client, path: &str, manager: &str, object: &Value) -> Result<Value> {
    let collection = path.rsplit_once('/').map_or(path, |(collection, _)| collection);
    post(client, &format!("{collection}?fieldManager={manager}"), object).await
}

async fn send(client: &Client, method: Method, path: &str, content: &str, body: Option<&Value>) -> Result<Value> {
    let mut request = Request::builder().method(method.clone()).uri(path).header("Accept", "application/json");
    if body.is_some() {
        request = request.header("Content-Type", content);
    }
    let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
    client.request(request.body(body)?).await.with_context(|| format!("{method} {path}"))
}
