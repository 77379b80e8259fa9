//! Clusters for tests: at most as many as tests run at a time, each used by one test at a time.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};

use super::cluster::{Cluster, Options};

// Never dropped: what the process's end does to the programs and folders is all the clearing up they need.
static IDLE: Mutex<Vec<Cluster>> = Mutex::new(Vec::new());

/// A cluster that a test has to itself for its duration, with a namespace of its own.
#[derive(Debug)]
pub struct Lease {
    cluster: Cluster,
    namespace: String,
    shared: bool,
}

/// A cluster that others have used and will use: it is cleaned on return. For tests that neither freeze nor break it.
pub async fn lease() -> Result<Lease> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let cluster = match idle {
        Some(cluster) => cluster,
        None => Cluster::start().await?,
    };
    Lease::new(cluster, true).await
}

/// A cluster of one's own, which goes with the lease.
pub async fn private() -> Result<Lease> {
    private_with(&Options::default()).await
}

/// [`private`] with further options.
pub async fn private_with(options: &Options) -> Result<Lease> {
    Lease::new(Cluster::start_with(options).await?, false).await
}

impl Lease {
    async fn new(cluster: Cluster, shared: bool) -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let namespace = format!("mesh-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let lease = Self { cluster, namespace, shared };
        lease.create_namespace(&lease.namespace).await?;
        Ok(lease)
    }

    /// The namespace made for this test.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The cluster; clones of it are the same one.
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
        // The test's runtime may be the one that runs this very code, and it cannot wait for itself.
        let cluster = self.cluster.clone();
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cluster.clean())
        });
        match cleaned.join().unwrap_or_else(|_| Err(anyhow!("the clean-up panicked"))) {
            Ok(()) => IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.cluster.clone()),
            // One that cannot be cleaned is not handed on.
            Err(error) => eprintln!("a cluster could not be cleaned and is given up: {error:#}"),
        }
    }
}
