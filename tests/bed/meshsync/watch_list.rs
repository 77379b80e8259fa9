//! The watched kinds and their published event types.

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use super::table;

/// A kind to watch.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    /// `plural.version.group`.
    pub(crate) name: String,
    /// The event types that are published.
    pub(crate) events: Vec<String>,
}

/// The kinds that the custom resource selects.
#[derive(Clone, Debug)]
pub(crate) enum Selection {
    /// These kinds. `custom`: whether there is a custom resource; only then kinds of CRDs are watched too.
    Kinds { kinds: Vec<Kind>, custom: bool },
    /// No kind: the list cannot be read. The real MeshSync then uses its whole table, in which one invalid name breaks
    /// everything.
    Nothing,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "Resource", alias = "resource", default)]
    resource: String,
    #[serde(rename = "Events", alias = "events", default)]
    events: Vec<String>,
}

impl Selection {
    /// The kinds without a custom resource.
    pub(crate) fn whole_table() -> Self {
        Self::Kinds { kinds: every_kind_but(&[]), custom: false }
    }
}

impl Kind {
    pub(crate) fn with_every_event(name: &str) -> Self {
        let events = ["ADDED", "MODIFIED", "DELETED"].map(str::to_owned).into();
        Self { name: name.to_owned(), events }
    }

    /// The URL path of all objects of the kind.
    pub(crate) fn path(&self) -> String {
        let mut parts = self.name.splitn(3, '.');
        let mut part = || parts.next().unwrap_or_default();
        let (plural, version, group) = (part(), part(), part());
        if group.is_empty() { format!("/api/{version}/{plural}") } else { format!("/apis/{group}/{version}/{plural}") }
    }
}

/// What MeshSync's own table contains besides the usual kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// A name that is no resource, which breaks everything. Without a custom resource, a shorter list is used.
    Invalid,
    /// No event types, so nothing of it is published. Entries that a blacklist leaves get some that do not exist.
    WithoutEvents,
}

/// Reads the custom resource once.
pub(crate) async fn read(client: &Client, namespace: &str, prefix: &str, group: &str, defaults: Defaults) -> Selection {
    let path = format!("/apis/{group}/v1alpha1/namespaces/{namespace}/meshsyncs/{prefix}-meshsync");
    let object: Value = match fetch(client, &path).await {
        Ok(object) => object,
        Err(error) => {
            eprintln!("meshsync: no custom resource: {error:#}");
            return match defaults {
                Defaults::Invalid => Selection::whole_table(),
                Defaults::WithoutEvents => Selection::Nothing,
            };
        }
    };
    match of_data(&object["spec"]["watch-list"]["data"], defaults) {
        Ok(kinds) => Selection::Kinds { kinds, custom: true },
        Err(error) => {
            eprintln!("meshsync: cannot read the watch-list: {error:#}");
            Selection::Nothing
        }
    }
}

/// Reads a path.
pub(crate) async fn fetch(client: &Client, path: &str) -> Result<Value> {
    Ok(client.request(Request::get(path).body(Vec::new())?).await?)
}

/// The kinds of a watch-list; only kinds of the table are used.
fn of_data(data: &Value, defaults: Defaults) -> Result<Vec<Kind>> {
    let white: Vec<Entry> = list(&data["whitelist"]).context("whitelist")?;
    let black: Vec<String> = list(&data["blacklist"]).context("blacklist")?;
    match (white.as_slice(), black.as_slice()) {
        ([], []) => anyhow::bail!("both lists are empty"),
        ([_, ..], [_, ..]) => anyhow::bail!("both lists have entries"),
        ([], black) => {
            // A blacklist works only if it includes this invalid name of the real table. The other names that only the
            // real table has belong to no API.
            anyhow::ensure!(defaults == Defaults::Invalid, "the event types ADD, UPDATE and DELETE do not exist");
            anyhow::ensure!(black.iter().any(|name| name == "service.apis"), "service.apis is not a resource name");
            Ok(every_kind_but(black))
        }
        (white, []) => Ok(table::RESOURCES
            .iter()
            .filter_map(|name| white.iter().find(|entry| entry.resource == *name))
            .map(|entry| Kind { name: entry.resource.clone(), events: entry.events.clone() })
            .collect()),
    }
}

fn list<T: serde::de::DeserializeOwned>(text: &Value) -> Result<Vec<T>> {
    match text {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        // JSON null means an empty list.
        Value::String(text) => Ok(serde_json::from_str::<Option<_>>(text)?.unwrap_or_default()),
        other => anyhow::bail!("{other} is not a string"),
    }
}

fn every_kind_but(without: &[String]) -> Vec<Kind> {
    table::RESOURCES
        .iter()
        .filter(|name| !without.iter().any(|other| other == *name))
        .map(|name| Kind::with_every_event(name))
        .collect()
}
