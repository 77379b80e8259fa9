//! Diagnoses that every workload can have; the code starts with the component.

mod containers;
mod controller;
mod controllers;
mod crash_loop;
pub(crate) mod events;
mod image_pull;
mod memory;
mod not_ready;
mod not_started;
mod pods_refused;
mod progress;
mod scaled_to_zero;
mod stuck_terminating;
mod unschedulable;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &crash_loop::DIAGNOSIS,
    &not_started::DIAGNOSIS,
    &image_pull::DIAGNOSIS,
    &unschedulable::DIAGNOSIS,
    &pods_refused::DIAGNOSIS,
    &scaled_to_zero::DIAGNOSIS,
    &not_ready::DIAGNOSIS,
    &stuck_terminating::DIAGNOSIS,
];

/// The checks of Meshery Server; the other components list theirs themselves.
pub(super) static SERVER_CHECKS: &[&Check] = &[&SERVER_WORKLOAD, &ADAPTER_WORKLOADS];

pub(crate) static BROKER_WORKLOAD: Check = Check {
    id: "broker-workload",
    component: Component::Broker,
    title: "the broker's pods are healthy",
    ..Check::of(DIAGNOSES, |context| controllers::judge(context, Component::Broker))
};

pub(crate) static MESHSYNC_WORKLOAD: Check = Check {
    id: "meshsync-workload",
    component: Component::Meshsync,
    title: "MeshSync's pods are healthy",
    ..Check::of(DIAGNOSES, |context| controllers::judge(context, Component::Meshsync))
};

pub(crate) static OPERATOR_WORKLOAD: Check = Check {
    id: "operator-workload",
    component: Component::Operator,
    title: "the operator's pods are healthy",
    ..Check::of(DIAGNOSES, |context| controllers::judge(context, Component::Operator))
};

pub(crate) static SERVER_WORKLOAD: Check = Check {
    id: "server-workload",
    component: Component::Server,
    title: "the server's pods are healthy",
    after: &[&API_REACHABLE],
    ..Check::of(DIAGNOSES, |context| controllers::judge(context, Component::Server))
};

pub(crate) static ADAPTER_WORKLOADS: Check = Check {
    id: "adapter-workloads",
    component: Component::Adapter,
    title: "the pods of the server's adapters are healthy",
    after: &[&API_REACHABLE],
    ..Check::of(DIAGNOSES, |context| controllers::judge(context, Component::Adapter))
};

/// Judges the workload of a component.
pub(super) fn judge(context: &RuleContext<'_>, component: Component) -> Judgement {
    controllers::judge(context, component)
}

/// Whether a component has fewer pods than it should have, or other ones.
pub(super) fn is_incomplete(context: &RuleContext<'_>, component: Component) -> bool {
    controllers::is_incomplete(context, component)
}

/// What follows if a workload of the stack does not work.
pub(super) const WORKLOAD_DOWN: &[&str] = &[
    "{component}-not-ready",
    "network-path-broken",
    "broker-unreachable",
    "broker-no-endpoints",
    "{component}-server-not-connected",
    "broker-no-workload",
    "cr-failed",
    "cr-not-observed",
    "meshsync-no-workload",
    "meshsync-not-connected",
    "meshsync-crash-loop",
    "meshsync-not-ready",
    "operator-reconcile-failing",
    "{component}-silent",
    "{component}-no-answer",
];
