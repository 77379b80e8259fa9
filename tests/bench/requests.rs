//! Counts the requests to the API server in its audit log, which has a line for each.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{bed, measure::Run};

/// Logs every completed request, except those of the cluster's own programs, which are all in these groups.
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  userGroups: [system:masters, system:serviceaccounts, system:nodes]
- level: Metadata
";

const LOG: &str = "requests.log";

/// The options of a cluster that logs requests; `folder` must exist until it has started.
pub(crate) fn options(folder: &Path) -> Result<bed::Options> {
    let policy = folder.join("requests.yaml");
    fs::write(&policy, POLICY)?;
    Ok(bed::Options {
        api_server_flags: vec![format!("--audit-policy-file={}", policy.display()), format!("--audit-log-path={LOG}")],
        ..bed::Options::default()
    })
}

/// The number of requests of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// All requests except access reviews.
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

/// Runs the program once and counts its requests.
pub(crate) fn of(run: &Run, cluster: &bed::Cluster) -> Result<Count> {
    let before = lines(cluster)?.len();
    run.once()?;
    // A port-forward is logged when its connection ends, a moment after the program.
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
    let mut count = Count { requests: 0, reviews: 0 };
    for line in &lines(cluster)?[before..] {
        let line: Line = serde_json::from_str(line)?;
        if !seen.insert(line.id) {
            continue;
        }
        if line.uri.contains("accessreviews") {
            count.reviews += 1;
        } else {
            count.requests += 1;
        }
    }
    Ok(count)
}

fn lines(cluster: &bed::Cluster) -> Result<Vec<String>> {
    let text = fs::read_to_string(cluster.file(LOG)).context("the cluster has no audit log")?;
    Ok(text.lines().map(str::to_owned).collect())
}
