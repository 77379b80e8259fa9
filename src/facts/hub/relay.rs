//! The agents of the enterprise release, as its controller counts them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The gauges of the enterprise controller: the number of clients by registered cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Relay {
    /// Clients that receive: agents, and dashboards. `None` if there is no such gauge.
    pub pull: Option<BTreeMap<String, i64>>,
    /// Clients that send, which are agents. `None` if there is no such gauge.
    pub push: Option<BTreeMap<String, i64>>,
}

impl Relay {
    /// Reads the gauges from metrics in the text format of Prometheus.
    pub fn of(metrics: &str) -> Self {
        let gauge = |name: &str| {
            let mut found = None;
            for line in metrics.lines() {
                let Some((labels, value)) = sample(line, name) else { continue };
                let clusters: &mut BTreeMap<String, i64> = found.get_or_insert_default();
                if let Some(cluster) = label(labels, "cluster").filter(|_| clusters.len() < MOST_CLUSTERS) {
                    clusters.insert(cluster, value);
                }
            }
            found
        };
        Self { pull: gauge("relay_pull_clients_connected"), push: gauge("relay_push_clients_connected") }
    }
}

/// The maximum number of clusters that are kept.
const MOST_CLUSTERS: usize = 1000;

/// The labels and the value of a line, if it is a sample of this metric.
fn sample<'a>(line: &'a str, name: &str) -> Option<(&'a str, i64)> {
    let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once('}')?;
    let number = value.split_whitespace().next()?.split('.').next()?;
    Some((labels, number.parse().ok()?))
}

/// The value of one label. Names of clusters contain no quotes.
fn label(labels: &str, name: &str) -> Option<String> {
    let of = |pair: &str| {
        let value = pair.trim().strip_prefix(name)?.strip_prefix("=\"")?;
        Some(value.strip_suffix('"')?.to_owned())
    };
    labels.split(',').find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_of_the_relay_are_read() {
        let relay = Relay::of(
            "# TYPE relay_pull_clients_connected gauge\n\
             relay_pull_clients_connected{cluster=\"a\"} 1\n\
             relay_push_clients_connected{pod=\"x\",cluster=\"a\"} 0 1700000000\n\
             relay_push_clients_connected{} 4\n\
             relay_push_clients_connected_total{cluster=\"b\"} 7\n",
        );
        assert_eq!(relay.pull, Some([("a".to_owned(), 1)].into()));
        assert_eq!(relay.push, Some([("a".to_owned(), 0)].into()));
        assert_eq!(Relay::of("up 1"), Relay::default());
    }
}
