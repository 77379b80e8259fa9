use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::ask;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-operator-forbidden",
    title: "{product} Server is not allowed to use the operator",
    explains: &["not-installed", "server-mode-embedded"],
    explanation: include_str!("operator_forbidden.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::info(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-may-use-operator",
    title: "the server may use the operator",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

/// What the server writes if the operator is forbidden.
const SAID: &str = "DISABLE_OPERATOR";

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_facts()?;
    let diagnostics =
        server.diagnostics.items().iter().map(|said| (said.summary.as_str(), said.description.as_deref()));
    let events = server.events.items().iter().map(|event| (event.description.as_str(), None));
    let said = diagnostics.chain(events).find(|(summary, description)| {
        summary.contains(SAID) || description.is_some_and(|description| description.contains(SAID))
    });
    let said = said.map(|(summary, _)| format!("the server says: {summary}"));
    let Some(evidence) = context.operator_forbidden().or(said) else {
        return match &context.server {
            Seen::Known(_) => Outcome::pass(),
            _ => Outcome::skip("the server's environment cannot be read: it runs elsewhere"),
        };
    };
    let asked = context.asked_mode().filter(|mode| !mode.embedded);
    DIAGNOSIS
        .finding()
        .severity(if asked.is_some() { Severity::Warning } else { Severity::Info })
        .message(if asked.is_some() {
            "Operator mode is requested, but forbidden: the server does not deploy the operator, whatever the \
             connection says."
        } else {
            "The server does not deploy the operator and runs MeshSync itself."
        })
        .evidence(evidence)
        .evidences(asked.map(|mode| mode.evidence))
        .remedy("remove the variable from the server's Deployment if the server should use the operator")
        .command(ask(context, "server status"))
        .found()
}
