use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who, controller::Controller},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-scaled-to-zero",
    title: "{Component} is scaled to zero",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("scaled_to_zero.md"),
    ..Diagnosis::of_workloads()
};

/// The controller is told to run no pods.
pub(super) fn scaled_to_zero(context: &RuleContext<'_>, component: Component, controller: &Controller) -> Finding {
    let workload = controller.workload.clone();
    let title = who(component, &workload.name);
    DIAGNOSIS
        .finding_of(component)
        .title(format!("{title} is scaled to zero"))
        .message(format!("{} {} wants no pod, so {title} does nothing.", controller.kind, workload.name))
        .object(controller.object(context))
        .evidence("spec.replicas is 0")
        .remedy("scale it up again")
        .command(context.kubectl().run(Action::Scale { workload, replicas: 1 }))
        .done()
}
