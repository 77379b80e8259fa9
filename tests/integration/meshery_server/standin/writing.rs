//! Requests that change something: which they are, and what a test can make of them.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Generation, Link,
    reply::{Whole, empty, error_only, html, text},
    routes, upload,
};
use crate::hostile::peer::Request;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Write {
    Upload,
    Sync,
    Connect,
    Disconnect,
    /// Another status of a connection.
    SetStatus,
    DeleteConnection,
    DeleteContext,
    Flush,
    Mode,
    /// `resyncCluster` of 2024, `/resync` of May 2026.
    Resync,
    /// `changeOperatorStatus` of 2024.
    Operator,
    Reset,
    Config,
    /// Any other request that is no GET.
    Other,
}

impl Write {
    /// Every kind.
    pub(crate) const ALL: [Self; 14] = [
        Self::Upload,
        Self::Sync,
        Self::Connect,
        Self::Disconnect,
        Self::SetStatus,
        Self::DeleteConnection,
        Self::DeleteContext,
        Self::Flush,
        Self::Mode,
        Self::Resync,
        Self::Operator,
        Self::Reset,
        Self::Config,
        Self::Other,
    ];
}

/// Whether a request asks for a change.
pub(crate) fn is_change(request: &Request) -> bool {
    written(request).is_some()
}

/// A request that changes something, as it arrived.
///
/// It is shown as `disconnect 535bca23-…`, `upload bed, other`, `sync`, `reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) write: Write,
    /// What it changes: the ID in the request, the names of contexts, or method and path of another request.
    pub(crate) about: String,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.write {
            Write::Upload => "upload",
            Write::Sync => return f.write_str("sync"),
            Write::Connect => "connect",
            Write::Disconnect => "disconnect",
            Write::SetStatus => "status",
            Write::DeleteConnection => "delete connection",
            Write::DeleteContext => "delete context",
            Write::Flush => "flush",
            Write::Mode => "mode",
            Write::Resync => "resync",
            Write::Operator => return f.write_str("operator"),
            Write::Reset => return f.write_str("reset"),
            Write::Config => "config",
            Write::Other => return f.write_str(&self.about),
        };
        write!(f, "{word} {}", self.about)
    }
}

/// What becomes of a change that arrives with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is refused with this status and this body.
    Refused(u16, Said),
    /// It is answered with a redirect to this address.
    Redirected(String),
    /// It is accepted as usual, but nothing changes.
    Ignored,
    /// It is accepted as usual, and what the server does before it answers is done, but nothing of what it does later.
    Stuck,
    /// It is carried out as usual, but there is no answer for this long, and then the connection ends.
    Hangs(Duration),
    /// It is carried out as usual, but the connection ends without an answer.
    Cut,
    /// The connection ends without an answer, and nothing changes.
    CutBefore,
}

/// The body of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Plain text.
    Text(&'static str),
    /// `{"error": …}`.
    Json(&'static str),
    /// A page.
    Html,
    /// An empty body.
    Nothing,
}

impl Said {
    /// The answer with this status.
    pub(super) fn reply(self, status: u16) -> Whole {
        match self {
            Self::Text(said) => text(status, said),
            Self::Json(said) => error_only(status, said),
            Self::Html => html(status, "<!DOCTYPE html><html><head><title>Error</title></head><body></body></html>"),
            Self::Nothing => empty(status),
        }
    }
}

/// What becomes of a context of an uploaded kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    /// The server ignores it.
    Ignored,
    /// The provider cannot save it.
    Errored,
    /// Its cluster does not answer. The generation of 2024 does not mention it then.
    Unreachable,
}

/// The stored objects after something deleted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inventory {
    /// Nothing deleted them.
    Full,
    /// They were deleted, and nothing has requested them since.
    Empty,
    /// They were deleted, and are received since this time, for [`Writing::refill`].
    Filling(Instant),
}

/// How a server changes.
#[derive(Clone, Debug)]
pub(crate) struct Writing {
    /// What becomes of changes, other than the usual.
    pub(crate) fates: BTreeMap<Write, Fate>,
    /// The time after which a change that was accepted takes effect.
    pub(crate) takes: Duration,
    /// The cluster to which uploaded contexts lead, unless [`Self::clusters`] has their API server's address.
    pub(crate) home: String,
    /// Clusters by the addresses of their API servers.
    pub(crate) clusters: BTreeMap<String, String>,
    /// What becomes of uploaded contexts by name, other than being registered and connected.
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// The contexts of kubeconfigs that the server finds when it is asked to sync.
    pub(crate) rediscoverable: Vec<Link>,
    pub(crate) inventory: Inventory,
    /// How long requested objects arrive, all at the end of it. `None`: they never arrive.
    pub(crate) refill: Option<Duration>,
    /// The connections that a reset removed. What the server does for them goes on.
    pub(crate) removed: Vec<Link>,
    /// Whether a connection that comes back after a reset requests its objects. That of 2024 does not.
    pub(crate) requests_after_reset: bool,
    /// Whether the database was reset.
    pub(crate) was_reset: bool,
    /// The configuration of the controllers for every connection.
    pub(crate) default_config: Value,
    /// The configurations of connections by ID.
    pub(crate) overrides: BTreeMap<String, Value>,
}

impl Writing {
    /// The usual, with uploaded contexts that lead to this cluster.
    pub(super) fn of(generation: Generation, cluster: &str) -> Self {
        Self {
            fates: BTreeMap::new(),
            takes: Duration::ZERO,
            home: cluster.into(),
            clusters: BTreeMap::new(),
            uploads: BTreeMap::new(),
            rediscoverable: Vec::new(),
            inventory: Inventory::Full,
            refill: Some(Duration::ZERO),
            removed: Vec::new(),
            requests_after_reset: generation != Generation::Graphql,
            was_reset: false,
            default_config: json!({}),
            overrides: BTreeMap::new(),
        }
    }

    /// How many objects of a kind are stored, of as many as the cluster has.
    pub(super) fn stored(&self, count: u64) -> u64 {
        let Inventory::Filling(since) = self.inventory else {
            return if self.inventory == Inventory::Full { count } else { 0 };
        };
        let elapsed = since.elapsed().as_millis();
        match self.refill.map(|refill| refill.as_millis()) {
            None => 0,
            Some(refill) if elapsed >= refill => count,
            Some(refill) => u64::try_from(u128::from(count).saturating_mul(elapsed) / refill.max(1)).unwrap_or(count),
        }
    }
}

/// What a request changes. `None` if it only reads.
pub(super) fn written(request: &Request) -> Option<Written> {
    let some = |write: Write, about: &str| Some(Written { write, about: about.to_owned() });
    let path = request.path.as_str();
    let method = request.method.as_str();
    let body = || serde_json::from_str::<Value>(&request.body).unwrap_or_default();
    match (method, path) {
        (_, "/api/system/sync") => return some(Write::Sync, ""),
        (_, "/api/system/graphql/query") => {
            let query = routes::value(request, "query").unwrap_or_else(|| request.body.clone());
            if query.contains("changeOperatorStatus") {
                return some(Write::Operator, "");
            }
            if query.contains("resyncCluster") {
                return some(Write::Resync, body()["variables"]["c"].as_str().unwrap_or_default());
            }
            return None;
        }
        ("GET" | "HEAD", _) => return None,
        ("POST", "/api/system/kubernetes") => {
            let contexts = upload::contexts(request).unwrap_or_default();
            let names: Vec<&str> = contexts.iter().map(|context| context.name.as_str()).collect();
            return some(Write::Upload, &names.join(", "));
        }
        ("DELETE", "/api/system/database/reset") => return some(Write::Reset, ""),
        ("PUT", "/api/system/controllers/config") => return some(Write::Config, "of every connection"),
        _ => (),
    }
    if let Some(rest) = path.strip_prefix("/api/integrations/connections/") {
        let (id, of) = rest.split_once('/').unwrap_or((rest, ""));
        let status = |status: &str, about: &str| match status {
            "connected" => some(Write::Connect, about),
            "disconnected" => some(Write::Disconnect, about),
            other => some(Write::SetStatus, &format!("{other} {about}")),
        };
        match (method, of) {
            ("PUT", "status") => {
                let body = body();
                let (about, word) = body
                    .as_object()
                    .and_then(|map| map.iter().next())
                    .map_or(("", ""), |(id, word)| (id.as_str(), word.as_str().unwrap_or_default()));
                return status(word, about);
            }
            ("PUT", "") => return status(body()["status"].as_str().unwrap_or_default(), id),
            ("PUT", "controllers/config") => return some(Write::Config, id),
            ("DELETE", "") => return some(Write::DeleteConnection, id),
            ("POST", "actions") => match body()["action"].as_str() {
                Some("flushMeshsync") => return some(Write::Flush, id),
                Some("setMeshsyncMode") => {
                    return some(Write::Mode, &format!("{} {id}", body()["mode"].as_str().unwrap_or_default()));
                }
                _ => (),
            },
            _ => (),
        }
    }
    if let Some(rest) = path.strip_prefix("/api/system/kubernetes/contexts/") {
        match (method, rest.split_once('/')) {
            ("DELETE", None) => return some(Write::DeleteContext, rest),
            ("POST", Some((id, "resync"))) => return some(Write::Resync, id),
            _ => (),
        }
    }
    some(Write::Other, &format!("{method} {path}"))
}
