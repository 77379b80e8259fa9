//! The results of a connectivity test.

use serde::Serialize;

use super::Status;

/// The results of a connectivity test (`test`, `system check --synthetic`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// The subject: `kubernetes`, `operator`, `broker`, `meshsync`, `network`, `server`, `dataflow`.
    pub subject: &'static str,
    /// The steps, in order.
    pub hops: Vec<Hop>,
    /// The events received for each resource that `MeshSync` watches. Only in an event flow test.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<WatchedResource>,
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Its name.
    pub id: &'static str,
    /// The broker server or the adapter, if there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What was tried.
    pub title: String,
    /// The outcome.
    pub status: Status,
    /// The result, or the reason for the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it took. `None` if it did not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// The duration of something that was tried once or more often, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// How often it completed.
    pub count: u64,
    /// The minimum.
    pub min_micros: u64,
    /// The median.
    pub p50_micros: u64,
    /// The 95th percentile.
    pub p95_micros: u64,
    /// The maximum.
    pub max_micros: u64,
}

impl Timing {
    /// Summarizes these times. `None` if there are no samples.
    pub fn of(times: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut times: Vec<u64> = times.into_iter().collect();
        times.sort_unstable();
        let count = times.len();
        // The nearest rank, so that the result is always a measured time.
        let rank = |percent: usize| times[(count * percent).div_ceil(100).max(1) - 1];
        Some(Self {
            count: count as u64,
            min_micros: *times.first()?,
            p50_micros: rank(50),
            p95_micros: rank(95),
            max_micros: *times.last()?,
        })
    }
}

/// The events that a test received for one resource that `MeshSync` watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchedResource {
    /// The resource, as a watch-list names it.
    pub resource: String,
    /// Whether `MeshSync` is allowed to list and watch it. `None` if that is not known.
    pub readable: Option<bool>,
    /// ADDED events received during the test.
    pub added: u64,
    /// MODIFIED events received during the test.
    pub modified: u64,
    /// DELETED events received during the test.
    pub deleted: u64,
    /// How long before the end of the test the last of them arrived, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<u64>,
    /// The number of objects in `MeshSync`'s store. Only with `--store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// The number of objects in the API server. Only with `--store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::Timing;

    #[test]
    fn quantile_is_one_of_the_measured_times() {
        let timing = Timing::of(1..=20).expect("times");
        assert_eq!((timing.min_micros, timing.max_micros), (1, 20));
        assert_eq!((timing.p50_micros, timing.p95_micros), (10, 19));
        let one = Timing::of([7]).expect("a time");
        assert_eq!((one.p50_micros, one.p95_micros, one.count), (7, 7, 1));
        assert_eq!(Timing::of([]), None);
    }
}
