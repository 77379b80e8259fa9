//! The pods of every broker that `MeshSync` may use. Pure.

use k8s_openapi::api::core::v1::Pod;

use super::{destination, workloads::own_broker_pods};
use crate::facts::Facts;

/// Pods of the stack's own broker, and of the one of this namespace that `MeshSync` is told to use in its place.
pub fn broker_pods(facts: &Facts) -> Vec<&Pod> {
    let mut pods = own_broker_pods(facts);
    let others = destination::of(facts).map_or_else(Vec::new, |to| destination::pods(facts, &to));
    for pod in others {
        if !pods.iter().any(|own| std::ptr::eq(*own, pod)) {
            pods.push(pod);
        }
    }
    pods
}
