use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::{
    prelude::*,
    workload::{
        WORKLOAD_DOWN,
        containers::{waiting, who},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-crash-loop",
    title: "{Component} crashes again and again",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("crash_loop.md"),
    ..Diagnosis::of_workloads()
};

pub(crate) fn crash_loop(context: &RuleContext<'_>, component: Component, pod: &Pod) -> Option<Finding> {
    let (status, backing_off) = stack::container_statuses(pod).find_map(|status| {
        let backing_off = waiting(status).is_some_and(|(reason, _)| reason == "CrashLoopBackOff");
        // Between two starts the container shows how it ended rather than that it waits.
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
    let out_of_memory = last.is_some_and(|last| last.reason.as_deref() == Some("OOMKilled"));
    let words = last_words::of(context.facts, component, name, &status.name);
    let message = match words.signature.filter(|_| !out_of_memory) {
        Some(signature) => format!("Container {} ends since {}.", status.name, signature.says),
        None => format!(
            "Container {} starts, ends and waits ever longer before it starts again. The pod's phase may read Running all the while.",
            status.name
        ),
    };
    let remedy = match words.signature {
        _ if out_of_memory => "it needs more memory than its limit: raise resources.limits.memory",
        Some(signature) => signature.remedy,
        None => "the log of the run that ended says why",
    };
    let said = last.and_then(|last| last.message.as_deref()).filter(|message| !message.is_empty());
    let finding = DIAGNOSIS
        .finding_of(component)
        .title(format!(
            "{} crashes again and again: {} restarts{}",
            who(component, &status.name),
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
        .evidences(ending.map(|ending| format!("it last ended with {ending}")))
        .evidences(said.map(|message| format!("its last words: {}", message.trim())))
        .evidences(words.evidence)
        .remedy(remedy)
        .command(context.kubectl().inspect(format!("logs {name} -c {} --previous --tail=50", status.name)))
        .done();
    Some(finding)
}
