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
    title: "We may not write everything that an installation writes",
    explanation: include_str!("install_permission_missing.md"),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "install-permitted",
    title: "we may write every object of the stack",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS, &observation_missing::DIAGNOSIS], judge)
};

/// The rights that an object takes and that we do not have. One that is there already is not made.
pub(crate) fn missing(trial: &DryRun) -> impl Iterator<Item = &Permission> {
    let there = matches!(DryRunOutcome::of(trial), DryRunOutcome::Accepted { created: false, .. });
    trial
        .permissions
        .iter()
        .filter(move |asked| asked.allowed == Seen::Known(false) && !(there && asked.permission.verb == "create"))
        .map(|asked| &asked.permission)
}

/// Why it is not known whether we have some right, or whether the server takes an object that we may write.
pub(crate) fn open(trial: &DryRun) -> Option<String> {
    let asked = trial.permissions.iter().find_map(|asked| asked.allowed.why_unsettled());
    asked.or_else(|| match DryRunOutcome::of(trial) {
        DryRunOutcome::Unknown(why) => Some(why),
        _ => None,
    })
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let objects = &seen(context).objects;
    // An existing namespace is left as it is.
    let objects: Vec<&DryRun> = objects.iter().filter(|trial| !stays(context, trial)).collect();
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
        let group = if first.group.is_empty() { String::new() } else { format!(".{}", first.group) };
        let place = match &first.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in the cluster".into(),
        };
        rules.entry((format!("{} {}{group}", verbs.join(", "), first.resource), place)).or_default().push(&trial.name);
    }
    if count > 0 {
        // To remove anything is no part of installing where there is nothing yet.
        let removes = objects.iter().any(|trial| missing(trial).any(|right| right.verb == "delete"));
        let roles = if removes { "rbac redeploy" } else { "rbac preflight" };
        let user = match &seen(context).user {
            Seen::Known(user) => format!("user {user}"),
            _ => "the present user".into(),
        };
        findings.push(
            DIAGNOSIS.finding()
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
                .command(context.meshdoctor(Effect::Read, roles))
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
