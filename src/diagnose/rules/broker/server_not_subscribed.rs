use k8s_openapi::jiff::SignedDuration;

use crate::{
    diagnose::{clients::subscribes, rules::prelude::*},
    stack::base::words,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-server-not-subscribed",
    title: "{product} Server is connected but does not subscribe to MeshSync's events",
    explains: &["database-empty", "database-stale", "server-not-storing"],
    explanation: include_str!("server_not_subscribed.md"),
    cure: Cure::Person(because::CLIENT),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-reader-listens",
    title: "the server subscribes to MeshSync's events",
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
    if let Some((server, client)) = clients.iter().find(|(_, client)| subscribes(client, &subject)) {
        return Outcome::pass_with(format!("{} on {}", client.name, server_name(context, server)));
    }
    if clients.iter().any(|(_, client)| client.subscriptions.is_empty() && client.subscription_count > 0) {
        return Outcome::unknown("only the number of subscriptions is known, as in /connz without subs=1");
    }
    let ages = clients.iter().filter_map(|(server, client)| Some(server.varz.now?.duration_since(client.start?)));
    if let Some(age) = ages.min().filter(|age| *age < JUST_COME) {
        return Outcome::unknown(format!(
            "the server connected {} ago and may still subscribe; check again in {}",
            words::age(age),
            words::age(JUST_COME - age)
        ));
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
    DIAGNOSIS
        .finding()
        .title(format!("{product} Server is connected but does not subscribe to MeshSync's events"))
        .message(format!(
            "Both ends look healthy, but no event reaches the server: NATS delivers a message only to subscribers of \
             its subject, {subject}."
        ))
        .evidences(subscriptions)
        .evidences(meshsync.map(|(_, client)| format!("MeshSync has published {} messages", client.in_msgs)))
        .remedy(format!(
            "restart the server{} so that it subscribes again, then MeshSync, which republishes everything",
            if here { "" } else { " on its own machine" }
        ))
        .commands(here.then(|| context.restart(Component::Server)))
        .command(context.restart(Component::Meshsync))
        .found()
}
