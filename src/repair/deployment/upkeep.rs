//! Steps besides the objects of the installation: restarts, waits, and the removal of what the old operator line left.

use serde_json::{Value, json};

use super::{LiveState, Request};
use crate::{
    facts::{destination, stack::image_tag},
    repair::{
        host_port,
        plan::{Action, Advice, Plan, Refusal, Step, Until},
    },
    report::change::ChangedField,
    stack::{
        inventory::Part,
        manifests::FIELD_MANAGER,
        object::{self, Id},
        profile::Profile,
    },
};

/// The diagnosis of an old address in `MeshSync`'s Deployment. The old operator line never updates that Deployment, so a
/// restart keeps the address. Once the Deployment is deleted, the operator creates it again with the current address.
const STALE_ADDRESS: &str = "meshsync-stale-env";

/// The diagnosis of a `MeshSync` that is not connected.
const NOT_CONNECTED: &str = "meshsync-not-connected";

/// Diagnoses of `MeshSync` that a restart fixes.
const FIXED_BY_RESTART: &[&str] = &[NOT_CONNECTED, STALE_ADDRESS, "watch-list-edited-since-start"];

/// With this diagnosis, the operator would not create a deleted Deployment again.
const CREATES_NOTHING: &str = "operator-reconcile-failing";

/// Whether the installation is a `MeshSync` without the operator.
fn is_standalone(profile: &Profile, live_state: &LiveState) -> bool {
    !live_state
        .objects
        .iter()
        .any(|tried| tried.object.id.name == profile.operator.deployment && tried.object.id.kind == "Deployment")
}

/// Refuses a `MeshSync` without the operator where an operator runs.
pub(super) fn standalone_beside_operator(profile: &Profile, live_state: &LiveState) -> Result<(), Refusal> {
    if !is_standalone(profile, live_state) || live_of(live_state, "Deployment", profile.operator.deployment).is_none() {
        return Ok(());
    }
    Err(Refusal::new(
        format!("Deployment {} exists, and a standalone MeshSync has no operator", profile.operator.deployment),
        [Advice::command("system reset stack"), "or redeploy without --standalone".into()],
    ))
}

/// Whether this program deployed a `MeshSync` without the operator. The operator would leave our fields in it.
fn is_our_standalone(live: &Value) -> bool {
    live["metadata"]["ownerReferences"].is_null()
        && object::items(&live["metadata"]["managedFields"])
            .any(|entry| entry["manager"] == FIELD_MANAGER && entry["operation"] == "Apply")
}

/// A `MeshSync` Deployment of the old operator, or one without an operator: the current operator would leave fields in it.
pub(super) fn old_meshsync(profile: &Profile, request: &Request, live_state: &LiveState, plan: &mut Plan) {
    if !request.parts.contains(&Part::Operator) || is_standalone(profile, live_state) {
        return;
    }
    let name = profile.meshsync.resource;
    for (entry, seen) in &live_state.existing {
        let Some(live) = seen.known() else { continue };
        if entry.id.kind != "Deployment" || entry.id.name != name {
            continue;
        }
        let current = profile.has_current_line();
        let why = if is_our_standalone(live) {
            "it was deployed without the operator, which creates its own"
        } else if current && host_port::has_host_port(live) {
            "the operator recreates it without the host port of the old operator line"
        } else {
            continue;
        };
        if let Some(uid) = object::uid(live) {
            plan.steps.push(Step::new(entry.id.clone(), Action::Delete { uid: uid.into() }).because(why));
        }
    }
}

fn live_of<'a>(live_state: &'a LiveState, kind: &str, name: &str) -> Option<(&'a Id, &'a Value)> {
    live_state
        .existing
        .iter()
        .find(|(entry, _)| entry.id.kind == kind && entry.id.name == name)
        .and_then(|(entry, seen)| Some((&entry.id, seen.known()?)))
}

/// Restarts: the broker if it is requested by name, MeshSync if a restart fixes one of the findings.
pub(super) fn restarts(profile: &Profile, request: &Request, live_state: &LiveState, plan: &mut Plan) {
    let broker_alone = request.parts.contains(&Part::Broker) && !request.parts.contains(&Part::Operator);
    let workload = profile.broker_workload();
    let set = live_of(live_state, "StatefulSet", workload);
    if request.new_token
        && let Some(secret) = profile.broker.token_secret
        && let Some((id, live)) = live_of(live_state, "Secret", secret)
        && let Some(uid) = object::uid(live)
    {
        let delete = Action::Delete { uid: uid.into() };
        plan.steps.push(Step::new(id.clone(), delete).because("the operator generates a new token"));
    }
    let smaller = set.and_then(|(id, live)| scaled_down(profile, request, live_state, id, live));
    let is_smaller = smaller.is_some();
    if let Some(step) = smaller {
        let ready = Step::new(step.id.clone(), Action::Wait(Until::RolledOut));
        plan.steps.extend([step, ready]);
    }
    let meshsync = live_of(live_state, "Deployment", profile.meshsync.resource);
    let is_removed = plan
        .steps
        .iter()
        .any(|step| step.id.kind == "Deployment" && step.id.name == profile.meshsync.resource && step.removes());
    let meshsync = meshsync.filter(|_| !is_removed);
    let recreated = meshsync.and_then(|(id, live)| recreated(profile, live_state, id, live));
    let new_broker = plan.steps.iter().any(|step| step.id.kind == "Broker" && matches!(step.action, Action::Create(_)));
    if let Some((id, _)) = set.filter(|_| broker_alone || request.new_token) {
        plan.steps.push(Step::new(id.clone(), Action::Restart));
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::RolledOut)));
        plan.warnings.push(
            "events are lost while the broker restarts; MeshSync is restarted too if it does not reconnect on its own"
                .into(),
        );
        let restart = meshsync.map(|(id, _)| Step::new(id.clone(), Action::Restart));
        plan.nudge = recreated.clone().or(restart).map(|step| step.because("it did not reconnect on its own"));
    }
    let wanted = |codes: &[&str]| -> Vec<&str> {
        let found = live_state.findings.iter().map(String::as_str);
        found.filter(|code| request.parts.contains(&Part::Meshsync) && codes.contains(code)).collect()
    };
    // A new pod would have the same address.
    let is_unreadable = meshsync.is_some_and(|(_, live)| has_unreadable_address(profile, live));
    let of_address = if is_unreadable { &[STALE_ADDRESS, NOT_CONNECTED][..] } else { &[STALE_ADDRESS] };
    if let Some(delete) = recreated
        && (new_broker || !wanted(of_address).is_empty())
    {
        let why = "the operator creates it again, with the current address of the broker";
        let meshsync = delete.id.clone();
        if new_broker {
            // The new Service has another address, which exists once the broker does.
            let workload = Id::of(object::STATEFUL_SET, meshsync.namespace.as_deref(), workload);
            plan.steps.push(Step::new(workload, Action::Wait(Until::RolledOut)));
        }
        plan.nudge = None;
        plan.steps.push(delete.because(why));
        plan.steps.push(Step::new(meshsync, Action::Wait(Until::RolledOut)));
        return;
    }
    let mut fixed = wanted(FIXED_BY_RESTART);
    fixed.retain(|code| !is_unreadable || *code != NOT_CONNECTED);
    let why = match fixed.as_slice() {
        [] if request.new_token => Some("it uses the previous token".to_owned()),
        [] => is_smaller.then(|| "what it sent to a removed server is lost, and it sends everything again".to_owned()),
        codes => Some(codes.join(", ")),
    };
    if let Some(((id, live), why)) = meshsync.zip(why) {
        plan.nudge = None;
        plan.steps.extend(host_port::make_room(id, live));
        plan.steps.push(Step::new(id.clone(), Action::Restart).because(why));
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::RolledOut)));
    }
}

/// Whether `MeshSync` cannot parse the address in its Deployment.
fn has_unreadable_address(profile: &Profile, live: &Value) -> bool {
    object::items(&live["spec"]["template"]["spec"]["containers"])
        .filter(|container| container["name"] == profile.meshsync.container)
        .flat_map(|container| object::items(&container["env"]).map(move |variable| (container, variable)))
        .filter(|(_, variable)| variable["name"] == destination::ADDRESS)
        .any(|(container, variable)| {
            let tag = container["image"].as_str().and_then(image_tag);
            variable["value"].as_str().is_some_and(|address| !destination::is_readable(profile, tag, address))
        })
}

/// The step that scales down a broker with more servers than its custom resource asks for, which are not clustered. The
/// operator of the old line uses that size only when it creates the `StatefulSet`.
fn scaled_down(profile: &Profile, request: &Request, live_state: &LiveState, id: &Id, live: &Value) -> Option<Step> {
    if profile.has_current_line() || !request.parts.contains(&Part::Broker) {
        return None;
    }
    let broker = live_state.objects.iter().find(|tried| tried.object.id.kind == "Broker")?;
    let kept = broker.live.known().filter(|_| !request.overwrites("Broker"));
    let size = kept.unwrap_or(&broker.object.body)["spec"]["size"].as_u64().unwrap_or(1).max(1);
    let replicas = live["spec"]["replicas"].as_u64().filter(|replicas| *replicas > size)?;
    let change = ChangedField { path: "spec.replicas".into(), before: Some(replicas.into()), after: Some(size.into()) };
    let patch = Action::Patch { patch: json!({ "spec": { "replicas": size } }), changes: vec![change] };
    Some(Step::new(id.clone(), patch).because("the operator does not apply the size of the Broker to it"))
}

/// The deletion of `MeshSync`'s Deployment, if the operator of the old line created it and will create it again with the
/// address of the stack's broker. It is the only line whose `MeshSync` uses a port of its node.
fn recreated(profile: &Profile, live_state: &LiveState, id: &Id, live: &Value) -> Option<Step> {
    let meshsync = live_state.objects.iter().find(|tried| tried.object.id.kind == "MeshSync")?;
    let spec = &meshsync.live.known().unwrap_or(&meshsync.object.body)["spec"];
    // Without this reference, a new Deployment would get the old address again.
    let names_broker = spec["broker"]["native"]["name"].as_str().is_some_and(|name| !name.is_empty());
    let has_operator = live_of(live_state, "Deployment", profile.operator.deployment).is_some();
    let creates = has_operator && !live_state.findings.iter().any(|code| code == CREATES_NOTHING);
    let uid = object::uid(live)?;
    (names_broker && creates && host_port::has_host_port(live) && !is_our_standalone(live))
        .then(|| Step::new(id.clone(), Action::Delete { uid: uid.into() }))
}

/// Waits for the workloads that the operator creates from the custom resources.
pub(super) fn workloads_ready(profile: &Profile, request: &Request, live_state: &LiveState, plan: &mut Plan) {
    let namespace = live_state.objects.iter().find_map(|tried| tried.object.id.namespace.clone());
    if plan.is_empty() {
        return;
    }
    let workload = profile.broker_workload();
    let mut wait = |kind, name: &str| {
        let id = Id::of(kind, namespace.as_deref(), name);
        let step = Step::new(id, Action::Wait(Until::RolledOut));
        if !plan.steps.contains(&step) {
            plan.steps.push(step);
        }
    };
    if request.parts.contains(&Part::Broker) && has_own_broker(live_state) {
        wait(object::STATEFUL_SET, workload);
    }
    if request.parts.contains(&Part::Meshsync) {
        // It has the name of its custom resource.
        let name = live_state
            .objects
            .iter()
            .find(|tried| tried.object.id.kind == "MeshSync")
            .map_or(profile.meshsync.resource, |tried| &tried.object.id.name);
        wait(object::DEPLOYMENT, name);
    }
}

/// What the old operator line leaves once the current one is ready: a broker without a token and unlimited permissions.
pub(super) fn old_line(profile: &Profile, request: &Request, live_state: &LiveState, plan: &mut Plan) {
    let whole = [Part::Operator, Part::Broker, Part::Meshsync].iter().all(|part| request.parts.contains(part));
    if !whole || is_standalone(profile, live_state) {
        return;
    }
    // MeshSync may be configured to publish to the old broker.
    let keeps_broker = !has_own_broker(live_state);
    let mut any = false;
    for (kind, name) in old(profile) {
        if keeps_broker && matches!(kind, "StatefulSet" | "Service" | "ConfigMap") {
            continue;
        }
        let Some((id, live)) = live_of(live_state, kind, &name) else {
            continue;
        };
        let Some(uid) = object::uid(live) else {
            continue;
        };
        any |= kind == "StatefulSet";
        plan.steps
            .push(Step::new(id.clone(), Action::Delete { uid: uid.into() }).because("left by the old operator line"));
    }
    if any {
        plan.warnings.push(format!(
            "the broker's Service becomes {}, with a token and without an external address: clients outside the cluster must be changed",
            profile.broker_workload()
        ));
    }
}

/// Whether the installation has a Broker CR. Without one, `MeshSync` publishes to a server at a given address.
fn has_own_broker(live_state: &LiveState) -> bool {
    live_state.objects.iter().any(|tried| tried.object.id.kind == "Broker")
}

/// The objects of the old operator line only, in order of removal.
pub(super) fn old(profile: &Profile) -> Vec<(&'static str, String)> {
    if !profile.has_current_line() {
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
