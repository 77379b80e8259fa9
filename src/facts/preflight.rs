//! What a preflight saw: what the API server said of every object that an installation would write.

use serde::{Deserialize, Serialize};

use crate::stack::{
    base::{permission::Permission, seen::Seen},
    quantity::ResourceAmount,
};

/// What a preflight saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preflight {
    /// Whom the API server takes us for.
    pub user: Seen<String>,
    /// The objects that an installation would write, in that order.
    pub objects: Vec<DryRun>,
    /// The pods that would come of it.
    pub pods: Vec<DryRun>,
    /// The nodes, and what is taken of them.
    pub nodes: Seen<Vec<Node>>,
}

/// One object, tried and not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DryRun {
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for an object of the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The rights that writing it takes, and whether we have them.
    pub rights: Vec<AskedRight>,
    /// The answer to the dry run.
    pub answer: Seen<Answer>,
    /// The answer to a second one that takes fields over, asked when others hold some of them.
    pub forced: Seen<Answer>,
}

/// A right, and whether we have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AskedRight {
    /// The right.
    pub right: Permission,
    /// The API server's answer.
    pub allowed: Seen<bool>,
}

/// What the API server answered to a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// The HTTP status: 201 for an object that would be made, 200 for one that would be changed.
    pub status: u16,
    /// The server's words, of an answer that is no object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A node, as far as a scheduler looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether its kubelet reports it ready.
    pub ready: bool,
    /// Whether it takes no new pods.
    pub unschedulable: bool,
    /// Its taints that keep pods away, `key=value:effect`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<String>,
    /// What it has for pods.
    pub allocatable: ResourceAmount,
    /// What pods of others ask for on it.
    pub requested: ResourceAmount,
}
