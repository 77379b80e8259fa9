use crate::diagnose::rules::{prelude::*, references::named_object};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-high-memory",
    title: "MeshSync uses nearly all the memory it may",
    explanation: include_str!("high_memory.md"),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-memory",
    title: "MeshSync is well below its limit of memory",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The percentage of its limit from which on a container is near to it.
const NEAR: u64 = 80;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some(used) = context.facts.memory.known() else {
        // One check hangs on it, and most clusters are well without.
        let why = context.facts.memory.why_unsettled();
        return Outcome::skip(why.unwrap_or("the metrics API is not served here, or has not measured it".into()));
    };
    let limit = context
        .meshsync_pods
        .iter()
        .filter(|pod| stack::name(&pod.metadata) == used.pod)
        .flat_map(|pod| pod.spec.iter().flat_map(|spec| &spec.containers))
        .find(|container| container.name == used.container)
        .and_then(stack::memory_limit)
        .map(|(bytes, _)| bytes);
    let Some(limit) = limit.filter(|limit| *limit > 0) else {
        return Outcome::skip("its container has no limit of memory");
    };
    let share = used.bytes.saturating_mul(100) / limit;
    let says = format!("{share} % of {}", mebibytes(limit));
    if share < NEAR {
        return Outcome::pass_with(says);
    }
    let more = match context.meshsyncs.items().first() {
        Some(meshsync) => format!("edit {}", named_object(context, meshsync)),
        None => format!("set resources deployment/{} --limits=memory=8Gi", context.meshsync_name()),
    };
    DIAGNOSIS.finding()
        .title(format!("MeshSync uses {says} of memory"))
        .message("At the limit Kubernetes ends it, and until it is back every change in the cluster is lost. It holds a copy of every object that it watches.")
        .object(context.object("Pod", &used.pod))
        .evidence(format!(
            "metrics.k8s.io: container {} of pod {} uses {}",
            used.container,
            used.pod,
            mebibytes(used.bytes)
        ))
        .evidence(format!(
            "pod {}: spec.containers[].resources.limits.memory is {}",
            used.pod,
            mebibytes(limit)
        ))
        .remedy("take kinds off the watch-list that nobody looks at, Secrets and ReplicaSets first, then restart MeshSync")
        .command(context.kubectl().change(more))
        .command(context.restart(Component::Meshsync))
        .found()
}

/// A number of bytes for people.
fn mebibytes(bytes: u64) -> String {
    format!("{} Mi", bytes >> 20)
}
