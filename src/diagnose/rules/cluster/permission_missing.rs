use crate::{
    diagnose::{
        rules::{cluster::observation_missing, prelude::*},
        states,
    },
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "permission-missing",
    title: "We may not look at everything that decides a state",
    explanation: include_str!("permission_missing.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "states-observable",
    title: "everything that decides a state can be looked at",
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

fn permission(context: &RuleContext<'_>, rights: &[Permission], severity: Severity) -> Finding {
    let deciding = severity == Severity::Error;
    let shown: Vec<String> = rights.iter().map(Permission::to_string).collect();
    let who = match &context.facts.target.user {
        Some(user) => format!("user {user}"),
        None => "we".to_owned(),
    };
    DIAGNOSIS
        .finding()
        .severity(severity)
        .title(match (deciding, rights.len()) {
            (true, 1) => "A right is missing that decides a state".to_owned(),
            (true, n) => format!("{n} rights are missing that decide a state"),
            (false, 1) => "A right is missing for a check that decides no state".to_owned(),
            (false, n) => format!("{n} rights are missing for checks that decide no state"),
        })
        .message(if deciding {
            format!("What {who} may not look at is not known, and is not called missing.")
        } else {
            "The checks concerned are unknown; nothing else changes.".to_owned()
        })
        .evidences(shown)
        .remedy("have somebody who may grant rights apply the smallest role")
        .command(context.meshdoctor(Effect::Read, "rbac check"))
        .done()
}
