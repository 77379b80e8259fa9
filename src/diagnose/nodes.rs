//! Pods whose node no longer reports. What their status says is out of date: their containers may or may not run.

use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};

use super::{clients, diagnosis::WORKLOADS, stack_view::StackView};
use crate::{
    facts::stack,
    stack::{base::seen::Seen, component::Component},
};

impl<'a> StackView<'a> {
    /// Whether a pod's status is out of date because the kubelet of its node is silent.
    pub(crate) fn is_out_of_date(&self, pod: &Pod) -> bool {
        stack::silent_since(self.facts, pod).is_some()
    }

    /// The pod's node if it is not ready, whether its kubelet is silent or reports a problem.
    pub(crate) fn unready_node(&self, pod: &'a Pod) -> Option<&'a str> {
        let node = stack::node_of(pod)?;
        let reports_problem = matches!(self.facts.nodes.get(node), Some(Seen::Known(node)) if !node.is_ready());
        (reports_problem || self.is_out_of_date(pod)).then_some(node)
    }

    /// The pods of the stack on nodes that are not ready: the node, the component and the pod.
    pub(crate) fn pods_on_unready_nodes(&self) -> Vec<(&'a str, Component, &'a Pod)> {
        let all = WORKLOADS.into_iter().flat_map(|component| {
            let pods = self.pods_of(component);
            pods.into_iter().map(move |pod| (component, pod))
        });
        all.filter_map(|(component, pod)| Some((self.unready_node(pod)?, component, pod))).collect()
    }

    /// The `MeshSync` pods whose container was running when their node last reported.
    fn silent_meshsync_pods(&self) -> impl Iterator<Item = &'a Pod> {
        let container = self.facts.profile.meshsync.container;
        self.meshsync_pods
            .iter()
            .copied()
            .filter(move |pod| stack::running_since(pod, container).is_some() && self.is_out_of_date(pod))
    }

    /// Why it is unknown whether `MeshSync` is running; `None` if it is known.
    pub(crate) fn why_runs_unknown(&self) -> Option<String> {
        self.facts.pods.why_unsettled().or_else(|| {
            let node = stack::node_of(self.silent_meshsync_pods().next()?)?;
            Some(format!("node {node} does not report, so it is unknown whether MeshSync's pod still runs there"))
        })
    }

    /// Whether a broker server proves that `MeshSync` runs although its node does not report: a message from it
    /// arrived, or it connected, after the node's last report. That it is listed proves less, since a broker lists the clients of a dead
    /// node for minutes.
    pub(crate) fn broker_proves_meshsync(&self) -> bool {
        let since: Option<Timestamp> =
            self.silent_meshsync_pods().filter_map(|pod| stack::silent_since(self.facts, pod)).max();
        let Some(since) = since else {
            return false;
        };
        let mut clients = self.clients.meshsync.iter();
        clients.any(|(server, client)| clients::last_activity(server, client).is_some_and(|last| last > since))
    }
}
