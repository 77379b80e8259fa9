//! One object of an installation: computes the changes from live to desired state.

use serde_json::{Value, json};

use super::{DryRun, Request, Tried, ownership};
use crate::{
    facts::{
        difference::{self, Difference},
        dry_run::{foreign_managers, is_recreated, managers},
    },
    repair::{
        diff,
        plan::{Action, Advice, Plan, Refusal, Step, Until},
        removal,
    },
    stack::{
        base::{failure::Failure, seen::Seen},
        manager,
        manifests::Object,
        object::{self, Id},
        schema,
    },
};

/// Plans the changes of one object.
///
/// `objects` are all objects of the installation, among them the CRDs.
pub(super) fn one(request: &Request, objects: &[Tried], tried: &Tried, plan: &mut Plan) -> Result<(), Refusal> {
    let id = &tried.object.id;
    let live = match &tried.live {
        Seen::Known(live) => live,
        Seen::Absent => return create(objects, tried, plan),
        other => {
            return Err(Refusal {
                why: format!("{id} cannot be read"),
                instead: other.why_unsettled().into_iter().map(Into::into).collect(),
                undetermined: other.failure().is_some(),
                misuse: false,
            });
        }
    };
    match id.kind.as_str() {
        // It exists; its content belongs to its owner.
        "Namespace" => {
            plan.unchanged.push(id.clone());
            Ok(())
        }
        "Broker" | "MeshSync" => custom_resource(request, objects, tried, live, plan),
        "CustomResourceDefinition" if super::is_left(request, tried) => {
            plan.unchanged.push(id.clone());
            Ok(())
        }
        "CustomResourceDefinition" => crd(request, tried, live, plan),
        _ => existing(request, tried, live, plan),
    }
}

fn create(objects: &[Tried], tried: &Tried, plan: &mut Plan) -> Result<(), Refusal> {
    let id = &tried.object.id;
    let mut step = Step::new(id.clone(), Action::Create(tried.object.body.clone()));
    match &tried.dry_run {
        DryRun::TooEarly => {
            step = step.because("validated once its namespace or CRD exists");
        }
        DryRun::OutsideSchema(why) => {
            accepted_by_our_crd(objects, &tried.object, why, plan)?;
            step = step.because("validated by the API server once its CRD is updated");
        }
        DryRun::Invalid(why) => return Err(unacceptable(id, why)),
        DryRun::Failed(failure) => return Err(untried(id, failure)),
        DryRun::Would { .. } | DryRun::Denied(_) => {}
    }
    plan.steps.push(step);
    wait_for(id, plan);
    Ok(())
}

/// Checks a custom resource against our own CRD, which an earlier step of the plan applies. Until then, the API server
/// validates it against another one, so its dry run says nothing about the result.
fn accepted_by_our_crd(objects: &[Tried], object: &Object, rejected: &str, plan: &Plan) -> Result<(), Refusal> {
    let id = &object.id;
    let crd = format!("{}.{}", id.plural, id.group());
    let is_updated = plan
        .steps
        .iter()
        .any(|step| step.id.kind == "CustomResourceDefinition" && step.id.name == crd && step.is_change());
    if !is_updated {
        // CRDs are deployed with the operator.
        return Err(Refusal::new(
            format!("the installed CRD rejects {id}; deploying the operator updates it"),
            [rejected.into(), Advice::command("system redeploy operator")],
        ));
    }
    let ours = objects.iter().find_map(|tried| schema::of_spec(&tried.object.body, &id.kind));
    match ours.and_then(|schema| schema::violation(&object.body["spec"], schema, "spec")) {
        Some(why) => Err(unacceptable(id, &why)),
        None => Ok(()),
    }
}

fn unacceptable(id: &Id, why: &str) -> Refusal {
    Refusal::new(format!("the API server would reject {id}"), [why.into()])
}

/// An object whose dry run failed: refused, or undetermined.
fn untried(id: &Id, failure: &Failure) -> Refusal {
    if !failure.kind.leaves_open() {
        return unacceptable(id, &failure.message);
    }
    let why = format!("the dry run of {id} got no usable response");
    Refusal { undetermined: true, ..Refusal::new(why, [failure.message.clone().into()]) }
}

/// An existing spec is a user's decision, so it is kept unless the user asks to overwrite it.
fn custom_resource(
    request: &Request,
    objects: &[Tried],
    tried: &Tried,
    live: &Value,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let id = &tried.object.id;
    if object::is_terminating(live) {
        // Someone has deleted it. The operator finishes the deletion; then it is created again.
        plan.steps.push(Step::new(id.clone(), Action::Wait(Until::Gone)));
        let create = Action::Create(tried.object.body.clone());
        plan.steps.push(Step::new(id.clone(), create).because("the existing one is being deleted"));
        return Ok(());
    }
    let marks = ownership::missing_marks(live, &tried.object.body);
    if !request.overwrites(&id.kind) {
        match marks {
            Some(metadata) => push_patch(id, live, json!({ "metadata": metadata }), plan),
            None => plan.unchanged.push(id.clone()),
        }
        return Ok(());
    }
    let exactly = request.restores(&id.kind);
    let mut wanted = tried.object.body["spec"].clone();
    if !exactly {
        // MeshSync accepts only one of the two. The operator writes back an empty object, which has no meaning.
        let broker = &mut wanted["broker"];
        for (one, other) in [("native", "custom"), ("custom", "native")] {
            if names_broker(&broker[one]) && names_broker(&live["spec"]["broker"][other]) {
                broker[other] = Value::Null;
                break;
            }
        }
        if wanted["broker"].is_null() {
            wanted.as_object_mut().map(|spec| spec.remove("broker"));
        }
        // With two lists MeshSync uses neither.
        let data = &mut wanted["watch-list"]["data"];
        for (one, other) in [("whitelist", "blacklist"), ("blacklist", "whitelist")] {
            if data[one].is_string() && !data[other].is_string() {
                data[other] = Value::Null;
                break;
            }
        }
        if wanted["watch-list"]["data"].is_null() {
            wanted.as_object_mut().map(|spec| spec.remove("watch-list"));
        }
    }
    let spec = diff::merge_patch(&live["spec"], &wanted, exactly);
    if spec == json!({}) && marks.is_none() {
        plan.unchanged.push(id.clone());
        return Ok(());
    }
    match &tried.dry_run {
        DryRun::OutsideSchema(why) => accepted_by_our_crd(objects, &tried.object, why, plan)?,
        DryRun::Invalid(why) => return Err(unacceptable(id, why)),
        _ => {}
    }
    let mut patch = json!({});
    if spec != json!({}) {
        patch["spec"] = spec;
    }
    if let Some(metadata) = marks {
        patch["metadata"] = metadata;
    }
    push_patch(id, live, patch, plan);
    Ok(())
}

fn push_patch(id: &Id, live: &Value, patch: Value, plan: &mut Plan) {
    let changes = diff::touched(live, &patch);
    plan.steps.push(Step::new(id.clone(), Action::Patch { patch, changes }));
}

/// Whether this reference names a broker.
fn names_broker(reference: &Value) -> bool {
    reference
        .as_object()
        .is_some_and(|fields| fields.values().any(|value| value.as_str().is_some_and(|text| !text.is_empty())))
}

fn existing(request: &Request, tried: &Tried, live: &Value, plan: &mut Plan) -> Result<(), Refusal> {
    let id = &tried.object.id;
    let manifest = tried.object.body.clone();
    let step = match &tried.dry_run {
        DryRun::Would { after, conflict } => match difference::of_apply(&id.kind, live, after, &manifest) {
            Difference::None => {
                plan.unchanged.push(id.clone());
                return Ok(());
            }
            Difference::Recreated(changes) => {
                Step::new(id.clone(), Action::Replace { manifest, changes }).because(difference::LEFTOVERS)
            }
            Difference::Changed(changes) => {
                let force = may_force(request, id, conflict.as_deref())?;
                let step = Step::new(id.clone(), Action::Apply { manifest, changes, force });
                taken(step, conflict.as_deref())
            }
        },
        DryRun::Invalid(why) if is_recreated(&id.kind, why) => {
            let changes = difference::changes(live, &manifest)
                .into_iter()
                .filter(|change| change.path.starts_with("spec.selector") || change.path.starts_with("roleRef"))
                .collect();
            Step::new(id.clone(), Action::Replace { manifest, changes }).because("a differing field is immutable")
        }
        DryRun::Invalid(why) | DryRun::OutsideSchema(why) => return Err(unacceptable(id, why)),
        DryRun::Failed(failure) => return Err(untried(id, failure)),
        DryRun::Denied(_) | DryRun::TooEarly => return Ok(()),
    };
    plan.steps.push(step);
    wait_for(id, plan);
    Ok(())
}

/// Names the previous managers of fields that are taken over.
fn taken(step: Step, conflict: Option<&str>) -> Step {
    let Some(conflict) = conflict else {
        return step;
    };
    let managers: Vec<String> = managers(conflict).into_iter().collect();
    step.because(format!("takes over fields of {}", managers.join(" and ")))
}

/// An existing CRD: first without its conversion webhook, because both cannot change at once.
fn crd(request: &Request, tried: &Tried, live: &Value, plan: &mut Plan) -> Result<(), Refusal> {
    let id = tried.object.id.clone();
    let by_webhook = live["spec"]["conversion"]["strategy"] == "Webhook";
    if by_webhook {
        plan.steps.push(
            Step::new(id.clone(), removal::without_webhook(live))
                .because("both versions have the same fields, so no webhook is needed"),
        );
    }
    let (changes, conflict) = match &tried.dry_run {
        DryRun::Would { after, conflict } => (difference::changes(live, after), conflict.as_deref()),
        // With the webhook the API server rejects the dry run, so the changes are computed from the manifest.
        DryRun::Invalid(_) | DryRun::Failed(_) if by_webhook => {
            (difference::changes(&live["spec"]["versions"], &tried.object.body["spec"]["versions"]), None)
        }
        DryRun::Invalid(why) | DryRun::OutsideSchema(why) => return Err(unacceptable(&id, why)),
        DryRun::Failed(failure) => return Err(untried(&id, failure)),
        DryRun::Denied(_) | DryRun::TooEarly => return Ok(()),
    };
    let changes = difference::of_crd(changes);
    if changes.is_empty() {
        if !by_webhook {
            plan.unchanged.push(id);
        }
        return Ok(());
    }
    let force = by_webhook || may_force(request, &id, conflict)?;
    plan.steps.push(Step::new(id.clone(), Action::Apply { manifest: tried.object.body.clone(), changes, force }));
    wait_for(&id, plan);
    Ok(())
}

fn wait_for(id: &Id, plan: &mut Plan) {
    let until = match id.kind.as_str() {
        "CustomResourceDefinition" => Until::Established,
        "Deployment" => Until::RolledOut,
        _ => return,
    };
    plan.steps.push(Step::new(id.clone(), Action::Wait(until)));
}

/// Whether apply may take over fields: from known installers of the stack always.
fn may_force(request: &Request, id: &Id, conflict: Option<&str>) -> Result<bool, Refusal> {
    let Some(conflict) = conflict else {
        return Ok(false);
    };
    let mut foreign = foreign_managers(conflict);
    foreign.retain(|manager| !(request.take_over && manager::is_owners_manager(manager)));
    if foreign.is_empty() || request.force_conflicts {
        return Ok(true);
    }
    Err(Refusal::new(
        format!("fields of {id} are managed by {}", Vec::from_iter(foreign).join(" and ")),
        [conflict.into(), "add --force-conflicts to take them over".into()],
    ))
}
