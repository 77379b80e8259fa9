//! The people of the cluster and their kubeconfigs: an administrator, one who may nothing, and spare ones to give rights to.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::cluster::Cluster;
use super::scratch::Scratch;
use super::{rest, wait};

/// In the group `system:masters`.
pub const ADMIN: &str = "admin";
/// Known to the cluster, with no right but to look at its version.
pub const NOBODY: &str = "nobody";
/// How many spare users there are, named `user-1` and so on.
pub const SPARE: usize = 200;

/// The token of a user. There is nothing to guess about a cluster on the loopback address that lives for minutes.
pub fn token(user: &str) -> String {
    format!("bed-token-of-{user}")
}

/// Writes the API server's token file.
pub fn write_tokens(scratch: &Scratch) -> Result<PathBuf> {
    let mut text =
        format!("{0},{ADMIN},{ADMIN},\"system:masters\"\n{1},{NOBODY},{NOBODY}\n", token(ADMIN), token(NOBODY));
    for number in 1..=SPARE {
        let user = format!("user-{number}");
        writeln!(text, "{},{user},{user}", token(&user))?;
    }
    let path = scratch.file("tokens.csv");
    fs::write(&path, text)?;
    Ok(path)
}

/// A kubeconfig with one context, `bed`, that trusts the cluster's authority and carries the token.
pub fn kubeconfig(server: &str, authority: &str, user: &str, token: &str) -> String {
    let authority = base64(authority);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: bed
  cluster:
    server: {server}
    certificate-authority-data: {authority}
contexts:
- name: bed
  context: {{cluster: bed, user: {user}}}
current-context: bed
users:
- name: {user}
  user: {{token: {token}}}
"
    )
}

/// Base64, through the type that Kubernetes' own objects use for it.
pub fn base64(text: &str) -> String {
    match serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())) {
        Ok(serde_json::Value::String(encoded)) => encoded,
        _ => unreachable!("bytes always become a string"),
    }
}

impl Cluster {
    /// Waits until the authorizer has heard of a right that was given or taken away: `patch deployments.apps/name`, in
    /// the whole cluster.
    pub async fn until_may(&self, user: &str, right: &str, allowed: bool) -> Result<()> {
        self.until_may_in(None, user, right, allowed).await
    }

    /// As [`Self::until_may`], in one namespace if there is one.
    pub async fn until_may_in(&self, namespace: Option<&str>, user: &str, right: &str, allowed: bool) -> Result<()> {
        let client = self.client_for(user).await?;
        let (verb, object) = right.split_once(' ').context("no verb")?;
        let (resource, name) = object.split_once('/').unwrap_or((object, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "name": name,
                "namespace": namespace,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        wait::until(right, Duration::from_secs(10), || async {
            let answer = rest::post(&client, path, &review).await?;
            Ok((answer["status"]["allowed"] == allowed).then_some(()))
        })
        .await
    }
}
