use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who, controller::Controller},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-pods-refused",
    title: "{Component}'s pods are refused",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("pods_refused.md"),
    ..Diagnosis::of_workloads()
};

/// The API server refuses the controller's pods.
pub(super) fn pods_refused(
    context: &RuleContext<'_>,
    component: Component,
    controller: &Controller,
    why: String,
) -> Finding {
    let title = who(component, &controller.workload.name);
    DIAGNOSIS
        .finding_of(component)
        .title(format!("{title}'s pods are refused"))
        .message(
            "The API server refuses the pods: a quota, Pod Security, an admission webhook or a missing ServiceAccount.",
        )
        .object(controller.object(context))
        .evidence(why)
        .remedy("lift what refuses them; the controller tries again by itself")
        .command(context.kubectl().inspect(format!("describe {}", controller.workload)))
        .done()
}
