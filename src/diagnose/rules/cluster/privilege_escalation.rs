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
    title: "The stack's roles grant more than you can grant",
    explanation: include_str!("privilege_escalation.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "grants-permitted",
    title: "you can grant what the stack's roles grant",
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
    DIAGNOSIS
        .finding()
        .title("The stack's roles grant more than you can grant")
        .message(
            "Kubernetes lets users write or bind only roles whose permissions they have, unless they have the verbs \
             escalate and bind on them. Only a dry run shows this, an access review does not.",
        )
        .object(object(first))
        .evidence(format!("the API server rejects {}", names.join(", ")))
        .evidences(rules_not_held(messages).iter().map(|rule| format!("missing: {rule}")))
        .remedy(
            "ask a cluster admin to install the stack, or to apply these roles, which allow escalate and bind for its \
             roles only",
        )
        .command(context.rbac("preflight", seen(context).user.known().map(String::as_str)))
        .found()
}

/// The outcome without a rejection: all accepted, or why one could not be tested.
fn open_grants(trials: &[&DryRun]) -> Judgement {
    let mut waits = None;
    for trial in trials {
        match DryRunOutcome::of(trial) {
            DryRunOutcome::Accepted { .. } => {}
            // The API server reports immutable fields before it checks the permission to grant.
            DryRunOutcome::Recreated(_) => {
                waits = waits.or_else(|| Some(format!("the existing {} is deleted", trial.name)));
            }
            DryRunOutcome::Denied => return Outcome::skip(format!("{} cannot be written", trial.name)),
            DryRunOutcome::Waits(until) => waits = waits.or(Some(until)),
            DryRunOutcome::Unknown(why) => return Outcome::unknown(why),
            _ => return Outcome::skip(format!("{} is rejected for another reason", trial.name)),
        }
    }
    match waits {
        None => Outcome::pass(),
        Some(until) => {
            let tried = trials
                .iter()
                .filter(|trial| matches!(DryRunOutcome::of(trial), DryRunOutcome::Accepted { .. }))
                .count();
            let what = format!("{tried} of {} tested; the rest not until {until}", trials.len());
            // The cluster-wide roles contain everything that the others contain.
            if tried > 0 { Outcome::pass_with(what) } else { Outcome::skip(what) }
        }
    }
}
