use crate::{
    diagnose::{
        rules::{cluster::observation_missing, prelude::*},
        states,
    },
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "permission-missing",
    title: "You cannot read everything needed to determine a state",
    explanation: include_str!("permission_missing.md"),
    cure: Cure::Person(because::ACCESS),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "states-observable",
    title: "everything needed to determine a state is readable",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS, &observation_missing::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let deciding = states::deciding_denials(context);
    let others = states::other_denials(context);
    let mut findings = Vec::new();
    if !deciding.is_empty() {
        findings.push(permission(context, &deciding, Severity::Error));
    }
    if !others.is_empty() {
        findings.push(permission(context, &others, Severity::Info));
    }
    findings.extend(observation_missing::missing_observation(context));
    Outcome::of(findings)
}

fn permission(context: &RuleContext<'_>, permissions: &[Permission], severity: Severity) -> Finding {
    let deciding = severity == Severity::Error;
    let shown: Vec<String> = permissions.iter().map(Permission::to_string).collect();
    let who = match &context.facts.target.user {
        Some(user) => format!("user {user}"),
        None => "the current user".to_owned(),
    };
    DIAGNOSIS
        .finding()
        .severity(severity)
        .title(match (deciding, permissions.len()) {
            (true, 1) => "1 permission needed to determine a state is missing".to_owned(),
            (true, n) => format!("{n} permissions needed to determine a state are missing"),
            (false, 1) => "1 permission for an optional check is missing".to_owned(),
            (false, n) => format!("{n} permissions for optional checks are missing"),
        })
        .message(if deciding {
            format!("Anything that {who} cannot read is reported as unknown, not missing.")
        } else {
            "The affected checks are unknown; the states are not affected.".to_owned()
        })
        .evidences(shown)
        .remedy("ask a cluster admin to apply the role that this command prints")
        .command(context.rbac("check", context.facts.target.user.as_deref()))
        .done()
}
