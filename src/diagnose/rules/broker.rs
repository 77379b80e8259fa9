//! Rules about the broker.

use super::{Outcome, Patient, Rule, States, workload};
use crate::{
    diagnose::Draft,
    facts::{BrokerServer, FailureKind, FailureReason, Handshake, stack},
    report::{Effect, Kind, Severity, Way},
    stack::{base::seen::Seen, component::Component::Broker},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "broker-has-workload",
        category: Broker,
        title: "the Broker has its StatefulSet",
        codes: &["broker-no-workload"],
        facts: &["statefulsets"],
        after: &["installed"],
        judge: has_workload,
    },
    Rule {
        id: "broker-workload",
        category: Broker,
        title: "the broker's pods are well",
        codes: &[
            "broker-crash-loop",
            "broker-image-pull",
            "broker-unschedulable",
            "broker-pods-refused",
            "broker-scaled-to-zero",
            "broker-not-ready",
        ],
        facts: &["statefulsets", "pods"],
        after: &["installed"],
        judge: |patient, _| workload::judge(patient, Broker),
    },
    Rule {
        id: "broker-reachable",
        category: Broker,
        title: "every broker server answers",
        codes: &["broker-unreachable"],
        facts: &["broker"],
        after: &["installed"],
        judge: reachable,
    },
    Rule {
        id: "broker-token-accepted",
        category: Broker,
        title: "the broker accepts the token of its Secret",
        codes: &["broker-auth-failed"],
        facts: &["token", "broker"],
        after: &["installed"],
        judge: token_accepted,
    },
    Rule {
        id: "broker-protected",
        category: Broker,
        title: "the broker asks for a token",
        codes: &["broker-unauthenticated"],
        facts: &["broker"],
        after: &["installed"],
        judge: protected,
    },
];

fn has_workload(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(broker) = patient.brokers.items().first() else {
        return match (patient.brokers.why_unsettled(), patient.elsewhere()) {
            (Some(why), _) => Outcome::Unknown(why),
            (None, Some(to)) => Outcome::Skip(format!(
                "there is no Broker object, and need not be: MeshSync is told to publish to {}",
                to.shown()
            )),
            (None, None) => Outcome::Skip("there is no Broker object".into()),
        };
    };
    match &patient.statefulsets {
        Seen::Known(sets) if !sets.is_empty() => Outcome::Pass,
        Seen::Known(_) | Seen::Absent => {
            let name = stack::name(&broker.metadata);
            Outcome::Found(vec![
                Draft::new("broker-no-workload")
                    .title(format!("Broker {name} has no StatefulSet"))
                    .message("The operator has not made the NATS server, or somebody removed it: MeshSync has nowhere to publish.")
                    .object(patient.object("Broker", name))
                    .evidence(format!(
                        "there is no StatefulSet {}",
                        patient.facts.profile.broker_workloads().collect::<Vec<_>>().join(" or ")
                    ))
                    .remedy("the operator makes it: its log says what stops it")
                    .command(patient.kubectl(
                        Effect::Read,
                        &format!("logs deployment/{} --tail=50", patient.facts.profile.operator.deployment),
                    ))
                    .done(),
            ])
        }
        other => Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    }
}

fn reachable(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    if !facts.broker.looked {
        return Outcome::Unknown("the broker was not asked".into());
    }
    let wanted: Vec<&str> = patient
        .running_broker_pods()
        .map(|pod| stack::name(&pod.metadata))
        .collect();
    let servers: Vec<&BrokerServer> = facts
        .broker
        .servers
        .iter()
        .filter(|server| !patient.is_foreign(server))
        .collect();
    let Some(why) = patient.unseen_own_clients() else {
        if wanted.is_empty() && servers.is_empty() {
            return Outcome::Skip("no broker server of the stack runs".into());
        }
        let ways: Vec<String> = servers
            .iter()
            .map(|server| {
                format!(
                    "{} by {}",
                    patient.pod_of(server).unwrap_or("a server"),
                    server.reached_by
                )
            })
            .collect();
        return Outcome::PassWith(ways.join(", "));
    };
    // A way that was merely forbidden is told with the other missing rights.
    let failed: Vec<_> = patient
        .failed_attempts()
        .filter(|(attempt, _, _)| !patient.is_foreign_attempt(attempt))
        .collect();
    if failed.is_empty()
        || failed
            .iter()
            .all(|(_, kind, _)| *kind == FailureKind::Denied)
    {
        return Outcome::Unknown(why);
    }
    let proven = failed
        .iter()
        .any(|(_, kind, _)| *kind == FailureKind::Broker);
    // Such a way was opened and carried nothing: that may be its own fault or the broker's.
    let mute = failed.iter().any(|(attempt, _, _)| {
        attempt.way == Way::PortForward
            && attempt.failure.as_ref().is_some_and(|failure| {
                matches!(
                    failure.reason,
                    FailureReason::Silent | FailureReason::Closed
                )
            })
    });
    let reached = servers.len();
    let title = match (reached, wanted.len()) {
        (0, _) => "The broker cannot be asked".to_owned(),
        (reached, all) => format!(
            "{} of {all} broker servers cannot be asked",
            all.saturating_sub(reached)
        ),
    };
    let evidence = failed.iter().map(|(attempt, _, message)| {
        let place = match (&attempt.pod, &attempt.address) {
            (Some(pod), _) => format!(" to {pod}"),
            (None, Some(address)) => format!(" {address}"),
            (None, None) => String::new(),
        };
        format!("{}{place}: {message}", attempt.way)
    });
    Outcome::Found(vec![
        Draft::new("broker-unreachable")
            .kind(if proven { Kind::Fault } else { Kind::Obstacle })
            .title(title)
            .message(if proven {
                "We got to its pod, and it does not answer as a broker does: MeshSync cannot publish there either."
            } else if mute {
                "A port-forward was opened, and no byte of the broker came through it: either the broker hangs, or the way to it does. Neither is proven."
            } else {
                "The ways that were tried are barred before the broker is reached, which proves nothing about the broker itself."
            })
            .evidences(evidence)
            .remedy(if proven {
                "see its log, then restart it; MeshSync must be restarted after an outage of more than two minutes"
            } else if mute {
                "see whether the broker's log goes on: if not, restart the broker; if it does, look for what breaks the port-forward, such as a proxy before the API server"
            } else {
                "open one of the ways: a port-forward needs get and create on pods/portforward and a kubelet that answers"
            })
            .command(patient.kubectl(
                Effect::Read,
                &format!(
                    "logs {} -c {} --tail=50",
                    patient.broker_pods.first().map_or("-l app.kubernetes.io/name=nats", |pod| stack::name(&pod.metadata)),
                    facts.profile.broker.container
                ),
            ))
            .done(),
    ])
}

/// The name of the server that has this id, where it answered.
pub(in crate::diagnose) fn name_by_id<'a>(patient: &Patient<'a>, id: &str) -> Option<&'a str> {
    let servers = &patient.facts.broker.servers;
    let server = servers.iter().find(|server| server.varz.server_id == id)?;
    Some(server_name(patient, server))
}

pub(in crate::diagnose) fn server_name<'a>(
    patient: &Patient<'_>,
    server: &'a BrokerServer,
) -> &'a str {
    patient
        .pod_of(server)
        .or(server.address.as_deref())
        .unwrap_or("a broker server")
}

fn token_accepted(patient: &Patient<'_>, _: &States) -> Outcome {
    // Another's broker is shown no token of ours.
    let servers: Vec<&BrokerServer> = patient
        .facts
        .broker
        .servers
        .iter()
        .filter(|server| !patient.is_foreign(server))
        .collect();
    if servers.is_empty() {
        return Outcome::Skip("no broker server of the stack answered".into());
    }
    let mut findings = Vec::new();
    let mut open = None;
    for server in &servers {
        let name = server_name(patient, server);
        match &server.handshake {
            Handshake::Accepted { .. } => {}
            Handshake::Refused { message } => findings.push(refused(patient, name, message)),
            Handshake::Failed(failure) => {
                open.get_or_insert(format!("{name}: {failure}"));
            }
            Handshake::NotTried { why, .. } => {
                open.get_or_insert(format!("{name}: {why}"));
            }
            Handshake::NotLooked => {
                open.get_or_insert("the recording does not say".into());
            }
        }
    }
    match open {
        _ if !findings.is_empty() => Outcome::Found(findings),
        Some(why) => Outcome::Unknown(why),
        None if servers
            .iter()
            .any(|server| server.handshake == Handshake::Accepted { token: true }) =>
        {
            Outcome::Pass
        }
        None => Outcome::Skip("it asks for none".into()),
    }
}

fn refused(patient: &Patient<'_>, server: &str, message: &str) -> crate::report::Finding {
    let profile = patient.facts.profile;
    let secret = profile.broker.token_secret.unwrap_or_default();
    let mut draft = Draft::new("broker-auth-failed")
        .message("Whoever reads the token now, MeshSync and the server at their next start, is turned away.")
        .object(patient.object("Secret", secret))
        .evidence(format!("{server} answers the Secret's token with: {message}"));
    if let Some(token) = patient.facts.token.known() {
        let bytes = token
            .bytes
            .map(|bytes| format!(", {bytes} bytes"))
            .unwrap_or_default();
        draft = draft.evidence(format!("Secret {secret}: token present{bytes}"));
        let newer = patient.broker_pods.iter().any(|pod| {
            let started = stack::running_since(pod, profile.broker.container);
            matches!((token.created, started), (Some(created), Some(started)) if created > started)
        });
        if newer {
            draft = draft
                .evidence("the Secret is newer than the server, which still has the old token");
        }
    }
    let set = patient
        .statefulsets
        .items()
        .first()
        .map_or(profile.broker.old, |set| stack::name(&set.metadata));
    draft
        .remedy("restart the broker, which reads the token when it starts, then MeshSync")
        .command(patient.kubectl(Effect::Write, &format!("rollout restart statefulset/{set}")))
        .command(patient.kubectl(
            Effect::Write,
            &format!("rollout restart deployment/{}", profile.meshsync.resource),
        ))
        .done()
}

/// The Service type through which a server is open to the outside, if it is.
fn exposure(patient: &Patient<'_>, server: &BrokerServer) -> Option<(String, String)> {
    let pod = patient.pod_of(server)?;
    stack::broker_services(patient.facts)
        .into_iter()
        .find(|service| pod.starts_with(stack::name(&service.metadata)))
        .and_then(|service| {
            let kind = service.spec.as_ref()?.type_.clone()?;
            (kind != "ClusterIP").then(|| (stack::name(&service.metadata).to_owned(), kind))
        })
}

fn protected(patient: &Patient<'_>, _: &States) -> Outcome {
    let servers = &patient.facts.broker.servers;
    if servers.is_empty() {
        return match patient.unseen_clients() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("no broker server runs".into()),
        };
    }
    let open: Vec<&BrokerServer> = servers
        .iter()
        .filter(|server| !server.varz.auth_required)
        .collect();
    if open.is_empty() {
        return Outcome::Pass;
    }
    let names: Vec<&str> = open
        .iter()
        .map(|server| server_name(patient, server))
        .collect();
    let exposed = open.iter().find_map(|server| exposure(patient, server));
    let mut draft = Draft::new("broker-unauthenticated")
        .message(
            "Whoever reaches it reads every object that MeshSync publishes, Secrets among them.",
        )
        .evidence(format!(
            "/varz of {} does not say auth_required",
            names.join(", ")
        ));
    if let Some((service, kind)) = exposed {
        draft = draft
            .severity(Severity::Error)
            .title("The broker asks for no token and is open to the outside")
            .object(patient.object("Service", &service))
            .evidence(format!("Service {service} is of type {kind}"));
    }
    if open.iter().all(|server| patient.is_foreign(server)) {
        return Outcome::Found(vec![
            draft
                .remedy("have that broker ask for a token, and put it into the address that MeshSync is given, nats://TOKEN@HOST:PORT")
                .done(),
        ]);
    }
    Outcome::Found(vec![
        draft
            .remedy("upgrade the operator to 1.0.5, whose broker asks for a token; until then close the Service to the outside")
            .done(),
    ])
}
