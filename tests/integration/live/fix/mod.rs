//! `check --fix` on a real API server: from every fault that it can fix to a healthy stack, also if it is killed.

mod choices;
mod cures;
mod faults;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::{at, check, until_checked};
use crate::{
    bed::{Cluster, FakeController, Lease, Stack},
    schema,
    tool::{Ran, roots},
};

/// A stack with a controller that reacts to changes as the real components do.
struct Patient {
    bed: Lease,
    namespace: String,
    /// `None` until the fault was found, where the controller would repair it.
    controller: Option<FakeController>,
    stack: Option<Stack>,
}

impl Patient {
    fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Waits until this is a root cause; from then on, a controller reacts to changes.
    async fn until_found(&mut self, cause: &str) -> Result<()> {
        let found = until_checked("the fault to be found", Duration::from_secs(40), || async {
            let report = check(&self.bed, self.namespace()).await;
            Ok(roots(&report).iter().any(|root| root == cause).then_some(()))
        });
        if found.await.is_err() {
            let report = check(&self.bed, self.namespace()).await;
            anyhow::bail!("{cause} is no root cause: {:?}", roots(&report));
        }
        match &mut self.stack {
            // The old broker keeps running, so that its clients are known.
            Some(_) if cause == "broker-unauthenticated" => {
                self.controller = Some(self.bed.start_controller(&self.namespace)?);
            }
            Some(stack) => self.controller = Some(stack.start_controller()?),
            None => {}
        }
        Ok(())
    }
}

/// `check --fix` with these arguments. Its document matches the schema.
async fn fix(cluster: &Cluster, namespace: &str, arguments: &str) -> Ran {
    let ran = at(cluster, namespace, &format!("check --wait 60s -o json {arguments}")).run_beside().await;
    schema::assert_fits(schema::validator(), &ran.json(), "a report with fixes");
    ran
}

/// The root causes but the one that is due to the bed: MeshSync reads a watch-list only in namespace `meshery`.
fn causes(report: &Value) -> Vec<String> {
    roots(report).into_iter().filter(|root| root != "cr-unexpected-name").collect()
}

/// The codes of the root causes that were fixed, in order.
fn fixed(report: &Value) -> Vec<&str> {
    let fixes = report["fixes"].as_array().into_iter().flatten();
    fixes.filter(|fix| fix["fixed"] == true).filter_map(|fix| fix["code"].as_str()).collect()
}
