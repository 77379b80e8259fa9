use super::{hub_of, virtual_mesh::NO_REMOTE};
use crate::{
    diagnose::{
        hub::RemoteView,
        rules::{cluster::unreachable, prelude::*},
        states,
    },
    stack::base::words::count,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-remote-context-incomplete",
    title: "A registered cluster could not be queried completely",
    explanation: include_str!("remote_context_incomplete.md"),
    cure: Cure::Person(because::ACCESS),
    profiles: profile::HUB,
    ..Diagnosis::obstacle(Component::Agents)
};

pub(crate) static CHECK: Check = Check {
    id: "smh-remote-contexts",
    title: "each --remote-context can be queried",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    if hub.remotes().next().is_none() {
        return Outcome::skip(NO_REMOTE);
    }
    let mut findings = Vec::new();
    for remote in hub.remotes() {
        let inside = remote.rules(context.expect);
        findings.extend(obstacle(&inside, &remote)?.or_else(|| denials(&inside, &remote)));
    }
    if findings.is_empty() {
        let named = hub.remotes().map(|remote| format!("{} is {}", remote.context(), remote.shown()));
        return Outcome::pass_with(named.collect::<Vec<_>>().join(", "));
    }
    Outcome::found(findings)
}

/// Why nothing could be queried in a registered cluster.
fn obstacle(inside: &RuleContext<'_>, remote: &RemoteView<'_>) -> Result<Option<Finding>, Undecided> {
    let Outcome::Found(findings) = (unreachable::CHECK.judge)(inside)? else { return Ok(None) };
    Ok(findings.into_iter().next().map(|finding| {
        let own = DIAGNOSIS.finding().done();
        let explain = format!("diagnosed as {}", finding.code);
        let message = format!("Nothing is known about the cluster of context {}.", remote.context());
        let evidence = finding.evidence.into_iter().chain([explain]).collect();
        Finding { title: finding.title, message, evidence, remedy: finding.remedy, ..own }
    }))
}

/// The permissions that are missing there.
fn denials(inside: &RuleContext<'_>, remote: &RemoteView<'_>) -> Option<Finding> {
    let missing = states::missing_permissions(inside);
    if missing.is_empty() {
        return None;
    }
    let decides = !remote.facts.deployments.missing_permissions().is_empty();
    let user = remote.facts.target.user.as_deref().unwrap_or("the current user");
    let finding = DIAGNOSIS
        .finding()
        .severity(if decides { Severity::Error } else { Severity::Info })
        .title(format!(
            "{} missing in context {}",
            count(missing.len(), "permission is", "permissions are"),
            remote.context()
        ))
        .message(format!("What {user} cannot read there is unknown."))
        .evidences(missing.iter().map(ToString::to_string))
        .remedy("grant them in that cluster")
        .done();
    Some(finding)
}
