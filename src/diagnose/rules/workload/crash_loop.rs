use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{
        WORKLOAD_DOWN,
        containers::{waiting, who},
        memory::OutOfMemory,
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-crash-loop",
    title: "{Component} is in CrashLoopBackOff",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("crash_loop.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::of_workloads()
};

pub(crate) fn crash_loop(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let (status, backing_off) = stack::container_statuses(pod).find_map(|status| {
        let backing_off = waiting(status).is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
        // Between two starts, the container shows how it ended instead of that it is waiting.
        let ended = status
            .state
            .as_ref()
            .and_then(|state| state.terminated.as_ref())
            .is_some_and(|terminated| terminated.exit_code != 0 && status.restart_count > 0);
        (backing_off || ended).then_some((status, backing_off))
    })?;
    let name = stack::name(&pod.metadata);
    let last = status
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref())
        .or_else(|| status.state.as_ref().and_then(|state| state.terminated.as_ref()));
    let ending = last.map(|last| match last.reason.as_deref() {
        Some(reason) if reason != "Error" => format!("{reason}, exit code {}", last.exit_code),
        _ => format!("exit code {}", last.exit_code),
    });
    let memory = last
        .filter(|last| last.reason.as_deref() == Some("OOMKilled"))
        .map(|_| OutOfMemory::of(context, component, pod, &status.name));
    let words = log_excerpt::of(context.facts, component, name, &status.name);
    let message = match (&memory, words.signature) {
        (Some(memory), _) => memory.message(),
        (None, Some(signature)) => format!("Container {} exits because {}.", status.name, signature.says),
        (None, None) => format!(
            "Container {} starts and exits repeatedly, with growing delays between restarts. The pod's phase may still \
             be Running.",
            status.name
        ),
    };
    let remedy = match (&memory, words.signature) {
        (Some(memory), _) => memory.remedy(),
        (None, Some(signature)) => signature.remedy,
        (None, None) => "check the previous container's logs",
    };
    let said = last.and_then(|last| last.message.as_deref()).filter(|message| !message.is_empty());
    let finding = DIAGNOSIS
        .finding_of(component)
        .title(format!(
            "{} keeps crashing: {} restarts{}",
            who(context, component, &status.name),
            status.restart_count,
            ending.as_ref().map(|ending| format!(", {ending}")).unwrap_or_default()
        ))
        .message(message)
        .object(context.object("Pod", name))
        .evidence(format!(
            "pod {name}, container {}: {}, {} restarts",
            status.name,
            if backing_off { "CrashLoopBackOff" } else { "terminated" },
            status.restart_count
        ))
        .evidences(ending.map(|ending| format!("last exit: {ending}")))
        .evidences(memory.as_ref().map(OutOfMemory::evidence))
        .evidences(said.map(|message| format!("termination message: {}", message.trim())))
        .evidences(words.evidence)
        .remedy(remedy)
        .command(context.kubectl().inspect(format!("logs {name} -c {} --previous --tail=50", status.name)))
        .commands(memory.and_then(|memory| memory.command()))
        .done();
    Some(finding)
}
