//! Rules about what the broker's servers say of themselves.

use k8s_openapi::api::core::v1::Pod;

use super::{Outcome, Patient, Rule, States, broker::server_name};
use crate::{
    diagnose::Draft,
    facts::{BrokerServer, FailureKind, FailureReason, Handshake, NotTried, stack},
    report::{Effect, Finding, ObjectRef, Severity, Way},
    stack::{component::Component::Broker, quantity},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "broker-monitor-answers",
        category: Broker,
        title: "the broker's monitor answers where its client port does",
        codes: &["broker-monitor-unreachable"],
        facts: &["broker"],
        after: &["installed"],
        judge: monitor_answers,
    },
    Rule {
        id: "broker-client-port-speaks",
        category: Broker,
        title: "the broker's client port speaks NATS",
        codes: &["broker-client-port-unusable"],
        facts: &["broker"],
        after: &["installed"],
        judge: client_port_speaks,
    },
    Rule {
        id: "broker-plain",
        category: Broker,
        title: "the broker takes clients without TLS",
        codes: &["broker-requires-tls"],
        facts: &["broker"],
        after: &["installed"],
        judge: plain,
    },
    Rule {
        id: "broker-stays",
        category: Broker,
        title: "no broker server is about to go",
        codes: &["broker-lame-duck"],
        facts: &["broker", "pods"],
        after: &["installed"],
        judge: stays,
    },
    Rule {
        id: "broker-keeps-up",
        category: Broker,
        title: "every client reads as fast as the broker sends",
        codes: &["broker-slow-consumer"],
        facts: &["broker"],
        after: &["installed"],
        judge: keeps_up,
    },
    Rule {
        id: "broker-has-room",
        category: Broker,
        title: "the broker is well below its limits",
        codes: &["broker-near-limit"],
        facts: &["broker", "pods"],
        after: &["installed"],
        judge: has_room,
    },
    Rule {
        id: "broker-takes-large",
        category: Broker,
        title: "the broker takes messages of the usual size",
        codes: &["broker-payload-limit"],
        facts: &["broker"],
        after: &["installed"],
        judge: takes_large,
    },
];

/// NATS's own limit of a message.
const USUAL_PAYLOAD: u64 = 1024 * 1024;

/// Of a limit, the tenths from which on it is near.
const NEAR: u64 = 9;

/// What a rule about servers comes to when there is none to judge.
fn without_servers(patient: &Patient<'_>) -> Option<Outcome> {
    if !patient.facts.broker.servers.is_empty() {
        return None;
    }
    Some(match patient.unseen_clients() {
        Some(why) => Outcome::Unknown(why),
        None => Outcome::Skip("no broker server runs".into()),
    })
}

/// The findings; without any, unknown if there is a server of which nothing could be said.
fn judged(findings: Vec<Finding>, open: Option<String>) -> Outcome {
    match open {
        Some(why) if findings.is_empty() => Outcome::Unknown(why),
        _ => Outcome::of(findings),
    }
}

fn object(patient: &Patient<'_>, server: &BrokerServer) -> Option<ObjectRef> {
    Some(patient.object("Pod", patient.pod_of(server)?))
}

/// A finding about a server, with its pod.
fn draft(patient: &Patient<'_>, server: &BrokerServer, code: &str) -> Draft {
    let draft = Draft::new(code);
    match object(patient, server) {
        Some(object) => draft.object(object),
        None => draft,
    }
}

fn restart_meshsync(patient: &Patient<'_>) -> crate::report::Command {
    patient.kubectl(
        Effect::Write,
        &format!(
            "rollout restart deployment/{}",
            patient.facts.profile.meshsync.resource
        ),
    )
}

fn monitor_answers(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let ports = &patient.facts.profile.broker;
    let findings = patient.facts.broker.servers.iter().filter_map(|server| {
        let failure = server.monitor.as_ref()?;
        let name = server_name(patient, server);
        Some(
            draft(patient, server, "broker-monitor-unreachable")
                .title(format!(
                    "{name} answers on port {} and not on its monitor's, {}",
                    ports.client_port, ports.monitor_port
                ))
                .message(
                    "MeshSync asks the monitor before it connects: it does not start, or not come back from its next \
                     restart. And nobody can tell who is connected, so that the states are at least what is proven.",
                )
                .evidence(format!(
                    "port {}: NATS {} greets",
                    ports.client_port, server.varz.version
                ))
                .evidence(format!("port {}: {}", ports.monitor_port, failure.message))
                .remedy(if patient.is_foreign(server) {
                    "start that server with its monitor, and let MeshSync reach the port"
                } else {
                    "see what the server is configured with, and have the operator put its configuration back"
                })
                .command(patient.kubectl(
                    Effect::Read,
                    &format!(
                        "logs {} -c {} --tail=30",
                        patient.pod_of(server).unwrap_or("-l app.kubernetes.io/name=nats"),
                        ports.container
                    ),
                ))
                .command(patient.kubectl(
                    Effect::Write,
                    &format!(
                        "rollout restart deployment/{}",
                        patient.facts.profile.operator.deployment
                    ),
                ))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}

/// What is known of the port on which a server takes its clients.
pub(in crate::diagnose) enum ClientPort<'a> {
    /// It speaks NATS.
    Speaks,
    /// It is closed, since the server is shutting down in good order.
    Closing,
    /// No client can use it, for this reason.
    Unusable(&'a str),
    /// Nobody can tell, for this reason.
    Unknown(&'a str),
}

/// What is known of a server's client port.
pub(in crate::diagnose) fn client_port<'a>(
    patient: &Patient<'_>,
    server: &'a BrokerServer,
) -> ClientPort<'a> {
    match &server.handshake {
        Handshake::Accepted { .. } | Handshake::Refused { .. } => ClientPort::Speaks,
        Handshake::NotLooked => ClientPort::Unknown("the recording does not say"),
        // Both ports of an address may lead to different servers of one broker; those of a pod may not.
        Handshake::NotTried {
            reason: NotTried::OtherServer,
            why,
        } if matches!(server.reached_by, Way::PortForward | Way::PodAddress) => {
            ClientPort::Unusable(why)
        }
        Handshake::NotTried { reason, why } => {
            if server.greeting.is_some() && *reason != NotTried::OtherServer {
                ClientPort::Speaks
            } else {
                ClientPort::Unknown(why)
            }
        }
        Handshake::Failed(failure) => {
            if failure.reason == FailureReason::ServerError {
                ClientPort::Speaks
            } else if is_lame_duck(patient, server) {
                ClientPort::Closing
            } else if failure.kind == FailureKind::Broker
                && server.reached_by != Way::ExternalAddress
            {
                ClientPort::Unusable(&failure.message)
            } else {
                ClientPort::Unknown(&failure.message)
            }
        }
    }
}

fn client_port_speaks(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let mut open = None;
    let mut findings = Vec::new();
    for server in &patient.facts.broker.servers {
        let name = server_name(patient, server);
        match client_port(patient, server) {
            ClientPort::Speaks => {}
            ClientPort::Closing => {
                open.get_or_insert(format!("{name} is shutting down and takes no new clients"));
            }
            ClientPort::Unknown(why) => {
                open.get_or_insert(format!("{name}: {why}"));
            }
            ClientPort::Unusable(why) => findings.push(unusable(patient, server, why)),
        }
    }
    judged(findings, open)
}

fn unusable(patient: &Patient<'_>, server: &BrokerServer, why: &str) -> Finding {
    let ports = &patient.facts.profile.broker;
    let name = server_name(patient, server);
    let draft = draft(patient, server, "broker-client-port-unusable")
        .title(format!(
            "{name} answers on its monitor's port {} and cannot be used on port {}",
            ports.monitor_port, ports.client_port
        ))
        .message(
            "MeshSync publishes through the client port: it cannot connect, or not again after its next restart. Only the \
             monitor answers, and it still lists the clients that it had.",
        )
        .evidence(format!(
            "port {}: the monitor of NATS {} answers",
            ports.monitor_port, server.varz.version
        ))
        .evidence(format!("port {}: {why}", ports.client_port));
    if patient.is_foreign(server) {
        return draft
            .remedy(
                "find out what listens on that server's client port, and start a NATS server there",
            )
            .done();
    }
    draft
        .remedy("see its log, then restart it; restart MeshSync after an outage of more than two minutes")
        .command(patient.kubectl(
            Effect::Read,
            &format!(
                "logs {} -c {} --tail=50",
                patient.pod_of(server).unwrap_or("-l app.kubernetes.io/name=nats"),
                ports.container
            ),
        ))
        .command(patient.kubectl(
            Effect::Write,
            &format!("rollout restart statefulset/{}", workload(patient)),
        ))
        .done()
}

fn plain(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let open = patient.facts.broker.servers.iter().find_map(|server| {
        // What a recording's monitor says is all that there is to go by.
        if server.varz.tls_required || server.handshake == Handshake::NotLooked {
            return None;
        }
        let name = server_name(patient, server);
        match client_port(patient, server) {
            ClientPort::Speaks => None,
            ClientPort::Closing => Some(format!("{name} takes no new clients")),
            ClientPort::Unusable(why) | ClientPort::Unknown(why) => Some(format!("{name}: {why}")),
        }
    });
    let findings = patient.facts.broker.servers.iter().filter_map(|server| {
        let greets = server.greeting.as_ref().is_some_and(|g| g.tls_required);
        if !greets && !server.varz.tls_required {
            return None;
        }
        let name = server_name(patient, server);
        let mut draft = draft(patient, server, "broker-requires-tls")
            .title(format!("{name} demands TLS of its clients"))
            .message(if patient.is_foreign(server) {
                "The address that MeshSync is given is for a plain connection, and it takes no certificates: it does not get in."
            } else {
                "The operator's broker never does, and the address that MeshSync is given is for a plain connection: as \
                 deployed it does not get in."
            });
        if greets {
            draft = draft.evidence(format!("INFO of {name} says tls_required: true"));
        }
        if server.varz.tls_required {
            draft = draft.evidence(format!("/varz of {name} says tls_required: true"));
        }
        if patient.is_foreign(server) {
            return Some(
                draft
                    .remedy("have that server take plain connections from MeshSync's network")
                    .done(),
            );
        }
        Some(
            draft
                .remedy("have the operator put its configuration back, then restart the server")
                .command(patient.kubectl(
                    Effect::Write,
                    &format!(
                        "rollout restart deployment/{}",
                        patient.facts.profile.operator.deployment
                    ),
                ))
                .command(patient.kubectl(
                    Effect::Write,
                    &format!("rollout restart statefulset/{}", workload(patient)),
                ))
                .done(),
        )
    });
    judged(findings.collect(), open)
}

fn workload<'a>(patient: &Patient<'a>) -> &'a str {
    patient
        .statefulsets
        .items()
        .first()
        .map_or(patient.facts.profile.broker.old, |set| {
            stack::name(&set.metadata)
        })
}

fn stays(patient: &Patient<'_>, _: &States) -> Outcome {
    let mut findings = Vec::new();
    for server in &patient.facts.broker.servers {
        let name = server_name(patient, server);
        let ports = &patient.facts.profile.broker;
        let said = server.greeting.as_ref().is_some_and(|g| g.lame_duck);
        let closed = closed_in_good_order(patient, server);
        let evidence = if said {
            format!("INFO of {name} says ldm: true")
        } else if closed {
            format!(
                "{name}: the monitor on {} answers, and {} refuses new clients, though /varz names it as the server's port",
                ports.monitor_port, ports.client_port
            )
        } else {
            continue;
        };
        findings.push(leaving(patient, name, &[evidence]));
    }
    for pod in &patient.broker_pods {
        let name = stack::name(&pod.metadata);
        if let Some(evidence) = ending(patient, pod) {
            findings.push(leaving(patient, name, &evidence));
        }
    }
    if findings.is_empty()
        && let Some(outcome) = without_servers(patient)
    {
        return outcome;
    }
    Outcome::of(findings)
}

/// Whether a server is shutting down in good order.
fn is_lame_duck(patient: &Patient<'_>, server: &BrokerServer) -> bool {
    let said = server.greeting.as_ref().is_some_and(|g| g.lame_duck);
    said || closed_in_good_order(patient, server)
}

/// Whether a server refuses clients as one that is shutting down does: it closes its client port and keeps the monitor
/// while it has clients, or while its pod ends. Without either it would be gone at once, and one that is configured with
/// another port just does not listen on this one.
fn closed_in_good_order(patient: &Patient<'_>, server: &BrokerServer) -> bool {
    let refused = matches!(&server.handshake, Handshake::Failed(failure)
        if failure.reason == FailureReason::Refused && failure.kind == FailureKind::Broker);
    let ends = || {
        let pod = patient
            .broker_pods
            .iter()
            .find(|pod| patient.pod_of(server) == Some(stack::name(&pod.metadata)));
        pod.is_some_and(|pod| ending(patient, pod).is_some())
    };
    refused
        && server.greeting.is_none()
        && server.varz.port == Some(patient.facts.profile.broker.client_port)
        && (server.varz.connections > 0 || !server.connections.items().is_empty() || ends())
}

/// Whether a pod is being deleted while its server still runs: its hook has made it a lame duck.
fn ending(patient: &Patient<'_>, pod: &Pod) -> Option<[String; 2]> {
    let deleted = pod.metadata.deletion_timestamp.as_ref()?;
    let container = patient.facts.profile.broker.container;
    let state = stack::container(pod, container)?.state.as_ref()?;
    state.running.as_ref()?;
    Some([
        format!("metadata.deletionTimestamp is {:.0}", deleted.0),
        format!("container {container} still runs"),
    ])
}

fn leaving(patient: &Patient<'_>, name: &str, evidence: &[String]) -> Finding {
    Draft::new("broker-lame-duck")
        .title(format!("{name} is shutting down and takes no new clients"))
        .message(
            "It sends its clients away bit by bit and ends. That is how a normal restart looks; seen again minutes later, \
             the pod hangs in its end. MeshSync gives up for good after two minutes without a broker.",
        )
        .object(patient.object("Pod", name))
        .evidences(evidence.iter().cloned())
        .remedy("wait for the new pod, then see that both clients are back; restart MeshSync if it is not")
        .command(patient.kubectl(
            Effect::Read,
            &format!("rollout status statefulset/{}", workload(patient)),
        ))
        .command(restart_meshsync(patient))
        .done()
}

fn keeps_up(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let mut open = None;
    let mut findings = Vec::new();
    for server in &patient.facts.broker.servers {
        let name = server_name(patient, server);
        if let Some(failure) = &server.monitor {
            open.get_or_insert(format!("{name}: {}", failure.message));
            continue;
        }
        let count = server.varz.slow_consumers;
        if count == 0 {
            continue;
        }
        let since = server
            .varz
            .start
            .map(|start| format!(" since its start at {start:.0}"))
            .unwrap_or_default();
        let times = if count == 1 {
            "once"
        } else {
            "again and again"
        };
        let behind = server
            .connections
            .items()
            .iter()
            .filter(|connection| connection.pending_bytes > 0)
            .map(|connection| {
                let client = if connection.name.is_empty() {
                    "a client without a name"
                } else {
                    &connection.name
                };
                format!(
                    "{client} at {} has {} bytes waiting (/connz pending_bytes)",
                    connection.ip, connection.pending_bytes
                )
            });
        findings.push(
            draft(patient, server, "broker-slow-consumer")
                .title(format!("{name} had to cut off {times}"))
                .message(
                    "What was meant for such a client meanwhile is lost and not sent again: if it was the server, its \
                     picture of the cluster has gaps.",
                )
                .evidence(format!("/varz of {name}: slow_consumers {count}{since}"))
                .evidences(behind.take(3))
                .remedy(
                    "give the server more room, or have MeshSync watch less; then let everything be listed anew. Who it \
                     was, the broker's log says",
                )
                .command(patient.kubectl(
                    Effect::Read,
                    &format!(
                        "logs {} -c {} --tail=-1 | grep 'Slow Consumer'",
                        patient.pod_of(server).unwrap_or("-l app.kubernetes.io/name=nats"),
                        patient.facts.profile.broker.container
                    ),
                ))
                .command(restart_meshsync(patient))
                .done(),
        );
    }
    judged(findings, open)
}

fn has_room(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let mut open = None;
    let mut findings = Vec::new();
    for server in &patient.facts.broker.servers {
        let name = server_name(patient, server);
        let varz = &server.varz;
        let mut evidence = Vec::new();
        let mut full = false;
        let used = clients(server);
        match varz.max_connections {
            Some(most) if is_near(used, most) => {
                full = used >= most;
                evidence.push(format!(
                    "/varz of {name}: connections {}, max_connections {most}",
                    varz.connections
                ));
            }
            Some(_) => {}
            None => {
                open.get_or_insert(format!("{name}: its limit of connections is not known"));
            }
        }
        let memory = patient
            .broker_pods
            .iter()
            .find(|pod| patient.pod_of(server) == Some(stack::name(&pod.metadata)))
            .and_then(|pod| memory_limit(pod, patient.facts.profile.broker.container));
        if let (Some(used), Some((most, limit))) = (varz.mem, memory)
            && is_near(used, most)
        {
            evidence.push(format!(
                "/varz of {name}: mem {used} bytes; the container's limits.memory is {limit}"
            ));
        }
        if evidence.is_empty() {
            continue;
        }
        let title = if full {
            format!("{name} has no room for another connection")
        } else {
            format!("{name} is close to a limit")
        };
        let mut draft = draft(patient, server, "broker-near-limit").title(title);
        if full {
            draft = draft.severity(Severity::Error);
        }
        findings.push(
            draft
                .message(
                    "Beyond its limit of connections new clients are refused, beyond that of memory the process is ended \
                     and all connections break.",
                )
                .evidences(evidence)
                .remedy("find the client with most connections and stop it; a restart of the broker ends all of them at once")
                .command(patient.meshdoctor(Effect::Read, "system status -o json"))
                .command(patient.kubectl(
                    Effect::Write,
                    &format!("rollout restart statefulset/{}", workload(patient)),
                ))
                .done(),
        );
    }
    judged(findings, open)
}

/// The connections of a server but for our own, which its list leaves out and its count may hold.
fn clients(server: &BrokerServer) -> u64 {
    let listed = server.connections.items().len() as u64 + server.more;
    let counted = server.varz.connections;
    let ours = server.greeting.is_some() && counted > listed;
    counted - u64::from(ours)
}

fn is_near(used: u64, most: u64) -> bool {
    // A limit of nothing is none.
    most > 0 && u128::from(used) * 10 >= u128::from(most) * u128::from(NEAR)
}

/// The limit of a container's memory, in bytes and as it is written.
fn memory_limit<'a>(pod: &'a Pod, container: &str) -> Option<(u64, &'a str)> {
    let limit = pod
        .spec
        .as_ref()?
        .containers
        .iter()
        .find(|c| c.name == container)?
        .resources
        .as_ref()?
        .limits
        .as_ref()?
        .get("memory")?;
    Some((quantity::bytes(&limit.0)?, &limit.0))
}

fn takes_large(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(outcome) = without_servers(patient) {
        return outcome;
    }
    let mut open = None;
    let mut findings = Vec::new();
    for server in &patient.facts.broker.servers {
        let name = server_name(patient, server);
        let Some(most) = server.varz.max_payload else {
            open.get_or_insert(format!("{name}: its limit of a message is not known"));
            continue;
        };
        if most >= USUAL_PAYLOAD {
            continue;
        }
        findings.push(
            draft(patient, server, "broker-payload-limit")
                .title(format!("{name} takes no message above {most} bytes"))
                .message(
                    "NATS takes 1 MiB unless told otherwise. An object whose event is larger is never published: MeshSync \
                     logs an error for it and goes on.",
                )
                .evidence(format!("/varz of {name}: max_payload {most}"))
                .remedy(
                    "see in MeshSync's log whether objects are lost; then raise the server's max_payload, or leave the kind \
                     out of the watch-list",
                )
                .command(patient.kubectl(
                    Effect::Read,
                    &format!(
                        "logs deployment/{} --tail=-1 | grep -i payload",
                        patient.facts.profile.meshsync.resource
                    ),
                ))
                .done(),
        );
    }
    judged(findings, open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_a_limit_are_near_it() {
        assert!(!is_near(8, 10));
        assert!(is_near(9, 10));
        assert!(is_near(11, 10));
        assert!(!is_near(5, 0));
    }
}
