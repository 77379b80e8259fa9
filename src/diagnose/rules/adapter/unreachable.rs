use k8s_openapi::api::apps::v1::Deployment;

use crate::{
    diagnose::rules::{prelude::*, server_commands::ask},
    facts::server::Adapter,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "adapter-unreachable",
    title: "An adapter cannot be reached",
    explanation: include_str!("unreachable.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::warning(Component::Adapter)
};

pub(crate) static CHECK: Check =
    Check { id: "adapters-reachable", title: "the adapters can be reached", ..Check::of_server(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_facts()?;
    let adapters = match &server.adapters {
        Seen::NotLooked => return Outcome::skip("the adapters were not asked for"),
        other => other.known_or_skip("the server has no adapters")?,
    };
    if adapters.is_empty() {
        return Outcome::skip("the server has no adapters");
    }
    let findings: Vec<Finding> = adapters.iter().filter_map(|adapter| unreachable(context, adapter)).collect();
    let open = adapters
        .iter()
        .find(|adapter| adapter.reached_by_server.known() != Some(&true) && adapter.port_open.known() != Some(&true));
    let open = open.map(|adapter| {
        let why = adapter.reached_by_server.why_unsettled().unwrap_or_default();
        format!("whether {} is reachable is unknown: {why}", adapter.location)
    });
    Outcome::of_or_unknown(findings, open)
}

fn unreachable(context: &RuleContext<'_>, adapter: &Adapter) -> Option<Finding> {
    let deployment = deployment(context, adapter);
    let by_server = adapter.reached_by_server.known() == Some(&false);
    let closed =
        adapter.port_open.known() == Some(&false) && deployment.is_none_or(|deployment| rollout::ready(deployment) > 0);
    if !by_server && !closed {
        return None;
    }
    let name = deployment.map(|deployment| stack::name(&deployment.metadata));
    let mut lines = Vec::new();
    if by_server {
        lines.push(format!("the server does not reach {}", adapter.location));
    }
    match adapter.port_open.known() {
        Some(true) => {
            lines.push(format!("the port of {} accepts connections through a port-forward", adapter.location));
        }
        Some(false) => lines.push(format!("nothing accepts connections at the port of {}", adapter.location)),
        None => {}
    }
    let logs = name.map(|name| context.logs_of(format!("deployment/{name}"), None, 50));
    let open = adapter.port_open.known() == Some(&true);
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("The adapter {} cannot be reached", adapter.location))
            .message(if open {
                "Its port is open, but the server does not reach it at the address that it uses."
            } else {
                "Nothing that needs this adapter works. The stack itself is not affected."
            })
            .object(name.map(|name| context.object("Deployment", name)))
            .evidences(lines)
            .remedy(if open {
                "correct the adapter's address in the server (ADAPTER_URLS), or let the server's pod connect to it"
            } else {
                "check the adapter's log and its Service"
            })
            .commands(logs)
            .command(ask(context, "test server"))
            .done(),
    )
}

/// The Deployment of an adapter: the one with the host name of its address.
fn deployment<'a>(context: &RuleContext<'a>, adapter: &Adapter) -> Option<&'a Deployment> {
    let host = adapter.location.split(':').next().unwrap_or_default();
    let host = host.split('.').next().unwrap_or_default();
    stack::adapters(context.facts).into_iter().find(|deployment| stack::name(&deployment.metadata) == host)
}
