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
    title: "The broker demands TLS",
    explains: &["meshsync-not-connected", "meshsync-crash-loop", "meshsync-not-ready", "broker-server-not-connected"],
    explanation: include_str!("requires_tls.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-plain", title: "the broker takes clients without TLS", ..Check::of(&[&DIAGNOSIS], judge) };

/// Whether a server demands TLS, by what it greets with or by its monitor.
pub(crate) fn demands_tls(server: &BrokerServer) -> bool {
    server.varz.tls_required || server.greeting.as_ref().is_some_and(|greeting| greeting.tls_required)
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let servers = asked_servers(context)?;
    let open = servers.iter().find_map(|server| {
        // What a recording's monitor says is all that there is to go by.
        if server.varz.tls_required || server.handshake == Handshake::NotLooked {
            return None;
        }
        let name = server_name(context, server);
        match client_port(context, server) {
            ClientPort::Speaks => None,
            ClientPort::Closing => Some(format!("{name} takes no new clients")),
            ClientPort::Unusable(why) | ClientPort::Unknown(why) => Some(format!("{name}: {why}")),
        }
    });
    let findings = servers.iter().filter(|server| demands_tls(server)).map(|server| {
        let name = server_name(context, server);
        let greets = server.greeting.as_ref().is_some_and(|g| g.tls_required);
        let draft = finding(&DIAGNOSIS, context, server)
            .title(format!("{name} demands TLS of its clients"))
            .message(if context.is_foreign(server) {
                "The address that MeshSync is given is for a plain connection, and it takes no certificates: it does not get in."
            } else {
                "The operator's broker never does, and the address that MeshSync is given is for a plain connection: as \
                 deployed it does not get in."
            })
            .evidences(greets.then(|| format!("INFO of {name} says tls_required: true")))
            .evidences(server.varz.tls_required.then(|| format!("/varz of {name} says tls_required: true")));
        if context.is_foreign(server) {
            return draft.remedy("have that server take plain connections from MeshSync's network").done();
        }
        draft
            .remedy("have the operator put its configuration back, then restart the server")
            .command(context.restart(Component::Operator))
            .command(context.restart(Component::Broker))
            .done()
    });
    Outcome::of_or_unknown(findings.collect(), open)
}
