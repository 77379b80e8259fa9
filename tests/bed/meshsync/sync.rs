//! All kinds together, and the beginning anew.

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
use super::watch_list::{self, Kind, Plan};

/// How long nobody must have asked for it before everything is read anew.
const DEBOUNCE: Duration = Duration::from_secs(5);

/// Clones are the same one.
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
    /// Nothing is watched yet.
    pub(crate) fn new(client: Client, plan: Plan, cluster_id: String, outbox: Outbox, follow_crds: bool) -> Self {
        // Without a custom resource the real one does not look at CRDs.
        let (kinds, custom) = match plan {
            Plan::Kinds { kinds, custom } => (Some(kinds), custom),
            Plan::Nothing => (None, false),
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

    /// Begins, with the CRDs' own kinds too when they count.
    pub(crate) fn start(&self) {
        self.begin();
        if self.0.follow_crds {
            tokio::spawn(follow_definitions(self.clone()));
        }
    }

    /// Lists and watches every kind, from nothing.
    fn begin(&self) {
        let kinds = lock(&self.0.kinds).clone().unwrap_or_default();
        let mut tasks = lock(&self.0.tasks);
        self.0.store.reset(kinds.iter().map(|kind| kind.name.as_str()));
        self.0.outstanding.store(kinds.len(), Ordering::Relaxed);
        if kinds.is_empty() {
            self.0.outbox.settled();
        }
        tasks.extend(kinds.into_iter().map(|kind| tokio::spawn(follow(kind, self.clone()))));
    }

    /// Begins anew, once nobody has asked for it for a while.
    pub(crate) fn begin_anew_soon(&self) {
        let sync = self.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(DEBOUNCE).await;
            // In a task of its own: once it has stopped the old tasks, nobody may cancel it.
            tokio::spawn(async move {
                sync.stop().await;
                sync.begin();
            });
        });
        if let Some(earlier) = lock(&self.0.due).replace(task) {
            earlier.abort();
        }
    }

    /// Stops watching. An aborted task still ends what it is at: it could publish in between what the next one does.
    async fn stop(&self) {
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            let _ = task.await;
        }
    }

    /// A kind has been asked for, with whatever result.
    pub(crate) fn attempted(&self) {
        if self.0.outstanding.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.outbox.settled();
        }
    }

    /// Publishes an event of a kind when it counts.
    pub(crate) fn publish(&self, kind: &Kind, event: &str, object: &Value) {
        if kind.events.iter().any(|listed| listed == event) {
            self.0.outbox.event(event, &self.resource(object, event));
        }
    }

    /// An object as it is published.
    pub(crate) fn resource(&self, object: &Value, event: &str) -> Value {
        resource::of(object, event, &self.0.cluster_id)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Takes a kind up, unless it is known. With a list that cannot be read there is nothing to take it up into.
    fn add(&self, name: &str) {
        if let Some(kinds) = &mut *lock(&self.0.kinds)
            && !kinds.iter().any(|kind| kind.name == name)
        {
            kinds.push(Kind::with_every_event(name));
            self.begin_anew_soon();
        }
    }
}

/// Takes up the kinds that CRDs define, whatever the watch-list says.
async fn follow_definitions(sync: Sync) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    loop {
        let list = watch_list::fetch(sync.client(), path).await;
        let definitions = list.unwrap_or_default();
        for definition in definitions["items"].as_array().into_iter().flatten() {
            let spec = &definition["spec"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let plural = text(&spec["names"]["plural"]);
            let version = text(&spec["versions"][0]["name"]);
            sync.add(&format!("{plural}.{version}.{}", text(&spec["group"])));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// What tells this cluster from others; nothing when it may not be read.
pub(crate) async fn cluster_id(client: &Client) -> String {
    let namespace = watch_list::fetch(client, "/api/v1/namespaces/kube-system").await;
    let namespace = namespace.unwrap_or_default();
    let uid = namespace["metadata"]["uid"].as_str();
    uid.unwrap_or_default().to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
