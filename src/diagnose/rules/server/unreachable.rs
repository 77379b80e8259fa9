use super::severity;
use crate::diagnose::rules::server_commands::ask;
use crate::{
    diagnose::rules::prelude::*,
    facts::server::{ReachStep, ServerRoute},
    stack::base::permission::Permission,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-unreachable",
    title: "{product} Server does not answer",
    explanation: include_str!("unreachable.md"),
    cure: Cure::Person(because::OUTSIDE),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check =
    Check { id: "server-reachable", title: "the server answers", ..Check::of_server(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_facts()?;
    let Some(unreachable) = &server.unreachable else {
        return Outcome::pass_with(server.address.clone());
    };
    let denied = !unreachable.missing.is_empty();
    let draft = DIAGNOSIS
        .finding()
        .severity(if denied { Severity::Info } else { severity(context) })
        .title(format!("{{product}} Server does not answer at {}", server.address))
        .message(if denied {
            "You may not open a port-forward to it. Everything that only the server knows is left out; the cluster's \
             states are not affected."
        } else {
            "Everything that only the server knows is left out: its connections, its view of the cluster and its data. \
             The cluster's states are not affected."
        })
        .evidence(format!("{}: {}", step(unreachable.step), unreachable.message))
        .evidences(unreachable.missing.iter().map(Permission::to_string));
    if denied {
        return draft
            .remedy("ask a cluster admin to apply the role that this command prints, or name the server's address")
            .command(context.rbac("check", context.facts.target.user.as_deref()))
            .found();
    }
    let logs = context.server.known().map(|_| context.logs(Component::Server, 50));
    draft
        .remedy(match unreachable.step {
            ReachStep::Configuration => "correct the address or the file that names it",
            ReachStep::NotTheServer => "check the address: what answers there is another program, or a proxy before it",
            _ if server.route == ServerRoute::PortForward => {
                "check the server's log; if it runs elsewhere too, name its address"
            }
            _ => "check that the server runs and that this machine reaches its address",
        })
        .command(ask(context, "test server"))
        .commands(logs)
        .found()
}

fn step(step: ReachStep) -> &'static str {
    match step {
        ReachStep::Configuration => "configuration",
        ReachStep::Resolve => "host name",
        ReachStep::Connect => "TCP connection",
        ReachStep::PortForward => "port-forward",
        ReachStep::Tls => "TLS handshake",
        ReachStep::Response => "response",
        ReachStep::NotTheServer => "not the server",
    }
}
