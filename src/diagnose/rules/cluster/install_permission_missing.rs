use std::collections::BTreeMap;

use crate::{
    diagnose::rules::{
        cluster::observation_missing,
        preflight::{counted, seen, stays},
        prelude::*,
    },
    facts::{DryRun, dry_run::DryRunOutcome},
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "install-permission-missing",
    title: "You cannot write everything that an installation writes",
    explanation: include_str!("install_permission_missing.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "install-permitted",
    title: "you can write every object of the stack",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS, &observation_missing::DIAGNOSIS], judge)
};

/// The permissions that an object needs and the user lacks. An existing object is not created.
pub(crate) fn missing(trial: &DryRun) -> impl Iterator<Item = &Permission> {
    let there = matches!(DryRunOutcome::of(trial), DryRunOutcome::Accepted { created: false, .. });
    trial
        .permissions
        .iter()
        .filter(move |asked| asked.allowed == Seen::Known(false) && !(there && asked.permission.verb == "create"))
        .map(|asked| &asked.permission)
}

/// Why a permission is unknown, or whether the API server accepts an object.
pub(crate) fn open(trial: &DryRun) -> Option<String> {
    let asked = trial.permissions.iter().find_map(|asked| asked.allowed.why_unsettled());
    asked.or_else(|| match DryRunOutcome::of(trial) {
        DryRunOutcome::Unknown(why) => Some(why),
        _ => None,
    })
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let objects = &seen(context).objects;
    // An existing namespace is not changed.
    let objects: Vec<&DryRun> = objects.iter().filter(|trial| !stays(context, trial)).collect();
    let mut findings = Vec::new();
    // Grouped by verbs, resource and place, so that the evidence reads like rules.
    let mut rules: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let mut count = 0;
    for trial in &objects {
        let rights: Vec<&Permission> = missing(trial).collect();
        let Some(first) = rights.first() else {
            continue;
        };
        count += rights.len();
        let verbs: Vec<&str> = rights.iter().map(|right| right.verb.as_str()).collect();
        let group = if first.group.is_empty() { String::new() } else { format!(".{}", first.group) };
        let place = match &first.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in the cluster".into(),
        };
        rules.entry((format!("{} {}{group}", verbs.join(", "), first.resource), place)).or_default().push(&trial.name);
    }
    if count > 0 {
        // A first installation deletes nothing.
        let removes = objects.iter().any(|trial| missing(trial).any(|right| right.verb == "delete"));
        let roles = if removes { "redeploy" } else { "preflight" };
        let user = match &seen(context).user {
            Seen::Known(user) => format!("user {user}"),
            _ => "the current user".into(),
        };
        findings.push(
            DIAGNOSIS
                .finding()
                .title(format!(
                    "{} missing to install the stack",
                    if count == 1 { "1 permission is".to_owned() } else { format!("{count} permissions are") }
                ))
                .message(format!(
                    "An installation as {user} would stop at the first of these objects, with the objects before it \
                     already written."
                ))
                .evidences(
                    rules
                        .into_iter()
                        .map(|((what, place), names)| format!("cannot {what} {place}: {}", names.join(", "))),
                )
                .remedy("install as a user with these permissions, or ask a cluster admin to apply the minimal roles")
                .command(context.rbac(roles, seen(context).user.known().map(String::as_str)))
                .done(),
        );
    }
    let unanswered: Vec<String> = objects
        .iter()
        .filter(|trial| missing(trial).next().is_none())
        .filter_map(|trial| Some(format!("{} {}: {}", trial.kind, trial.name, open(trial)?)))
        .collect();
    if !unanswered.is_empty() {
        findings.push(observation_missing::untried(context, unanswered));
    }
    if findings.is_empty() {
        return Outcome::pass_with(counted(objects.len(), "object"));
    }
    Outcome::found(findings)
}
