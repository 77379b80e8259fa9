use k8s_openapi::{
    api::core::v1::{Container, Pod},
    jiff::Timestamp,
};

use crate::{
    diagnose::{
        rules::{
            broker::addresses::unusable_balancer,
            meshsync::{
                target::{Target, target},
                wrong_target::{self, wrong},
            },
            prelude::*,
        },
        stack_view::Line,
    },
    facts::{
        Handshake,
        destination::{self, ADDRESS, GivenBy},
    },
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-stale-env",
    title: "MeshSync uses an old address or token",
    explains: super::NOT_PUBLISHING,
    explanation: include_str!("stale_env.md"),
    cure: Cure::Except("where nothing passes the address on to MeshSync's Deployment"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "meshsync-environment",
    title: "MeshSync uses the current address and token",
    ..Check::of(&[&DIAGNOSIS, &wrong_target::DIAGNOSIS], judge)
};

/// The containers of a pod.
fn containers(pod: &Pod) -> &[Container] {
    pod.spec.as_ref().map_or(&[], |spec| &spec.containers)
}

/// The address with which a running pod was started.
pub(crate) fn started_with<'a>(context: &RuleContext<'a>) -> Option<(&'a Pod, Timestamp, &'a str)> {
    let (pod, since) = context.running_meshsync()?;
    Some((pod, since, destination::variable(containers(pod), ADDRESS)?))
}

fn judge(context: &RuleContext<'_>) -> Judgement {
    let Some((pod, _)) = context.running_meshsync() else {
        context.facts.pods.settled()?;
        return Outcome::skip("no MeshSync pod is running");
    };
    let name = stack::name(&pod.metadata);
    let Some((pod, since, address)) = started_with(context) else {
        return Outcome::skip(format!("pod {name} has no {ADDRESS}"));
    };
    if context.meshsyncs.items().is_empty() && !context.has_deployment_address() {
        context.meshsyncs.settled()?;
        return Outcome::skip("there is no MeshSync CR that names a broker");
    }
    let mut open = None;
    let mut findings = Vec::new();
    match target(context, address) {
        Target::Right => {}
        Target::Unknown(why) => open = Some(why),
        Target::Former(now) => findings.push(old_address(context, name, address, now)),
        Target::Wrong(why) => findings.push(wrong(context, name, address, why)),
    }
    findings.extend(stale_token(context, pod, since, address));
    Outcome::of_or_unknown(findings, open)
}

/// Sets the address in MeshSync's Deployment. Without the change before it, the new pod waits for the host port of the
/// old one.
pub(crate) fn set_address(context: &RuleContext<'_>, address: &str) -> Vec<Command> {
    let name = context.meshsync_name();
    let held = context.meshsync.known().is_some_and(|deployment| rollout::holds_host_port(deployment));
    let strategy = json!({ "spec": { "strategy": { "type": "Recreate", "rollingUpdate": null } } });
    let make_room = || context.kubectl().change(format!("patch deployment {name} -p '{strategy}'"));
    let set = context.kubectl().change(format!("set env deployment/{name} {ADDRESS}={address}"));
    held.then(make_room).into_iter().chain([set]).collect()
}

/// The deletion of MeshSync's Deployment, if the operator of the old line creates it again with the address of its
/// broker.
pub(crate) fn recreate(context: &RuleContext<'_>) -> Option<Command> {
    let deployment = context.meshsync.known()?;
    let is_operators = deployment.metadata.owner_references.as_ref().is_some_and(|owners| !owners.is_empty());
    // Without this reference, a new Deployment would get the old address again.
    let names_broker = context.meshsyncs.items().first().is_some_and(|meshsync| {
        let native = meshsync.spec.broker.as_ref().and_then(|broker| broker.native.as_ref());
        destination::custom_url(meshsync).is_none() && native.is_some_and(|native| !native.name.is_empty())
    });
    let creates = context.line == Some(Line::Old)
        && context.operator_is_up() == Some(true)
        && unusable_balancer(context).is_none();
    (is_operators && names_broker && creates)
        .then(|| context.kubectl().run(Action::Recreate(context.workload(Component::Meshsync))))
}

fn old_address(context: &RuleContext<'_>, pod: &str, address: &str, now: String) -> Finding {
    let draft = DIAGNOSIS
        .finding()
        .title("MeshSync uses an old address of the broker")
        .message("MeshSync keeps the address with which it was started, and the current one is different.")
        .object(context.object("Pod", pod))
        .evidence(format!("pod {pod}: {ADDRESS} is {address}"))
        .evidence(now);
    let custom = context.destination.as_ref().filter(|to| to.given_by == GivenBy::Object);
    if let Some(to) = custom.filter(|_| !context.facts.profile.has_current_line()) {
        return draft
            .message("The operator does not pass spec.broker.custom.url on to MeshSync, which keeps its address.")
            .remedy("set the address in MeshSync's Deployment, which the operator does not change")
            .commands(set_address(context, &to.shown()))
            .done();
    }
    if context.line == Some(Line::Old) {
        // This operator creates the Deployment, but never updates it.
        let draft =
            draft.remedy("delete MeshSync's Deployment; the operator creates it again with the current address");
        return match recreate(context) {
            Some(recreate) => draft.fix(recreate).done(),
            None => draft.command(context.kubectl().delete(format!("deployment {}", context.meshsync_name()))).done(),
        };
    }
    draft
        .remedy("restart MeshSync; if it still gets the old address, restart the operator first")
        .fix(context.restart(Component::Meshsync))
        .command(context.restart(Component::Operator))
        .done()
}

/// When the Secret was created, if that was after a container read its token and nothing shows that the token is the
/// same.
pub(crate) fn newer_secret(
    context: &RuleContext<'_>,
    pod: &Pod,
    since: Timestamp,
    address: &str,
) -> Option<(String, Timestamp)> {
    let token = context.facts.token.known()?;
    let created = token.created?;
    let named = containers(pod)
        .iter()
        .flat_map(|container| container.env.iter().flatten())
        .filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref())
        .any(|key| key.name == token.secret);
    let uses = named && address.contains("$(");
    if !uses || created <= since + CLOCK_SKEW {
        return None;
    }
    // A server has one token. If it accepts the Secret's and MeshSync is connected to it, both tokens are the same.
    let same =
        context.clients.meshsync.iter().any(|(server, _)| server.handshake == (Handshake::Accepted { token: true }));
    (!same).then(|| (token.secret.clone(), created))
}

/// A token that is newer than the container is not in its environment.
fn stale_token(context: &RuleContext<'_>, pod: &Pod, since: Timestamp, address: &str) -> Option<Finding> {
    let (secret, created) = newer_secret(context, pod, since, address)?;
    let name = stack::name(&pod.metadata);
    Some(
        DIAGNOSIS
            .finding()
            .title("MeshSync uses an old token")
            .message(
                "The Secret was created after MeshSync started, so MeshSync has a different token. Its next \
                 connection attempt is refused.",
            )
            .object(context.object("Pod", name))
            .evidence(format!("Secret {secret}: metadata.creationTimestamp is {created:.0}"))
            .evidence(format!(
                "pod {name}: container {} has been running since {since:.0}",
                context.facts.profile.meshsync.container
            ))
            .remedy("restart MeshSync; restart the broker first if it is older than the Secret too")
            .fix(context.restart(Component::Meshsync))
            .done(),
    )
}
