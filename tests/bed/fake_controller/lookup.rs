//! Finds objects of the namespace, and their names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::Value;

use super::is_terminating;
use super::operator::FakeOperator;
use crate::bed::line::{Line, Names};
use crate::bed::rest;

impl FakeOperator {
    /// The pods with these labels that are ready and not terminating: UID by name.
    pub(super) async fn ready_pods(&self, labels: &str) -> Result<BTreeMap<String, Value>> {
        let labels = labels.replace('=', "%3D").replace(',', "%2C");
        let path = rest::collection("v1", "Pod", Some(&self.setup.namespace));
        let pods = rest::list(&self.client, &format!("{path}?labelSelector={labels}")).await?;
        let is_ready = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array();
            let mut all = conditions.into_iter().flatten();
            all.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        Ok(pods
            .iter()
            .filter(|pod| is_ready(pod) && !is_terminating(pod))
            .filter_map(|pod| {
                let metadata = &pod["metadata"];
                Some((metadata["name"].as_str()?.to_owned(), metadata["uid"].clone()))
            })
            .collect())
    }

    /// The token that the Secret contains now.
    pub(super) async fn token(&self) -> Result<Option<String>> {
        let Some(secret) = self.find("v1", "Secret", "meshery-nats-auth").await? else {
            return Ok(None);
        };
        let token: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["token"].clone())?;
        Ok(Some(String::from_utf8(token.0)?))
    }

    pub(super) async fn custom_resource(&self, kind: &str) -> Result<Option<Value>> {
        let api_version = format!("{}/v1alpha1", self.names().group);
        let name = self.named(&kind.to_lowercase());
        self.find(&api_version, kind, &name).await
    }

    /// An object of the namespace, as this round has read it first.
    pub(super) async fn find(&self, api_version: &str, kind: &str, name: &str) -> Result<Option<Value>> {
        let path = self.path(api_version, kind, name);
        let known = self.reads().get(&path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = match rest::get(&self.client, &path).await {
            Ok(object) => Some(object),
            Err(error) if rest::is(&error, 404) => None,
            Err(error) => return Err(error),
        };
        self.reads().insert(path, found.clone());
        Ok(found)
    }

    /// Lets every object be read again.
    pub(super) fn forget_reads(&self) {
        self.reads().clear();
    }

    fn reads(&self) -> MutexGuard<'_, BTreeMap<String, Option<Value>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn names(&self) -> Names {
        self.setup.line.names()
    }

    pub(super) fn is_current(&self) -> bool {
        self.setup.line == Line::Current
    }

    /// A name with the prefix of the operator line, such as `meshery-operator`.
    pub(super) fn named(&self, what: &str) -> String {
        format!("{}-{what}", self.names().prefix)
    }

    /// The pod whose server is behind the Service.
    pub(super) fn first_broker(&self) -> String {
        format!("{}-0", self.names().broker)
    }

    pub(super) fn path(&self, api_version: &str, kind: &str, name: &str) -> String {
        rest::path(api_version, kind, &self.setup.namespace, name)
    }
}

/// The cluster IP of a Service.
pub(super) fn address_of(service: &Value) -> Option<Ipv4Addr> {
    service["spec"]["clusterIP"].as_str()?.parse().ok()
}

/// The address and the token of a URL that names a server by its IP address.
pub(super) fn server_of(url: &str) -> Option<(Ipv4Addr, Option<String>)> {
    let rest = url.strip_prefix("nats://")?;
    let (token, server) = rest.rsplit_once('@').map_or((None, rest), |(token, server)| (Some(token), server));
    Some((server.split(':').next()?.parse().ok()?, token.map(str::to_owned)))
}
