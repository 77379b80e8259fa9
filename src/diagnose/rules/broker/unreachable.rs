use crate::{
    diagnose::rules::prelude::*,
    facts::{Attempt, FailureKind, FailureReason, destination::Destination},
    report::Route,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-unreachable",
    title: "The broker cannot be asked",
    explains: &["meshsync-not-connected"],
    explanation: include_str!("unreachable.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-reachable", title: "every broker server answers", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    if !facts.broker.looked {
        return Outcome::unknown("the broker was not asked");
    }
    let wanted: Vec<&str> = context.running_broker_pods().map(|pod| stack::name(&pod.metadata)).collect();
    let servers: Vec<&BrokerServer> =
        facts.broker.servers.iter().filter(|server| !context.is_foreign(server)).collect();
    let Some(why) = context.unseen_own_clients() else {
        if wanted.is_empty() && servers.is_empty() {
            return Outcome::skip("no broker server of the stack runs");
        }
        let ways: Vec<String> = servers
            .iter()
            .map(|server| format!("{} by {}", context.pod_of(server).unwrap_or("a server"), server.reached_by))
            .collect();
        return Outcome::pass_with(ways.join(", "));
    };
    // A way that was merely forbidden is told with the other missing rights.
    let failed: Vec<_> =
        context.failed_attempts().filter(|(attempt, _, _)| !context.is_foreign_attempt(attempt)).collect();
    if failed.is_empty() || failed.iter().all(|(_, kind, _)| *kind == FailureKind::Denied) {
        return Outcome::unknown(why);
    }
    let proven = failed.iter().any(|(_, kind, _)| *kind == FailureKind::Broker);
    // Such a way was opened and carried nothing: that may be its own fault or the broker's.
    let mute = failed.iter().filter(|(attempt, _, _)| attempt.route == Route::PortForward).any(|(attempt, _, _)| {
        let reason = attempt.failure.as_ref().map(|failure| failure.reason);
        matches!(reason, Some(FailureReason::Silent | FailureReason::Closed))
    });
    let reached = servers.len();
    let title = match (reached, wanted.len()) {
        (0, _) => "The broker cannot be asked".to_owned(),
        (reached, all) => format!("{} of {all} broker servers cannot be asked", all.saturating_sub(reached)),
    };
    let evidence = failed.iter().map(|(attempt, _, message)| {
        let place = match (&attempt.pod, &attempt.address) {
            (Some(pod), _) => format!(" to {pod}"),
            (None, Some(address)) => format!(" {address}"),
            (None, None) => String::new(),
        };
        format!("{}{place}: {message}", attempt.route)
    });
    DIAGNOSIS.finding()
            .kind(if proven { Kind::Fault } else { Kind::Obstacle })
            .title(title)
            .message(if proven {
                "We got to its pod, and it does not answer as a broker does: MeshSync cannot publish there either."
            } else if mute {
                "A port-forward was opened, and no byte of the broker came through it: either the broker hangs, or the way to it does. Neither is proven."
            } else {
                "The ways that were tried are barred before the broker is reached, which proves nothing about the broker itself."
            })
            .evidences(evidence)
            .remedy(if proven {
                "see its log, then restart it; MeshSync must be restarted after an outage of more than two minutes"
            } else if mute {
                "see whether the broker's log goes on: if not, restart the broker; if it does, look for what breaks the port-forward, such as a proxy before the API server"
            } else {
                "open one of the ways: a port-forward needs get and create on pods/portforward and a kubelet that answers"
            })
            .command(context.logs_of(context.broker_pods.first().map_or("-l app.kubernetes.io/name=nats", |pod| stack::name(&pod.metadata)), Some(facts.profile.broker.container), 50))
            .found()
}

/// The address where `MeshSync` is told to publish cannot be reached from this machine.
pub(crate) fn not_from_here(context: &RuleContext<'_>, attempt: &Attempt, to: &Destination, failure: &str) -> Finding {
    let shown = to.shown();
    let names = &context.facts.profile.broker;
    DIAGNOSIS.finding()
        .kind(Kind::Obstacle)
        .title(format!("The broker at {shown} cannot be asked from here"))
        .message(
            "MeshSync is told to publish there. That we find no way proves nothing of its own: whether it is connected stays \
             open.",
        )
        .evidence(context.told(to))
        .evidence(match &attempt.pod {
            Some(pod) => format!("{} to {pod}: {failure}", attempt.route),
            None => format!("{} {shown}: {failure}", attempt.route),
        })
        .remedy(format!(
            "run this where ports {} and {} of that host can be reached, as in a pod of this cluster; or see in MeshSync's \
             log whether its run has started",
            names.client_port, names.monitor_port
        ))
        .command(context.logs(Component::Meshsync, 30))
        .done()
}
