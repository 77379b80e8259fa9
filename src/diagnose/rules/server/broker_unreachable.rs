use crate::diagnose::rules::server_commands::{ask, change};
use crate::diagnose::{
    rules::prelude::*,
    stack_view::{Line, Location},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-broker-unreachable",
    title: "{product} Server does not reach the broker",
    explains: &[
        "broker-server-not-connected",
        "server-view-differs",
        "database-empty",
        "database-stale",
        "server-not-storing",
    ],
    explanation: include_str!("broker_unreachable.md"),
    cure: Cure::Except("if the server runs outside this cluster"),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-reaches-broker",
    title: "the server is connected to the broker",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.server_session()?;
    let connection = context.server_connection()?;
    if context.server_is_embedded() == Some(true) {
        return Outcome::skip("the server runs MeshSync itself and needs no broker");
    }
    let said = context.server_says("broker_unreachable");
    let listed = context.clients.server.first();
    let listed = listed.map(|(server, client)| format!("{} on {}", client.name, server_name(context, server)));
    if let (Some(listed), None) = (&listed, said) {
        return Outcome::pass_with(listed.clone());
    }
    let evidence = if let Some(said) = said {
        let endpoint = said.endpoint.as_ref().map(|endpoint| format!(" ({endpoint})")).unwrap_or_default();
        format!("the server's diagnostics: {}{endpoint}", said.summary)
    } else {
        if !connection.is_connected() {
            return Outcome::skip(format!("the server's connection is {}", connection.status));
        }
        match context.server_is_active() {
            None => return Outcome::unknown("whether the server works with its connection is unknown"),
            Some(false) => {
                return Outcome::skip(
                    "the server does not work with its connection yet: after a restart it starts when somebody uses it",
                );
            }
            Some(true) => {}
        }
        if context.server_is_embedded().is_none() {
            return Outcome::unknown("the server's mode for this cluster is unknown");
        }
        known_unless(context.unseen_own_clients())?;
        if context.running_broker_pods().next().is_none() {
            return Outcome::skip("no broker server is running");
        }
        let clients = context.facts.profile.server.clients.join(" or ");
        format!("no broker server has a client named {clients}, though the server's connection is connected")
    };
    let draft = DIAGNOSIS
        .finding()
        .message("What MeshSync publishes does not reach the server, and nothing keeps it for later.")
        .evidence(evidence)
        .evidences(listed.map(|listed| format!("the broker lists {listed}, which then belongs to another server")))
        .evidences(
            said.into_iter().flat_map(|said| &said.remediation).map(|line| format!("the server advises: {line}")),
        );
    let token = if context.line == Some(Line::Old) { "" } else { ", and that it has the broker's current token" };
    match context.server_location() {
        Location::Inside(why) => draft
            .evidence(why)
            .remedy(format!(
                "check that its pod may connect to the broker's Service{token}; then let the server connect again, by \
                 a restart if it does not do it by itself"
            ))
            .command(context.meshdoctor(Effect::Read, "test broker"))
            .fix(change(context, ServerChange::Reconnect)),
        _ => draft
            .remedy(format!(
                "give the broker an address that the server reaches, or a port-forward on the server's machine{token}"
            ))
            .command(ask(context, "test server"))
            .command(context.kubectl().inspect("get services -o wide")),
    }
    .found()
}
