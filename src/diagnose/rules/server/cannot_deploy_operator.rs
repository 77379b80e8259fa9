use crate::{
    diagnose::rules::{prelude::*, server_commands::ask},
    facts::{permissions, stack},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-cannot-deploy-operator",
    title: "{product} Server lacks permissions to deploy the operator",
    explains: &["not-installed", "operator-missing", "server-operator-deploy-failed"],
    explanation: include_str!("cannot_deploy_operator.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-may-deploy-operator",
    title: "the server may deploy the operator",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

/// How the API server words a refusal.
const REFUSAL: &str = "is forbidden: User ";

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.server_session()?;
    context.server_connection()?;
    if context.server_is_embedded() == Some(true) {
        return Outcome::skip("the server runs MeshSync itself");
    }
    context.operator.settled()?;
    if context.operator.known().is_some() {
        return Outcome::pass_with("the operator is deployed");
    }
    let said = context.server_says("operator_deploy_failed").and_then(|failed| {
        let description = failed.description.as_deref().unwrap_or_default();
        [failed.summary.as_str(), description].into_iter().find(|text| text.contains(REFUSAL)).map(str::to_owned)
    });
    let refused = said.map(|text| format!("the server's diagnostics: {text}"));
    let denied = denied(context);
    let Some(evidence) = denied.clone().or(refused) else {
        return Outcome::skip("the permissions of the server's user are not known");
    };
    DIAGNOSIS
        .finding()
        .message(
            "The operator is missing, and the server's user may not create it. The server tries only when a connection \
             is made or changed, and then shows the failure once.",
        )
        .evidence(evidence)
        .remedy("grant the server's user what is missing, or deploy the operator with your own permissions")
        .command(context.redeploy(None))
        .command(ask(context, "server status"))
        .found()
}

/// What the server's own `ServiceAccount` may not create, if that is known.
fn denied(context: &RuleContext<'_>) -> Option<String> {
    let facts = context.facts;
    let deployment = context.server.known()?;
    let account = stack::account_of(deployment);
    let namespace = &facts.target.namespace;
    let mut needed = permissions::to_deploy_operator(namespace).into_iter();
    let missing = needed.find(|needed| permissions::may(facts, account, needed) == Seen::Known(false))?;
    Some(format!("ServiceAccount {namespace}/{account} may not {missing}"))
}
