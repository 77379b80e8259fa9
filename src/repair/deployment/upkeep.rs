//! What a deployment does beside its own objects: restarts, waits, and the removal of what the old line left.

use serde_json::Value;

use super::{LiveState, Request};
use crate::{
    repair::plan::{Action, Plan, Step, Until},
    stack::{
        inventory::Part,
        object::{self, Id},
        profile::Profile,
    },
};

/// Diagnoses of `MeshSync` that a restart cures.
const CURED_BY_RESTART: &[&str] = &["meshsync-not-connected", "meshsync-stale-env", "watch-list-edited-since-start"];

/// A `MeshSync` Deployment that the old operator made: the new one leaves the host port in it.
pub(super) fn old_meshsync(profile: &Profile, request: &Request, standing: &LiveState, plan: &mut Plan) {
    if !request.parts.contains(&Part::Operator) {
        return;
    }
    let name = profile.meshsync.resource;
    for (belonging, seen) in &standing.belongings {
        let Some(live) = seen.known() else { continue };
        if belonging.id.kind != "Deployment" || belonging.id.name != name {
            continue;
        }
        let has_host_port = object::items(&live["spec"]["template"]["spec"]["containers"])
            .flat_map(|container| object::items(&container["ports"]))
            .any(|port| port["hostPort"].is_number());
        let current = profile.broker.current.is_some();
        if let Some(uid) = object::uid(live).filter(|_| has_host_port && current) {
            plan.steps.push(
                Step::new(belonging.id.clone(), Action::Delete { uid: uid.into() })
                    .because("the operator makes it anew without the host port of the old line"),
            );
        }
    }
}

fn live_of<'a>(standing: &'a LiveState, kind: &str, name: &str) -> Option<(&'a Id, &'a Value)> {
    standing
        .belongings
        .iter()
        .find(|(belonging, _)| belonging.id.kind == kind && belonging.id.name == name)
        .and_then(|(belonging, seen)| Some((&belonging.id, seen.known()?)))
}

/// Restarts: the broker when it is asked for by name, MeshSync when something is wrong that a restart cures.
pub(super) fn restarts(profile: &Profile, request: &Request, standing: &LiveState, plan: &mut Plan) {
    let broker_alone = request.parts.contains(&Part::Broker) && !request.parts.contains(&Part::Operator);
    let workload = profile.broker.current.unwrap_or(profile.broker.old);
    let set = live_of(standing, "StatefulSet", workload);
    if request.new_token
        && let Some(secret) = profile.broker.token_secret
        && let Some((id, live)) = live_of(standing, "Secret", secret)
        && let Some(uid) = object::uid(live)
    {
        let delete = Action::Delete { uid: uid.into() };
        plan.steps.push(Step::new(id.clone(), delete).because("the operator makes a new token"));
    }
    let meshsync = live_of(standing, "Deployment", profile.meshsync.resource);
    let goes_anyway = plan
        .steps
        .iter()
        .any(|step| step.id.kind == "Deployment" && step.id.name == profile.meshsync.resource && step.removes());
    let meshsync = meshsync.filter(|_| !goes_anyway);
    if let Some((id, _)) = set.filter(|_| broker_alone || request.new_token) {
        plan.steps.push(Step::new(id.clone(), Action::Restart));
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::RolledOut)));
        plan.warnings.push(
            "what happens in the cluster while the broker restarts is lost to its readers; MeshSync is restarted too if it does not come back by itself"
                .into(),
        );
        plan.nudge =
            meshsync.map(|(id, _)| Step::new(id.clone(), Action::Restart).because("it did not come back by itself"));
    }
    let cured: Vec<&str> =
        standing.findings.iter().map(String::as_str).filter(|code| CURED_BY_RESTART.contains(code)).collect();
    let wanted = request.parts.contains(&Part::Meshsync) && !cured.is_empty();
    if let Some((id, _)) = meshsync.filter(|_| wanted || request.new_token) {
        let why = if wanted { cured.join(", ") } else { "it knows the former token".into() };
        plan.nudge = None;
        plan.steps.push(Step::new(id.clone(), Action::Restart).because(why));
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::RolledOut)));
    }
}

/// What the operator makes of the custom resources is waited for, too.
pub(super) fn made_and_ready(profile: &Profile, request: &Request, standing: &LiveState, plan: &mut Plan) {
    let namespace = standing.objects.iter().find_map(|tried| tried.object.id.namespace.clone());
    if plan.is_empty() {
        return;
    }
    let workload = profile.broker.current.unwrap_or(profile.broker.old);
    let mut wait = |kind, name: &str| {
        let id = Id::of(kind, namespace.as_deref(), name);
        let step = Step::new(id, Action::Wait(Until::RolledOut));
        if !plan.steps.contains(&step) {
            plan.steps.push(step);
        }
    };
    if request.parts.contains(&Part::Broker) {
        wait(object::STATEFUL_SET, workload);
    }
    if request.parts.contains(&Part::Meshsync) {
        // It is named after its custom resource.
        let name = standing
            .objects
            .iter()
            .find(|tried| tried.object.id.kind == "MeshSync")
            .map_or(profile.meshsync.resource, |tried| &tried.object.id.name);
        wait(object::DEPLOYMENT, name);
    }
}

/// What the old line leaves behind once the new one is up: it asks for no token and may do everything.
pub(super) fn old_line(profile: &Profile, request: &Request, standing: &LiveState, plan: &mut Plan) {
    let whole = [Part::Operator, Part::Broker, Part::Meshsync].iter().all(|part| request.parts.contains(part));
    if !whole {
        return;
    }
    let mut any = false;
    for (kind, name) in old(profile) {
        let Some((id, live)) = live_of(standing, kind, &name) else {
            continue;
        };
        let Some(uid) = object::uid(live) else {
            continue;
        };
        any |= kind == "StatefulSet";
        plan.steps.push(Step::new(id.clone(), Action::Delete { uid: uid.into() }).because("it is the old line's"));
    }
    if any {
        plan.warnings.push(format!(
            "the broker's Service becomes {}, with a token and without an address outside the cluster: readers outside must follow",
            profile.broker.current.unwrap_or_default()
        ));
    }
}

/// What only the old line has, in the order in which it can go.
pub(super) fn old(profile: &Profile) -> Vec<(&'static str, String)> {
    if profile.broker.current.is_none() {
        return Vec::new();
    }
    let prefix = profile.name;
    vec![
        ("StatefulSet", profile.broker.old.to_owned()),
        ("Service", profile.broker.old.to_owned()),
        ("ConfigMap", format!("{prefix}-nats-accounts")),
        ("Service", format!("{}-metrics-service", profile.operator.deployment)),
        ("ClusterRoleBinding", format!("{prefix}-controller-rolebinding")),
        ("ClusterRoleBinding", format!("{prefix}-proxy-rolebinding")),
        ("ClusterRole", format!("{prefix}-controller-role")),
        ("ClusterRole", format!("{prefix}-proxy-role")),
    ]
}
