use crate::diagnose::rules::{broker::addresses::exposed, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-unauthenticated",
    title: "The broker requires no token",
    explains: &["watch-list-watches-secrets"],
    explanation: include_str!("unauthenticated.md"),
    cure: Cure::Except(
        "for a broker that is not exposed outside the cluster, not the stack's own, or without a release that requires a token: then where it may stay open is your decision",
    ),
    exposes: true,
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-protected", title: "the broker requires a token", ..Check::of(&[&DIAGNOSIS], judge) };

/// The Service that exposes a server outside the cluster, with its type.
fn exposure<'a>(context: &RuleContext<'a>, server: &BrokerServer) -> Option<(&'a str, &'a str)> {
    let pod = context.pod_of(server)?;
    exposed(context).find(|(service, _)| pod.starts_with(service))
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let open: Vec<&BrokerServer> = asked_servers(context)?.iter().filter(|server| !server.varz.auth_required).collect();
    if open.is_empty() {
        return Outcome::pass();
    }
    let names: Vec<&str> = open.iter().map(|server| server_name(context, server)).collect();
    let exposed = open.iter().find_map(|server| exposure(context, server));
    let draft = DIAGNOSIS
        .finding()
        .message("Anyone who can reach it can read every object that MeshSync publishes, including Secrets.")
        .evidence(format!("/varz of {} does not contain auth_required", names.join(", ")));
    let draft = match exposed {
        Some((service, kind)) => draft
            .severity(Severity::Error)
            .title("The broker requires no token and is exposed outside the cluster")
            .object(context.object("Service", service))
            .evidence(format!("Service {service} is of type {kind}")),
        None => draft,
    };
    if open.iter().all(|server| context.is_foreign(server)) {
        return draft
            .remedy(if context.facts.profile.has_current_line() {
                "enable token authentication on that broker, and put the token into MeshSync's address: \
                 nats://TOKEN@HOST:PORT"
            } else {
                "limit who can reach that broker; MeshSync cannot send it a token"
            })
            .found();
    }
    let upgrade = exposed.filter(|_| context.facts.profile.has_current_line());
    let draft = match upgrade {
        Some(_) => draft.fix(context.redeploy(None)),
        None => draft,
    };
    let Some(release) = context.facts.profile.images.operator_release else {
        return draft.remedy(limit(exposed)).found();
    };
    draft
        .remedy(format!(
            "upgrade the operator to {release}, whose broker requires a token; until then do not expose the Service \
             outside the cluster"
        ))
        .found()
}

/// What limits who can reach a broker if no release of it requires a token.
fn limit(exposed: Option<(&str, &str)>) -> String {
    let policy = "let only MeshSync and the server connect to it, with a NetworkPolicy";
    match exposed {
        Some((service, "NodePort")) => format!(
            "limit with a firewall who can reach the node ports of Service {service}, and {policy}; no release of this \
             broker requires a token"
        ),
        Some((service, _)) => format!(
            "set spec.loadBalancerSourceRanges of Service {service} to addresses that you know, if your load balancer \
             supports it, and {policy}; no release of this broker requires a token"
        ),
        None => format!("{policy}; no release of this broker requires a token"),
    }
}
