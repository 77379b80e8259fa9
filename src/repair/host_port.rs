//! Restarts of a Deployment whose pods use a port of their node, as those of the old operator line do. Pure.

use serde_json::{Value, json};

use super::plan::{Action, Step};
use crate::{
    report::change::ChangedField,
    stack::object::{self, Id},
};

/// The step before a restart that makes room for the new pod. By default, the old pod ends only once the new one is
/// ready, and on a cluster with a single node the new one waits for the port of the old one.
pub(super) fn make_room(id: &Id, live: &Value) -> Option<Step> {
    let strategy = &live["spec"]["strategy"]["type"];
    let is_held = id.kind == "Deployment" && strategy != "Recreate" && has_host_port(live);
    is_held.then(|| {
        let patch = json!({ "spec": { "strategy": { "type": "Recreate", "rollingUpdate": null } } });
        let change = ChangedField {
            path: "spec.strategy.type".into(),
            before: Some(strategy.clone()).filter(|strategy| !strategy.is_null()),
            after: Some("Recreate".into()),
        };
        let step = Step::new(id.clone(), Action::Patch { patch, changes: vec![change] });
        step.because("the new pod needs the host port of the old one")
    })
}

/// Whether only the strategy of a workload changes, as before a restart.
pub(super) fn is_room(changes: &[ChangedField]) -> bool {
    changes.iter().all(|change| change.path == "spec.strategy.type")
}

/// Whether the pods of a workload use a port of their node.
pub(super) fn has_host_port(workload: &Value) -> bool {
    object::items(&workload["spec"]["template"]["spec"]["containers"])
        .flat_map(|container| object::items(&container["ports"]))
        .any(|port| port["hostPort"].is_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(strategy: &str, port: &Value) -> Value {
        json!({ "spec": {
            "strategy": { "type": strategy },
            "template": { "spec": { "containers": [{ "ports": [port] }] } },
        } })
    }

    #[test]
    fn only_a_rolling_update_with_a_host_port_needs_room() {
        let id = Id::of(object::DEPLOYMENT, Some("mesh"), "meshplay-meshsync");
        let (held, free) = (json!({ "hostPort": 11000 }), json!({ "containerPort": 11000 }));
        let step = make_room(&id, &deployment("RollingUpdate", &held)).expect("a step");
        assert!(matches!(&step.action, Action::Patch { changes, .. } if is_room(changes)));
        assert!(make_room(&id, &deployment("Recreate", &held)).is_none());
        assert!(make_room(&id, &deployment("RollingUpdate", &free)).is_none());
    }
}
