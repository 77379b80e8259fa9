//! The cluster's users and their kubeconfigs: an administrator, a user without permissions, and spare users for tests.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::cluster::Cluster;
use super::scratch::Scratch;
use super::{rest, wait};

/// The administrator, in the group `system:masters`.
pub const ADMIN: &str = "admin";
/// A user who can authenticate but has no permission except to read the cluster's version.
pub const NOBODY: &str = "nobody";
/// The number of spare users, named `user-1` and so on.
pub const SPARE: usize = 200;

/// The token of a user. It need not be secret: the cluster listens on loopback only, and runs for minutes.
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

/// A kubeconfig with one context, `bed`, that contains the cluster's authority and the token.
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

/// Encodes in Base64, with the type that Kubernetes objects use.
pub fn base64(text: &str) -> String {
    match serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())) {
        Ok(serde_json::Value::String(encoded)) => encoded,
        _ => unreachable!("bytes are always serialized as a string"),
    }
}

impl Cluster {
    /// Waits until a permission is granted or revoked in the whole cluster: `patch deployments.apps/name`.
    pub async fn until_allowed(&self, user: &str, permission: &str, allowed: bool) -> Result<()> {
        self.until_allowed_in(None, user, permission, allowed).await
    }

    /// Like [`Self::until_allowed`], in a namespace if one is given.
    pub async fn until_allowed_in(
        &self,
        namespace: Option<&str>,
        user: &str,
        permission: &str,
        allowed: bool,
    ) -> Result<()> {
        let client = self.client_for(user).await?;
        let (verb, object) = permission.split_once(' ').context("no verb")?;
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
        wait::until(permission, Duration::from_secs(10), || async {
            let answer = rest::post(&client, path, &review).await?;
            Ok((answer["status"]["allowed"] == allowed).then_some(()))
        })
        .await
    }
}
