use k8s_openapi::jiff::SignedDuration;

use crate::{diagnose::rules::prelude::*, facts::Connection};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-server-not-subscribed",
    title: "The server is connected and does not listen",
    explanation: include_str!("server_not_subscribed.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-reader-listens",
    title: "who reads from the broker listens to MeshSync",
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// How long a client may take to subscribe.
const JUST_COME: SignedDuration = SignedDuration::from_secs(10);

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let subject = profile.events_subject();
    let clients = &context.clients.server;
    if clients.is_empty() {
        return Outcome::skip("no server is connected");
    }
    let listens = |connection: &Connection| connection.subscriptions.iter().any(|pattern| matches(pattern, &subject));
    if let Some((server, client)) = clients.iter().find(|(_, client)| listens(client)) {
        return Outcome::pass_with(format!("{} on {}", client.name, server_name(context, server)));
    }
    if clients.iter().any(|(_, client)| client.subscriptions.is_empty() && client.subscription_count > 0) {
        return Outcome::unknown("its subscriptions are counted and not listed, as in /connz without subs=1");
    }
    let just_come = clients.iter().any(|(server, client)| {
        matches!((client.start, server.varz.now), (Some(start), Some(now)) if now.duration_since(start) < JUST_COME)
    });
    if just_come {
        return Outcome::unknown("it has only just connected, and may yet subscribe");
    }
    if let Some(why) = context.unseen_clients() {
        return Outcome::unknown(why);
    }
    let product = profile.product;
    let mut draft = DIAGNOSIS.finding()
        .title(format!("{product} Server is connected and does not listen"))
        .message(format!(
            "Both ends look healthy, and every event of the cluster falls on deaf ears: NATS passes a message only to those \
             who subscribed to its subject, {subject}."
        ));
    for (server, client) in clients {
        let subscribed =
            if client.subscriptions.is_empty() { "nothing".to_owned() } else { client.subscriptions.join(", ") };
        draft = draft.evidence(format!(
            "{} on {} subscribes to {subscribed} (/connz subscriptions_list)",
            client.name,
            server_name(context, server)
        ));
    }
    if let Some((_, meshsync)) = context.clients.meshsync.first() {
        draft = draft.evidence(format!("MeshSync has published {} messages", meshsync.in_msgs));
    }
    let meshsync = context.restart(Component::Meshsync);
    draft = if context.server.known().is_some() {
        draft
            .remedy("restart the server, so that it subscribes anew, then MeshSync, which sends everything again")
            .command(context.restart(Component::Server))
    } else {
        draft.remedy(
            "restart the server where it runs, so that it subscribes anew, then MeshSync, which sends everything again",
        )
    };
    draft.command(meshsync).found()
}

/// Whether a subscription's pattern takes in a subject: `*` is one token, `>` all that follow.
fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_nats_matches_them() {
        let subject = "meshery.meshsync.core";
        for pattern in [subject, "meshery.>", ">", "meshery.*.core", "*.*.*"] {
            assert!(matches(pattern, subject), "{pattern}");
        }
        for pattern in ["meshery", "meshery.*", "meshery.meshsync.core.>", "*.core", "meshery.meshsync.request"] {
            assert!(!matches(pattern, subject), "{pattern}");
        }
    }
}
