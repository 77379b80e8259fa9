//! Watches all kinds, and starts over when needed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Client;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::outbox::Outbox;
use super::resource;
use super::store::Store;
use super::watch::follow;
use super::watch_list::{self, Kind, Selection};

/// A resync starts when no further one was requested for this long.
const DEBOUNCE: Duration = Duration::from_secs(5);

/// The state of all watches. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Sync(Arc<Inner>);

struct Inner {
    client: Client,
    cluster_id: String,
    outbox: Outbox,
    store: Store,
    kinds: Mutex<Option<Vec<Kind>>>,
    follow_crds: bool,
    outstanding: AtomicUsize,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    due: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sync").finish_non_exhaustive()
    }
}

impl Sync {
    /// Does not watch anything yet.
    pub(crate) fn new(
        client: Client,
        selection: Selection,
        cluster_id: String,
        outbox: Outbox,
        follow_crds: bool,
    ) -> Self {
        // Without a custom resource, the real MeshSync does not watch CRDs.
        let (kinds, custom) = match selection {
            Selection::Kinds { kinds, custom } => (Some(kinds), custom),
            Selection::Nothing => (None, false),
        };
        Self(Arc::new(Inner {
            client,
            cluster_id,
            outbox,
            store: Store::default(),
            kinds: Mutex::new(kinds),
            follow_crds: follow_crds && custom,
            outstanding: AtomicUsize::new(0),
            tasks: Mutex::default(),
            due: Mutex::default(),
        }))
    }

    /// Starts watching, including the kinds that CRDs define if enabled.
    pub(crate) fn start(&self) {
        self.watch_all();
        if self.0.follow_crds {
            tokio::spawn(follow_crds(self.clone()));
        }
    }

    /// Lists and watches every kind from the start.
    fn watch_all(&self) {
        let kinds = lock(&self.0.kinds).clone().unwrap_or_default();
        let mut tasks = lock(&self.0.tasks);
        self.0.store.reset(kinds.iter().map(|kind| kind.name.as_str()));
        self.0.outstanding.store(kinds.len(), Ordering::Relaxed);
        if kinds.is_empty() {
            self.0.outbox.settled();
        }
        tasks.extend(kinds.into_iter().map(|kind| tokio::spawn(follow(kind, self.clone()))));
    }

    /// Requests a resync. It starts after a while without further requests.
    pub(crate) fn resync_soon(&self) {
        let sync = self.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(DEBOUNCE).await;
            // In a separate task, because it must not be canceled after it has stopped the old tasks.
            tokio::spawn(async move {
                sync.stop().await;
                sync.watch_all();
            });
        });
        if let Some(earlier) = lock(&self.0.due).replace(task) {
            earlier.abort();
        }
    }

    /// Stops watching. Waits for the aborted tasks, which could otherwise still publish after the next ones have
    /// started.
    async fn stop(&self) {
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Counts the first list of a kind, successful or not.
    pub(crate) fn listed_or_failed(&self) {
        if self.0.outstanding.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.outbox.settled();
        }
    }

    /// Publishes an event if the watch-list entry includes its type.
    pub(crate) fn publish(&self, kind: &Kind, event: &str, object: &Value) {
        if kind.events.iter().any(|listed| listed == event) {
            self.0.outbox.event(event, &self.resource(object, event));
        }
    }

    /// The published form of an object.
    pub(crate) fn resource(&self, object: &Value, event: &str) -> Value {
        resource::of(object, event, &self.0.cluster_id)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Adds a kind, unless it is known. With an unreadable watch-list, no kind is added.
    fn add(&self, name: &str) {
        if let Some(kinds) = &mut *lock(&self.0.kinds)
            && !kinds.iter().any(|kind| kind.name == name)
        {
            kinds.push(Kind::with_every_event(name));
            self.resync_soon();
        }
    }
}

/// Adds the kinds that CRDs define, whatever the watch-list contains.
async fn follow_crds(sync: Sync) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    loop {
        let list = watch_list::fetch(sync.client(), path).await;
        let crds = list.unwrap_or_default();
        for crd in crds["items"].as_array().into_iter().flatten() {
            let spec = &crd["spec"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let plural = text(&spec["names"]["plural"]);
            let version = text(&spec["versions"][0]["name"]);
            sync.add(&format!("{plural}.{version}.{}", text(&spec["group"])));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// The cluster ID; empty if it cannot be read.
pub(crate) async fn cluster_id(client: &Client) -> String {
    let namespace = watch_list::fetch(client, "/api/v1/namespaces/kube-system").await;
    let namespace = namespace.unwrap_or_default();
    let uid = namespace["metadata"]["uid"].as_str();
    uid.unwrap_or_default().to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
