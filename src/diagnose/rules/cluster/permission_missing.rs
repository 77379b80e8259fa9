//! We may not look at everything that decides a state.

use crate::{
    diagnose::{
        rules::{cluster::observation_missing, prelude::*},
        states,
    },
    facts::FailureKind,
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
    component: Component::Cluster,
    title: "everything that decides a state can be looked at",
    finds: &[&DIAGNOSIS, &observation_missing::DIAGNOSIS],
    after: &[&API_REACHABLE],
    judge,
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
    findings.extend(missing_observation(context));
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

/// What was neither denied nor seen, and leaves a state open.
fn missing_observation(context: &RuleContext<'_>) -> Option<Finding> {
    let facts = context.facts;
    let mut missing: Vec<String> = Vec::new();
    let mut add = |what: &str, why: Option<String>, denied: bool| {
        if let Some(why) = why.filter(|_| !denied) {
            missing.push(format!("{what}: {why}"));
        }
    };
    macro_rules! unseen {
        ($what:literal, $seen:expr) => {
            add(
                $what,
                $seen.why_unsettled(),
                matches!($seen, Seen::Denied(_)),
            )
        };
    }
    if context.states().operator.undetermined.is_some()
        || context.states().meshsync.undetermined.is_some()
    {
        unseen!("Deployments", &facts.deployments);
    }
    if context.states().meshsync.undetermined.is_some()
        || context.states().broker.undetermined.is_some()
    {
        unseen!("Pods", &facts.pods);
    }
    if context.states().meshsync.undetermined.is_some() {
        unseen!("MeshSync objects", &context.meshsyncs);
    }
    if context.states().broker.undetermined.is_some() {
        unseen!("Broker objects", &context.brokers);
    }
    let standalone = context.is_standalone() && context.states().meshsync.undetermined.is_some();
    let broker_open = standalone
        || context.states().meshsync.report.at_least
        || context.states().broker.report.at_least;
    let explained = facts
        .broker
        .attempts
        .iter()
        .filter_map(|attempt| attempt.failure.as_ref())
        .any(|failure| failure.kind != FailureKind::Stranger)
        || facts.broker.servers.iter().any(|s| s.monitor.is_some());
    let pods_unseen = !facts.pods.is_settled();
    if broker_open && !explained && !pods_unseen {
        let why = context
            .unseen_clients()
            .or_else(|| context.unseen_own_clients());
        add("the broker's clients", why, false);
    }
    if missing.is_empty() {
        return None;
    }
    Some(
        observation_missing::DIAGNOSIS
            .finding()
            .kind(Kind::Obstacle)
            .message("The states that hang on it are unknown, or the highest that is proven.")
            .evidences(missing)
            .remedy(
                "look again with everything in view: the text of `explain` says how to record it",
            )
            .command(context.meshdoctor(Effect::Read, "record facts.json"))
            .done(),
    )
}
