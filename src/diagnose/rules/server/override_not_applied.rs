use k8s_openapi::jiff::SignedDuration;

use crate::{
    diagnose::{
        rules::{prelude::*, server_commands::ask},
        server_config,
    },
    stack::base::words,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-override-not-applied",
    title: "{product} Server's override is not in effect in the cluster",
    explanation: include_str!("override_not_applied.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-overrides",
    title: "the server's overrides are in effect in the cluster",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

/// How long the server may take to apply a change.
const APPLIES_WITHIN: SignedDuration = SignedDuration::from_mins(2);

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    if server.config.is_not_looked() {
        return Outcome::skip("the server was not asked for a configuration of the controllers");
    }
    let connection = context.server_connection()?;
    if context.server_is_embedded() == Some(true) {
        return Outcome::skip("the server runs MeshSync itself, so its configuration concerns no object here");
    }
    server.config.known_or_skip("the server has no configuration of the controllers")?;
    let differing = server_config::differing(context);
    if differing.is_empty() {
        return match server_config::compared(context) {
            0 => Outcome::skip("the server overrides nothing that can be compared"),
            compared => Outcome::pass_with(words::count(compared, "override", "overrides")),
        };
    }
    if !connection.is_connected() {
        return Outcome::skip("the server applies its overrides when the connection is connected");
    }
    let age = connection.updated.map(|updated| context.facts.taken_at.duration_since(updated));
    if let Some(age) = age.filter(|age| *age < APPLIES_WITHIN) {
        return Outcome::unknown(format!(
            "the connection was changed {} ago, and the server may still apply it; check again in {}",
            words::age(age),
            words::age(APPLIES_WITHIN - age)
        ));
    }
    DIAGNOSIS
        .finding()
        .message(
            "The server writes its overrides to the objects when they are saved and when it connects. Somebody or \
             something else has changed the objects since, or the server could not write them.",
        )
        .evidences(differing)
        .remedy("save the configuration again in the server, which applies it at once, or clear the override there")
        .command(ask(context, "server config"))
        .found()
}
