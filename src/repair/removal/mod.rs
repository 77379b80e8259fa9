//! The plan of `system reset`: what goes, in the one order that leaves nothing behind. Pure.

mod permissions;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::plan::{Action, Plan, Refusal, Step, Until};
use crate::{
    report::change::ChangedField,
    stack::{
        base::{
            failure::{Failure, Kind},
            seen::Seen,
        },
        inventory::{Part, StackObject},
        manager::Manager,
        object::{self, Id},
        profile::Profile,
    },
};
use permissions::printed_rights;
pub use permissions::{most_rights, permit, rights};

/// What is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The parts; everything is all of them but definitions and namespace.
    pub parts: BTreeSet<Part>,
    /// Whether the operator may go while its custom resources stay.
    pub keep_custom_resources: bool,
    /// Whether finalizers may be taken away where no operator is left to do what they stand for.
    pub clear_finalizers: bool,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The things with fixed names.
    pub belongings: Vec<(StackObject, Seen<Value>)>,
    /// The custom resources of the namespace, `MeshSync`s before Brokers.
    pub custom: Vec<(Id, Value)>,
    /// Why custom resources could not be read, where they could not.
    pub unread: Vec<Failure>,
    /// What goes with each definition that is there, in whatever namespace; looked for only where they are to go.
    pub instances: Vec<(Id, Seen<Vec<Id>>)>,
    /// Workloads of the namespace that are not the stack's: `Deployment web`.
    pub foreign_managers: Vec<String>,
    /// Whether an operator is there and ready: it does what finalizers stand for.
    pub operator_works: bool,
    /// The parts that other tools manage.
    pub claims: Vec<(Part, Manager)>,
}

impl Found {
    /// Whether custom resources still want a webhook that no definition names any more.
    pub fn is_conversion_under_way(&self) -> bool {
        let webhook = self
            .belongings
            .iter()
            .any(|(_, seen)| seen.known().is_some_and(|live| live["spec"]["conversion"]["strategy"] == "Webhook"));
        let unlisted = self.instances.iter();
        let unlisted = unlisted.filter_map(|(_, seen)| seen.failure());
        let mut hidden = self.unread.iter().chain(unlisted);
        !webhook && hidden.any(|why| why.kind.is_conversion_webhook())
    }

    /// Whether something hides custom resources, as a dead webhook does, so that not all can be planned yet.
    fn is_hidden(&self) -> bool {
        let unlisted = |seen: &Seen<_>| matches!(seen, Seen::Unreachable(_));
        !self.unread.is_empty() || self.instances.iter().any(|(_, seen)| unlisted(seen))
    }
}

/// Plans the removal.
///
/// # Errors
///
/// A [`Refusal`] where it would break something or belongs to another tool.
pub fn plan(profile: &Profile, namespace: &str, request: &Request, found: &Found) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    conversions(namespace, request, found, &mut plan);
    refuse(profile, namespace, request, found, &plan)?;
    if found.is_hidden() {
        plan.continues = true;
        return Ok(plan);
    }
    custom_resources(request, found, &mut plan)?;
    belongings(profile, namespace, request, found, &mut plan);
    take_instances(found, &mut plan);
    warn(namespace, request, found, &mut plan);
    Ok(plan)
}

/// What a definition takes with it, in whatever namespace and without a step of its own, is said one by one.
fn take_instances(found: &Found, plan: &mut Plan) {
    for (definition, seen) in &found.instances {
        let goes = |step: &Step| step.id == *definition && step.removes();
        if !plan.steps.iter().any(goes) {
            continue;
        }
        let taken: Vec<Id> = seen
            .items()
            .iter()
            // In whichever version it was listed.
            .filter(|id| !plan.steps.iter().any(|step| step.id.is_another_form_of(id)))
            .cloned()
            .collect();
        if taken.is_empty() {
            continue;
        }
        let names: Vec<String> = taken
            .iter()
            .map(|id| match &id.namespace {
                Some(namespace) => format!("{id} of namespace {namespace}"),
                None => id.to_string(),
            })
            .collect();
        plan.warnings.push(format!("with {definition} go {}", names.join(", ")));
        plan.takes.extend(taken);
    }
}

/// Everything with a fixed name that goes.
fn belongings(profile: &Profile, namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    for (belonging, seen) in &found.belongings {
        let Seen::Known(live) = seen else { continue };
        let Some(uid) = object::uid(live).filter(|_| request.parts.contains(&belonging.part)) else {
            continue;
        };
        if let Some(why) = left(profile, namespace, request, found, belonging, live) {
            plan.warnings.push(format!("{} stays: {why}", belonging.id));
            continue;
        }
        let action = shared(live, namespace).unwrap_or(Action::Delete { uid: uid.into() });
        plan.steps.push(Step::new(belonging.id.clone(), action));
        if matches!(belonging.part, Part::Definitions | Part::Namespace) {
            plan.steps.push(Step::new(belonging.id.clone(), Action::Wait(Until::Gone)));
        }
    }
}

/// A binding that names others, too, is not removed: ours are taken out of it.
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

/// Whom a cluster-wide binding names that are not of this namespace; none for other kinds.
fn others<'a>(binding: &'a Value, namespace: &str) -> Vec<&'a Value> {
    object::items(&binding["subjects"])
        .filter(|subject| binding["metadata"]["namespace"].is_null() && subject["namespace"] != namespace)
        .collect()
}

fn refuse(profile: &Profile, namespace: &str, request: &Request, found: &Found, plan: &Plan) -> Result<(), Refusal> {
    owned(namespace, request, found)?;
    let sacred = ["default", "kube-system", "kube-public", "kube-node-lease"];
    if request.parts.contains(&Part::Namespace) && sacred.contains(&namespace) {
        return Err(Refusal::new(format!("namespace {namespace} is the cluster's own, not {}'s", profile.product), []));
    }
    let why = |what: String, seen: Failure| (seen.kind, format!("{what}: {}", seen.message));
    let mut unseen: Vec<(Kind, String)> = found
        .belongings
        .iter()
        .filter(|(belonging, _)| request.parts.contains(&belonging.part))
        .filter_map(|(belonging, seen)| Some(why(belonging.id.to_string(), seen.as_ref().into_failure()?)))
        .collect();
    // What a dead webhook hides can be read once the plan has done away with that; a right does not come by itself.
    let of_instances = found.instances.iter().filter(|(_, seen)| matches!(seen, Seen::Denied(_)) || plan.is_empty());
    unseen.extend(of_instances.filter_map(|(definition, seen)| {
        let what = format!("what {definition} defines");
        Some(why(what, seen.as_ref().into_failure()?))
    }));
    if plan.is_empty() {
        let unread = found.unread.iter();
        unseen.extend(unread.map(|why| (why.kind, why.message.clone())));
    }
    if !unseen.is_empty() {
        // A refusal is the API server's; without any the cluster is merely not known.
        let undetermined = unseen.iter().all(|(kind, _)| kind.leaves_open());
        let unseen: Vec<String> = unseen.into_iter().map(|(_, why)| why).collect();
        let why = format!("not everything that would have to go can be looked at: {}", unseen.join("; "));
        let instead = if undetermined { Vec::new() } else { vec![printed_rights(namespace, request)] };
        return Err(Refusal { undetermined, ..Refusal::new(why, instead) });
    }
    operator_alone(request, found)
}

/// What another tool manages is left to it. Namespace and definitions may be some other deployment's than the stack: they
/// count only where they are to go, and what else that one deploys is not to go with them.
fn owned(namespace: &str, request: &Request, found: &Found) -> Result<(), Refusal> {
    let ground = |part: Part| matches!(part, Part::Definitions | Part::Namespace);
    if let Some((_, owner)) = found.claims.iter().find(|(part, _)| !ground(*part)) {
        let why = format!("the stack is managed by {owner}, which would bring it back or stumble over what is missing");
        return Err(Refusal::new(why, [owner.removal_command()]));
    }
    let goes = |(part, _): &&(Part, Manager)| request.parts.contains(part);
    let Some((part, owner)) = found.claims.iter().find(goes) else {
        return Ok(());
    };
    let (what, flag) = match part {
        Part::Namespace => (format!("namespace {namespace} is"), "--delete-namespace"),
        _ => ("the definitions are".to_owned(), "--crds"),
    };
    Err(Refusal::new(
        format!("{what} managed by {owner}, which would bring back what is missing"),
        [format!("the same command without {flag}")],
    ))
}

/// The operator does not go while custom resources stay, unless that is asked for.
fn operator_alone(request: &Request, found: &Found) -> Result<(), Refusal> {
    let alone = request.parts.contains(&Part::Operator) && !request.parts.contains(&Part::Meshsync);
    if !alone || request.keep_custom_resources {
        return Ok(());
    }
    let names: Vec<String> = found.custom.iter().map(|(id, _)| id.to_string()).collect();
    let who = match (names.as_slice(), found.unread.as_slice()) {
        ([], []) => return Ok(()),
        ([], _) => "custom resources, which cannot be read now,".to_owned(),
        (names, _) => names.join(" and "),
    };
    Err(Refusal::new(
        format!("{who} would be without an operator: nobody would repair them or remove what was made from them"),
        ["meshdoctor system reset stack".into(), "meshdoctor system reset operator --keep-crs".into()],
    ))
}

/// With the operator goes its webhook: what is to stay readable must not need it, nor may the removal itself.
fn conversions(namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    if !request.parts.contains(&Part::Operator) && found.operator_works && !found.is_hidden() {
        return;
    }
    for (belonging, seen) in &found.belongings {
        let Seen::Known(live) = seen else { continue };
        let conversion = &live["spec"]["conversion"];
        if belonging.part != Part::Definitions || conversion["strategy"] != "Webhook" {
            continue;
        }
        // Another installation's webhook, which answers, is that one's.
        let server = &conversion["webhook"]["clientConfig"]["service"]["namespace"];
        if *server != namespace && !found.is_hidden() {
            continue;
        }
        let step = Step::new(belonging.id.clone(), without_webhook(live));
        plan.steps.push(step.because("objects could neither be read nor removed without the operator's webhook"));
    }
}

/// The patch that has a definition do without its conversion webhook: both fields at once, since either alone is refused.
pub fn without_webhook(definition: &Value) -> Action {
    Action::Patch {
        patch: json!({
            "metadata": { "annotations": { "cert-manager.io/inject-ca-from": null } },
            "spec": { "conversion": { "strategy": "None", "webhook": null } },
        }),
        changes: vec![ChangedField {
            path: "spec.conversion.strategy".into(),
            before: Some(definition["spec"]["conversion"]["strategy"].clone()),
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
                        "no operator is there to do what the finalizer {} of {id} stands for, so it would hang in deletion",
                        finalizers.join(", ")
                    ),
                    ["meshdoctor system redeploy operator".into(), "the same command with --clear-finalizers".into()],
                ));
            }
            let clear = Action::ClearFinalizers {
                uid: uid.into(),
                finalizers: finalizers.iter().map(ToString::to_string).collect(),
            };
            plan.steps.push(Step::new(id.clone(), clear).because("no operator is there to do what they stand for"));
        }
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::Gone)));
    }
    Ok(())
}

/// Why something of that name is not touched; none when it goes.
fn left(
    profile: &Profile,
    namespace: &str,
    request: &Request,
    found: &Found,
    belonging: &StackObject,
    live: &Value,
) -> Option<String> {
    if belonging.made && !is_marked(profile, live) {
        return Some("it bears no mark of the operator".into());
    }
    match belonging.id.kind.as_str() {
        "ClusterRoleBinding" => {
            let elsewhere = bound_elsewhere(live, namespace)?;
            Some(format!("it binds an account of namespace {elsewhere}"))
        }
        "ClusterRole" => {
            let binding = found.belongings.iter().find_map(|(other, seen)| {
                let binding = seen.known()?;
                let names_it = binding["roleRef"]["name"] == belonging.id.name.as_str();
                (names_it && !others(binding, namespace).is_empty()).then_some(other)
            })?;
            Some(format!("{} gives it to others, too", binding.id))
        }
        "ServiceAccount" if request.keep_custom_resources && !found.custom.is_empty() => {
            Some("the pods of MeshSync run as it".into())
        }
        "Secret" if belonging.part == Part::Operator => {
            let mark = &live["metadata"]["annotations"]["cert-manager.io/certificate-name"];
            mark.is_null().then(|| "cert-manager did not make it for the operator".into())
        }
        _ => None,
    }
}

/// Whether an object bears the mark of what makes it: an owner of the stack's group, or the labels of a component.
fn is_marked(profile: &Profile, live: &Value) -> bool {
    let metadata = &live["metadata"];
    let owned = object::items(&metadata["ownerReferences"])
        .filter_map(|owner| owner["apiVersion"].as_str())
        .any(|version| version.split('/').next() == Some(profile.group));
    let labels = &metadata["labels"];
    owned || labels["app"] == profile.name || labels["app.kubernetes.io/instance"] == format!("{}-nats", profile.name)
}

/// The first namespace other than ours of which a binding names an account, where it names none of ours.
fn bound_elsewhere<'a>(binding: &'a Value, namespace: &str) -> Option<&'a str> {
    let mut namespaces =
        object::items(&binding["subjects"]).filter_map(|subject| subject["namespace"].as_str()).peekable();
    let first = *namespaces.peek()?;
    (!namespaces.any(|other| other == namespace)).then_some(first)
}

fn warn(namespace: &str, request: &Request, found: &Found, plan: &mut Plan) {
    let goes = |part: Part| request.parts.contains(&part);
    if goes(Part::Namespace) && !found.foreign_managers.is_empty() {
        plan.warnings.push(format!(
            "with namespace {namespace} go {}, which are not the stack's",
            found.foreign_managers.join(", ")
        ));
    }
    if goes(Part::Broker) && !goes(Part::Meshsync) {
        plan.warnings.push("MeshSync stays and has no broker then: it gives up after two minutes".into());
    }
}

#[cfg(test)]
mod tests;
