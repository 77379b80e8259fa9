//! The plan of `system redeploy`: from whatever there is to a stack that works. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    diff::{self, FieldChange},
    inventory::{Belonging, Part},
    manifests::Object,
    object::{self, Id},
    plan::{Action, Plan, Refusal, Step, Until},
    removal,
};
use crate::{profile::Profile, seen::Seen};

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
    /// Whether the broker's token is to be made anew.
    pub new_token: bool,
}

/// One object as it should be, as it is, and what the API server says of making the one of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// As it should be.
    pub object: Object,
    /// As it is.
    pub live: Seen<Value>,
    /// What a dry run said.
    pub trial: Trial,
}

/// What a dry run of server-side apply said.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
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
    Failed(String),
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Every object of the installation.
    pub objects: Vec<Tried>,
    /// The things with fixed names that a stack may consist of.
    pub belongings: Vec<(Belonging, Seen<Value>)>,
    /// The tool that manages the stack, and what to do with that tool instead.
    pub owner: Option<(String, String)>,
    /// What a check of the stack found, by code: some of it wants a restart.
    pub findings: Vec<String>,
}

/// Diagnoses of MeshSync that a restart cures.
const CURED_BY_RESTART: &[&str] = &[
    "meshsync-not-connected",
    "meshsync-stale-env",
    "watch-list-edited-since-start",
];

/// Plans the deployment.
///
/// # Errors
///
/// A [`Refusal`] where it belongs to another tool, is not permitted, or would take what others manage.
pub fn plan(profile: &Profile, request: &Request, standing: &Standing) -> Result<Plan, Refusal> {
    refuse(request, standing)?;
    let mut plan = Plan::default();
    for tried in &standing.objects {
        if goes(request, profile, tried) {
            one(request, tried, &mut plan)?;
        }
    }
    old_meshsync(profile, request, standing, &mut plan);
    restarts(profile, request, standing, &mut plan);
    if !plan.is_empty() || request.parts.contains(&Part::Operator) {
        made_and_ready(profile, request, standing, &mut plan);
    }
    old_line(profile, request, standing, &mut plan);
    warn(standing, &mut plan);
    Ok(plan)
}

fn refuse(request: &Request, standing: &Standing) -> Result<(), Refusal> {
    if let Some((tool, command)) = standing.owner.as_ref().filter(|_| !request.take_over) {
        return Err(Refusal {
            why: format!("the stack is managed by {tool}, which would undo what we do"),
            instead: vec![
                command.clone(),
                "the same command with --take-over: that tool is then to leave it alone".into(),
            ],
        });
    }
    for tried in &standing.objects {
        if tried.object.kind == "Namespace"
            && tried.live.known().is_some_and(object::is_terminating)
        {
            return Err(Refusal {
                why: format!("namespace {} is being deleted", tried.object.name),
                instead: vec!["meshdoctor system check".into()],
            });
        }
    }
    Ok(())
}

/// Whether an object belongs to what is asked for.
fn goes(request: &Request, profile: &Profile, tried: &Tried) -> bool {
    let part = part_of(profile, &tried.object);
    match part {
        // Whatever is deployed stands on these.
        Part::Namespace | Part::Definitions => true,
        part => request.parts.contains(&part),
    }
}

/// The part that an object of the installation goes with.
pub fn part_of(profile: &Profile, object: &Object) -> Part {
    match object.kind.as_str() {
        "Namespace" => Part::Namespace,
        "CustomResourceDefinition" => Part::Definitions,
        "Broker" => Part::Broker,
        "MeshSync" => Part::Meshsync,
        _ if object.name == profile.meshsync_reader() => Part::Meshsync,
        _ => Part::Operator,
    }
}

fn one(request: &Request, tried: &Tried, plan: &mut Plan) -> Result<(), Refusal> {
    let object = &tried.object;
    let id = id_of(object);
    let manifest = object.body.clone();
    let live = match &tried.live {
        Seen::Known(live) => Some(live),
        Seen::Absent => None,
        other => {
            return Err(Refusal {
                why: format!("{id} cannot be looked at"),
                instead: other.why_unsettled().into_iter().collect(),
            });
        }
    };
    if let Trial::Denied(why) = &tried.trial {
        return Err(Refusal {
            why: format!("we may not write {id}"),
            instead: vec![why.clone()],
        });
    }
    let Some(live) = live else {
        let mut step = Step::new(id.clone(), Action::Create(manifest));
        match &tried.trial {
            Trial::TooEarly => {
                step = step.because("unverifiable until the steps before it are done");
            }
            Trial::Invalid(why) | Trial::Failed(why) => {
                return Err(Refusal {
                    why: format!("the API server would refuse {id}"),
                    instead: vec![why.clone()],
                });
            }
            _ => {}
        }
        plan.steps.push(step);
        wait_for(&id, plan);
        return Ok(());
    };
    match object.kind.as_str() {
        // It is there; what else stands in it is its owner's.
        "Namespace" => return Ok(()),
        // An existing specification is somebody's decision.
        "Broker" | "MeshSync" if !request.overwrite => return Ok(()),
        "CustomResourceDefinition" => return definition(request, tried, live, plan),
        _ => {}
    }
    match &tried.trial {
        Trial::Would { after, conflict } => {
            let changes = diff::changes(live, after);
            if object.kind == "Deployment" {
                let leftover = leftovers(after, &object.body);
                if !leftover.is_empty() {
                    let replace = Action::Replace {
                        manifest,
                        changes: leftover,
                    };
                    plan.steps.push(
                        Step::new(id.clone(), replace)
                            .because("what another manifest left in it would stay"),
                    );
                    wait_for(&id, plan);
                    return Ok(());
                }
            }
            if changes.is_empty() {
                return Ok(());
            }
            let force = may_force(request, &id, conflict.as_deref())?;
            plan.steps.push(Step::new(
                id.clone(),
                Action::Apply {
                    manifest,
                    changes,
                    force,
                },
            ));
            wait_for(&id, plan);
            Ok(())
        }
        Trial::Invalid(why) if replaceable(&object.kind) && why.contains("immutable") => {
            let changes = diff::changes(live, &object.body)
                .into_iter()
                .filter(|change| {
                    change.path.starts_with("spec.selector") || change.path.starts_with("roleRef")
                })
                .collect();
            plan.steps.push(
                Step::new(id.clone(), Action::Replace { manifest, changes })
                    .because("a field that differs cannot be changed"),
            );
            wait_for(&id, plan);
            Ok(())
        }
        Trial::Invalid(why) | Trial::Failed(why) => Err(Refusal {
            why: format!("the API server would refuse {id}"),
            instead: vec![why.clone()],
        }),
        Trial::Denied(_) | Trial::TooEarly => Ok(()),
    }
}

/// A definition that is there: first without its webhook, since that and the rest cannot change at once.
fn definition(
    request: &Request,
    tried: &Tried,
    live: &Value,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let id = id_of(&tried.object);
    let by_webhook = live["spec"]["conversion"]["strategy"] == "Webhook";
    if by_webhook {
        plan.steps.push(
            Step::new(id.clone(), removal::without_webhook(live))
                .because("both versions have the same fields: nothing needs a webhook"),
        );
    }
    let (changes, conflict) = match &tried.trial {
        Trial::Would { after, conflict } => (diff::changes(live, after), conflict.as_deref()),
        // With the webhook still there the API server refuses the trial; what differs is said from the manifest.
        Trial::Invalid(_) | Trial::Failed(_) if by_webhook => (
            diff::changes(
                &live["spec"]["versions"],
                &tried.object.body["spec"]["versions"],
            ),
            None,
        ),
        Trial::Invalid(why) | Trial::Failed(why) => {
            return Err(Refusal {
                why: format!("the API server would refuse {id}"),
                instead: vec![why.clone()],
            });
        }
        Trial::Denied(_) | Trial::TooEarly => return Ok(()),
    };
    let changes: Vec<FieldChange> = changes
        .into_iter()
        .filter(|change| !change.path.starts_with("spec.conversion"))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let force = by_webhook || may_force(request, &id, conflict)?;
    plan.steps.push(Step::new(
        id.clone(),
        Action::Apply {
            manifest: tried.object.body.clone(),
            // Whole schemas say nothing to a reader.
            changes: changes.into_iter().map(summarised).collect(),
            force,
        },
    ));
    wait_for(&id, plan);
    Ok(())
}

fn summarised(change: FieldChange) -> FieldChange {
    let short = |value: Option<Value>| {
        value.map(|value| match value {
            Value::Object(_) | Value::Array(_) => json!("another schema"),
            plain => plain,
        })
    };
    FieldChange {
        before: short(change.before),
        after: short(change.after),
        path: change.path,
    }
}

/// The kinds that hold nothing that is lost when they are made anew.
fn replaceable(kind: &str) -> bool {
    matches!(kind, "Deployment" | "RoleBinding" | "ClusterRoleBinding")
}

fn wait_for(id: &Id, plan: &mut Plan) {
    let until = match id.kind.as_str() {
        "CustomResourceDefinition" => Until::Established,
        "Deployment" => Until::RolledOut,
        _ => return,
    };
    plan.steps.push(Step::new(id.clone(), Action::Wait(until)));
}

/// Containers and volumes that the manifest does not have and that apply would leave where they are.
fn leftovers(after: &Value, manifest: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    for list in ["containers", "volumes", "initContainers"] {
        let items = |object: &Value| -> Vec<Value> {
            object["spec"]["template"]["spec"][list]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let wanted = items(manifest);
        for item in items(after) {
            if !wanted.iter().any(|known| known["name"] == item["name"]) {
                let name = item["name"].as_str().unwrap_or_default().to_owned();
                found.push(FieldChange {
                    path: format!("spec.template.spec.{list}[{name}]"),
                    before: Some(name.into()),
                    after: None,
                });
            }
        }
    }
    found
}

/// Whether an apply may take fields from those who manage them: known installers of the stack always.
fn may_force(request: &Request, id: &Id, conflict: Option<&str>) -> Result<bool, Refusal> {
    let Some(conflict) = conflict else {
        return Ok(false);
    };
    let managers = managers(conflict);
    let known = |manager: &str| {
        manager.starts_with("kubectl")
            || manager.starts_with("meshery-operator")
            || manager.starts_with("meshplay-operator")
            || (request.take_over && matches!(manager, "helm" | "Helm"))
    };
    let strangers: Vec<&String> = managers.iter().filter(|manager| !known(manager)).collect();
    if strangers.is_empty() || request.force_conflicts {
        return Ok(true);
    }
    Err(Refusal {
        why: format!(
            "fields of {id} are managed by {}",
            strangers
                .iter()
                .map(|manager| manager.as_str())
                .collect::<Vec<_>>()
                .join(" and ")
        ),
        instead: vec![
            conflict.to_owned(),
            "the same command with --force-conflicts takes them over".into(),
        ],
    })
}

/// The managers in the API server's words: `conflict with "kubectl-edit" using apps/v1: .spec.replicas`.
fn managers(conflict: &str) -> BTreeSet<String> {
    conflict
        .split("conflict with \"")
        .skip(1)
        .chain(conflict.split("conflicts with \"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// A `MeshSync` Deployment that the old operator made: the new one leaves the host port in it.
fn old_meshsync(profile: &Profile, request: &Request, standing: &Standing, plan: &mut Plan) {
    if !request.parts.contains(&Part::Operator) {
        return;
    }
    let name = profile.meshsync.resource;
    for (belonging, seen) in &standing.belongings {
        let Some(live) = seen.known() else { continue };
        if belonging.id.kind != "Deployment" || belonging.id.name != name {
            continue;
        }
        let has_host_port = live["spec"]["template"]["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|container| container["ports"].as_array().into_iter().flatten())
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

fn live_of<'a>(standing: &'a Standing, kind: &str, name: &str) -> Option<(&'a Id, &'a Value)> {
    standing
        .belongings
        .iter()
        .find(|(belonging, _)| belonging.id.kind == kind && belonging.id.name == name)
        .and_then(|(belonging, seen)| Some((&belonging.id, seen.known()?)))
}

/// Restarts: the broker when it is asked for by name, MeshSync when something is wrong that a restart cures.
fn restarts(profile: &Profile, request: &Request, standing: &Standing, plan: &mut Plan) {
    let broker_alone =
        request.parts.contains(&Part::Broker) && !request.parts.contains(&Part::Operator);
    let workload = profile.broker.current.unwrap_or(profile.broker.old);
    let set = live_of(standing, "StatefulSet", workload);
    if request.new_token
        && let Some(secret) = profile.broker.token_secret
        && let Some((id, live)) = live_of(standing, "Secret", secret)
        && let Some(uid) = object::uid(live)
    {
        let delete = Action::Delete { uid: uid.into() };
        plan.steps
            .push(Step::new(id.clone(), delete).because("the operator makes a new token"));
    }
    if let Some((id, _)) = set.filter(|_| broker_alone || request.new_token) {
        plan.steps.push(Step::new(id.clone(), Action::Restart));
        plan.steps
            .push(Step::new(id.clone(), Action::Wait(Until::RolledOut)));
        plan.warnings.push(
            "what happens in the cluster while the broker restarts is lost to its readers".into(),
        );
    }
    let cured: Vec<&str> = standing
        .findings
        .iter()
        .map(String::as_str)
        .filter(|code| CURED_BY_RESTART.contains(code))
        .collect();
    let wanted = request.parts.contains(&Part::Meshsync) && !cured.is_empty();
    let goes_anyway = plan.steps.iter().any(|step| {
        step.id.kind == "Deployment" && step.id.name == profile.meshsync.resource && step.removes()
    });
    if let Some((id, _)) = live_of(standing, "Deployment", profile.meshsync.resource)
        .filter(|_| (wanted || request.new_token) && !goes_anyway)
    {
        let why = if wanted {
            cured.join(", ")
        } else {
            "it knows the former token".into()
        };
        plan.steps
            .push(Step::new(id.clone(), Action::Restart).because(why));
    }
}

/// What the operator makes of the custom resources is waited for, too.
fn made_and_ready(profile: &Profile, request: &Request, standing: &Standing, plan: &mut Plan) {
    let namespace = standing
        .objects
        .iter()
        .find_map(|tried| tried.object.namespace.clone());
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
        wait(object::DEPLOYMENT, profile.meshsync.resource);
    }
}

/// What the old line leaves behind once the new one is up: it asks for no token and may do everything.
fn old_line(profile: &Profile, request: &Request, standing: &Standing, plan: &mut Plan) {
    let whole = [Part::Operator, Part::Broker, Part::Meshsync]
        .iter()
        .all(|part| request.parts.contains(part));
    if profile.broker.current.is_none() || !whole {
        return;
    }
    let prefix = profile.name;
    let old = [
        ("StatefulSet", profile.broker.old.to_owned()),
        ("Service", profile.broker.old.to_owned()),
        ("ConfigMap", format!("{prefix}-nats-accounts")),
        (
            "Service",
            format!("{}-metrics-service", profile.operator.deployment),
        ),
        (
            "ClusterRoleBinding",
            format!("{prefix}-controller-rolebinding"),
        ),
        ("ClusterRoleBinding", format!("{prefix}-proxy-rolebinding")),
        ("ClusterRole", format!("{prefix}-controller-role")),
        ("ClusterRole", format!("{prefix}-proxy-role")),
    ];
    let mut any = false;
    for (kind, name) in old {
        let Some((id, live)) = live_of(standing, kind, &name) else {
            continue;
        };
        let Some(uid) = object::uid(live) else {
            continue;
        };
        any |= kind == "StatefulSet";
        plan.steps.push(
            Step::new(id.clone(), Action::Delete { uid: uid.into() })
                .because("it is the old line's"),
        );
    }
    if any {
        plan.warnings.push(format!(
            "the broker's Service becomes {}, with a token and without an address outside the cluster: readers outside must follow",
            profile.broker.current.unwrap_or_default()
        ));
    }
}

fn warn(standing: &Standing, plan: &mut Plan) {
    for tried in &standing.objects {
        let Some(live) = tried.live.known() else {
            continue;
        };
        if tried.object.kind != "MeshSync" {
            continue;
        }
        let list = &live["spec"]["watch-list"]["data"];
        if !list["whitelist"].is_string() && !list["blacklist"].is_string() {
            plan.warnings.push(format!(
                "{} {} has no watch-list, and its specification is left as it is: MeshSync falls back to its own; \
                 meshdoctor watch-list --stock prints the stock list as a patch",
                tried.object.kind, tried.object.name
            ));
        }
    }
}

/// Where an object of the installation is.
pub fn id_of(object: &Object) -> Id {
    Id {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        plural: object.plural.into(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}
