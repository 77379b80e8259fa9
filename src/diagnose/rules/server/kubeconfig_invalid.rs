use super::ping::{self, PingFailure};
use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::{ask, upload};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-kubeconfig-invalid",
    title: "{product} Server cannot use its kubeconfig for this cluster",
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
    explanation: include_str!("kubeconfig_invalid.md"),
    cure: Cure::Person(because::CLIENT),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-kubeconfig",
    title: "the server's kubeconfig for this cluster is usable",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let connection = context.server_connection()?;
    let evidence = match ping::failure(server) {
        Some((PingFailure::Kubeconfig, text)) => ping::evidence(text),
        _ => {
            let failed = context.server_says("operator_deploy_failed");
            let text = failed.map(|it| format!("{} {}", it.summary, it.description.as_deref().unwrap_or_default()));
            match text.filter(|text| ping::is_about_credentials(text)) {
                Some(text) => format!("the server's diagnostics: {}", text.trim()),
                None if ping::failure(server).is_some() => {
                    return Outcome::skip("the server cannot use its connection for another reason");
                }
                None if server.ping.known().is_some() => return Outcome::pass_with(connection.name.clone()),
                None => {
                    let why = server.ping.why_unsettled().unwrap_or_default();
                    return Outcome::unknown(format!("the connection could not be tested: {why}"));
                }
            }
        }
    };
    DIAGNOSIS
        .finding()
        .title(format!("{{product}} Server cannot use its kubeconfig of connection {}", connection.name))
        .message(
            "The credentials that the server stores for this cluster cannot be used, so it can neither deploy the \
             operator nor find the broker. Yours work: meshdoctor reached the API server.",
        )
        .evidence(evidence)
        .remedy(
            "upload a kubeconfig with a token or a certificate that the server can use by itself: programs that supply \
             credentials, and files on your machine, do not exist where it runs",
        )
        .command(upload(context))
        .command(ask(context, "test server"))
        .found()
}
