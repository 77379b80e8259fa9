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
    known_unless(context.unseen_clients())?;
    let product = profile.product;
    let subscriptions = clients.iter().map(|(server, client)| {
        let subscribed =
            if client.subscriptions.is_empty() { "nothing".to_owned() } else { client.subscriptions.join(", ") };
        let server = server_name(context, server);
        format!("{} on {server} subscribes to {subscribed} (/connz subscriptions_list)", client.name)
    });
    let meshsync = context.clients.meshsync.first();
    let here = context.server.known().is_some();
    DIAGNOSIS.finding()
        .title(format!("{product} Server is connected and does not listen"))
        .message(format!(
            "Both ends look healthy, and every event of the cluster falls on deaf ears: NATS passes a message only to those \
             who subscribed to its subject, {subject}."
        ))
        .evidences(subscriptions)
        .evidences(meshsync.map(|(_, client)| format!("MeshSync has published {} messages", client.in_msgs)))
        .remedy(format!(
            "restart the server{}, so that it subscribes anew, then MeshSync, which sends everything again",
            if here { "" } else { " where it runs" }
        ))
        .commands(here.then(|| context.restart(Component::Server)))
        .command(context.restart(Component::Meshsync))
        .found()
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
