//! The plan of `system redeploy`: from whatever there is to a stack that works. Pure.
//!
//! `objects` brings single objects to what they should be, `ownership` takes them over from other tools, and `upkeep` is
//! the rest: restarts, waits, and what the old line left.

mod objects;
mod ownership;
#[cfg(test)]
mod tests;
mod upkeep;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    plan::{Action, Plan, Refusal, Step},
    removal,
};
use crate::stack::{
    base::{failure::Failure, permission::Permission, seen::Seen},
    inventory::{self, Part, StackObject},
    manager::Manager,
    manifests::Object,
    object::{self, Id},
    profile::Profile,
};

/// What is to be deployed, and how far it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Request {
    /// The parts.
    pub parts: BTreeSet<Part>,
    /// Whether fields may be taken from whatever tool manages them.
    pub force_conflicts: bool,
    /// Whether objects that another tool manages as a whole may be taken over.
    pub take_over: bool,
    /// Whether existing custom resources may be brought to what was asked for.
    pub overwrite: bool,
    /// The kinds of custom resources whose specifications are to be exactly those of a backup.
    pub restored: BTreeSet<&'static str>,
    /// Whether the broker's token is to be made anew.
    pub new_token: bool,
}

impl Request {
    /// Whether an existing custom resource of this kind gets the specification of a backup.
    pub fn restores(&self, kind: &str) -> bool {
        self.restored.contains(kind)
    }

    /// Whether an existing custom resource of this kind may be changed.
    pub fn overwrites(&self, kind: &str) -> bool {
        self.overwrite || self.restores(kind)
    }
}

/// One object as it should be, as it is, and what the API server says of making the one of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// As it should be.
    pub object: Object,
    /// As it is.
    pub live: Seen<Value>,
    /// What a dry run said.
    pub trial: DryRun,
}

/// What a dry run of server-side apply said.
#[derive(Clone, Debug, PartialEq)]
pub enum DryRun {
    /// It would be this afterwards. With the tools that manage fields which would change hands.
    Would {
        /// The object afterwards.
        after: Value,
        /// Who manages which of the fields now, in the API server's words.
        conflict: Option<String>,
    },
    /// It cannot be made so, in the API server's words.
    Invalid(String),
    /// We may not, in the API server's words.
    Denied(String),
    /// It cannot be tried before its namespace or its definition is there.
    TooEarly,
    /// Something else stood in the way.
    Failed(Failure),
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct LiveState {
    /// Every object of the installation.
    pub objects: Vec<Tried>,
    /// The things with fixed names that a stack may consist of.
    pub belongings: Vec<(StackObject, Seen<Value>)>,
    /// The tool that manages the stack.
    pub owner: Option<Manager>,
    /// The Secrets in which Helm remembers the stack as a release of its own, with their UIDs.
    pub releases: Vec<(Id, String)>,
    /// The namespace of another stack that has the cluster-wide rights now.
    pub elsewhere: Option<String>,
    /// What a check of the stack found, by code: some of it wants a restart.
    pub findings: Vec<String>,
}

/// Plans the deployment.
///
/// # Errors
///
/// A [`Refusal`] where it belongs to another tool, is not permitted, or would take what others manage.
pub fn plan(profile: &Profile, request: &Request, standing: &LiveState) -> Result<Plan, Refusal> {
    refuse(profile, request, standing)?;
    let mut plan = Plan::default();
    if conversions_first(standing, &mut plan) {
        return Ok(plan);
    }
    ownership::forget_releases(standing, &mut plan);
    for tried in &standing.objects {
        if goes(request, profile, tried) {
            objects::one(request, tried, &mut plan)?;
        }
    }
    if request.take_over {
        ownership::take_marks(standing, &mut plan);
    }
    upkeep::old_meshsync(profile, request, standing, &mut plan);
    upkeep::restarts(profile, request, standing, &mut plan);
    upkeep::made_and_ready(profile, request, standing, &mut plan);
    upkeep::old_line(profile, request, standing, &mut plan);
    warn(standing, &mut plan);
    Ok(plan)
}

/// The rights that it takes beside those of writing the installation: to look at what is there, to restart it, to make
/// anew what cannot be changed, and to remove what the old line left.
pub fn rights(profile: &Profile, namespace: &str) -> Vec<Permission> {
    // The Deployment that is waited for bears the name of its MeshSync, which may be any.
    let mut rights = vec![Permission::to("get", "apps", "deployments").in_namespace(namespace)];
    for belonging in inventory::of(profile, namespace) {
        let id = &belonging.id;
        rights.push(id.permission("get"));
        let made = belonging.made && matches!(id.kind.as_str(), "Deployment" | "StatefulSet");
        if made {
            rights.push(id.permission("patch"));
        }
        let goes = upkeep::old(profile).iter().any(|(kind, name)| *kind == id.kind && *name == id.name);
        let secret = id.kind == "Secret" && belonging.part == Part::Broker;
        if goes || secret || matches!(id.kind.as_str(), "Deployment" | "RoleBinding" | "ClusterRoleBinding") {
            rights.push(id.permission("delete"));
        }
    }
    rights
}

fn refuse(profile: &Profile, request: &Request, standing: &LiveState) -> Result<(), Refusal> {
    if let Some(owner) = standing.owner.as_ref().filter(|_| !request.take_over) {
        return Err(ownership::refusal(owner));
    }
    if let Some(namespace) = &standing.elsewhere {
        return Err(Refusal::new(
            format!(
                "the stack's cluster-wide bindings serve namespace {namespace}, and a second stack would take its rights"
            ),
            [format!("meshdoctor system redeploy -n {namespace}")],
        ));
    }
    let going = standing.objects.iter().find(|tried| {
        matches!(tried.object.id.kind.as_str(), "Namespace" | "CustomResourceDefinition")
            && tried.live.known().is_some_and(object::is_terminating)
    });
    if let Some(tried) = going {
        return Err(Refusal::new(format!("{} is being deleted", tried.object.id), ["meshdoctor system check".into()]));
    }
    // All of them at once: whoever gives us rights is asked only once.
    let denied: Vec<String> = standing
        .objects
        .iter()
        .filter(|tried| goes(request, profile, tried))
        .filter_map(|tried| match &tried.trial {
            DryRun::Denied(why) if !is_left(request, tried) => Some(why.clone()),
            _ => None,
        })
        .collect();
    if denied.is_empty() { Ok(()) } else { Err(lacking(denied)) }
}

/// The refusal for want of rights; these lines say which.
pub fn lacking(rights: impl IntoIterator<Item = String>) -> Refusal {
    let all = "meshdoctor rbac redeploy prints all that it takes".to_owned();
    Refusal::new("we lack rights that this takes", rights.into_iter().chain([all]).collect::<Vec<_>>())
}

/// Whether an object is left as it is once it is there, so that we need not be able to write it.
fn is_left(request: &Request, tried: &Tried) -> bool {
    let there = tried.live.known().is_some();
    match tried.object.id.kind.as_str() {
        "Namespace" => there,
        // They go with the operator that reads them: a part is the mildest that works.
        "CustomResourceDefinition" => there && !request.parts.contains(&Part::Operator),
        kind @ ("Broker" | "MeshSync") => there && !request.overwrites(kind),
        _ => false,
    }
}

/// Whether an object belongs to what is asked for.
fn goes(request: &Request, profile: &Profile, tried: &Tried) -> bool {
    match part_of(profile, &tried.object) {
        // Whatever is deployed stands on these.
        Part::Namespace | Part::Definitions => true,
        part => request.parts.contains(&part),
    }
}

/// The part that an object of the installation goes with.
pub fn part_of(profile: &Profile, object: &Object) -> Part {
    match object.id.kind.as_str() {
        "Namespace" => Part::Namespace,
        "CustomResourceDefinition" => Part::Definitions,
        "Broker" => Part::Broker,
        "MeshSync" => Part::Meshsync,
        _ if object.id.name == profile.meshsync_reader() => Part::Meshsync,
        _ => Part::Operator,
    }
}

/// A dead conversion webhook hides the custom resources: only without it can the rest be planned. Whether it is so.
fn conversions_first(standing: &LiveState, plan: &mut Plan) -> bool {
    let hidden = standing.objects.iter().any(|tried| {
        matches!(tried.object.id.kind.as_str(), "Broker" | "MeshSync")
            && (matches!(tried.trial, DryRun::Failed(_)) || !matches!(tried.live, Seen::Known(_) | Seen::Absent))
    });
    if !hidden {
        return false;
    }
    for tried in &standing.objects {
        let Some(live) = tried.live.known() else {
            continue;
        };
        if live["spec"]["conversion"]["strategy"] == "Webhook" {
            let step = Step::new(tried.object.id.clone(), removal::without_webhook(live));
            plan.steps.push(step.because("its webhook does not answer, and hides every custom resource"));
        }
    }
    if plan.is_empty() {
        return false;
    }
    plan.continues = true;
    plan.warnings.push("what comes after can be planned only once this is done".into());
    true
}

fn warn(standing: &LiveState, plan: &mut Plan) {
    for tried in &standing.objects {
        let Some(live) = tried.live.known() else {
            continue;
        };
        if tried.object.id.kind != "MeshSync" {
            continue;
        }
        let written = plan
            .steps
            .iter()
            .any(|step| step.id == tried.object.id && matches!(step.action, Action::Create(_) | Action::Patch { .. }));
        let list = &live["spec"]["watch-list"]["data"];
        if !written && !list["whitelist"].is_string() && !list["blacklist"].is_string() {
            plan.warnings.push(format!(
                "{} has no watch-list, and its specification is left as it is: MeshSync falls back to its own; \
                 meshdoctor watch-list --stock prints the stock list as a patch, --overwrite-crs writes it",
                tried.object.id
            ));
        }
    }
}
