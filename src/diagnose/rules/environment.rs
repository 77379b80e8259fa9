//! Rules about what `MeshSync` was started with: the broker's address and token.

use k8s_openapi::{
    api::core::v1::{Container, Pod},
    jiff::{SignedDuration, Timestamp},
};

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::Draft,
    facts::{
        Attempt, FailureKind, Handshake, Meshsync,
        destination::{self, ADDRESS, Destination, GivenBy, Place},
        stack,
    },
    report::{Command, Effect, Finding, Kind},
    stack::{
        base::{seen::Seen, words::quoted},
        component::Component,
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "meshsync-environment",
        category: Component::Meshsync,
        title: "MeshSync runs with today's address and token",
        codes: &["meshsync-stale-env", "meshsync-wrong-target"],
        facts: &["pods", "services", "token"],
        after: &["installed"],
        judge: environment,
    },
    Rule {
        id: "meshsync-elsewhere",
        category: Component::Meshsync,
        title: "the broker that MeshSync is told to use by address answers",
        codes: &["meshsync-wrong-target", "broker-unreachable"],
        facts: &["services", "broker"],
        after: &["installed"],
        judge: elsewhere,
    },
];

/// How far two clocks, the API server's and a node's, may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What an address of `MeshSync`'s leads to.
pub(super) enum Target {
    Right,
    /// Nothing has it any more; what has taken its place.
    Former(String),
    /// It is no broker's.
    Wrong(Vec<String>),
    Unknown(String),
}

/// The containers of a pod.
fn containers(pod: &Pod) -> &[Container] {
    pod.spec.as_ref().map_or(&[], |spec| &spec.containers)
}

/// The address that a running pod was started with.
pub(super) fn started_with<'a>(patient: &Patient<'a>) -> Option<(&'a Pod, Timestamp, &'a str)> {
    let (pod, since) = patient.running_meshsync()?;
    Some((pod, since, destination::variable(containers(pod), ADDRESS)?))
}

fn environment(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some((pod, _)) = patient.running_meshsync() else {
        return match patient.facts.pods.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("no pod of MeshSync runs".into()),
        };
    };
    let name = stack::name(&pod.metadata);
    let Some((pod, since, address)) = started_with(patient) else {
        return Outcome::Skip(format!("pod {name} has no {ADDRESS}"));
    };
    if patient.meshsyncs.items().is_empty() && !patient.goes_by_deployment() {
        return match patient.meshsyncs.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no MeshSync object that says where to publish".into()),
        };
    }
    let mut open = None;
    let mut findings = Vec::new();
    match target(patient, address) {
        Target::Right => {}
        Target::Unknown(why) => open = Some(why),
        Target::Former(now) => findings.push(
            Draft::new("meshsync-stale-env")
                .title("MeshSync runs with a former address of the broker")
                .message("A container keeps the environment that it got when it started, and the address has changed since.")
                .object(patient.object("Pod", name))
                .evidence(format!("pod {name}: {ADDRESS} is {address}"))
                .evidence(now)
                .remedy("restart MeshSync; if the address is still the old one then, the operator must look again first")
                .command(patient.restart_meshsync())
                .command(patient.kubectl(
                    Effect::Write,
                    &format!("rollout restart deployment/{}", patient.facts.profile.operator.deployment),
                ))
                .done(),
        ),
        Target::Wrong(why) => findings.push(wrong(patient, name, address, why)),
    }
    findings.extend(stale_token(patient, pod, since, address));
    match open {
        Some(why) if findings.is_empty() => Outcome::Unknown(why),
        _ => Outcome::of(findings),
    }
}

fn wrong(patient: &Patient<'_>, pod: &str, address: &str, why: Vec<String>) -> Finding {
    let draft = Draft::new("meshsync-wrong-target")
        .title(format!(
            "MeshSync publishes to {}, which is no broker",
            destination::plain(address)
        ))
        .message("Its events go nowhere, or to somebody else.")
        .object(patient.object("Pod", pod))
        .evidence(format!("pod {pod}: {ADDRESS} is {address}"))
        .evidences(why);
    let draft = match patient.meshsyncs.items().first() {
        Some(meshsync) => draft
            .remedy("point MeshSync to the broker of this cluster, and let the operator work the address out")
            .command(native(patient, meshsync)),
        None => draft
            .remedy("name the host and port of a NATS server that MeshSync's pod can reach")
            .command(patient.kubectl(
                Effect::Write,
                &format!(
                    "set env deployment/{} {ADDRESS}=nats://HOST:{}",
                    patient.meshsync_name(),
                    patient.facts.profile.broker.client_port
                ),
            )),
    };
    draft
        .command(patient.kubectl(Effect::Read, "get services"))
        .done()
}

/// The command that leaves the address to the operator.
fn native(patient: &Patient<'_>, meshsync: &Meshsync) -> Command {
    let facts = patient.facts;
    let broker = patient.broker_name();
    let native = serde_json::json!({ "name": broker, "namespace": facts.target.namespace });
    let patch = serde_json::json!({ "spec": { "broker": { "custom": null, "native": native } } });
    patient.kubectl(
        Effect::Write,
        &format!(
            "patch meshsyncs.{} {} --type merge -p {}",
            facts.profile.group,
            stack::name(&meshsync.metadata),
            quoted(&patch.to_string())
        ),
    )
}

/// What the address of a running pod leads to, against what it should lead to.
pub(super) fn target(patient: &Patient<'_>, address: &str) -> Target {
    // Whoever is a client of the right broker publishes to it, whatever its address is called.
    if !patient.clients.meshsync.is_empty() {
        return Target::Right;
    }
    let facts = patient.facts;
    let Some((host, _)) = destination::host_and_port(address) else {
        return Target::Wrong(vec!["it is no address of the form HOST:PORT".into()]);
    };
    let told = destination::plain(address);
    if let Some(to) = &patient.destination {
        if to.given_by == GivenBy::Object && to.shown() != told {
            return Target::Former(format!("spec.broker.custom.url is {} now", to.address));
        }
        return match destination::place(facts, &host) {
            Place::Nowhere(why) => Target::Wrong(vec![why]),
            Place::Unseen(why) => Target::Unknown(why),
            Place::Stack | Place::Service(_) | Place::Namespace(_) | Place::Beyond => Target::Right,
        };
    }
    let meshsync = patient.meshsyncs.items().first();
    if meshsync.is_some_and(|meshsync| destination::names_foreign_broker(facts, meshsync)) {
        return Target::Unknown(
            "its broker is in another namespace, which was not looked at".into(),
        );
    }
    let place = destination::place(facts, &host);
    if place == Place::Stack {
        return Target::Right;
    }
    if let Place::Unseen(why) = place {
        return Target::Unknown(why);
    }
    let endpoint = destination::endpoint(facts);
    if let Some(endpoint) = endpoint.known()
        && destination::plain(endpoint) == told
    {
        // The status says so as well; where there is no Service at all, that is the fault, and another rule's.
        return match stack::broker_services(facts).first() {
            None => Target::Right,
            Some(service) => {
                let name = stack::name(&service.metadata);
                let spec = service.spec.as_ref();
                let ip = spec.and_then(|spec| spec.cluster_ip.as_deref());
                Target::Former(format!(
                    "Service {name} has {} now, and the Broker's status has not noticed",
                    ip.unwrap_or("another address")
                ))
            }
        };
    }
    match (endpoint, place) {
        (Seen::Known(endpoint), Place::Beyond) if host.parse::<std::net::IpAddr>().is_ok() => {
            Target::Former(format!(
                "status.endpoint.internal of the Broker is {endpoint} now"
            ))
        }
        (_, place) => {
            let mut why = vec![match place {
                Place::Nowhere(why) => why,
                _ => "no Service and no pod of the broker has that name or address".to_owned(),
            }];
            if let Some(to) = meshsync.and_then(|meshsync| meshsync.status.publishing_to.as_deref())
            {
                why.push(format!("status.publishing-to is {to}"));
            }
            Target::Wrong(why)
        }
    }
}

/// When the Secret was made, if that was after a container got its token from it, and nothing shows that it holds the
/// same token.
pub(super) fn newer_secret(
    patient: &Patient<'_>,
    pod: &Pod,
    since: Timestamp,
    address: &str,
) -> Option<(String, Timestamp)> {
    let token = patient.facts.token.known()?;
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
    // A server knows one token. One that takes the Secret's and has MeshSync for a client got the same from both.
    let same = patient
        .clients
        .meshsync
        .iter()
        .any(|(server, _)| server.handshake == (Handshake::Accepted { token: true }));
    (!same).then(|| (token.secret.clone(), created))
}

/// A token that is newer than the container has not reached it.
fn stale_token(
    patient: &Patient<'_>,
    pod: &Pod,
    since: Timestamp,
    address: &str,
) -> Option<Finding> {
    let (secret, created) = newer_secret(patient, pod, since, address)?;
    let name = stack::name(&pod.metadata);
    Some(
        Draft::new("meshsync-stale-env")
            .title("MeshSync runs with a former token")
            .message("The Secret was made after MeshSync started, so it is not the one that MeshSync got. Its next attempt to connect is turned away.")
            .object(patient.object("Pod", name))
            .evidence(format!(
                "Secret {secret}: metadata.creationTimestamp is {created:.0}"
            ))
            .evidence(format!(
                "pod {name}: container {} runs since {since:.0}",
                patient.facts.profile.meshsync.container
            ))
            .remedy("restart MeshSync, and the broker before it if that is older than the Secret as well")
            .command(patient.restart_meshsync())
            .done(),
    )
}

fn elsewhere(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(to) = patient.elsewhere() else {
        return Outcome::Skip("MeshSync is to use the broker of this stack".into());
    };
    let shown = to.shown();
    if let Place::Nowhere(why) = &to.place {
        return Outcome::Skip(format!("{shown} is no place to ask: {why}"));
    }
    let Some(why) = patient.unseen_clients() else {
        let servers: Vec<String> = patient
            .target_servers()
            .map(|server| {
                let name = patient.pod_of(server).unwrap_or(&shown);
                format!(
                    "{name} by {}, NATS {}",
                    server.reached_by, server.varz.version
                )
            })
            .collect();
        return if servers.is_empty() {
            Outcome::Skip(format!("no broker server runs behind {shown}"))
        } else {
            Outcome::PassWith(servers.join("; "))
        };
    };
    // A way that was merely forbidden is told with the other missing rights.
    let failed = patient
        .failed_attempts()
        .filter(|(attempt, kind, _)| {
            patient.is_foreign_attempt(attempt) && *kind != FailureKind::Denied
        })
        .min_by_key(|(_, kind, _)| *kind != FailureKind::Broker);
    match failed {
        None => Outcome::Unknown(why),
        Some((_, FailureKind::Broker, message)) => {
            Outcome::Found(vec![no_nats(patient, to, message)])
        }
        Some((attempt, _, message)) => {
            Outcome::Found(vec![not_from_here(patient, attempt, to, message)])
        }
    }
}

fn not_from_here(
    patient: &Patient<'_>,
    attempt: &Attempt,
    to: &Destination,
    failure: &str,
) -> Finding {
    let shown = to.shown();
    let names = &patient.facts.profile.broker;
    Draft::new("broker-unreachable")
        .kind(Kind::Obstacle)
        .title(format!("The broker at {shown} cannot be asked from here"))
        .message(
            "MeshSync is told to publish there. That we find no way proves nothing of its own: whether it is connected stays \
             open.",
        )
        .evidence(patient.told(to))
        .evidence(match &attempt.pod {
            Some(pod) => format!("{} to {pod}: {failure}", attempt.way),
            None => format!("{} {shown}: {failure}", attempt.way),
        })
        .remedy(format!(
            "run this where ports {} and {} of that host can be reached, as in a pod of this cluster; or see in MeshSync's \
             log whether its run has started",
            names.client_port, names.monitor_port
        ))
        .command(patient.kubectl(
            Effect::Read,
            &format!("logs deployment/{} --tail=30", patient.meshsync_name()),
        ))
        .done()
}

fn no_nats(patient: &Patient<'_>, to: &Destination, failure: &str) -> Finding {
    let shown = to.shown();
    let monitor = patient.facts.profile.broker.monitor_port;
    Draft::new("meshsync-wrong-target")
        .title(format!("What answers at {shown} is no broker"))
        .message(format!(
            "MeshSync asks the monitor on port {monitor} of that host before it connects, and gets no further without it."
        ))
        .object(patient.object("Deployment", patient.meshsync_name()))
        .evidence(patient.told(to))
        .evidence(format!("{shown}, asked from here: {failure}"))
        .remedy(format!(
            "name a NATS server whose client port and whose monitor, on port {monitor}, MeshSync's pod can reach"
        ))
        .command(patient.kubectl(
            Effect::Read,
            &format!("logs deployment/{} --tail=30", patient.meshsync_name()),
        ))
        .done()
}
