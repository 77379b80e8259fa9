use crate::{diagnose::rules::prelude::*, facts::Handshake};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-auth-failed",
    title: "The broker refuses the token from its Secret",
    explains: &[
        "meshsync-stale-env",
        "meshsync-not-connected",
        "broker-server-not-connected",
        "server-broker-unreachable",
    ],
    explanation: include_str!("auth_failed.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-token-accepted",
    title: "the broker accepts the token from its Secret",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    // Never send our token to another broker.
    let servers: Vec<&BrokerServer> =
        context.facts.broker.servers.iter().filter(|server| !context.is_foreign(server)).collect();
    if servers.is_empty() {
        return Outcome::skip("no broker server of the stack responded");
    }
    let mut findings = Vec::new();
    let mut open = None;
    for server in &servers {
        let name = server_name(context, server);
        match &server.handshake {
            Handshake::Accepted { .. } => {}
            Handshake::Refused { message } => findings.push(refused(context, name, message)),
            Handshake::Failed(failure) => {
                open.get_or_insert(format!("{name}: {failure}"));
            }
            Handshake::NotTried { why, .. } => {
                open.get_or_insert(format!("{name}: {why}"));
            }
            Handshake::NotLooked => {
                open.get_or_insert("the recording does not say".into());
            }
        }
    }
    let accepted = servers.iter().any(|server| server.handshake == Handshake::Accepted { token: true });
    if findings.is_empty() && open.is_none() && !accepted {
        return Outcome::skip("the broker requires no token");
    }
    Outcome::of_or_unknown(findings, open)
}

fn refused(context: &RuleContext<'_>, server: &str, message: &str) -> Finding {
    let profile = context.facts.profile;
    let secret = profile.broker.token_secret.unwrap_or_default();
    let token = context.facts.token.known();
    let present = token.map(|token| {
        let bytes = token.bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        format!("Secret {secret}: token present{bytes}")
    });
    let created = token.and_then(|token| token.created);
    let newer = context.broker_pods.iter().any(|pod| {
        let started = stack::running_since(pod, profile.broker.container);
        matches!((created, started), (Some(created), Some(started)) if created > started)
    });
    DIAGNOSIS
        .finding()
        .message("Clients that read the token now are refused: MeshSync and the server at their next start.")
        .object(context.object("Secret", secret))
        .evidence(format!("{server} responds to the Secret's token with: {message}"))
        .evidences(present)
        .evidences(newer.then_some("the Secret is newer than the server's container, which still uses the old token"))
        .remedy("restart the broker, which reads the token at startup, then MeshSync")
        .fix(context.restart(Component::Broker))
        .fix(context.restart(Component::Meshsync))
        .done()
}
