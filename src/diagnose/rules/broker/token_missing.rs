use crate::diagnose::{
    rules::{broker::BROKER_DOWN, prelude::*},
    stack_view::Line,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-token-missing",
    title: "The Secret with the broker's token is missing",
    explains: BROKER_DOWN,
    explanation: include_str!("token_missing.md"),
    cure: Cure::Automatic,
    profiles: profile::WITH_CURRENT_LINE,
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-token-present",
    title: "the Secret with the broker's token exists",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let (Some(secret), Some(current)) = (profile.broker.token_secret, profile.broker.current) else {
        return Outcome::skip("the broker of this product requires no token");
    };
    if context.line == Some(Line::Old) {
        return Outcome::skip("the broker of the old operator line requires no token");
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
            (format!("Secret {secret} contains no token"), format!("Secret {secret}: data.{key} is missing or empty"))
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
    DIAGNOSIS
        .finding()
        .title(title)
        .message(
            "Running pods keep the token from their start. New pods of the broker and MeshSync cannot start, and the \
             server has no token to connect with.",
        )
        .object(context.object("Secret", secret))
        .evidence(evidence)
        .evidence(format!("StatefulSet {current} exists, and its pods read NATS_TOKEN from this Secret"))
        .evidences(
            waiting.map(|pod| format!("pod {} is waiting with CreateContainerConfigError", stack::name(&pod.metadata))),
        )
        .remedy(
            "redeploy the broker with a new token: the operator recreates the Secret, and the broker and MeshSync \
             restart with it",
        )
        .fix(context.new_token())
        .found()
}
