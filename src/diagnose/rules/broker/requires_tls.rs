use crate::{
    diagnose::rules::{
        broker::{
            client_port::{ClientPort, client_port},
            servers::finding,
        },
        prelude::*,
    },
    facts::Handshake,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-requires-tls",
    title: "The broker requires TLS",
    explains: &[
        "meshsync-not-connected",
        "meshsync-crash-loop",
        "meshsync-not-ready",
        "broker-server-not-connected",
        "server-broker-unreachable",
    ],
    explanation: include_str!("requires_tls.md"),
    cure: Cure::Person(because::RELEASE),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-plain", title: "the broker accepts clients without TLS", ..Check::of(&[&DIAGNOSIS], judge) };

/// Whether a server requires TLS, according to its greeting or its monitor.
pub(crate) fn demands_tls(server: &BrokerServer) -> bool {
    server.varz.tls_required || server.greeting.as_ref().is_some_and(|greeting| greeting.tls_required)
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let servers = asked_servers(context)?;
    let open = servers.iter().find_map(|server| {
        // A recording may contain only the monitor's data.
        if server.varz.tls_required || server.handshake == Handshake::NotLooked {
            return None;
        }
        let name = server_name(context, server);
        match client_port(context, server) {
            ClientPort::Speaks => None,
            ClientPort::Closing => Some(format!("{name} accepts no new clients")),
            ClientPort::Unusable(why) | ClientPort::Unknown(why) => Some(format!("{name}: {why}")),
        }
    });
    let findings = servers.iter().filter(|server| demands_tls(server)).map(|server| {
        let name = server_name(context, server);
        let greets = server.greeting.as_ref().is_some_and(|g| g.tls_required);
        let draft = finding(&DIAGNOSIS, context, server)
            .title(format!("{name} requires TLS from its clients"))
            .message(if context.is_foreign(server) {
                "MeshSync's address is for a plain connection, and MeshSync has no option for certificates, so it \
                 cannot connect."
            } else {
                "The operator's broker never requires TLS, and MeshSync's address is for a plain connection. As \
                 deployed, MeshSync cannot connect."
            })
            .evidences(greets.then(|| format!("INFO from {name} contains tls_required: true")))
            .evidences(server.varz.tls_required.then(|| format!("/varz of {name} contains tls_required: true")));
        if context.is_foreign(server) {
            return draft.remedy("configure that server to accept plain connections from MeshSync's network").done();
        }
        draft
            .remedy("restart the operator, which restores its configuration, then restart the server")
            .command(context.restart(Component::Operator))
            .command(context.restart(Component::Broker))
            .done()
    });
    Outcome::of_or_unknown(findings.collect(), open)
}
