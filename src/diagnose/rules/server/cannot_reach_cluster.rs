use super::ping::{self, PingFailure};
use crate::diagnose::rules::server_commands::{ask, change, upload};
use crate::{diagnose::rules::prelude::*, facts::server::ClusterConnection};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-cannot-reach-cluster",
    title: "{product} Server is disconnected from this cluster",
    explains: &[
        "server-connection-stale",
        "server-operator-deploy-failed",
        "server-broker-unreachable",
        "server-view-differs",
        "broker-server-not-connected",
        "not-installed",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("cannot_reach_cluster.md"),
    cure: Cure::Person(because::OUTSIDE),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-reaches-cluster",
    title: "the server reaches this cluster",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let connection = context.server_connection()?;
    if let Some((what @ (PingFailure::Unreachable | PingFailure::NoAnswer), text)) = ping::failure(server) {
        // Where we do not reach the API server either, the cluster is at fault.
        context.facts.version.known_or_unknown()?;
        let loopback = connection.api_server.as_deref().is_some_and(is_loopback);
        let severity = if what == PingFailure::NoAnswer { Severity::Warning } else { Severity::Error };
        let draft = DIAGNOSIS
            .finding()
            .severity(severity)
            .title(format!("{{product}} Server does not reach this cluster with connection {}", connection.name))
            .message(match what {
                PingFailure::NoAnswer => {
                    "It did not answer in time when it was asked to reach the API server, which meshdoctor reaches. It \
                     usually waits for a connection that is not accepted."
                }
                _ => {
                    "The API server answers meshdoctor, but not the server. Its data stays as it was: the server shows \
                     no event and keeps the connection as connected."
                }
            })
            .evidence(ping::evidence(text))
            .evidences(address(connection));
        return if loopback {
            draft
                .evidence("a loopback address leads to the machine or container in which the server itself runs")
                .remedy("upload a kubeconfig with an address of the API server that the server can reach")
        } else {
            draft.remedy("let the server reach that address, or upload a kubeconfig with one that it reaches")
        }
        .command(upload(context))
        .command(ask(context, "test server"))
        .found();
    }
    if !connection.is_connected() {
        let severity = if server.ping.known().is_some() { Severity::Info } else { Severity::Warning };
        return DIAGNOSIS
            .finding()
            .severity(severity)
            .title(format!(
                "{{product}} Server's connection {} to this cluster is {}",
                connection.name, connection.status
            ))
            .message("The server does not use the connection: it receives nothing and does not manage the operator.")
            .evidence(format!("connection {} ({}): status {}", connection.name, connection.id, connection.status))
            .evidences(address(connection))
            .remedy("connect it again, unless it was disconnected on purpose")
            .command(change(context, ServerChange::Reconnect))
            .command(ask(context, "server status"))
            .found();
    }
    match server.ping.known() {
        Some(version) => Outcome::pass_with(format!("{}: Kubernetes {version}", connection.name)),
        None if ping::failure(server).is_some() => Outcome::skip("the server cannot use its connection"),
        None => Outcome::unknown(format!(
            "the connection could not be tested: {}",
            server.ping.why_unsettled().unwrap_or_default()
        )),
    }
}

fn address(connection: &ClusterConnection) -> Option<String> {
    let address = connection.api_server.as_deref()?;
    Some(format!("connection {}: the API server's address is {address}", connection.name))
}

/// Whether an address leads to the machine itself.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_recognized() {
        for (address, expected) in [
            ("https://127.0.0.1:6443", true),
            ("https://localhost:6443/path", true),
            ("https://[::1]:6443", true),
            ("https://192.0.2.10:6443", false),
            ("https://host.docker.internal", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(address), expected, "{address}");
        }
    }
}
