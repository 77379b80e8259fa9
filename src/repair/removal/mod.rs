//! The plan of `system reset`: what to remove, in the only order that leaves nothing behind. Pure.

mod permissions;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    plan::{Action, Advice, Plan, Refusal, Step, Until},
    release,
};
use crate::{
    report::change::ChangedField,
    stack::{
        base::{
            failure::{Failure, Kind},
            seen::Seen,
        },
        inventory::{Part, StackObject},
        manager::{self, Manager},
        object::{self, Id},
        profile::Profile,
    },
};
use permissions::printed_permissions;
pub use permissions::{all_permissions, permissions, permit};

/// What to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The parts; the whole stack is all of them except CRDs and namespace.
    pub parts: BTreeSet<Part>,
    /// Whether to keep the custom resources if the operator is removed.
    pub keep_custom_resources: bool,
    /// Whether to clear finalizers if no operator is left to handle them.
    pub clear_finalizers: bool,
    /// Whether objects that another tool manages may be removed.
    pub take_over: bool,
}

/// What exists.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The objects with fixed names.
    pub existing: Vec<(StackObject, Seen<Value>)>,
    /// The custom resources of the namespace, `MeshSync`s before Brokers.
    pub custom: Vec<(Id, Value)>,
    /// Why custom resources could not be read.
    pub unread: Vec<Failure>,
    /// The custom resources of each existing CRD, in every namespace; read only if CRDs are removed.
    pub instances: Vec<(Id, Seen<Vec<Id>>)>,
    /// Workloads in the namespace that do not belong to the stack: `Deployment web`.
    pub foreign_workloads: Vec<String>,
    /// Whether an operator is ready, which handles the finalizers.
    pub operator_works: bool,
    /// The parts that other tools manage.
    pub claims: Vec<(Part, Manager)>,
    /// The Secrets of the Helm releases that manage the stack, with their UIDs; read only to take over.
    pub releases: Vec<(Id, String)>,
}

impl Found {
    /// Whether custom resources are still converted by a webhook that no CRD names any more.
    pub fn is_conversion_under_way(&self) -> bool {
        let webhook = self
            .existing
            .iter()
            .any(|(_, seen)| seen.known().is_some_and(|live| live["spec"]["conversion"]["strategy"] == "Webhook"));
        let unlisted = self.instances.iter();
        let unlisted = unlisted.filter_map(|(_, seen)| seen.failure());
        let mut hidden = self.unread.iter().chain(unlisted);
        !webhook && hidden.any(|why| why.kind.is_conversion_webhook())
    }

    /// The tools that manage the stack. The namespace and the CRDs may belong to another deployment than the stack's.
    fn owners(&self) -> BTreeSet<Manager> {
        let own = self.claims.iter().filter(|(part, _)| !matches!(part, Part::Definitions | Part::Namespace));
        own.map(|(_, owner)| owner.clone()).collect()
    }

    /// Whether custom resources cannot be read, for example because of a dead webhook, so that the plan is incomplete.
    fn is_hidden(&self) -> bool {
        let unlisted = |seen: &Seen<_>| matches!(seen, Seen::Unreachable(_));
        !self.unread.is_empty() || self.instances.iter().any(|(_, seen)| unlisted(seen))
    }
}

/// Plans the removal.
///
/// # Errors
///
/// A [`Refusal`] if it would break something, or if another tool manages the stack.
pub fn plan(profile: &Profile, namespace: &str, request: &Request, found: &Found) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    conversions(namespace, request, found, &mut plan);
    refuse(profile, namespace, request, found, &plan)?;
    if found.is_hidden() {
        plan.continues = true;
        return Ok(plan);
    }
    if request.take_over {
        // First, because as long as objects have Helm's marks, another run still knows that it takes over.
        plan.steps.extend(found.releases.iter().map(release::forget));
    }
    custom_resources(request, found, &mut plan)?;
    objects(profile, namespace, request, found, &mut plan);
    if request.take_over {
        release_kept(found, &mut plan);
    }
    keep(request, found, &mut plan);
    take_instances(found, &mut plan);
    warn(namespace, request, found, &mut plan);
    Ok(plan)
}

/// Warns about every custom resource that is deleted with its CRD, in every namespace.
fn take_instances(found: &Found, plan: &mut Plan) {
    for (crd, seen) in &found.instances {
        let removes = |step: &Step| step.id == *crd && step.removes();
        if !plan.steps.iter().any(removes) {
            continue;
        }
        let taken: Vec<Id> = seen
            .items()
            .iter()
            // In any version in which it was listed.
            .filter(|id| !plan.steps.iter().any(|step| step.id.is_another_form_of(id)))
            .cloned()
            .collect();
        if taken.is_empty() {
            continue;
        }
        let names: Vec<String> = taken
            .iter()
            .map(|id| match &id.namespace {
                Some(namespace) => format!("{id} in namespace {namespace}"),
                None => id.to_string(),
            })
            .collect();
        plan.warnings.push(format!("deleting {crd} also deletes {}", names.join(", ")));
        plan.takes.extend(taken);
    }
}

/// The objects with fixed names to remove.
fn objects(profile: &Profile, namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    for (entry, seen) in &found.existing {
        let Seen::Known(live) = seen else { continue };
        let Some(uid) = object::uid(live).filter(|_| request.parts.contains(&entry.part)) else {
            continue;
        };
        if let Some(why) = kept(profile, namespace, request, found, entry, live) {
            plan.warnings.push(format!("{} is kept: {why}", entry.id));
            plan.kept.push(entry.id.clone());
            continue;
        }
        let action = shared(live, namespace).unwrap_or(Action::Delete { uid: uid.into() });
        plan.steps.push(Step::new(entry.id.clone(), action));
        if matches!(entry.part, Part::Definitions | Part::Namespace) {
            plan.steps.push(Step::new(entry.id.clone(), Action::Wait(Until::Gone)));
        }
    }
}

/// Removes the marks of the stack's managers from the objects that are kept. Other deployments than the stack's keep theirs.
fn release_kept(found: &Found, plan: &mut Plan) {
    let owners = found.owners();
    let existing = found.existing.iter().filter_map(|(entry, seen)| Some((&entry.id, seen.known()?)));
    let custom = found.custom.iter().map(|(id, live)| (id, live));
    for (id, live) in custom.chain(existing) {
        let removed = plan.steps.iter().any(|step| step.id == *id && (step.removes() || !step.is_change()));
        if !removed && manager::of_live(live).is_some_and(|owner| owners.contains(&owner)) {
            plan.steps.extend(release::of_object(id, live));
        }
    }
}

/// Lists what the user may expect to be gone, but is kept: custom resources, CRDs and the namespace.
fn keep(request: &Request, found: &Found, plan: &mut Plan) {
    let custom = found.custom.iter().filter(|(id, _)| !request.parts.contains(&Part::of_custom_resource(&id.kind)));
    plan.kept.extend(custom.map(|(id, _)| id.clone()));
    let others = found.existing.iter().filter(|(entry, seen)| {
        matches!(entry.part, Part::Definitions | Part::Namespace)
            && !request.parts.contains(&entry.part)
            && seen.known().is_some()
    });
    plan.kept.extend(others.map(|(entry, _)| entry.id.clone()));
}

/// A binding with subjects of other namespaces is not deleted: only our subjects are removed.
fn shared(binding: &Value, namespace: &str) -> Option<Action> {
    let others = others(binding, namespace);
    if others.is_empty() {
        return None;
    }
    Some(Action::Patch {
        patch: json!({
            "metadata": { "resourceVersion": binding["metadata"]["resourceVersion"] },
            "subjects": others,
        }),
        changes: vec![ChangedField {
            path: "subjects".into(),
            before: Some(binding["subjects"].clone()),
            after: Some(json!(others)),
        }],
    })
}

/// The subjects of a cluster-wide binding from other namespaces; none for other kinds.
fn others<'a>(binding: &'a Value, namespace: &str) -> Vec<&'a Value> {
    object::items(&binding["subjects"])
        .filter(|subject| binding["metadata"]["namespace"].is_null() && subject["namespace"] != namespace)
        .collect()
}

fn refuse(profile: &Profile, namespace: &str, request: &Request, found: &Found, plan: &Plan) -> Result<(), Refusal> {
    owned(namespace, request, found)?;
    let protected = ["default", "kube-system", "kube-public", "kube-node-lease"];
    if request.parts.contains(&Part::Namespace) && protected.contains(&namespace) {
        return Err(Refusal::new(
            format!("namespace {namespace} belongs to the cluster, not to {}", profile.product),
            [],
        ));
    }
    let why = |what: String, seen: Failure| (seen.kind, format!("{what}: {}", seen.message));
    let mut unseen: Vec<(Kind, String)> = found
        .existing
        .iter()
        .filter(|(entry, _)| request.parts.contains(&entry.part))
        .filter_map(|(entry, seen)| Some(why(entry.id.to_string(), seen.as_ref().into_failure()?)))
        .collect();
    // What a dead webhook hides can be read after the plan has removed the webhook. A missing permission stays missing.
    let of_instances = found.instances.iter().filter(|(_, seen)| matches!(seen, Seen::Denied(_)) || plan.is_empty());
    unseen.extend(of_instances.filter_map(|(crd, seen)| {
        let what = format!("the custom resources of {crd}");
        Some(why(what, seen.as_ref().into_failure()?))
    }));
    if plan.is_empty() {
        let unread = found.unread.iter();
        unseen.extend(unread.map(|why| (why.kind, why.message.clone())));
    }
    if !unseen.is_empty() {
        // Without a refusal by the API server the live state is only unknown.
        let undetermined = unseen.iter().all(|(kind, _)| kind.leaves_open());
        let unseen: Vec<String> = unseen.into_iter().map(|(_, why)| why).collect();
        let why = format!("some of the objects to remove cannot be read: {}", unseen.join("; "));
        let instead = if undetermined { Vec::new() } else { vec![printed_permissions(request)] };
        return Err(Refusal { undetermined, ..Refusal::new(why, instead) });
    }
    operator_alone(request, found)
}

/// Objects that another tool manages are left to it. Namespace and CRDs may belong to another deployment than the stack's:
/// their managers matter only if they are removed.
fn owned(namespace: &str, request: &Request, found: &Found) -> Result<(), Refusal> {
    let owners = found.owners();
    if !owners.is_empty() && !request.take_over {
        let named = release::named(&owners);
        let why = format!("the stack is managed by {named}, which would restore it or fail on the missing objects");
        let instead = owners.iter().map(|owner| owner.removal_command().into());
        let by_helm = owners.iter().all(|owner| matches!(owner, Manager::Helm { .. }));
        let take_over = if by_helm {
            "or add --take-over to remove the objects and Helm's release records"
        } else {
            "or add --take-over to remove the objects anyway; make that tool release the stack first, or it restores them"
        };
        return Err(Refusal::new(why, instead.chain([take_over.into()])));
    }
    let removed = |(part, owner): &&(Part, Manager)| {
        let taken = request.take_over && (*part == Part::Definitions || owners.contains(owner));
        request.parts.contains(part) && !taken
    };
    let Some((part, owner)) = found.claims.iter().find(removed) else {
        return Ok(());
    };
    let (what, flag) = match part {
        Part::Namespace => (format!("namespace {namespace} is"), "--delete-namespace"),
        _ => ("the CRDs are".to_owned(), "--crds"),
    };
    Err(Refusal::new(
        format!("{what} managed by {owner}, which would restore what is missing"),
        [format!("omit {flag}").into()],
    ))
}

/// The operator is not removed while custom resources are kept, unless the user asks for it.
fn operator_alone(request: &Request, found: &Found) -> Result<(), Refusal> {
    let alone = request.parts.contains(&Part::Operator) && !request.parts.contains(&Part::Meshsync);
    if !alone || request.keep_custom_resources {
        return Ok(());
    }
    let names: Vec<String> = found.custom.iter().map(|(id, _)| id.to_string()).collect();
    let who = match (names.as_slice(), found.unread.as_slice()) {
        ([], []) => return Ok(()),
        ([], _) => "the custom resources, which cannot be read now".to_owned(),
        (names, _) => names.join(" and "),
    };
    Err(Refusal::new(
        format!("no operator would be left for {who}: their workloads would no longer be reconciled or removed"),
        [Advice::command("system reset stack"), Advice::command("system reset operator --keep-crs")],
    ))
}

/// The operator serves the conversion webhook. Before the operator is removed, the webhook is removed from the CRDs, so
/// that custom resources stay readable.
fn conversions(namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    if !request.parts.contains(&Part::Operator) && found.operator_works && !found.is_hidden() {
        return;
    }
    for (entry, seen) in &found.existing {
        let Seen::Known(live) = seen else { continue };
        let conversion = &live["spec"]["conversion"];
        if entry.part != Part::Definitions || conversion["strategy"] != "Webhook" {
            continue;
        }
        // A webhook that answers and belongs to another installation is left alone.
        let server = &conversion["webhook"]["clientConfig"]["service"]["namespace"];
        if *server != namespace && !found.is_hidden() {
            continue;
        }
        let step = Step::new(entry.id.clone(), without_webhook(live));
        plan.steps.push(step.because("without the operator's webhook, objects could not be read or deleted"));
    }
}

/// The patch that removes the conversion webhook from a CRD: both fields at once, because either alone is rejected.
pub fn without_webhook(crd: &Value) -> Action {
    Action::Patch {
        patch: json!({
            "metadata": { "annotations": { "cert-manager.io/inject-ca-from": null } },
            "spec": { "conversion": { "strategy": "None", "webhook": null } },
        }),
        changes: vec![ChangedField {
            path: "spec.conversion.strategy".into(),
            before: Some(crd["spec"]["conversion"]["strategy"].clone()),
            after: Some("None".into()),
        }],
    }
}

fn custom_resources(request: &Request, found: &Found, plan: &mut Plan) -> Result<(), Refusal> {
    for (id, live) in &found.custom {
        let part = Part::of_custom_resource(&id.kind);
        let Some(uid) = object::uid(live).filter(|_| request.parts.contains(&part)) else {
            continue;
        };
        if !object::is_terminating(live) {
            let delete = Action::Delete { uid: uid.into() };
            plan.steps.push(Step::new(id.clone(), delete));
        }
        let finalizers = object::finalizers(live);
        if !finalizers.is_empty() && !found.operator_works {
            if !request.clear_finalizers {
                return Err(Refusal::new(
                    format!(
                        "no operator is left to handle the finalizer {} of {id}, so it would be stuck terminating",
                        finalizers.join(", ")
                    ),
                    [Advice::command("system redeploy operator"), "or add --clear-finalizers".into()],
                ));
            }
            let clear = Action::ClearFinalizers {
                uid: uid.into(),
                finalizers: finalizers.iter().map(ToString::to_string).collect(),
            };
            plan.steps.push(Step::new(id.clone(), clear).because("no operator is left to handle them"));
        }
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::Gone)));
    }
    Ok(())
}

/// Why an object is kept; `None` if it is removed.
fn kept(
    profile: &Profile,
    namespace: &str,
    request: &Request,
    found: &Found,
    entry: &StackObject,
    live: &Value,
) -> Option<String> {
    if entry.made && !is_marked(profile, live) {
        return Some("it does not have the operator's labels or owner reference".into());
    }
    match entry.id.kind.as_str() {
        "ClusterRoleBinding" => {
            let elsewhere = bound_elsewhere(live, namespace)?;
            Some(format!("it binds a ServiceAccount in namespace {elsewhere}"))
        }
        "ClusterRole" => {
            let binding = found.existing.iter().find_map(|(other, seen)| {
                let binding = seen.known()?;
                let names_it = binding["roleRef"]["name"] == entry.id.name.as_str();
                (names_it && !others(binding, namespace).is_empty()).then_some(other)
            })?;
            Some(format!("{} grants it to other subjects too", binding.id))
        }
        "ServiceAccount" if request.keep_custom_resources && !found.custom.is_empty() => {
            Some("MeshSync's pods use it".into())
        }
        "Secret" if entry.part == Part::Operator => {
            let mark = &live["metadata"]["annotations"]["cert-manager.io/certificate-name"];
            mark.is_null().then(|| "cert-manager did not create it for the operator".into())
        }
        _ => None,
    }
}

/// Whether an object has an owner of the stack's API group, or the labels of a component.
fn is_marked(profile: &Profile, live: &Value) -> bool {
    let metadata = &live["metadata"];
    let owned = object::items(&metadata["ownerReferences"])
        .filter_map(|owner| owner["apiVersion"].as_str())
        .any(|version| version.split('/').next() == Some(profile.group));
    let labels = &metadata["labels"];
    owned || labels["app"] == profile.name || labels["app.kubernetes.io/instance"] == format!("{}-nats", profile.name)
}

/// The first other namespace whose account a binding names, if it names none of ours.
fn bound_elsewhere<'a>(binding: &'a Value, namespace: &str) -> Option<&'a str> {
    let mut namespaces =
        object::items(&binding["subjects"]).filter_map(|subject| subject["namespace"].as_str()).peekable();
    let first = *namespaces.peek()?;
    (!namespaces.any(|other| other == namespace)).then_some(first)
}

fn warn(namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    let removed = |part: Part| request.parts.contains(&part);
    if removed(Part::Namespace) && !found.foreign_workloads.is_empty() {
        plan.warnings.push(format!(
            "deleting namespace {namespace} also deletes {}, which do not belong to the stack",
            found.foreign_workloads.join(", ")
        ));
    }
    if removed(Part::Broker) && !removed(Part::Meshsync) {
        plan.warnings.push("MeshSync is kept without a broker and exits after two minutes".into());
    }
}

#[cfg(test)]
mod tests;
