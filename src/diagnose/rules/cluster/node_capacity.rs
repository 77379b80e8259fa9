use crate::{
    diagnose::rules::{
        preflight::{counted, pods, seen},
        prelude::*,
    },
    facts::Node,
    stack::quantity::{self, ResourceAmount},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "node-capacity",
    title: "No node has enough resources for the stack's pods",
    explanation: include_str!("node_capacity.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "nodes-have-room",
    title: "the nodes have enough resources for the stack's pods",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The maximum number of nodes to list.
const NAMED: usize = 5;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let nodes = seen(context).nodes.known_or_unknown()?;
    let mut wanted: Vec<(String, ResourceAmount)> = pods(context)
        .into_iter()
        .filter_map(|(name, pod)| Some((name, quantity::of_pod(pod.spec.as_ref()?))))
        .collect();
    // The largest first: if it fits nowhere, the others need not be tried.
    wanted.sort_by_key(|(_, amount)| std::cmp::Reverse((amount.memory, amount.cpu_milli)));
    let mut free: Vec<ResourceAmount> =
        nodes.iter().filter(|node| takes_pods(node)).map(|node| node.allocatable.minus(node.requested)).collect();
    let amounts: Vec<ResourceAmount> = wanted.iter().map(|(_, amount)| *amount).collect();
    let all = amounts.iter().copied().fold(ResourceAmount::default(), ResourceAmount::plus);
    if placed(&amounts, &mut free) {
        return Outcome::pass_with(format!("{all}, on {}", counted(free.len(), "node")));
    }
    let without: Vec<&str> = wanted
        .iter()
        .filter(|(_, amount)| !free.iter().any(|free| free.holds(*amount)))
        .map(|(name, _)| name.as_str())
        .collect();
    let title = match (free.is_empty(), without.as_slice()) {
        (true, _) => "No node accepts pods".to_owned(),
        (false, []) => "The nodes have too few resources for all pods of the stack together".to_owned(),
        (false, names) => format!("No node has enough resources for {}", names.join(", ")),
    };
    DIAGNOSIS
        .finding()
        .title(title)
        .message(
            "Pods without a node stay Pending. Free resources are what nodes can allocate minus the requests of their \
             pods; a cluster autoscaler may add a node.",
        )
        .evidences(wanted.iter().map(|(name, amount)| format!("{name} requests {amount}")))
        .evidences(nodes.iter().take(NAMED).map(shown))
        .evidences((nodes.len() > NAMED).then(|| format!("and {} more", counted(nodes.len() - NAMED, "node"))))
        .evidences(nodes.is_empty().then_some("the cluster has no nodes"))
        .remedy("free resources or add a node; nodes with taints do not count, since the stack's pods tolerate none")
        .command(context.kubectl_cluster().inspect("describe nodes"))
        .found()
}

fn takes_pods(node: &Node) -> bool {
    node.ready && !node.unschedulable && node.taints.is_empty()
}

fn shown(node: &Node) -> String {
    let name = &node.name;
    if !node.ready {
        return format!("node {name} is not ready");
    }
    if node.unschedulable {
        return format!("node {name} is cordoned");
    }
    if !node.taints.is_empty() {
        return format!("node {name} is tainted: {}", node.taints.join(", "));
    }
    format!("node {name} has {} free of {}", node.allocatable.minus(node.requested), node.allocatable)
}

/// Whether all of these fit. All combinations are tried for these few pods, so that "no" is certain.
fn placed(amounts: &[ResourceAmount], free: &mut [ResourceAmount]) -> bool {
    let Some((first, rest)) = amounts.split_first() else {
        return true;
    };
    for i in 0..free.len() {
        if !free[i].holds(*first) {
            continue;
        }
        let before = free[i];
        free[i] = before.minus(*first);
        let done = placed(rest, free);
        free[i] = before;
        if done {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(cpu_milli: u64) -> ResourceAmount {
        ResourceAmount { cpu_milli, memory: 1, pods: 1 }
    }

    #[test]
    fn placement_tries_every_combination() {
        let node = |cpu| ResourceAmount { cpu_milli: cpu, memory: 10, pods: 10 };
        assert!(placed(&[cpu(5), cpu(4), cpu(3)], &mut [node(7), node(5)]));
        assert!(!placed(&[cpu(5), cpu(4), cpu(4)], &mut [node(7), node(5)]));
        assert!(!placed(&[cpu(1)], &mut []));
    }
}
