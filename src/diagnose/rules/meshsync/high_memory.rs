use crate::diagnose::rules::{prelude::*, references::named_object};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-high-memory",
    title: "MeshSync is close to its memory limit",
    explanation: include_str!("high_memory.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::warning(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-memory",
    title: "MeshSync is well below its memory limit",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// A container is close to its memory limit from this percentage on.
const NEAR: u64 = 80;

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some(used) = context.facts.memory.known() else {
        // Only this check needs it, and most clusters work without it.
        let why = context.facts.memory.why_unsettled();
        return Outcome::skip(why.unwrap_or("the metrics API is not served, or has no data for this pod".into()));
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
        return Outcome::skip("its container has no memory limit");
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
    DIAGNOSIS
        .finding()
        .title(format!("MeshSync uses {says} of memory"))
        .message(
            "At the limit, Kubernetes kills it, and every change in the cluster is lost until it runs again. It keeps \
             a copy of every object that it watches.",
        )
        .object(context.object("Pod", &used.pod))
        .evidence(format!(
            "metrics.k8s.io: container {} of pod {} uses {}",
            used.container,
            used.pod,
            mebibytes(used.bytes)
        ))
        .evidence(format!("pod {}: spec.containers[].resources.limits.memory is {}", used.pod, mebibytes(limit)))
        .remedy("remove kinds nobody needs from the watch-list, Secrets and ReplicaSets first, then restart MeshSync")
        .command(context.kubectl().change(more))
        .command(context.restart(Component::Meshsync))
        .found()
}

/// A number of bytes in readable form.
fn mebibytes(bytes: u64) -> String {
    format!("{} Mi", bytes >> 20)
}
