//! What every check of broker servers needs: which there are, how they are called, and their pods.

use crate::diagnose::rules::prelude::*;

/// The name of the server that has this id, where it answered.
pub(crate) fn name_by_id<'a>(context: &RuleContext<'a>, id: &str) -> Option<&'a str> {
    let servers = &context.facts.broker.servers;
    let server = servers.iter().find(|server| server.varz.server_id == id)?;
    Some(server_name(context, server))
}

pub(crate) fn server_name<'a>(context: &RuleContext<'_>, server: &'a BrokerServer) -> &'a str {
    context.pod_of(server).or(server.address.as_deref()).unwrap_or("a broker server")
}

/// The broker servers that answered, or why there is none to judge.
pub(crate) fn asked_servers<'a>(context: &RuleContext<'a>) -> Result<&'a [BrokerServer], Undecided> {
    let servers = &context.facts.broker.servers;
    if !servers.is_empty() {
        return Ok(servers);
    }
    Err(match context.unseen_clients() {
        Some(why) => Undecided::Unknown(why),
        None => Undecided::Skip("no broker server runs".into()),
    })
}

/// The findings; without any, unknown if there is a server of which nothing could be said.
pub(crate) fn judged(findings: Vec<Finding>, open: Option<String>) -> Judgement {
    match open {
        Some(why) if findings.is_empty() => Outcome::unknown(why),
        _ => Outcome::of(findings),
    }
}

pub(crate) fn object(context: &RuleContext<'_>, server: &BrokerServer) -> Option<ObjectRef> {
    Some(context.object("Pod", context.pod_of(server)?))
}

/// A finding about a server, with its pod.
pub(crate) fn finding(diagnosis: &'static Diagnosis, context: &RuleContext<'_>, server: &BrokerServer) -> Draft {
    let draft = diagnosis.finding();
    match object(context, server) {
        Some(object) => draft.object(object),
        None => draft,
    }
}

/// Why nothing can be said of a server, as it follows its name.
pub(crate) struct Unsaid(pub(crate) String);

/// Judges each server that answered, by its name. What could not be said of one is the reason where nothing is found.
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
    judged(findings, open)
}

/// Shows the last lines of a server's log.
pub(crate) fn server_logs(context: &RuleContext<'_>, server: &BrokerServer, lines: u32) -> Command {
    let of = context.pod_of(server).unwrap_or("-l app.kubernetes.io/name=nats");
    context.logs_of(of, Some(context.facts.profile.broker.container), lines)
}
