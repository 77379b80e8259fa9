use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who, controller::Controller},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-pods-refused",
    title: "{Component}'s pods are rejected by the API server",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("pods_refused.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::of_workloads()
};

/// The API server rejects the controller's pods.
pub(super) fn pods_refused(
    context: &RuleContext<'_>,
    component: Component,
    controller: &Controller,
    why: String,
) -> Finding {
    let title = who(context, component, &controller.workload.name);
    DIAGNOSIS
        .finding_of(component)
        .title(format!("{title}'s pods are rejected by the API server"))
        .message("Usual causes are a quota, Pod Security, an admission webhook or a missing ServiceAccount.")
        .object(controller.object(context))
        .evidence(why)
        .remedy("correct what rejects them; the controller retries automatically")
        .command(context.kubectl().inspect(format!("describe {}", controller.workload)))
        .done()
}
