//! The CPU and memory that pods request and nodes have. Pure.

use k8s_openapi::{
    api::core::v1::{Container, Pod, PodSpec},
    apimachinery::pkg::api::resource::Quantity,
};
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

/// An amount of the resources that a scheduler counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceAmount {
    /// Thousandths of a CPU.
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
    /// The number of pods.
    pub pods: u64,
}

impl ResourceAmount {
    /// Parses the quantities of a node or a container.
    pub fn of(quantities: Option<&BTreeMap<String, Quantity>>) -> Self {
        let read = |name: &str, scale: f64| {
            quantities
                .and_then(|quantities| quantities.get(name))
                .and_then(|quantity| parse(&quantity.0))
                .map_or(0, |value| whole(value * scale))
        };
        Self { cpu_milli: read("cpu", 1000.0), memory: read("memory", 1.0), pods: read("pods", 1.0) }
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory: self.memory.saturating_add(other.memory),
            pods: self.pods.saturating_add(other.pods),
        }
    }

    /// What is left after subtracting the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_sub(other.cpu_milli),
            memory: self.memory.saturating_sub(other.memory),
            pods: self.pods.saturating_sub(other.pods),
        }
    }

    /// Whether the other amount fits into this one.
    pub fn holds(self, other: Self) -> bool {
        self.cpu_milli >= other.cpu_milli && self.memory >= other.memory && self.pods >= other.pods
    }

    fn most(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.max(other.cpu_milli),
            memory: self.memory.max(other.memory),
            pods: self.pods.max(other.pods),
        }
    }
}

impl std::fmt::Display for ResourceAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: u64 = 1024 * 1024;
        const MANY: u64 = 10 * 1024;
        let memory = match self.memory / MIB {
            mib if mib < MANY => format!("{mib} MiB"),
            mib => format!("{} GiB", mib / 1024),
        };
        write!(f, "{}m CPU and {memory}", self.cpu_milli)
    }
}

/// What a pod requests: the sum of its containers, or its largest init container if that requests more. An init
/// container that keeps running counts like the other containers.
pub fn of_pod(spec: &PodSpec) -> ResourceAmount {
    let asks = |container: &Container| {
        ResourceAmount::of(container.resources.as_ref().and_then(|resources| resources.requests.as_ref()))
    };
    let stays = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let init = || spec.init_containers.iter().flatten();
    let together = spec
        .containers
        .iter()
        .chain(init().filter(stays))
        .map(asks)
        .fold(ResourceAmount::default(), ResourceAmount::plus);
    let amount = init()
        .filter(|container| !stays(container))
        .map(asks)
        .fold(together, ResourceAmount::most)
        .plus(ResourceAmount::of(spec.overhead.as_ref()));
    ResourceAmount { pods: 1, ..amount }
}

/// What pods request together.
pub fn of_pods(pods: &[Pod]) -> ResourceAmount {
    pods.iter().filter_map(|pod| pod.spec.as_ref()).map(of_pod).fold(ResourceAmount::default(), ResourceAmount::plus)
}

/// A memory quantity in bytes. A fraction of a byte is rounded.
pub fn bytes(quantity: &str) -> Option<u64> {
    parse(quantity).map(whole)
}

/// A quantity as Kubernetes writes it: `100m`, `64Mi`, `1.5`, `2e3`.
fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(plain) = text.parse::<f64>() {
        return Some(plain);
    }
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, suffix) = text.split_at(at);
    let scale = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Ei" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "quantities are positive; one that is too large saturates at the maximum"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_parsed_as_kubernetes_writes_them() {
        let cases = [
            ("100m", 0.1),
            ("2", 2.0),
            ("1.5", 1.5),
            ("64Mi", 67_108_864.0),
            ("1k", 1000.0),
            ("2e3", 2000.0),
            ("1E", 1e18),
        ];
        for (text, value) in cases {
            let read = parse(text).expect("a quantity");
            assert!((read - value).abs() <= value * 1e-12, "{text}: {read}");
        }
        assert_eq!(parse("lots"), None);
        assert_eq!(bytes("1.5Gi"), Some(1_610_612_736));
        assert_eq!(bytes("256Mi"), Some(268_435_456));
        assert_eq!(bytes("1G"), Some(1_000_000_000));
        assert_eq!(bytes("12"), Some(12));
    }
}
