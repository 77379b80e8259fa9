use crate::{diagnose::rules::prelude::*, facts::FailureKind, stack::hub::Role};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "observation-missing",
    title: "Information needed to determine a state is missing",
    explanation: include_str!("observation_missing.md"),
    cure: Cure::Person(because::ACCESS),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};

/// Information that is missing for a reason other than a denial and leaves a state unknown.
pub(crate) fn missing_observation(context: &RuleContext<'_>) -> Option<Finding> {
    let facts = context.facts;
    if let Some(hub) = context.hub() {
        let kinds = Role::POLICIES.iter().map(|role| (hub.generation().and_then(|it| it.kind(*role)), hub.of(*role)));
        let policies = kinds.filter_map(|(kind, seen)| Some(format!("{}: {}", kind?.plural, unseen(seen)?)));
        let deployments = unseen(&facts.deployments).map(|why| format!("Deployments: {why}"));
        return finding(context, policies.chain(deployments).collect());
    }
    let states = context.states();
    let [operator, meshsync, broker] =
        [&states.operator, &states.meshsync, &states.broker].map(|state| state.undetermined.is_some());
    let objects = [
        (operator || meshsync, "Deployments", unseen(&facts.deployments)),
        (meshsync || broker, "Pods", unseen(&facts.pods)),
        (meshsync, "MeshSync CRs", unseen(&context.meshsyncs)),
        (broker, "Broker CRs", unseen(&context.brokers)),
    ];
    let deciding = objects.into_iter().filter(|(decides, ..)| *decides);
    let mut missing: Vec<String> = deciding.filter_map(|(_, what, why)| Some(format!("{what}: {}", why?))).collect();
    let standalone = context.is_standalone() && meshsync;
    let broker_open = standalone || states.meshsync.report.at_least || states.broker.report.at_least;
    let explained = facts
        .broker
        .attempts
        .iter()
        .filter_map(|attempt| attempt.failure.as_ref())
        .any(|failure| failure.kind != FailureKind::ForeignServer)
        || facts.broker.servers.iter().any(|s| s.monitor.is_some());
    let pods_unseen = !facts.pods.is_settled();
    if broker_open && !explained && !pods_unseen {
        let why = context.unseen_clients().or_else(|| context.unseen_own_clients());
        missing.extend(why.map(|why| format!("the broker's clients: {why}")));
    }
    finding(context, missing)
}

fn finding(context: &RuleContext<'_>, missing: Vec<String>) -> Option<Finding> {
    (!missing.is_empty()).then(|| {
        DIAGNOSIS
            .finding()
            .message("States that depend on it are unknown, or show only what is proven.")
            .evidences(missing)
            .remedy(
                "check again with full access; `meshdoctor explain observation-missing` describes how to make a \
                 recording",
            )
            .command(context.meshdoctor(Effect::Read, "record facts.json"))
            .done()
    })
}

/// Why something is unknown, unless it was denied.
fn unseen<T>(seen: &Seen<T>) -> Option<String> {
    seen.why_unsettled().filter(|_| !matches!(seen, Seen::Denied(_)))
}

/// Objects of an installation for which the API server gave no answer.
pub(crate) fn untried(context: &RuleContext<'_>, unanswered: Vec<String>) -> Finding {
    DIAGNOSIS
        .finding()
        .title("The API server did not respond for every object")
        .message("Whether the stack can be installed is unknown until every object has been tested.")
        .evidences(unanswered)
        .remedy("try again; -v shows every request and response")
        .command(context.meshdoctor(Effect::Read, "check --preflight -v"))
        .done()
}
