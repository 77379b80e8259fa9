use crate::{diagnose::rules::prelude::*, facts::FailureKind};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "observation-missing",
    title: "Something that decides a state was not seen",
    explanation: include_str!("observation_missing.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What was neither denied nor seen, and leaves a state open.
pub(crate) fn missing_observation(context: &RuleContext<'_>) -> Option<Finding> {
    let facts = context.facts;
    let mut missing: Vec<String> = Vec::new();
    let mut add = |what: &str, why: Option<String>, denied: bool| {
        if let Some(why) = why.filter(|_| !denied) {
            missing.push(format!("{what}: {why}"));
        }
    };
    macro_rules! unseen {
        ($what:literal, $seen:expr) => {
            add($what, $seen.why_unsettled(), matches!($seen, Seen::Denied(_)))
        };
    }
    if context.states().operator.undetermined.is_some() || context.states().meshsync.undetermined.is_some() {
        unseen!("Deployments", &facts.deployments);
    }
    if context.states().meshsync.undetermined.is_some() || context.states().broker.undetermined.is_some() {
        unseen!("Pods", &facts.pods);
    }
    if context.states().meshsync.undetermined.is_some() {
        unseen!("MeshSync objects", &context.meshsyncs);
    }
    if context.states().broker.undetermined.is_some() {
        unseen!("Broker objects", &context.brokers);
    }
    let standalone = context.is_standalone() && context.states().meshsync.undetermined.is_some();
    let broker_open =
        standalone || context.states().meshsync.report.at_least || context.states().broker.report.at_least;
    let explained = facts
        .broker
        .attempts
        .iter()
        .filter_map(|attempt| attempt.failure.as_ref())
        .any(|failure| failure.kind != FailureKind::Stranger)
        || facts.broker.servers.iter().any(|s| s.monitor.is_some());
    let pods_unseen = !facts.pods.is_settled();
    if broker_open && !explained && !pods_unseen {
        let why = context.unseen_clients().or_else(|| context.unseen_own_clients());
        add("the broker's clients", why, false);
    }
    if missing.is_empty() {
        return None;
    }
    Some(
        DIAGNOSIS
            .finding()
            .kind(Kind::Obstacle)
            .message("The states that hang on it are unknown, or the highest that is proven.")
            .evidences(missing)
            .remedy("look again with everything in view: the text of `explain` says how to record it")
            .command(context.meshdoctor(Effect::Read, "record facts.json"))
            .done(),
    )
}

/// Objects of an installation that the API server gave no answer about.
pub(crate) fn untried(context: &RuleContext<'_>, unanswered: Vec<String>) -> Finding {
    DIAGNOSIS
        .finding()
        .title("The API server does not say whether it takes every object")
        .message("Whether the stack can be installed is open, until each object has been tried.")
        .evidences(unanswered)
        .remedy("try again; -v shows every question and its answer")
        .command(context.meshdoctor(Effect::Read, "system check --preflight -v"))
        .done()
}
