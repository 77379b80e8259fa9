//! May we write what an installation writes, and grant what its roles grant?

use std::collections::BTreeMap;

use super::{Outcome, Patient, Rule, States, counted, seen};
use crate::{
    diagnose::Draft,
    facts::{
        DryRun,
        dry_run::{Tried, rules_not_held},
    },
    report::{Effect, ObjectRef},
    stack::{
        base::{permission::Permission, seen::Seen},
        component::Component::Cluster,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "install-permitted",
        category: Cluster,
        title: "we may write every object of the stack",
        codes: &["install-permission-missing", "observation-missing"],
        facts: &["preflight"],
        after: &["api-reachable"],
        judge: permitted,
    },
    Rule {
        id: "grants-permitted",
        category: Cluster,
        title: "we may grant what the stack's roles grant",
        codes: &["privilege-escalation"],
        facts: &["preflight"],
        after: &["api-reachable"],
        judge: grants,
    },
];

/// The rights that an object takes and that we do not have. One that is there already is not made.
pub(in crate::diagnose) fn missing(trial: &DryRun) -> impl Iterator<Item = &Permission> {
    let there = matches!(Tried::of(trial), Tried::Taken { made: false, .. });
    trial
        .rights
        .iter()
        .filter(move |asked| {
            asked.allowed == Seen::Known(false) && !(there && asked.right.verb == "create")
        })
        .map(|asked| &asked.right)
}

/// Why it is not known whether we have some right, or whether the server takes an object that we may write.
pub(in crate::diagnose) fn open(trial: &DryRun) -> Option<String> {
    let asked = trial
        .rights
        .iter()
        .find_map(|asked| asked.allowed.why_unsettled());
    asked.or_else(|| match Tried::of(trial) {
        Tried::Open(why) => Some(why),
        _ => None,
    })
}

fn permitted(patient: &Patient<'_>, _: &States) -> Outcome {
    let objects = &seen(patient).objects;
    // An existing namespace is left as it is.
    let objects: Vec<&DryRun> = objects
        .iter()
        .filter(|trial| !super::objects::stays(patient, trial))
        .collect();
    let mut findings = Vec::new();
    // By verbs, resource and place, so that a person reads rules and not a list of questions.
    let mut rules: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let mut count = 0;
    for trial in &objects {
        let rights: Vec<&Permission> = missing(trial).collect();
        let Some(first) = rights.first() else {
            continue;
        };
        count += rights.len();
        let verbs: Vec<&str> = rights.iter().map(|right| right.verb.as_str()).collect();
        let group = if first.group.is_empty() {
            String::new()
        } else {
            format!(".{}", first.group)
        };
        let place = match &first.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in the cluster".into(),
        };
        rules
            .entry((
                format!("{} {}{group}", verbs.join(", "), first.resource),
                place,
            ))
            .or_default()
            .push(&trial.name);
    }
    if count > 0 {
        // To remove anything is no part of installing where there is nothing yet.
        let removes = objects
            .iter()
            .any(|trial| missing(trial).any(|right| right.verb == "delete"));
        let roles = if removes {
            "rbac redeploy"
        } else {
            "rbac preflight"
        };
        let user = match &seen(patient).user {
            Seen::Known(user) => format!("user {user}"),
            _ => "the present user".into(),
        };
        findings.push(
            Draft::new("install-permission-missing")
                .title(format!(
                    "{} missing to install the stack",
                    if count == 1 {
                        "1 right is".to_owned()
                    } else {
                        format!("{count} rights are")
                    }
                ))
                .message(format!(
                    "An installation as {user} would stop at the first of these objects, with those before it already written."
                ))
                .evidences(rules.into_iter().map(|((what, place), names)| {
                    format!("may not {what} {place}: {}", names.join(", "))
                }))
                .remedy("install as somebody who may, or have an administrator apply the smallest roles that suffice")
                .command(patient.meshdoctor(Effect::Read, roles))
                .done(),
        );
    }
    let unanswered: Vec<String> = objects
        .iter()
        .filter(|trial| missing(trial).next().is_none())
        .filter_map(|trial| Some(format!("{} {}: {}", trial.kind, trial.name, open(trial)?)))
        .collect();
    if !unanswered.is_empty() {
        findings.push(
            Draft::new("observation-missing")
                .title("The API server does not say whether it takes every object")
                .message(
                    "Whether the stack can be installed is open, until each object has been tried.",
                )
                .evidences(unanswered)
                .remedy("try again; -v shows every question and its answer")
                .command(patient.meshdoctor(Effect::Read, "system check --preflight -v"))
                .done(),
        );
    }
    if findings.is_empty() {
        return Outcome::PassWith(counted(objects.len(), "object"));
    }
    Outcome::Found(findings)
}

fn grants(patient: &Patient<'_>, _: &States) -> Outcome {
    let trials: Vec<&DryRun> = seen(patient)
        .objects
        .iter()
        .filter(|trial| trial.kind.ends_with("Role") || trial.kind.ends_with("RoleBinding"))
        .collect();
    let mut refused: Vec<&DryRun> = Vec::new();
    let mut messages: Vec<&str> = Vec::new();
    for trial in &trials {
        if let Tried::Escalates(message) = Tried::of(trial) {
            refused.push(trial);
            messages.push(message);
        }
    }
    let Some(first) = refused.first() else {
        return open_grants(&trials);
    };
    let names: Vec<String> = refused
        .iter()
        .map(|trial| format!("{} {}", trial.kind, trial.name))
        .collect();
    Outcome::Found(vec![
        Draft::new("privilege-escalation")
            .title("The stack's roles grant more than we may grant")
            .message(
                "Kubernetes lets nobody write or bind a role that holds rights which they lack themselves, unless they \
                 have the verbs escalate and bind on it. An access review does not show that; a dry run does.",
            )
            .object(ObjectRef {
                kind: first.kind.clone(),
                namespace: first.namespace.clone(),
                name: first.name.clone(),
            })
            .evidence(format!("the API server refuses {}", names.join(", ")))
            .evidences(
                rules_not_held(messages)
                    .iter()
                    .map(|rule| format!("not held: {rule}")),
            )
            .remedy("have a cluster administrator install the stack, or apply the roles that let you: they name escalate and bind for these roles alone")
            .command(patient.meshdoctor(Effect::Read, "rbac preflight"))
            .done(),
    ])
}

/// Without a refusal: every one taken, or why one could not be tried.
fn open_grants(trials: &[&DryRun]) -> Outcome {
    let mut waits = None;
    for trial in trials {
        match Tried::of(trial) {
            Tried::Taken { .. } => {}
            // What cannot be changed is told before it is asked whether it may be granted.
            Tried::Anew(_) => {
                waits = waits.or_else(|| Some(format!("the former {} is removed", trial.name)));
            }
            Tried::Denied => return Outcome::Skip(format!("{} may not be written", trial.name)),
            Tried::Waits(until) => waits = waits.or(Some(until)),
            Tried::Open(why) => return Outcome::Unknown(why),
            _ => return Outcome::Skip(format!("{} is refused for another reason", trial.name)),
        }
    }
    match waits {
        None => Outcome::Pass,
        Some(until) => {
            let tried = trials
                .iter()
                .filter(|trial| matches!(Tried::of(trial), Tried::Taken { .. }))
                .count();
            let what = format!(
                "{tried} of {} tried; the rest cannot be until {until}",
                trials.len()
            );
            // The cluster-wide roles hold everything that the others do.
            if tried > 0 {
                Outcome::PassWith(what)
            } else {
                Outcome::Skip(what)
            }
        }
    }
}
