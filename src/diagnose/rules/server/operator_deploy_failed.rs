use super::ping;
use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::{ask, upload};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-operator-deploy-failed",
    title: "{product} Server failed to deploy the operator",
    explains: &["not-installed", "operator-missing"],
    explanation: include_str!("operator_deploy_failed.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-deployed-operator",
    title: "the server did not fail to deploy the operator",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    context.server_connection()?;
    server.diagnostics.known_or_skip("servers of this release have no diagnostics")?;
    let Some(failed) = context.server_says("operator_deploy_failed") else {
        return Outcome::pass();
    };
    let text = format!("{} {}", failed.summary, failed.description.as_deref().unwrap_or_default());
    let lower = text.to_lowercase();
    let (why, remedy) = if lower.contains("chart") || lower.contains("index.yaml") {
        (
            "It could not read the Helm chart of the operator.",
            "let the server reach the chart site, or deploy the operator yourself",
        )
    } else if lower.contains("is forbidden") {
        (
            "The API server refused what the server wanted to create.",
            "grant the server's user what is missing, or deploy the operator yourself",
        )
    } else if ping::is_about_credentials(&text) {
        ("Its credentials for this cluster cannot be used.", "upload a kubeconfig that the server can use by itself")
    } else {
        ("Its diagnostics contain the cause.", "remove the cause, or deploy the operator yourself")
    };
    let upload = ping::is_about_credentials(&text).then(|| upload(context));
    let there = context.operator.known().is_some();
    DIAGNOSIS
        .finding()
        .severity(if there { Severity::Warning } else { Severity::Error })
        .message(if there {
            format!("{why} An operator is in the cluster, so only its upgrade failed.")
        } else {
            format!("{why} The server does not try again until the connection is changed.")
        })
        .evidence(format!("the server's diagnostics: {}", text.trim()))
        .remedy(remedy)
        .commands(upload)
        .command(context.redeploy(None))
        .command(ask(context, "server status"))
        .found()
}
