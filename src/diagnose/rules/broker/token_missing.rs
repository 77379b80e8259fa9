use crate::diagnose::{
    rules::{broker::BROKER_DOWN, prelude::*},
    stack_view::Line,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-token-missing",
    title: "The Secret with the broker's token is missing",
    explains: BROKER_DOWN,
    explanation: include_str!("token_missing.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-token-present",
    title: "the Secret with the broker's token is there",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let (Some(secret), Some(current)) = (profile.broker.token_secret, profile.broker.current) else {
        return Outcome::skip("this family's broker asks for no token");
    };
    if context.line == Some(Line::Old) {
        return Outcome::skip("the old line's broker asks for no token");
    }
    context.statefulsets.settled()?;
    if !context.statefulsets.items().iter().any(|set| stack::name(&set.metadata) == current) {
        return Outcome::skip(format!("there is no StatefulSet {current}"));
    }
    let key = profile.broker.token_key;
    context.facts.token.settled()?;
    let (title, evidence) = match context.facts.token.known() {
        Some(token) if token.bytes.is_some_and(|bytes| bytes > 0) => return Outcome::pass(),
        Some(_) => {
            (format!("Secret {secret} holds no token"), format!("Secret {secret}: data.{key} is missing or empty"))
        }
        None => (
            format!("Secret {secret} with the broker's token is missing"),
            format!("there is no Secret {secret} in namespace {}", context.facts.target.namespace),
        ),
    };
    let waiting = context.broker_pods.iter().chain(&context.meshsync_pods).filter(|pod| {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        statuses
            .filter_map(|container| container.state.as_ref()?.waiting.as_ref())
            .any(|waiting| waiting.reason.as_deref() == Some("CreateContainerConfigError"))
    });
    DIAGNOSIS.finding()
        .title(title)
        .message(
            "What runs keeps the token that it was started with. New pods of the broker and of MeshSync do not start, and \
             the server has nothing to log in with.",
        )
        .object(context.object("Secret", secret))
        .evidence(evidence)
        .evidence(format!("StatefulSet {current} is there, whose pods take NATS_TOKEN from it"))
        .evidences(
            waiting.map(|pod| format!("pod {} waits with CreateContainerConfigError", stack::name(&pod.metadata))),
        )
        .remedy("let the operator make it again, then restart both sides, so that they hold the same token")
        .command(context.restart(Component::Operator))
        .command(context.kubectl().inspect(format!("get secret {secret}")))
        .command(context.restart(Component::Broker))
        .command(context.restart(Component::Meshsync))
        .found()
}
