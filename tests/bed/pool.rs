//! A pool of clusters, at most one for each test that runs at the same time.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::cluster::{Cluster, Options};
use super::{rest, wait};

// Never dropped: the end of the process stops the programs and removes the folders.
static IDLE: Mutex<Vec<Cluster>> = Mutex::new(Vec::new());

/// A cluster that one test uses exclusively, with its own namespace.
#[derive(Debug)]
pub struct Lease {
    cluster: Cluster,
    namespace: String,
    shared: bool,
}

/// Leases a cluster from the pool; it is cleaned on return. For tests that neither pause nor break the cluster.
pub async fn lease() -> Result<Lease> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let cluster = match idle {
        Some(cluster) => cluster,
        None => Cluster::start().await?,
    };
    Lease::new(cluster, true).await
}

/// [`lease`] in a cluster that looks like a new one: without CRDs of the stack, and nothing of an earlier test is still
/// being deleted. For tests that compare the whole cluster before and after.
pub async fn lease_as_new() -> Result<Lease> {
    let lease = lease().await?;
    let client = lease.client().await?;
    lease.ensure_no_crds(&client).await?;
    let namespaces = rest::collection("v1", "Namespace", None);
    wait::until("earlier namespaces to be deleted", Duration::from_secs(60), || async {
        let all = rest::list(&client, &namespaces).await?;
        Ok(all.iter().all(|namespace| namespace["metadata"]["deletionTimestamp"].is_null()).then_some(()))
    })
    .await?;
    Ok(lease)
}

/// Starts a cluster for one test; dropping the lease stops it.
pub async fn private() -> Result<Lease> {
    private_with(&Options::default()).await
}

/// [`private`] with options.
pub async fn private_with(options: &Options) -> Result<Lease> {
    Lease::new(Cluster::start_with(options).await?, false).await
}

impl Lease {
    async fn new(cluster: Cluster, shared: bool) -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let namespace = format!("mesh-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let lease = Self { cluster, namespace, shared };
        lease.audit_from_now()?;
        lease.create_namespace(&lease.namespace).await?;
        Ok(lease)
    }

    /// The namespace created for this test.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The cluster. Clones share it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl Deref for Lease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let folder: &std::path::Path = self.cluster.as_ref();
            eprintln!("the cluster's logs in {} end with:\n{}", folder.display(), self.cluster.log_tails());
        }
        if !self.shared {
            return;
        }
        // This code may run on the test's runtime, which cannot wait for itself.
        let cluster = self.cluster.clone();
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cluster.clean())
        });
        match cleaned.join().unwrap_or_else(|_| Err(anyhow!("the cleanup panicked"))) {
            Ok(()) => IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.cluster.clone()),
            // A cluster that cannot be cleaned is not reused.
            Err(error) => eprintln!("a cluster could not be cleaned and is not reused: {error:#}"),
        }
    }
}
