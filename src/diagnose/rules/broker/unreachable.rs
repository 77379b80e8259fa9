use crate::{
    diagnose::rules::prelude::*,
    facts::{Attempt, FailureKind, FailureReason, destination::Destination},
    report::Route,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-unreachable",
    title: "The broker is unreachable",
    explains: &["network-path-broken", "meshsync-not-connected", "server-broker-unreachable"],
    explanation: include_str!("unreachable.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-reachable", title: "every broker server responds", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if !facts.broker.looked {
        return Outcome::unknown("the broker was not checked");
    }
    let wanted: Vec<&str> = context.running_broker_pods().map(|pod| stack::name(&pod.metadata)).collect();
    let servers: Vec<&BrokerServer> =
        facts.broker.servers.iter().filter(|server| !context.is_foreign(server)).collect();
    let Some(why) = context.unseen_own_clients() else {
        if wanted.is_empty() && servers.is_empty() {
            return Outcome::skip("no broker server of the stack is running");
        }
        let ways: Vec<String> = servers
            .iter()
            .map(|server| format!("{} via {}", context.pod_of(server).unwrap_or("a server"), server.reached_by))
            .collect();
        return Outcome::pass_with(ways.join(", "));
    };
    // Attempts that were only denied are reported with the other missing permissions.
    let failed: Vec<_> =
        context.failed_attempts().filter(|(attempt, _, _)| !context.is_foreign_attempt(attempt)).collect();
    if failed.is_empty() || failed.iter().all(|(_, kind, _)| *kind == FailureKind::Denied) {
        return Outcome::unknown(why);
    }
    let proven = failed.iter().any(|(_, kind, _)| *kind == FailureKind::Broker);
    // The port-forward was opened but carried nothing: the fault may be its own or the broker's.
    let silent = failed.iter().filter(|(attempt, _, _)| attempt.route == Route::PortForward).any(|(attempt, _, _)| {
        let reason = attempt.failure.as_ref().map(|failure| failure.reason);
        matches!(reason, Some(FailureReason::Silent | FailureReason::Closed))
    });
    let reached = servers.len();
    let title = match (reached, wanted.len()) {
        (0, _) => "The broker is unreachable".to_owned(),
        (reached, all) => format!("{} of {all} broker servers are unreachable", all.saturating_sub(reached)),
    };
    let evidence = failed.iter().map(|(attempt, _, message)| {
        let place = match (&attempt.pod, &attempt.address) {
            (Some(pod), _) => format!(" to {pod}"),
            (None, Some(address)) => format!(" {address}"),
            (None, None) => String::new(),
        };
        format!("{}{place}: {message}", attempt.route)
    });
    DIAGNOSIS
        .finding()
        .kind(if proven { Kind::Fault } else { Kind::Obstacle })
        .title(title)
        .message(if proven {
            "Its pod is reachable but does not respond like a broker. MeshSync cannot publish to it either."
        } else if silent {
            "A port-forward was opened, but no byte from the broker came through. Either the broker or the \
             port-forward hangs; it is unknown which."
        } else {
            "Every route failed before it reached the broker, so this says nothing about the broker itself."
        })
        .evidences(evidence)
        .remedy(if proven {
            "check its log, then restart it; also restart MeshSync if the outage lasted more than two minutes"
        } else if silent {
            "if the broker's log has stopped, restart the broker; else look for what breaks the port-forward, such as \
             a proxy"
        } else {
            "open one of the routes: a port-forward needs get and create on pods/portforward and a reachable kubelet"
        })
        .command(
            context.logs_of(
                context
                    .broker_pods
                    .first()
                    .map_or_else(|| facts.profile.broker_pods(), |pod| stack::name(&pod.metadata).to_owned()),
                Some(facts.profile.broker.container),
                50,
            ),
        )
        .found()
}

/// The address that `MeshSync` publishes to is unreachable from this machine.
pub(crate) fn not_from_here(context: &RuleContext<'_>, attempt: &Attempt, to: &Destination, failure: &str) -> Finding {
    let shown = to.shown();
    let names = &context.facts.profile.broker;
    DIAGNOSIS
        .finding()
        .kind(Kind::Obstacle)
        .title(format!("The broker at {shown} is unreachable from here"))
        .message(
            "MeshSync is configured to publish there. Being unreachable from here proves nothing: whether MeshSync is \
             connected is unknown.",
        )
        .evidence(context.destination_setting(to))
        .evidence(match &attempt.pod {
            Some(pod) => format!("{} to {pod}: {failure}", attempt.route),
            None => format!("{} {shown}: {failure}", attempt.route),
        })
        .remedy(format!(
            "run meshdoctor where ports {} and {} of that host are reachable, for example in a pod, or check \
             MeshSync's log",
            names.client_port, names.monitor_port
        ))
        .command(context.logs(Component::Meshsync, 30))
        .done()
}
