//! Rules about who hears whom on the broker.

use std::collections::BTreeSet;

use k8s_openapi::jiff::SignedDuration;

use super::{Outcome, Patient, Rule, States, broker::server_name};
use crate::{
    diagnose::Draft,
    facts::{BrokerServer, Connection, destination::Destination, stack},
    report::{Effect, Severity},
    stack::component::Component::Broker,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "broker-whole",
        category: Broker,
        title: "the broker's servers share their messages",
        codes: &["broker-split"],
        facts: &["broker"],
        after: &["installed"],
        judge: whole,
    },
    Rule {
        id: "broker-has-reader",
        category: Broker,
        title: "who reads from the broker is as expected",
        codes: &["broker-server-not-connected"],
        facts: &["broker"],
        after: &["installed"],
        judge: has_reader,
    },
    Rule {
        id: "broker-reader-listens",
        category: Broker,
        title: "who reads from the broker listens to MeshSync",
        codes: &["broker-server-not-subscribed"],
        facts: &["broker"],
        after: &["installed"],
        judge: reader_listens,
    },
];

/// How long a client may take to subscribe.
const JUST_COME: SignedDuration = SignedDuration::from_secs(10);

fn whole(patient: &Patient<'_>, _: &States) -> Outcome {
    let servers = &patient.facts.broker.servers;
    let mut findings = Vec::new();
    for set in patient.statefulsets.items() {
        let name = stack::name(&set.metadata);
        let own: Vec<&BrokerServer> = servers
            .iter()
            // Of a server without a monitor it is not known what routes it has.
            .filter(|server| server.monitor.is_none())
            .filter(|server| {
                patient
                    .pod_of(server)
                    .and_then(|pod| pod.strip_prefix(name))
                    .is_some_and(|rest| rest.starts_with('-'))
            })
            .collect();
        if own.len() < 2 || own.iter().any(|server| server.varz.routes > 0) {
            continue;
        }
        findings.push(split(patient, name, &own));
    }
    if findings.is_empty() && servers.is_empty() {
        return Outcome::Skip("no broker server answered".into());
    }
    Outcome::of(findings)
}

fn split(patient: &Patient<'_>, set: &str, own: &[&BrokerServer]) -> crate::report::Finding {
    let profile = patient.facts.profile;
    let on = |clients: &[(&BrokerServer, &Connection)]| -> BTreeSet<String> {
        clients
            .iter()
            .map(|(server, _)| server_name(patient, server).to_owned())
            .collect()
    };
    let (from, to) = (on(&patient.clients.meshsync), on(&patient.clients.server));
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let (title, message) = if from.is_empty() || to.is_empty() {
        (
            format!("The {} servers of {set} do not share messages", own.len()),
            "What MeshSync publishes on one server, a reader on another never sees. The operator writes no cluster \
             configuration, so a size above 1 only splits the broker."
                .to_owned(),
        )
    } else if from.is_disjoint(&to) {
        (
            format!(
                "MeshSync is on {}, {} Server on {}: every message is lost",
                list(&from),
                profile.product,
                list(&to)
            ),
            format!(
                "Both are connected, every pod is green, and nothing of the cluster reaches {}: the {} servers of {set} do not \
                 share messages. The operator writes no cluster configuration, so a size above 1 only splits the broker.",
                profile.product,
                own.len()
            ),
        )
    } else {
        (
            format!(
                "The {} servers of {set} do not share messages; MeshSync and {} Server meet by luck",
                own.len(),
                profile.product
            ),
            format!(
                "Both happen to be on {}. After the next restart of either they may not be, and every message is lost. The \
                 operator writes no cluster configuration, so a size above 1 only splits the broker.",
                list(&from.intersection(&to).cloned().collect())
            ),
        )
    };
    let mut draft = Draft::new("broker-split")
        .title(title)
        .message(message)
        .object(patient.object("StatefulSet", set))
        .evidence("no server has a route to another (/varz routes: 0)");
    for server in own {
        let clients: Vec<&str> = server
            .connections
            .items()
            .iter()
            .map(|connection| connection.name.as_str())
            .filter(|name| {
                *name == profile.meshsync.client || profile.server.clients.contains(name)
            })
            .collect();
        let clients = if clients.is_empty() {
            "none of the stack".into()
        } else {
            clients.join(", ")
        };
        draft = draft.evidence(format!(
            "clients of {}: {clients}",
            server_name(patient, server)
        ));
    }
    let broker = patient.broker_name();
    draft
        .remedy("set the Broker's size to 1, then restart MeshSync")
        .command(patient.kubectl(
            Effect::Write,
            &format!(r#"patch broker/{broker} --type merge -p '{{"spec":{{"size":1}}}}'"#),
        ))
        .command(patient.kubectl(
            Effect::Write,
            &format!("rollout restart deployment/{}", profile.meshsync.resource),
        ))
        .done()
}

fn has_reader(patient: &Patient<'_>, _: &States) -> Outcome {
    let readers = &patient.clients.server;
    if let Some((server, client)) = readers.iter().find(|(server, _)| patient.is_target(server)) {
        return Outcome::PassWith(format!(
            "{} on {}",
            client.name,
            server_name(patient, server)
        ));
    }
    if let Some(why) = patient.unseen_clients() {
        return Outcome::Unknown(why);
    }
    if let (Some((server, client)), Some(to)) = (readers.first(), patient.elsewhere()) {
        return Outcome::Found(vec![apart(patient, server, client, to)]);
    }
    if patient.facts.broker.servers.is_empty() {
        return Outcome::Skip("no broker server runs".into());
    }
    let here = patient.server.known().is_some();
    let severity = if patient.expect.server {
        Severity::Error
    } else if here {
        Severity::Warning
    } else {
        Severity::Info
    };
    let product = patient.facts.profile.product;
    let clients = patient.facts.profile.server.clients.join(" or ");
    Outcome::Found(vec![
        Draft::new("broker-server-not-connected")
            .severity(severity)
            .title(format!("No {product} Server reads from the broker"))
            .message(if here {
                "A server runs in this cluster and is no client of the broker: what MeshSync publishes is lost."
            } else {
                "What MeshSync publishes is lost until a server connects. That is right where none is meant to."
            })
            .evidence(format!("no broker server has a client named {clients}"))
            .remedy("in the server's UI, see that the connection to this cluster is in operator mode and connected")
            .done(),
    ])
}

/// The server reads from the stack's own broker, and MeshSync is told to use another.
fn apart(
    patient: &Patient<'_>,
    server: &BrokerServer,
    client: &Connection,
    to: &Destination,
) -> crate::report::Finding {
    let product = patient.facts.profile.product;
    Draft::new("broker-server-not-connected")
        .severity(if patient.expect.server {
            Severity::Error
        } else {
            Severity::Warning
        })
        .title(format!("{product} Server reads from another broker than MeshSync publishes to"))
        .message("Both are connected, every pod is green, and what MeshSync publishes is lost.")
        .evidence(patient.told(to))
        .evidence(format!(
            "{} lists the client {}",
            server_name(patient, server),
            client.name
        ))
        .evidence(format!("{} lists no client of the server", to.shown()))
        .remedy("have both use the same broker: name it in MeshSync's address, or have the server connect to the one there")
        .command(patient.kubectl(
            Effect::Read,
            &format!("get meshsyncs.{} -o yaml", patient.facts.profile.group),
        ))
        .done()
}

fn reader_listens(patient: &Patient<'_>, _: &States) -> Outcome {
    let profile = patient.facts.profile;
    let subject = profile.events_subject();
    let clients = &patient.clients.server;
    if clients.is_empty() {
        return Outcome::Skip("no server is connected".into());
    }
    let listens = |connection: &Connection| {
        connection
            .subscriptions
            .iter()
            .any(|pattern| matches(pattern, &subject))
    };
    if let Some((server, client)) = clients.iter().find(|(_, client)| listens(client)) {
        return Outcome::PassWith(format!(
            "{} on {}",
            client.name,
            server_name(patient, server)
        ));
    }
    if clients
        .iter()
        .any(|(_, client)| client.subscriptions.is_empty() && client.subscription_count > 0)
    {
        return Outcome::Unknown(
            "its subscriptions are counted and not listed, as in /connz without subs=1".into(),
        );
    }
    let just_come = clients.iter().any(|(server, client)| {
        matches!((client.start, server.varz.now), (Some(start), Some(now)) if now.duration_since(start) < JUST_COME)
    });
    if just_come {
        return Outcome::Unknown("it has only just connected, and may yet subscribe".into());
    }
    if let Some(why) = patient.unseen_clients() {
        return Outcome::Unknown(why);
    }
    let product = profile.product;
    let mut draft = Draft::new("broker-server-not-subscribed")
        .title(format!("{product} Server is connected and does not listen"))
        .message(format!(
            "Both ends look healthy, and every event of the cluster falls on deaf ears: NATS passes a message only to those \
             who subscribed to its subject, {subject}."
        ));
    for (server, client) in clients {
        let subscribed = if client.subscriptions.is_empty() {
            "nothing".to_owned()
        } else {
            client.subscriptions.join(", ")
        };
        draft = draft.evidence(format!(
            "{} on {} subscribes to {subscribed} (/connz subscriptions_list)",
            client.name,
            server_name(patient, server)
        ));
    }
    if let Some((_, meshsync)) = patient.clients.meshsync.first() {
        draft = draft.evidence(format!(
            "MeshSync has published {} messages",
            meshsync.in_msgs
        ));
    }
    let meshsync = patient.kubectl(
        Effect::Write,
        &format!("rollout restart deployment/{}", profile.meshsync.resource),
    );
    draft = if patient.server.known().is_some() {
        draft
            .remedy("restart the server, so that it subscribes anew, then MeshSync, which sends everything again")
            .command(patient.kubectl(
                Effect::Write,
                &format!("rollout restart deployment/{}", profile.server.deployment),
            ))
    } else {
        draft.remedy(
            "restart the server where it runs, so that it subscribes anew, then MeshSync, which sends everything again",
        )
    };
    Outcome::Found(vec![draft.command(meshsync).done()])
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
        for pattern in [
            "meshery",
            "meshery.*",
            "meshery.meshsync.core.>",
            "*.core",
            "meshery.meshsync.request",
        ] {
            assert!(!matches(pattern, subject), "{pattern}");
        }
    }
}
