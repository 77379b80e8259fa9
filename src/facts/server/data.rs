//! What Meshery Server stored, and its adapters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stack::base::seen::Seen;

/// What the server stored of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredData {
    /// The number of all objects, if the server counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The number of objects by kind: `Pod`. A kind that is missing was not asked for, unless [`Self::every_kind`] is set.
    pub kinds: BTreeMap<String, u64>,
    /// Whether the server lists every kind that it stored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub every_kind: bool,
    /// The total number a moment later, if it was asked twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<u64>,
}

/// The tables of the server's database that concern us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tables {
    /// The number of all tables.
    pub total: u64,
    /// The number of rows by table.
    pub rows: BTreeMap<String, u64>,
}

/// One adapter of the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Adapter {
    /// Its address as the server knows it: `meshery-istio:10000`.
    pub location: String,
    /// Its name, if the server reached it once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the server reaches it.
    pub reached_by_server: Seen<bool>,
    /// Whether its port accepts a connection through a port-forward to its pod.
    pub port_open: Seen<bool>,
}
