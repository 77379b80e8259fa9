//! What every check of broker servers needs: the servers, their names and their pods.

use k8s_openapi::api::core::v1::Pod;

use crate::diagnose::rules::prelude::*;

/// The name of the server with this ID, if it responded.
pub(crate) fn name_by_id<'a>(context: &RuleContext<'a>, id: &str) -> Option<&'a str> {
    let servers = &context.facts.broker.servers;
    let server = servers.iter().find(|server| server.varz.server_id == id)?;
    Some(server_name(context, server))
}

pub(crate) fn server_name<'a>(context: &RuleContext<'_>, server: &'a BrokerServer) -> &'a str {
    context.pod_of(server).or(server.address.as_deref()).unwrap_or("a broker server")
}

/// The broker servers that responded, or why there are none.
pub(crate) fn asked_servers<'a>(context: &RuleContext<'a>) -> Result<&'a [BrokerServer], Undecided> {
    let servers = &context.facts.broker.servers;
    if servers.is_empty() {
        known_unless(context.unseen_clients())?;
        return Err(Undecided::Skip("no broker server is running".into()));
    }
    Ok(servers)
}

/// The pod of the stack's broker in which a server runs.
pub(crate) fn own_pod<'a>(context: &RuleContext<'a>, server: &BrokerServer) -> Option<&'a Pod> {
    context.broker_pods.iter().copied().find(|pod| context.pod_of(server) == Some(stack::name(&pod.metadata)))
}

/// A finding about a server, with its pod.
pub(crate) fn finding(diagnosis: &'static Diagnosis, context: &RuleContext<'_>, server: &BrokerServer) -> Draft {
    diagnosis.finding().object(context.pod_of(server).map(|pod| context.object("Pod", pod)))
}

/// Why nothing is known about a server; the text follows its name.
pub(crate) struct Unsaid(pub(crate) String);

/// Judges each server that responded. Without findings, the first unknown server makes the check unknown.
pub(crate) fn each_server<'a>(
    context: &RuleContext<'a>,
    judge: impl Fn(&'a BrokerServer, &str) -> Result<Option<Finding>, Unsaid>,
) -> Judgement {
    let (mut findings, mut open) = (Vec::new(), None);
    for server in asked_servers(context)? {
        let name = server_name(context, server);
        match judge(server, name) {
            Ok(found) => findings.extend(found),
            Err(Unsaid(why)) => {
                open.get_or_insert(format!("{name}{why}"));
            }
        }
    }
    Outcome::of_or_unknown(findings, open)
}

/// Shows the last lines of a server's log.
pub(crate) fn server_logs(context: &RuleContext<'_>, server: &BrokerServer, lines: u32) -> Command {
    let of = context.pod_of(server).map_or_else(|| context.facts.profile.broker_pods(), str::to_owned);
    context.logs_of(&of, Some(context.facts.profile.broker.container), lines)
}
