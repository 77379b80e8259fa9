//! How many requests the API server gets, by its own account: its audit log has a line for each.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{bed, measure::Run};

/// Every finished request but those of the cluster's own programs, which are all of this group.
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  userGroups: [system:masters, system:serviceaccounts, system:nodes]
- level: Metadata
";

const LOG: &str = "requests.log";

/// The options of a cluster that keeps the account; `folder` outlives its start.
pub(crate) fn options(folder: &Path) -> Result<bed::Options> {
    let policy = folder.join("requests.yaml");
    fs::write(&policy, POLICY)?;
    Ok(bed::Options {
        api_server_flags: vec![format!("--audit-policy-file={}", policy.display()), format!("--audit-log-path={LOG}")],
        ..bed::Options::default()
    })
}

/// What a run asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Everything but access reviews.
    pub(crate) requests: usize,
    /// The access reviews.
    pub(crate) reviews: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "auditID")]
    id: String,
    #[serde(rename = "requestURI")]
    uri: String,
}

/// Runs once and counts what was asked.
pub(crate) fn of(run: &Run, cluster: &bed::Cluster) -> Result<Asked> {
    let before = lines(cluster)?.len();
    run.once()?;
    // A port-forward is written down when its connection has ended, a moment after the program.
    let mut after = before;
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = lines(cluster)?.len();
        if now == after {
            break;
        }
        after = now;
    }
    let mut seen = BTreeSet::new();
    let mut asked = Asked { requests: 0, reviews: 0 };
    for line in &lines(cluster)?[before..] {
        let line: Line = serde_json::from_str(line)?;
        if !seen.insert(line.id) {
            continue;
        }
        if line.uri.contains("accessreviews") {
            asked.reviews += 1;
        } else {
            asked.requests += 1;
        }
    }
    Ok(asked)
}

fn lines(cluster: &bed::Cluster) -> Result<Vec<String>> {
    let text = fs::read_to_string(cluster.file(LOG)).context("the cluster keeps no audit log")?;
    Ok(text.lines().map(str::to_owned).collect())
}
