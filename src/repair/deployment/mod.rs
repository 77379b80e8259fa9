//! The plan of `system redeploy`: from any live state to a working stack. Pure.
//!
//! `objects` changes single objects to the desired state, `ownership` takes them over from other tools, and `upkeep` does
//! the rest: restarts, waits, and the removal of what the old operator line left.

mod objects;
mod ownership;
#[cfg(test)]
mod tests;
mod upkeep;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    diff,
    plan::{Action, Advice, Plan, Refusal, Step},
    removal,
};
use crate::stack::{
    base::{failure::Failure, permission::Permission, seen::Seen},
    inventory::{self, Part, StackObject},
    manager::Manager,
    manifests::Object,
    object::{self, Id},
    profile::Profile,
    watch_list,
};

/// What to deploy, and what may be overwritten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Request {
    /// The parts.
    pub parts: BTreeSet<Part>,
    /// Whether fields owned by other managers may be overwritten.
    pub force_conflicts: bool,
    /// Whether objects that another tool manages as a whole may be taken over.
    pub take_over: bool,
    /// Whether the spec of existing custom resources may be overwritten.
    pub overwrite: bool,
    /// The kinds of custom resources whose specs are restored exactly from a backup.
    pub restored: BTreeSet<&'static str>,
    /// Whether to generate a new broker token.
    pub new_token: bool,
    /// The kinds of custom resources for which the user gave options.
    pub given: BTreeSet<&'static str>,
}

impl Request {
    /// Whether an existing custom resource of this kind gets the spec of a backup.
    pub fn restores(&self, kind: &str) -> bool {
        self.restored.contains(kind)
    }

    /// Whether an existing custom resource of this kind may be changed.
    pub fn overwrites(&self, kind: &str) -> bool {
        self.overwrite || self.restores(kind)
    }
}

/// One object: desired, live, and the dry run of the change.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The desired object.
    pub object: Object,
    /// The live object.
    pub live: Seen<Value>,
    /// The result of the dry run.
    pub dry_run: DryRun,
}

/// The result of a dry run of server-side apply.
#[derive(Clone, Debug, PartialEq)]
pub enum DryRun {
    /// It would be accepted.
    Would {
        /// The object afterwards.
        after: Value,
        /// Which fields have other managers, in the API server's words.
        conflict: Option<String>,
    },
    /// It would be invalid, in the API server's words.
    Invalid(String),
    /// The installed CRD does not have a field of this custom resource, in the API server's words.
    OutsideSchema(String),
    /// A permission is missing, in the API server's words.
    Denied(String),
    /// It cannot be tried before its namespace or its CRD exists.
    TooEarly,
    /// The dry run failed for another reason.
    Failed(Failure),
}

/// The live state of the stack.
#[derive(Clone, Debug, Default)]
pub struct LiveState {
    /// Every object of the installation.
    pub objects: Vec<Tried>,
    /// The objects with fixed names that a stack may consist of.
    pub existing: Vec<(StackObject, Seen<Value>)>,
    /// The tools that manage the stack.
    pub owners: BTreeSet<Manager>,
    /// The Secrets of the Helm release that the stack belongs to, with their UIDs.
    pub releases: Vec<(Id, String)>,
    /// The namespace of another stack that the cluster-wide bindings refer to.
    pub elsewhere: Option<String>,
    /// The codes that a check of the stack found; some need a restart.
    pub findings: Vec<String>,
}

/// Plans the deployment.
///
/// # Errors
///
/// A [`Refusal`] if another tool manages the stack, a permission is missing, or fields have other managers.
pub fn plan(profile: &Profile, request: &Request, live_state: &LiveState) -> Result<Plan, Refusal> {
    refuse(profile, request, live_state)?;
    let mut plan = Plan::default();
    if conversions_first(live_state, &mut plan) {
        return Ok(plan);
    }
    ownership::forget_releases(live_state, &mut plan);
    for tried in &live_state.objects {
        if is_requested(request, profile, tried) {
            objects::one(request, &live_state.objects, tried, &mut plan)?;
        }
    }
    if request.take_over {
        ownership::remove_marks(live_state, &mut plan);
    }
    upkeep::old_meshsync(profile, request, live_state, &mut plan);
    upkeep::restarts(profile, request, live_state, &mut plan);
    upkeep::workloads_ready(profile, request, live_state, &mut plan);
    upkeep::old_line(profile, request, live_state, &mut plan);
    warn(profile, request, live_state, &mut plan);
    Ok(plan)
}

/// The permissions that it needs besides those of writing the installation: to read existing objects, to restart workloads,
/// to recreate what cannot be changed, and to delete what the old operator line left.
pub fn permissions(profile: &Profile, namespace: &str) -> Vec<Permission> {
    // The Deployment that is waited for has the name of its MeshSync CR, which can be any name.
    let mut permissions = vec![Permission::to("get", "apps", "deployments").in_namespace(namespace)];
    for entry in inventory::of(profile, namespace) {
        let id = &entry.id;
        permissions.push(id.permission("get"));
        let made = entry.made && matches!(id.kind.as_str(), "Deployment" | "StatefulSet");
        if made {
            permissions.push(id.permission("patch"));
        }
        if made && entry.part == Part::Meshsync {
            // Without the operator, MeshSync's Deployment is created here.
            permissions.push(id.permission("create"));
        }
        if id.kind == object::NETWORK_POLICY.kind {
            permissions.extend(["create", "patch"].map(|verb| id.permission(verb)));
        }
        let goes = upkeep::old(profile).iter().any(|(kind, name)| *kind == id.kind && *name == id.name);
        let secret = id.kind == "Secret" && entry.part == Part::Broker;
        if goes || secret || matches!(id.kind.as_str(), "Deployment" | "RoleBinding" | "ClusterRoleBinding") {
            permissions.push(id.permission("delete"));
        }
    }
    permissions
}

fn refuse(profile: &Profile, request: &Request, live_state: &LiveState) -> Result<(), Refusal> {
    if !live_state.owners.is_empty() && !request.take_over {
        return Err(ownership::refusal(&live_state.owners));
    }
    upkeep::standalone_beside_operator(profile, live_state)?;
    if let Some(namespace) = &live_state.elsewhere {
        return Err(Refusal::new(
            format!(
                "the cluster-wide bindings belong to the stack in namespace {namespace}, and a second stack would take \
                 its permissions"
            ),
            [Advice::command_in(namespace, "system redeploy")],
        ));
    }
    let terminating = live_state.objects.iter().find(|tried| {
        matches!(tried.object.id.kind.as_str(), "Namespace" | "CustomResourceDefinition")
            && tried.live.known().is_some_and(object::is_terminating)
    });
    if let Some(tried) = terminating {
        return Err(Refusal::new(format!("{} is being deleted", tried.object.id), [Advice::command("check")]));
    }
    // All at once, so that an admin is asked only once.
    let denied: Vec<String> = live_state
        .objects
        .iter()
        .filter(|tried| is_requested(request, profile, tried))
        .filter_map(|tried| match &tried.dry_run {
            DryRun::Denied(why) if !is_left(request, tried) => Some(why.clone()),
            _ => None,
        })
        .collect();
    if denied.is_empty() { Ok(()) } else { Err(lacking(denied)) }
}

/// The refusal for missing permissions; these lines name them.
pub fn lacking(permissions: impl IntoIterator<Item = String>) -> Refusal {
    let all = Advice::command("rbac redeploy");
    Refusal::new(
        "permissions are missing; the command below prints all that redeploy needs",
        permissions.into_iter().map(Advice::from).chain([all]),
    )
}

/// Whether an existing object is left unchanged, so that no permission to write it is needed.
fn is_left(request: &Request, tried: &Tried) -> bool {
    let exists = tried.live.known().is_some();
    match tried.object.id.kind.as_str() {
        "Namespace" => exists,
        // CRDs are deployed with the operator; deploying another part changes as little as possible.
        "CustomResourceDefinition" => exists && !request.parts.contains(&Part::Operator),
        kind @ ("Broker" | "MeshSync") => exists && !request.overwrites(kind),
        _ => false,
    }
}

/// Whether an object belongs to the requested parts.
fn is_requested(request: &Request, profile: &Profile, tried: &Tried) -> bool {
    match part_of(profile, &tried.object) {
        // Every part needs these.
        Part::Namespace | Part::Definitions => true,
        part => request.parts.contains(&part),
    }
}

/// The part that an object of the installation belongs to.
pub fn part_of(profile: &Profile, object: &Object) -> Part {
    match object.id.kind.as_str() {
        "Namespace" => Part::Namespace,
        "CustomResourceDefinition" => Part::Definitions,
        "Broker" | "NetworkPolicy" => Part::Broker,
        "MeshSync" => Part::Meshsync,
        _ if object.id.name == profile.meshsync_reader() => Part::Meshsync,
        "Deployment" if object.id.name == profile.meshsync.resource => Part::Meshsync,
        _ => Part::Operator,
    }
}

/// A dead conversion webhook hides the custom resources, so it is removed first and the rest is planned later. Returns
/// whether this is the case.
fn conversions_first(live_state: &LiveState, plan: &mut Plan) -> bool {
    let hidden = live_state.objects.iter().any(|tried| {
        matches!(tried.object.id.kind.as_str(), "Broker" | "MeshSync")
            && (matches!(tried.dry_run, DryRun::Failed(_)) || !matches!(tried.live, Seen::Known(_) | Seen::Absent))
    });
    if !hidden {
        return false;
    }
    for tried in &live_state.objects {
        let Some(live) = tried.live.known() else {
            continue;
        };
        if live["spec"]["conversion"]["strategy"] == "Webhook" {
            let step = Step::new(tried.object.id.clone(), removal::without_webhook(live));
            plan.steps.push(step.because("its conversion webhook does not respond, so no custom resource can be read"));
        }
    }
    if plan.is_empty() {
        return false;
    }
    plan.continues = true;
    plan.warnings.push("the remaining steps can be planned only after these".into());
    true
}

fn warn(profile: &Profile, request: &Request, live_state: &LiveState, plan: &mut Plan) {
    for tried in &live_state.objects {
        let Some(live) = tried.live.known() else {
            continue;
        };
        let kind = tried.object.id.kind.as_str();
        let keeps = request.given.contains(kind) && plan.unchanged.contains(&tried.object.id);
        if keeps && diff::merge_patch(&live["spec"], &tried.object.body["spec"], false) != json!({}) {
            plan.warnings.push(format!(
                "{} exists and keeps its spec; add --overwrite-crs to apply the given options",
                tried.object.id
            ));
        }
        let written = plan
            .steps
            .iter()
            .any(|step| step.id == tried.object.id && matches!(step.action, Action::Create(_) | Action::Patch { .. }));
        let servers = live["spec"]["size"].as_u64().unwrap_or(1);
        let is_split = live_state.findings.iter().any(|code| code == "broker-split");
        if kind == "Broker" && !keeps && !written && is_split && servers > 1 {
            plan.warnings.push(format!(
                "{} asks for {servers} servers, which are not clustered, and keeps its spec; add --overwrite-crs to \
                 deploy one server",
                tried.object.id
            ));
        }
        if kind != "MeshSync" {
            continue;
        }
        let list = &live["spec"]["watch-list"]["data"];
        if !written && !list["whitelist"].is_string() && !list["blacklist"].is_string() {
            plan.warnings.push(format!(
                "{} has no watch-list and its spec is left unchanged, so MeshSync uses its built-in one and publishes \
                 {}; `watch-list --stock` prints the stock watch-list as a patch, --overwrite-crs writes it",
                tried.object.id,
                watch_list::published_by_default(profile)
            ));
        }
    }
}
