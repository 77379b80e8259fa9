//! The results of a preflight: the API server's answer for every object that an installation would write.

use serde::{Deserialize, Serialize};

use crate::stack::{
    base::{permission::Permission, seen::Seen},
    quantity::ResourceAmount,
};

/// The results of a preflight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preflight {
    /// The user that the API server authenticated.
    pub user: Seen<String>,
    /// The objects that an installation would write, in that order.
    pub objects: Vec<DryRun>,
    /// The resulting pods.
    pub pods: Vec<DryRun>,
    /// The nodes and their resource usage.
    pub nodes: Seen<Vec<Node>>,
}

/// A server-side dry run of one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DryRun {
    /// Its kind.
    pub kind: String,
    /// Its namespace. `None` for a cluster-scoped object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The permissions needed to write it, and whether we have them.
    #[serde(rename = "rights")]
    pub permissions: Vec<ReviewedPermission>,
    /// The answer to the dry run.
    pub answer: Seen<Answer>,
    /// The answer to a second dry run that takes over fields. It is made if other managers own some of them.
    pub forced: Seen<Answer>,
    /// What it would change. It is known if the object exists, the dry run was accepted, and the object can be read.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub effect: Seen<Effect>,
}

/// What applying an object would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Nothing.
    Unchanged,
    /// Some of its fields.
    Changed,
    /// It is deleted and recreated.
    Recreated,
}

/// A permission, and whether we have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReviewedPermission {
    /// The permission.
    #[serde(rename = "right")]
    pub permission: Permission,
    /// The API server's answer.
    pub allowed: Seen<bool>,
}

/// The API server's answer to a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// The HTTP status: 201 for an object that would be created, 200 for one that would be changed.
    pub status: u16,
    /// The server's message, if the answer is not an object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The fields of a node that matter to the scheduler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether its kubelet reports it ready.
    pub ready: bool,
    /// Whether it is unschedulable (cordoned).
    pub unschedulable: bool,
    /// Its taints that keep pods away, as `key=value:effect`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<String>,
    /// Its allocatable resources.
    pub allocatable: ResourceAmount,
    /// The resources that other pods on it request.
    pub requested: ResourceAmount,
}
