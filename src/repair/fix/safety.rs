//! How safe a plan is, judged by its steps and by what is working now. Pure.

use crate::{
    repair::{
        host_port,
        operation::{Operation, Status},
        plan::{Action, Plan, Step},
    },
    report::{Report, Safety, change::ChangedField},
    stack::component::Component,
};

/// How safe a plan is, and its first step that is not safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// The safety of the least safe step.
    pub safety: Safety,
    /// Why it is not safe: `it restarts StatefulSet meshery-nats`.
    pub why: Option<String>,
}

/// How safe it is to apply this plan to the stack of this report.
pub fn risk(plan: &Plan, report: &Report) -> Risk {
    let worst = plan.steps.iter().map(|step| (safety(step, report), step)).rev().max_by_key(|(safety, _)| *safety);
    match worst {
        Some((safety, step)) if safety != Safety::Safe => Risk { safety, why: Some(effect(step)) },
        _ => Risk { safety: Safety::Safe, why: None },
    }
}

fn safety(step: &Step, report: &Report) -> Safety {
    let kind = step.id.kind.as_str();
    let is_precious = matches!(kind, "Namespace" | "CustomResourceDefinition" | "Broker" | "MeshSync");
    match &step.action {
        Action::Wait(_) | Action::Create(_) => Safety::Safe,
        Action::Apply { changes, .. } if changes.iter().all(is_mark) => Safety::Safe,
        Action::Patch { changes, .. } if !changes.is_empty() && changes.iter().all(scales_up) => Safety::Safe,
        Action::Delete { .. } if is_test_object(step) => Safety::Safe,
        // A MeshSync that is connected publishes. Any other one has nothing to lose.
        Action::Server(operation) => match operation {
            Operation::Wait { .. } => Safety::Safe,
            Operation::Rediscover | Operation::FlushData(..) | Operation::SetStatus(_, Status::Connected, _) => {
                Safety::Review
            }
            _ => Safety::Manual,
        },
        Action::Restart if is_idle_meshsync(step, report) => Safety::Safe,
        Action::Patch { changes, .. } if is_idle_meshsync(step, report) && host_port::is_room(changes) => Safety::Safe,
        Action::ClearFinalizers { .. } => Safety::Manual,
        Action::Delete { .. } | Action::Replace { .. } if is_precious => Safety::Manual,
        _ => Safety::Review,
    }
}

/// Whether only a label or an annotation changes.
fn is_mark(field: &ChangedField) -> bool {
    ["metadata.labels", "metadata.annotations"].iter().any(|marks| field.path.starts_with(marks))
}

/// Whether a workload gets replicas after it had none.
fn scales_up(field: &ChangedField) -> bool {
    field.path == "spec.replicas" && field.before.as_ref().is_some_and(|before| before == 0)
}

fn is_test_object(step: &Step) -> bool {
    step.id.name.starts_with(crate::facts::test_object::NAME)
}

/// Whether a step changes the workload of a `MeshSync` that is not connected.
fn is_idle_meshsync(step: &Step, report: &Report) -> bool {
    let workloads = report.workloads.iter().filter(|_| !report.components.is_connected());
    workloads
        .filter(|workload| workload.component == Component::Meshsync)
        .any(|workload| workload.kind == step.id.kind && workload.name == step.id.name)
}

/// What a step does, as a clause.
fn effect(step: &Step) -> String {
    let verb = match step.action {
        Action::Create(_) => "creates",
        Action::Apply { .. } | Action::Patch { .. } => "changes",
        Action::Replace { .. } => "recreates",
        Action::Delete { .. } => "deletes",
        Action::ClearFinalizers { .. } => "clears the finalizers of",
        Action::Restart => "restarts",
        Action::Wait(_) => "waits for",
        Action::Server(_) => return format!("it changes {} in the server", step.id),
    };
    format!("it {verb} {}", step.id)
}
