//! A container that was `OOMKilled`: its limit, and how to give it more or make it need less.

use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::rules::{prelude::*, references::named_object},
    report::WorkloadRef,
};

/// A container that the kernel ended for want of memory.
pub(super) struct OutOfMemory<'a> {
    context: &'a RuleContext<'a>,
    component: Component,
    pod: &'a Pod,
    container: &'a str,
    /// In bytes and as written. `None` if the container has no limit of its own.
    limit: Option<(u64, &'a str)>,
}

impl<'a> OutOfMemory<'a> {
    pub(super) fn of(context: &'a RuleContext<'a>, component: Component, pod: &'a Pod, container: &'a str) -> Self {
        let all = pod.spec.iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
        let limit = all.into_iter().find(|it| it.name == container).and_then(stack::memory_limit);
        Self { context, component, pod, container, limit }
    }

    pub(super) fn message(&self) -> String {
        let container = self.container;
        match self.limit {
            Some((_, limit)) => {
                format!("Container {container} needs more memory than its limit of {limit}, so the kernel kills it.")
            }
            None => format!(
                "Container {container} has no memory limit, so the kernel killed it because its node ran out of memory."
            ),
        }
    }

    pub(super) fn evidence(&self) -> String {
        let limit = self.limit.map_or("none", |(_, limit)| limit);
        format!("container {}: resources.limits.memory is {limit}", self.container)
    }

    pub(super) fn remedy(&self) -> &'static str {
        match self.component {
            _ if self.limit.is_none() => "free memory on the node, or move the pod to a node with more",
            Component::Broker => {
                "the operator reverts a higher limit: check which clients have many pending bytes or subscriptions"
            }
            Component::Meshsync if self.is_reconciled() => {
                "the operator reverts a higher limit: remove kinds nobody needs from the watch-list, Secrets and \
                 ReplicaSets first"
            }
            _ => "raise the memory limit, for example to twice as much",
        }
    }

    /// What raises the limit, or makes the container need less if the operator sets the limit.
    pub(super) fn command(&self) -> Option<Command> {
        let kubectl = self.context.kubectl();
        let (bytes, _) = self.limit?;
        match self.component {
            Component::Broker => None,
            Component::Meshsync if self.is_reconciled() => {
                let meshsync = self.context.meshsyncs.items().first()?;
                Some(kubectl.change(format!("edit {}", named_object(self.context, meshsync))))
            }
            _ => {
                let more = bytes.saturating_mul(2).div_ceil(1 << 20);
                let (workload, container) = (self.workload()?, self.container);
                Some(kubectl.change(format!("set resources {workload} -c {container} --limits=memory={more}Mi")))
            }
        }
    }

    fn is_reconciled(&self) -> bool {
        !self.context.meshsyncs.items().is_empty()
    }

    fn workload(&self) -> Option<WorkloadRef> {
        if self.component != Component::Adapter {
            return Some(self.context.workload(self.component));
        }
        let pod = stack::name(&self.pod.metadata);
        let adapters = stack::adapters(self.context.facts).into_iter().map(|adapter| stack::name(&adapter.metadata));
        adapters.into_iter().find(|adapter| rollout::is_pod_of(pod, adapter)).map(WorkloadRef::deployment)
    }
}
