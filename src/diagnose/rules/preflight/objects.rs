//! Does the API server take each object? Tried by a dry run, kind by kind.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Outcome, Patient, Rule, States, counted, seen};
use crate::{
    diagnose::Draft,
    facts::{
        Answer, DryRun,
        dry_run::{self, Tried},
    },
    report::{Command, Effect, Finding, ObjectRef},
    stack::component::Component::Installation,
};

const CODES: &[&str] = &["install-rejected"];

/// A rule about the objects of some kinds.
macro_rules! tried {
    ($id:literal, $title:literal, $kinds:expr) => {
        Rule {
            id: $id,
            category: Installation,
            title: $title,
            codes: CODES,
            facts: &["preflight"],
            after: &["api-reachable"],
            judge: |patient, _| judge(patient, $kinds),
        }
    };
}

/// The rule that says what is here now.
pub(super) const FIRST: &str = "place-free";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: FIRST,
        category: Installation,
        title: "the stack may stand in this namespace",
        codes: &["stack-in-other-namespace"],
        facts: &["deployments"],
        after: &["api-reachable"],
        judge: place_free,
    },
    tried!(
        "takes-namespace",
        "the API server takes the namespace",
        &["Namespace"]
    ),
    tried!(
        "takes-definitions",
        "the API server takes the custom resource definitions",
        &["CustomResourceDefinition"]
    ),
    tried!(
        "takes-account",
        "the API server takes the ServiceAccount",
        &["ServiceAccount"]
    ),
    tried!(
        "takes-roles",
        "the API server takes the roles and their bindings",
        &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]
    ),
    tried!(
        "takes-operator",
        "the API server takes the operator's Deployment",
        &["Deployment"]
    ),
    tried!(
        "takes-resources",
        "the API server takes the Broker and the MeshSync",
        &["Broker", "MeshSync"]
    ),
];

/// Whether an object is there and left alone. A namespace is: seen itself, or by what could be tried in it. So is a
/// custom resource, whose specification is somebody's decision, unless it is going.
pub(in crate::diagnose) fn stays(patient: &Patient<'_>, trial: &DryRun) -> bool {
    let tried_inside = || {
        seen(patient).objects.iter().any(|object| {
            object.namespace.is_some() && matches!(Tried::of(object), Tried::Taken { .. })
        })
    };
    let remains = |metadata: &ObjectMeta| metadata.deletion_timestamp.is_none();
    match trial.kind.as_str() {
        "Namespace" => patient.facts.namespace.known().is_some() || tried_inside(),
        // Whatever they are called: ours takes the name of one that is there.
        "Broker" => patient
            .brokers
            .items()
            .iter()
            .any(|it| remains(&it.metadata)),
        "MeshSync" => patient
            .meshsyncs
            .items()
            .iter()
            .any(|it| remains(&it.metadata)),
        _ => false,
    }
}

/// The stack's cluster-wide binding names one namespace: a second stack takes it from the first.
fn place_free(patient: &Patient<'_>, states: &States) -> Outcome {
    let facts = patient.facts;
    let here = patient.operator.known().is_some()
        || patient.has_custom_resource()
        || patient.has_workload();
    if here {
        let state = |name: &str, report: &crate::report::ComponentReport| {
            let at_least = if report.at_least { "at least " } else { "" };
            format!("{name} {at_least}{}", report.state)
        };
        return Outcome::PassWith(format!(
            "it is here, and would be brought up to date: {}, {}, {}",
            state("operator", &states.operator.report),
            state("Broker", &states.broker.report),
            state("MeshSync", &states.meshsync.report),
        ));
    }
    let elsewhere = facts.elsewhere.items();
    if let Some(first) = elsewhere.first() {
        return Outcome::Found(vec![
            Draft::new("stack-in-other-namespace")
                .title(format!("There is a stack in namespace {}", elsewhere.join(", ")))
                .message(format!(
                    "A second one in {} would take over the cluster-wide role bindings and the definitions, and leave the \
                     first without rights.",
                    facts.target.namespace
                ))
                .evidence(format!(
                    "custom resources of {} are in: {}",
                    facts.profile.group,
                    elsewhere.join(", ")
                ))
                .remedy("use the one that is there, or remove it first")
                .command(Command {
                    run: format!(
                        "meshdoctor system check -n {first}{}",
                        patient.context_flag()
                    ),
                    effect: Effect::Read,
                })
                .done(),
        ]);
    }
    let unsettled = facts
        .deployments
        .why_unsettled()
        .or_else(|| patient.brokers.why_unsettled())
        .or_else(|| patient.meshsyncs.why_unsettled());
    match unsettled {
        Some(why) => Outcome::Unknown(why),
        None => Outcome::PassWith("nothing of it is here yet".into()),
    }
}

fn judge(patient: &Patient<'_>, kinds: &[&str]) -> Outcome {
    let (kept, trials): (Vec<&DryRun>, Vec<&DryRun>) = seen(patient)
        .objects
        .iter()
        .filter(|trial| kinds.contains(&trial.kind.as_str()))
        .partition(|trial| stays(patient, trial));
    let mut parts = Vec::new();
    match (kept.as_slice(), trials.is_empty()) {
        ([], _) => {}
        ([_], true) => return Outcome::PassWith("it is there, and stays as it is".into()),
        (_, true) => return Outcome::PassWith("they are there, and stay as they are".into()),
        ([one, ..], false) => parts.push(format!("{} {} stays as it is", one.kind, one.name)),
    }
    let mut findings = Vec::new();
    let (mut made, mut changed, mut anew, mut held) = (0, 0, 0, 0);
    let mut strangers = BTreeSet::new();
    let mut waits: Vec<String> = Vec::new();
    let mut denied = 0;
    for trial in &trials {
        match Tried::of(trial) {
            Tried::Taken {
                made: is_new,
                conflict,
            } => {
                *(if is_new { &mut made } else { &mut changed }) += 1;
                held += usize::from(conflict.is_some());
                strangers.extend(conflict.map(dry_run::strangers).unwrap_or_default());
            }
            Tried::Anew(_) => anew += 1,
            Tried::Waits(until) => waits.push(until),
            Tried::Refused(answer) => findings.push(refused(patient, trial, answer)),
            Tried::Insecure(message) => findings.push(refused(
                patient,
                trial,
                &Answer {
                    status: 403,
                    message: message.to_owned(),
                },
            )),
            Tried::Denied | Tried::Escalates(_) => denied += 1,
            Tried::Open(why) => return Outcome::Unknown(why),
        }
    }
    if !findings.is_empty() {
        return Outcome::Found(findings);
    }
    if made > 0 {
        parts.push(format!("{made} would be made"));
    }
    if changed > 0 {
        parts.push(format!("{changed} would be brought up to date"));
    }
    if anew > 0 {
        parts.push(format!(
            "{anew} cannot be changed, and would be removed and made anew"
        ));
    }
    if held > 0 {
        let with = if strangers.is_empty() {
            "an installation takes over".to_owned()
        } else {
            let strangers = Vec::from_iter(strangers).join(" and ");
            format!("those of {strangers} only with --force-conflicts")
        };
        parts.push(format!("others hold fields of {held}, which {with}"));
    }
    if let Some(until) = waits.first() {
        parts.push(format!(
            "{} cannot be tried until {until}",
            if waits.len() == trials.len() {
                "it".to_owned()
            } else {
                waits.len().to_string()
            }
        ));
    }
    if denied > 0 {
        parts.push(format!("{} we may not write", counted(denied, "object")));
    }
    let told = parts.join("; ");
    if waits.is_empty() && denied == 0 && !trials.is_empty() {
        Outcome::PassWith(told)
    } else {
        Outcome::Skip(told)
    }
}

/// An object that the server refuses, whoever asks.
pub(super) fn refused(patient: &Patient<'_>, trial: &DryRun, answer: &Answer) -> Finding {
    let what = match trial.kind.as_str() {
        "Pod" => format!("a pod of {}", trial.name.trim_end_matches("-preflight")),
        kind => format!("{kind} {}", trial.name),
    };
    let says = |word: &str| answer.message.contains(word);
    let draft = Draft::new("install-rejected")
        .title(format!("The API server refuses {what}"))
        .message("Not for want of a right: something in the cluster does not let it in, whoever writes it.")
        .object(ObjectRef {
            kind: trial.kind.clone(),
            namespace: trial.namespace.clone(),
            name: trial.name.clone(),
        })
        .evidence(format!("dry run: {}, {}", answer.status, answer.message));
    let (remedy, command) = if says("quota") {
        (
            "raise the quota, or install into another namespace",
            patient.kubectl(Effect::Read, "describe resourcequotas"),
        )
    } else if says("LimitRange") || says("per Container") || says("per Pod") {
        (
            "widen the limit range, or install into another namespace",
            patient.kubectl(Effect::Read, "describe limitranges"),
        )
    } else if says("webhook") {
        (
            "make an exception in the policy behind the webhook, or mend the webhook when it does not answer",
            patient.kubectl_cluster(
                Effect::Read,
                "get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            ),
        )
    } else if says("ValidatingAdmissionPolicy") {
        (
            "make an exception in the policy",
            patient.kubectl_cluster(
                Effect::Read,
                "get validatingadmissionpolicies,validatingadmissionpolicybindings",
            ),
        )
    } else if says("immutable") {
        (
            "the object that is there was made in another way and cannot be turned into this one: remove it first, with the tool that made it",
            patient.kubectl(
                Effect::Read,
                &format!("get {} {} -o yaml", trial.kind.to_lowercase(), trial.name),
            ),
        )
    } else {
        (
            "the server's words say what it is",
            patient.kubectl(Effect::Read, "get events"),
        )
    };
    draft.remedy(remedy).command(command).done()
}
