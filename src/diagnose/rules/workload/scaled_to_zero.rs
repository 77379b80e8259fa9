use crate::diagnose::rules::{
    prelude::*,
    workload::{WORKLOAD_DOWN, containers::who, controller::Controller},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-scaled-to-zero",
    title: "{Component} has 0 replicas",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("scaled_to_zero.md"),
    cure: Cure::Automatic,
    ..Diagnosis::of_workloads()
};

/// The controller is scaled to 0 replicas.
pub(super) fn scaled_to_zero(context: &RuleContext<'_>, component: Component, controller: &Controller) -> Finding {
    let workload = controller.workload.clone();
    let title = who(context, component, &workload.name);
    let effect = match component {
        Component::Operator => "nothing is reconciled",
        _ => "no pod is running",
    };
    DIAGNOSIS
        .finding_of(component)
        .title(format!("{title} has 0 replicas"))
        .message(format!("{} {} is scaled to 0 replicas, so {effect}.", controller.kind, workload.name))
        .object(controller.object(context))
        .evidence("spec.replicas is 0")
        .remedy("scale it up")
        .fix(context.kubectl().run(Action::Scale { workload, replicas: 1 }))
        .done()
}
