use crate::diagnose::rules::{broker::addresses::exposed, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-unauthenticated",
    title: "The broker asks for no token",
    explains: &["watch-list-watches-secrets"],
    explanation: include_str!("unauthenticated.md"),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-protected", title: "the broker asks for a token", ..Check::of(&[&DIAGNOSIS], judge) };

/// The Service through which a server is open to the outside, with its type.
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
        .message("Whoever reaches it reads every object that MeshSync publishes, Secrets among them.")
        .evidence(format!("/varz of {} does not say auth_required", names.join(", ")));
    let draft = match exposed {
        Some((service, kind)) => draft
            .severity(Severity::Error)
            .title("The broker asks for no token and is open to the outside")
            .object(context.object("Service", service))
            .evidence(format!("Service {service} is of type {kind}")),
        None => draft,
    };
    if open.iter().all(|server| context.is_foreign(server)) {
        return draft
                .remedy("have that broker ask for a token, and put it into the address that MeshSync is given, nats://TOKEN@HOST:PORT")
                .found();
    }
    draft
        .remedy(format!(
            "upgrade the operator to {}, whose broker asks for a token; until then close the Service to the outside",
            context.facts.profile.images.operator_release
        ))
        .found()
}
