use crate::{
    diagnose::rules::{
        preflight::{object, seen},
        prelude::*,
    },
    facts::{
        DryRun,
        dry_run::{DryRunOutcome, rules_not_held},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "privilege-escalation",
    title: "The stack's roles grant more than we may grant",
    explanation: include_str!("privilege_escalation.md"),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "grants-permitted",
    title: "we may grant what the stack's roles grant",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let trials: Vec<&DryRun> = seen(context)
        .objects
        .iter()
        .filter(|trial| trial.kind.ends_with("Role") || trial.kind.ends_with("RoleBinding"))
        .collect();
    let mut refused: Vec<&DryRun> = Vec::new();
    let mut messages: Vec<&str> = Vec::new();
    for trial in &trials {
        if let DryRunOutcome::Escalates(message) = DryRunOutcome::of(trial) {
            refused.push(trial);
            messages.push(message);
        }
    }
    let Some(first) = refused.first() else {
        return open_grants(&trials);
    };
    let names: Vec<String> = refused.iter().map(|trial| format!("{} {}", trial.kind, trial.name)).collect();
    DIAGNOSIS.finding()
            .title("The stack's roles grant more than we may grant")
            .message(
                "Kubernetes lets nobody write or bind a role that holds rights which they lack themselves, unless they \
                 have the verbs escalate and bind on it. An access review does not show that; a dry run does.",
            )
            .object(object(first))
            .evidence(format!("the API server refuses {}", names.join(", ")))
            .evidences(
                rules_not_held(messages)
                    .iter()
                    .map(|rule| format!("not held: {rule}")),
            )
            .remedy("have a cluster administrator install the stack, or apply the roles that let you: they name escalate and bind for these roles alone")
            .command(context.meshdoctor(Effect::Read, "rbac preflight"))
            .found()
}

/// Without a refusal: every one taken, or why one could not be tried.
fn open_grants(trials: &[&DryRun]) -> Judgement {
    let mut waits = None;
    for trial in trials {
        match DryRunOutcome::of(trial) {
            DryRunOutcome::Accepted { .. } => {}
            // What cannot be changed is told before it is asked whether it may be granted.
            DryRunOutcome::Recreated(_) => {
                waits = waits.or_else(|| Some(format!("the former {} is removed", trial.name)));
            }
            DryRunOutcome::Denied => return Outcome::skip(format!("{} may not be written", trial.name)),
            DryRunOutcome::Waits(until) => waits = waits.or(Some(until)),
            DryRunOutcome::Unknown(why) => return Outcome::unknown(why),
            _ => return Outcome::skip(format!("{} is refused for another reason", trial.name)),
        }
    }
    match waits {
        None => Outcome::pass(),
        Some(until) => {
            let tried = trials
                .iter()
                .filter(|trial| matches!(DryRunOutcome::of(trial), DryRunOutcome::Accepted { .. }))
                .count();
            let what = format!("{tried} of {} tried; the rest cannot be until {until}", trials.len());
            // The cluster-wide roles hold everything that the others do.
            if tried > 0 { Outcome::pass_with(what) } else { Outcome::skip(what) }
        }
    }
}
